"""Coverage of guides, searches and USCDI classes, read off the generated checks' own names where no check tells a table of it.

A generated check is named CHAPTER.MODULE.KIND[GUIDE@VERSION-TYPE-CASE]; its case is a search parameter, a link or a profile.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.model import CheckResult, Verdict, overall

NAME = re.compile(r"^[a-z_]+\.(?P<module>[a-z_]+)\.(?P<kind>[a-z_]+)\[(?P<guide>[\w.-]+?)@(?P<version>[\w.]+)-(?P<type>[A-Z]\w+)(?:-(?P<case>.+))?\]$")  # fmt: skip


@dataclass(frozen=True)
class _Case:
    """A generated check, taken apart."""

    guide: str
    version: str
    type: str
    module: str
    kind: str
    case: str
    result: CheckResult


def tables(results: Iterable[CheckResult], target: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Tables by name, each with title, note, columns and rows; none where there is nothing to tell."""
    cases = [found for result in results if (found := _case(result))]
    if not cases:
        return {}
    told = {"search": _search(cases), "uscdi": _uscdi(cases), "guide_versions": _guides(cases, target)}
    return {name: table for name, table in told.items() if table["rows"]}


def _case(result: CheckResult) -> _Case | None:
    found = NAME.match(result.check)
    if not found:
        return None
    part = {name: value or "" for name, value in found.groupdict().items()}
    return _Case(part["guide"], part["version"], part["type"], part["module"], part["kind"], part["case"], result)


def _counted(cases: Iterable[_Case]) -> str:
    """How many passed of those that applied; "–" where there are none."""
    verdicts = [case.result.verdict for case in cases]
    applied = [verdict for verdict in verdicts if verdict is not Verdict.NOT_APPLICABLE]
    if not applied:
        return "not applicable" if verdicts else "–"
    return f"{sum(verdict is Verdict.PASS for verdict in applied)} of {len(applied)}"


def _verdict(cases: Iterable[_Case]) -> str:
    verdicts = {case.result.verdict for case in cases}
    if verdicts == {Verdict.NOT_APPLICABLE}:
        return Verdict.NOT_APPLICABLE.name
    return overall(verdicts).name


def _search(cases: list[_Case]) -> dict[str, Any]:
    groups: dict[tuple[str, str], list[_Case]] = defaultdict(list)
    for case in cases:
        if case.module in ("searches", "links"):
            groups[f"{case.guide} {case.version}", case.type].append(case)
    kinds = (("required_search",), ("recommended_search",), ("include", "revinclude"))
    rows = []
    for (guide, type_), members in sorted(groups.items()):
        of_kinds = [[case for case in members if case.kind in kind] for kind in kinds]
        rest = [case for case in members if not any(case.kind in kind for kind in kinds)]
        rows.append(
            [
                guide,
                type_,
                *map(_counted, of_kinds),
                _counted(rest),
                sum(case.result.judged for case in members),
                _verdict(members),
            ]
        )
    columns = [
        "guide",
        "type",
        "required searches",
        "recommended",
        "includes",
        "other rules",
        "things judged",
        "verdict",
    ]
    note = "Passed of those that apply. Other rules are pages, POST, several values, dates, codes with systems, reads and versions."
    return {"title": "Searches by guide and type", "note": note, "columns": columns, "rows": rows}


@functools.cache
def _classes() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("uscdi.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["class"]
    return found


def _uscdi(cases: list[_Case]) -> dict[str, Any]:
    profiles = [case for case in cases if case.guide == "us-core" and case.kind == "profile"]
    if not profiles:
        return {"rows": []}
    rows = []
    for one in _classes():
        parts = one.get("profiles", ())
        mine = [
            case
            for case in profiles
            if case.type in one["types"] and (not parts or any(part in case.case.lower() for part in parts))
        ]
        judged = sum(case.result.judged for case in mine)
        state = _verdict(mine) if judged else "none seen" if mine else "no profile in the guide claimed"
        shown = ", ".join(one["types"])
        rows.append([one["name"], "v1 and v3" if one["since"] == 1 else "v3", shown, judged, _counted(mine), state])
    columns = ["data class", "USCDI", "types", "resources judged", "profile checks", "verdict"]
    note = "Resources judged against the US Core profiles of the class. A class of which none was seen is not shown to be served."
    return {"title": "USCDI data classes", "note": note, "columns": columns, "rows": rows}


def _guides(cases: list[_Case], target: Mapping[str, Any]) -> dict[str, Any]:
    claimed = [str(one) for one in target.get("guides", ())]
    of_guide: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        of_guide[f"{case.guide}@{case.version}"].append(case)
    rows: list[list[Any]] = []
    for name in dict.fromkeys([*claimed, *sorted(of_guide)]):
        members, (guide, _, version) = of_guide[name], name.partition("@")
        types = len({case.type for case in members})
        failed = sum(case.result.verdict is Verdict.FAIL for case in members)
        rows.append(
            [
                guide,
                version,
                "yes" if name in claimed else "no",
                types,
                _counted(members),
                failed,
                _verdict(members) if members else "NO_CHECK",
            ]
        )
    columns = ["guide", "version", "claimed", "types", "generated checks passed", "failed", "verdict"]
    note = "Checks generated from the guide's own tables: searches, links, profiles, must-support."
    return {"title": "Guide versions", "note": note, "columns": columns, "rows": rows}
