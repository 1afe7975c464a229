"""How the profile validator's verdicts agree with recorded verdicts of the official HL7 validator.

A verdict is a JSON line: a recipe (package, file, and for a broken example one edit: path, op, value), `valid`, `errors`
(rule, path), `kind` of breakage and `family` of guides. The judged text is the official example with the edit applied,
decimals as the example wrote them. Paths are compared without what the two sides spell differently: markers of resources,
the type of a choice, the index 0.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from suites.profiles import Report, Validator

_TYPE = re.compile(r"/\*.*?\*/|\.ofType\(\w+\)|\[url='[^']*'\]|\.resolve\(\)|\[x\]|\[0\]")


_SLICE = re.compile(r"Slice '([^']+)': a matching slice is required, but not found")


class _Digits(str):
    """A number with a fraction or an exponent, as written."""


def _read(text: str) -> Any:
    return json.loads(text, parse_float=lambda digits: _Digits(f"\x02{digits}\x03"))


def _write(tree: Any) -> str:
    return re.sub(r'"\\u0002([^"]*?)\\u0003"', r"\1", json.dumps(tree))


@lru_cache(maxsize=4)
def _examples(package: Path) -> dict[str, str]:
    with tarfile.open(package) as tar:
        held = ((member.name, tar.extractfile(member)) for member in tar.getmembers() if member.name.endswith(".json"))
        return {name: stream.read().decode("utf-8-sig") for name, stream in held if stream is not None}


def text_of(case: Mapping[str, Any], packages: Path) -> str:
    """The JSON text that was judged."""
    text = _examples(packages / case["package"])[case["file"]]
    if "edit" not in case:
        return text
    tree, edit = _read(text), case["edit"]
    *way, last = edit["path"]
    here = tree
    for step in way:
        here = here[step]
    if edit["op"] == "set":
        here[last] = edit["value"]
    elif edit["op"] == "remove":
        del here[last]
    else:
        here[last].append(edit["value"])
    return _write(tree)


@dataclass(slots=True)
class Row:
    """One line of the agreement table."""

    cases: int = 0
    agree: int = 0
    misses: int = 0
    open: int = 0
    """Misses where the official validator finds no more than a slice that no table can tell, and ours says so."""
    alarms: int = 0
    both_find: int = 0
    same_place: int = 0

    def add(self, theirs: bool, ours: bool, meet: bool, undecided: bool) -> None:
        self.cases += 1
        self.open += undecided and ours and not theirs
        self.agree += theirs == ours
        self.misses += ours and not theirs
        self.alarms += theirs and not ours
        if not theirs and not ours:
            self.both_find += 1
            self.same_place += meet


def agreement(
    verdicts: Iterable[Mapping[str, Any]], packages: Path, guides: Mapping[str, list[str]]
) -> dict[tuple[str, str], Row]:
    """Rows by family, by kind of breakage, and over all."""
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    validators: dict[str, Validator] = {}
    for case in verdicts:
        family = case["family"]
        if family not in validators:
            validators = {family: Validator(guides=guides[family])}
        report = validators[family].validate(text_of(case, packages))
        theirs = {plain(error.get("path") or "") for error in case["errors"]}
        meet = bool(theirs & {plain(issue.path) for issue in report.errors()})
        undecided = _hangs_on_terminology(case, report)
        for key in (("guide", family), ("breakage", case["kind"]), ("all", "all")):
            rows[key].add(case["valid"], report.valid, meet, undecided)
    return dict(rows)


def _hangs_on_terminology(case: Mapping[str, Any], report: Report) -> bool:
    """Whether all the official validator finds are missing slices that are told by codes no table has: ours says not checked."""
    slices = [_SLICE.match(error.get("message") or "") for error in case["errors"]]
    return bool(slices) and all(one is not None and f"slice {one[1]}" in report.not_checked for one in slices)


def plain(path: str) -> str:
    """A path as both sides spell it."""
    return re.sub(
        r"\.(value|effective|onset|medication|serviced|timing|location)[A-Z]\w*(?=[.\[]|$)", r".\1", _TYPE.sub("", path)
    )


def table(rows: Mapping[tuple[str, str], Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| | cases | agree | misses | of them not checked | false alarms | same place |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    order = {"guide": 0, "breakage": 1, "all": 2}
    for (kind, name), row in sorted(rows.items(), key=lambda item: (order[item[0][0]], item[0][1])):
        place = f"{row.same_place / row.both_find:.1%}" if row.both_find else "–"
        label = f"**{name}**" if kind == "all" else name.replace("_", " ")
        found = f"{row.agree / row.cases:.1%} | {row.misses} | {row.open} | {row.alarms} | {place}"
        lines.append(f"| {label} | {row.cases} | {found} |")
    return "\n".join(lines)
