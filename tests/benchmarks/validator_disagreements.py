"""Every case in which the official validator's verdict and ours differ, explained or honestly listed: docs/validator-disagreements.md.

    python -m tests.benchmarks.validator_disagreements --packages FOLDER --families FAMILIES.json --verdicts NAME=VERDICTS.jsonl ...

Kinds of disagreement, with their paragraphs, are data (`disagreements.toml`); what no kind explains is listed as a flaw of
ours, case by case.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suites.profiles import Validator
from tests.benchmarks.profiles_table import put
from tests.benchmarks.validator_agreement import text_of

PAGE = Path("docs/validator-disagreements.md")
KINDS = Path(__file__).parent / "disagreements.toml"


@dataclass(slots=True)
class Disagreement:
    """One case judged differently: who finds an error, and the first of what was found (rule, path, message)."""

    case: Mapping[str, Any]
    finds: str
    found: list[tuple[str, str, str]]


@dataclass(slots=True)
class Kind:
    """A kind of disagreement and the cases of it."""

    facts: dict[str, str]
    cases: list[Disagreement] = field(default_factory=list)

    def explains(self, one: Disagreement) -> bool:
        """Whether everything that was found is of this kind."""
        facts = self.facts
        if facts["finds"] != one.finds:
            return False
        steps = [str(step) for step in one.case.get("edit", {}).get("path", ())]
        if "edited" in facts and not (steps and re.fullmatch(facts["edited"], steps[-1])):
            return False
        return all(
            re.search(facts.get("rule", ""), rule) and re.search(facts.get("message", ""), message)
            for rule, _, message in one.found
        )


def disagreements(
    verdicts: Iterable[Mapping[str, Any]], packages: Path, guides: Mapping[str, list[str]]
) -> tuple[int, list[Disagreement]]:
    """How many cases there are, and those judged differently."""
    found: list[Disagreement] = []
    validators: dict[str, Validator] = {}
    number = 0
    for case in verdicts:
        number += 1
        family = case["family"]
        if family not in validators:
            validators = {family: Validator(guides=guides[family])}
        report = validators[family].validate(text_of(case, packages))
        if report.valid == case["valid"]:
            continue
        if case["valid"]:
            ours = [(issue.rule, issue.path, issue.message) for issue in report.errors()]
            found.append(Disagreement(case, "ours", ours))
        else:
            theirs = [(e.get("rule", ""), e.get("path", ""), e.get("message", "")) for e in case["errors"]]
            found.append(Disagreement(case, "official", theirs))
    return number, found


def sorted_out(found: Iterable[Disagreement]) -> tuple[list[Kind], list[Disagreement]]:
    """The kinds with their cases, and the cases of no kind."""
    kinds = [Kind(facts) for facts in tomllib.loads(KINDS.read_text(encoding="utf-8"))["kind"]]
    rest: list[Disagreement] = []
    for one in found:
        kind = next((kind for kind in kinds if kind.explains(one)), None)
        (rest if kind is None else kind.cases).append(one)
    return kinds, rest


_SIDES = (
    ("official", "ours", "Ours finds no error, the official one does, and the specification says that there is none"),
    ("ours", "ours", "Ours finds an error, the official one does not, and the specification says that it is one"),
    ("official", "theirs", "Misses of ours, with their reason"),
    ("ours", "theirs", "False alarms of ours, with their reason"),
)


def page(sets: Mapping[str, int], kinds: Iterable[Kind], rest: Iterable[Disagreement]) -> str:
    """The generated part of the page."""
    kinds = list(kinds)
    judged = ", ".join(f"{name} ({number:,} cases)" for name, number in sets.items())
    lines = [f"Judged: {judged}. Cases are told as guide: example, what was changed.", ""]
    for finds, right, title in _SIDES:
        held = [kind for kind in kinds if (kind.facts["finds"], kind.facts["right"]) == (finds, right) and kind.cases]
        if not held:
            continue
        lines += [f"## {title}", ""]
        for kind in held:
            lines += [f"### {kind.facts['title']}", "", f"{kind.facts['why']} {kind.facts['paragraph']}.", ""]
            number = len(kind.cases)
            lines += ["One case:" if number == 1 else f"{number} cases, as in:", ""]
            lines += [*(f"- {_told(one)}" for one in kind.cases[:3]), ""]
    lines += ["## Not explained: flaws of ours until shown otherwise", ""]
    listed = [f"- {_told(one)}; {one.finds} finds {_first(one)}" for one in rest]
    lines += listed or ["None."]
    return "\n".join(lines)


def _told(one: Disagreement) -> str:
    example = Path(one.case["file"]).stem
    if "edit" not in one.case:
        return f"{one.case['family']}: {example}, as published"
    changed = ".".join(str(step) for step in one.case["edit"]["path"])
    return f"{one.case['family']}: {example}, {one.case['kind'].replace('_', ' ')} at `{changed}`"


def _first(one: Disagreement) -> str:
    rule, path, message = one.found[0]
    return f"`{rule}` at `{path}`: {message[:160].replace('|', chr(92) + '|')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--families", type=Path, required=True)
    parser.add_argument("--verdicts", action="append", required=True, metavar="NAME=FILE")
    ask = parser.parse_args()
    guides = {name: family["guides"] for name, family in json.loads(ask.families.read_text()).items()}
    sets: dict[str, int] = {}
    found: list[Disagreement] = []
    for given in ask.verdicts:
        name, _, file = given.partition("=")
        with Path(file).open(encoding="utf-8") as lines:
            sets[name], differing = disagreements(map(json.loads, lines), ask.packages, guides)
        found += differing
    put(PAGE, "disagreements", page(sets, *sorted_out(found)))


if __name__ == "__main__":
    main()
