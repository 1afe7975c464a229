"""Resources judged by the profile validator, as a check states it: every error a finding, what no table decides said beside."""

from __future__ import annotations

from suites.kit.outcomes import Findings, trail
from suites.profiles import Validator


def judge(
    validator: Validator, found: Findings, resource: bytes, path: str, evidence: str = "", aside: tuple[str, ...] = ()
) -> bool:
    """Validate the bytes of one resource; adds a finding for each error and gives whether there was none.

    Errors of rules that begin with one of `aside` are noted beside the verdict: another requirement judges them.
    """
    report = validator.validate(resource)
    trail().not_checked.update(report.not_checked)
    errors = [issue for issue in report.errors() if not issue.rule.startswith(aside or ("\0",))]
    left_aside = len(report.errors()) - len(errors)
    if left_aside:
        trail().notes.append(f"{left_aside} errors of {', '.join(aside)} are not judged here")
    for issue in errors:
        found.add(
            issue.message,
            expected=issue.expected or issue.rule,
            found=issue.found or issue.profile or "",
            path=issue.path or path,
            evidence=evidence,
        )
    return not errors
