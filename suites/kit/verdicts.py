"""How a check's end becomes its result line, and results become an exit code.

A breach raised in a check is FAIL. The same raised in a fixture is a broken rung: the checks above it are INCONCLUSIVE, and only
the check of that rung may FAIL. Whatever else escapes is INCONCLUSIVE.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.model import CheckResult, Exchange, Finding, Verdict, overall
from suites.kit import curl
from suites.kit.outcomes import (
    Inconclusive,
    NonConformance,
    NotApplicable,
    NotPermitted,
    Trail,
    describe,
)


@dataclass(frozen=True)
class Check:
    """A check as declared: who it is and what it decides."""

    id: str
    title: str
    chapter: str
    requirements: tuple[str, ...]
    level: str


@dataclass(frozen=True)
class End:
    """How one phase of a check ended: in `setup` (its fixtures), `call` or `teardown`."""

    phase: str
    error: BaseException | None


def result(
    check: Check, ends: Iterable[End], trail: Trail, exchanges: Mapping[str, Exchange], seconds: float
) -> CheckResult:
    """The line of one check."""
    verdict, message, cause = Verdict.PASS, "; ".join(trail.notes), ""
    findings: tuple[Finding, ...] = ()
    ended = next((end for end in ends if end.error is not None), None)
    if ended is not None and ended.error is not None:
        verdict, message, findings, cause = _verdict(ended.phase, ended.error)
    pointed = [one for finding in findings for one in finding.evidence]
    for one in pointed:
        trail.saw(one)
    judged = trail.judged if trail.judged or verdict not in (Verdict.PASS, Verdict.FAIL) else 1
    return CheckResult(
        check=check.id,
        title=check.title,
        chapter=check.chapter,
        requirements=check.requirements,
        level=check.level,
        verdict=verdict,
        message=message,
        findings=findings,
        judged=judged,
        not_checked=tuple(sorted(trail.not_checked)),
        evidence=tuple(trail.evidence),
        curl=_curl(pointed or trail.evidence[::-1], exchanges),
        cause=cause,
        member=trail.member,
        seconds=round(seconds, 3),
        tables=trail.tables,
    )


def _verdict(phase: str, error: BaseException) -> tuple[Verdict, str, tuple[Finding, ...], str]:
    if isinstance(error, NonConformance):
        if phase == "call":
            return Verdict.FAIL, str(error), error.findings, error.cause
        return Verdict.INCONCLUSIVE, f"what this check builds on is not there: {error}", (), ""
    if isinstance(error, NotApplicable):
        return Verdict.NOT_APPLICABLE, str(error), (), ""
    if isinstance(error, NotPermitted):
        return Verdict.SKIPPED, str(error), (), ""
    if isinstance(error, Inconclusive):
        return Verdict.INCONCLUSIVE, str(error), (), ""
    if type(error).__name__ == "Skipped":  # pytest.skip
        return Verdict.SKIPPED, str(error), (), ""
    return Verdict.INCONCLUSIVE, crashed(error), (), ""


def crashed(error: BaseException) -> str:
    """A crash of ours in one line: never a finding against the target."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "suites" in one.filename]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"the check itself failed{where}: {type(error).__name__}: {str(error)[:300]}"


def _curl(evidence: Iterable[str], exchanges: Mapping[str, Exchange]) -> str:
    for one in evidence:
        exchange = exchanges.get(one)
        line = curl.line(exchange) if exchange else ""
        if line:
            return line
    return ""


def counts(results: Iterable[CheckResult]) -> dict[str, int]:
    """How many checks have each verdict; every verdict is named."""
    counted = {verdict.name: 0 for verdict in reversed(Verdict)}
    for one in results:
        counted[one.verdict.name] += 1
    return counted


def binding(results: Iterable[CheckResult]) -> list[CheckResult]:
    """The results that decide SHALLs and are not waived."""
    return [one for one in results if one.level.startswith("SHALL") and not one.waived]


def exit_code(results: Iterable[CheckResult]) -> int:
    """0 every selected SHALL decided and passed; 1 a breach; 3 undecided or nothing ran."""
    results = list(results)
    verdicts = [one.verdict for one in binding(results)]
    if Verdict.FAIL in verdicts:
        return 1
    if not results or any(one in (Verdict.INCONCLUSIVE, Verdict.SKIPPED) for one in verdicts):
        return 3
    # Only recommendations were selected, or none of the selected requirements bears on the target.
    return 0 if any(one.verdict is Verdict.PASS for one in results) else 3


def summary(results: Iterable[CheckResult]) -> dict[str, object]:
    """The summary beside a run."""
    results = list(results)
    counted = counts(results)
    decided = {id for one in results if one.verdict in (Verdict.PASS, Verdict.FAIL) for id in one.requirements}
    return {
        "verdict": overall(one.verdict for one in binding(results) or results).name,
        "checks": len(results),
        "passed": counted["PASS"],
        "failed": counted["FAIL"],
        "inconclusive": counted["INCONCLUSIVE"],
        "skipped": counted["SKIPPED"],
        "not_applicable": counted["NOT_APPLICABLE"],
        "requirements": len(decided),
    }


__all__ = ["Check", "End", "binding", "counts", "crashed", "describe", "exit_code", "result", "summary"]
