"""Profiles over a record: what conforms, and which must-support elements are ever shown.

The bytes that came are judged, page by page, by the profile engine; the engine is made once for the guides of a run.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from suites.kit.outcomes import Inconclusive, findings, judged, trail
from suites.profiles import Report, Validator
from suites.profiles.must_support import Coverage
from suites.record.cases import Case
from suites.record.judge import Judge
from suites.record.kinds import alike, claimed

MOST_RESOURCES = 400  # of one profile; the rest would repeat what these show


@cache
def validator(guides: tuple[str, ...]) -> Validator:
    """The profile engine for the guides of a run."""
    return Validator(guides=guides)


def conforms(judge: Judge, case: Case) -> None:
    """Every resource that claims a profile or is of its kind keeps to it; equal findings are folded (profile and base specification)."""
    engine, count = validator(judge.guides), 0
    with findings() as found:
        for _, resource, evidence in judge.resources(case, as_sent=True):
            if count >= MOST_RESOURCES:
                break
            report = engine.validate(resource, profiles=[case.profile])
            count += 1
            trail().not_checked.update(report.not_checked)
            for issue in () if conforms_to_another(judge, case, resource, report) else report.errors():
                found.add(
                    f"{issue.rule}: {issue.message}",
                    expected=str(issue.profile or case.profile),
                    found=f"{case.type}/{resource.get('id')}",
                    path=generic(issue.path),
                    evidence=evidence,
                )
    judged(count, case.type)


def conforms_to_another(judge: Judge, case: Case, resource: dict[str, Any], report: Report) -> bool:
    """Whether a resource that claims neither conforms to a profile nothing tells apart from the case's: then it is one of those."""
    if report.valid or case.profile in claimed(resource):
        return False
    others = [one for one in alike(judge.guides, case.profile) if one != case.profile]
    return any(validator(judge.guides).validate(resource, profiles=[one]).valid for one in others)


def generic(path: str) -> str:
    """An element path without indices, so that equal findings fold."""
    kept, depth = "", 0
    for character in path:
        depth += character == "["
        kept += character if not depth else ""
        depth -= character == "]"
    return kept


def shows_must_support(judge: Judge, case: Case) -> None:
    """Over all members each must-support element, slice and extension of the profile is shown at least once."""
    coverage = Coverage(validator(judge.guides).engine)
    count = 0
    for _, resource, _ in judge.resources(case, as_sent=True):
        coverage.add(resource, [case.profile])
        count += 1
    for _, resource, _ in judge.more(case, as_sent=True):
        if not missing(judge, coverage, case):
            break
        coverage.add(resource, [case.profile])
        count += 1
    for element, entry in excused(judge, case).items():
        trail().notes.append(f"{element}: {entry['reason']}")
        if "not_checked" in entry:
            trail().not_checked.add(entry["not_checked"])
    rows = shown(coverage, case)
    if not rows:
        raise Inconclusive(f"no {case.type} at hand could be looked at through {case.profile}")
    elements = rows[0]["elements"]
    trail().tables["must_support"] = {
        "profile": case.profile,
        "resources": count,
        "elements": [{"element": one["element"], "seen_in": one["seen_in"][:1]} for one in elements],
    }
    with findings() as found:
        for element in missing(judge, coverage, case):
            found.add(
                "a must-support element is never shown",
                expected=f"at least one of {count} {case.type} with {element}",
                found="none",
                path=element,
            )
    judged(len(elements), "must-support element")


def shown(coverage: Coverage, case: Case) -> list[dict[str, Any]]:
    """The coverage of the case's profile, if any resource was looked at through it."""
    return [row for row in coverage.as_json() if row["profile"] == case.profile]


def missing(judge: Judge, coverage: Coverage, case: Case) -> list[str]:
    """The must-support elements nobody has shown yet, without those no valid resource can show."""
    unseen = [one["element"] for row in shown(coverage, case) for one in row["elements"] if not one["seen_in"]]
    pardoned = tuple(excused(judge, case))
    return [one for one in unseen if not one.startswith(pardoned)]


def excused(judge: Judge, case: Case) -> dict[str, dict[str, Any]]:
    """Elements of a profile that cannot be asked for: forbidden by the profile itself (maximum 0), or listed in unshowable.toml."""
    structure = validator(judge.guides).registry.structure(case.profile)
    found: dict[str, dict[str, Any]] = {
        one.id: {"reason": "the profile forbids what it marks as must-support (maximum 0)"}
        for one in (structure.elements if structure else ())
        if one.must_support and one.max == 0
    }
    for entry in unshowable():
        if entry["profile"] == case.profile and case.guide in entry.get("guides", (case.guide,)):
            found.update(dict.fromkeys(entry["elements"], entry))
    return found


@cache
def unshowable() -> list[dict[str, Any]]:
    """The contradictions inside guides that are known (unshowable.toml)."""
    return list(tomllib.loads((Path(__file__).parent / "unshowable.toml").read_text(encoding="utf-8"))["element"])
