"""Waivers: breaches the owner of a target knows of, each with a reason and a last day. Data, shown in every report.

[[waiver]]
check = "tokens.codes.replay"          # the start of a check id, or requirement = "ID"
reason = "vendor fix due in release 9"
until = 2027-01-31                     # from the day after, the breach counts again
expected = true                        # optional: the breach must be there; a pass fails, so that the list only shrinks
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from reports.model import CheckResult, Finding, Verdict
from suites.kit.outcomes import BadTarget

KEYS = ("check", "requirement", "reason", "until", "expected")


@dataclass(frozen=True)
class Waiver:
    """One known breach."""

    reason: str
    until: date
    check: str = ""
    requirement: str = ""
    expected: bool = False

    def covers(self, result: CheckResult) -> bool:
        """Whether it speaks of this check."""
        by_check = bool(self.check) and (
            result.check == self.check or result.check.startswith((self.check + ".", self.check + "["))
        )
        return by_check or (bool(self.requirement) and self.requirement in result.requirements[:1])


def load(path: Path) -> list[Waiver]:
    """Read a waivers file; BadTarget says what is wrong."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise BadTarget(f"{path}: {wrong}") from None
    waivers: list[Waiver] = []
    for number, table in enumerate(document.get("waiver", []), 1):
        for key in table:
            if key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, n=1)
                raise BadTarget(
                    f"{path}: waiver {number}: unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                )
        until = table.get("until")
        if not table.get("reason") or not isinstance(until, date):
            raise BadTarget(f"{path}: waiver {number} needs a reason and a last day: until = 2027-01-31")
        if bool(table.get("check")) == bool(table.get("requirement")):
            raise BadTarget(f"{path}: waiver {number} names either a check or a requirement")
        waivers.append(Waiver(**table))
    return waivers


def apply(result: CheckResult, waivers: Sequence[Waiver], today: date) -> CheckResult:
    """The result with its waiver: a live one takes a breach out of the verdict and stays visible, a dead one is said."""
    waiver = next((one for one in waivers if one.covers(result)), None)
    if waiver is None:
        return result
    shown = {"waiver": {"reason": waiver.reason, "until": waiver.until.isoformat()}}
    if result.verdict is Verdict.FAIL:
        if today > waiver.until:
            message = f"the waiver ended on {waiver.until}: {waiver.reason}. {result.message}"
            return replace(result, message=message, tables={**result.tables, **shown})
        message = f"waived until {waiver.until}: {waiver.reason}. The finding: {result.message}"
        return replace(result, verdict=Verdict.SKIPPED, message=message, tables={**result.tables, **shown})
    if waiver.expected and result.verdict is Verdict.PASS:
        finding = Finding(
            "a breach was expected here and did not come; take the waiver out", waiver.reason, "the check passed"
        )
        return replace(
            result,
            verdict=Verdict.FAIL,
            message=finding.message,
            findings=(finding,),
            tables={**result.tables, **shown},
        )
    return result
