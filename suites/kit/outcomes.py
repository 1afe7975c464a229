"""How a check ends. Three families that never mix:

    NonConformance(AssertionError)   the target is wrong: FAIL
    Undecided(Exception)             nothing is known about the target:
        Inconclusive                   a control failed, a rung below broke, the check itself crashed: INCONCLUSIVE
        TargetUnreachable              the transport failed: INCONCLUSIVE
        NotPermitted                   the target file does not allow it, or it was not asked for: SKIPPED
        NotApplicable                  the requirement does not bear on this target: NOT_APPLICABLE
    BadTarget(Exception)             the configuration is wrong: exit code 2, nothing runs

Anything else that escapes a check is a fault of ours and becomes INCONCLUSIVE: a crash is never a finding against the target.
`trail` gathers what the running check has seen: evidence, over how many things it judged, what no table could decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from reports.model import Finding

SHOWN = 3  # findings told in a message; all of them stand in the run
MOST_KINDS = 500  # different findings of one check that stand in the run


class NonConformance(AssertionError):
    """The target does not do what the requirement says; carries the findings."""

    def __init__(self, *findings: Finding, cause: str = "") -> None:
        self.findings = findings
        self.cause = cause
        shown = "; ".join(shorten(describe(finding), 500) for finding in findings[:SHOWN])
        super().__init__(shown + (f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""))


class Undecided(Exception):
    """Nothing was decided about the target."""


class Inconclusive(Undecided):
    """A control failed, or something below the check broke."""


class TargetUnreachable(Inconclusive):
    """No answer came over the wire."""


class CertificateRefused(TargetUnreachable):
    """The target answers, and its certificate cannot be trusted: nothing is sent, the transport chapter judges why."""


class NotPermitted(Undecided):
    """The target file does not permit what the check would do, or it was not asked for."""


class NotApplicable(Undecided):
    """The requirement does not bear on this target."""


class BadTarget(Exception):
    """The target file or the command line is wrong; one line says what, where and what to do."""


@dataclass
class Trail:
    """What the running check has seen so far."""

    evidence: list[str] = field(default_factory=list)
    judged: int = 0
    not_checked: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    member: str = ""
    tables: dict[str, Any] = field(default_factory=dict)
    deadline: float = 0.0  # on the monotonic clock; zero for none

    def saw(self, *evidence: str) -> None:
        """Add exchanges this check looked at."""
        for one in evidence:
            if one and one not in self.evidence:
                self.evidence.append(one)


_running: list[Trail] = [Trail()]


def trail() -> Trail:
    """The running check's trail."""
    return _running[-1]


def start_trail(deadline: float = 0.0) -> Trail:
    """Begin a new check."""
    _running[:] = [Trail(deadline=deadline)]
    return _running[-1]


@contextmanager
def rung(name: str) -> Iterator[None]:
    """A rung of the fixture ladder: where it breaks, the checks above are undecided, never failed."""
    try:
        yield
    except NonConformance as broken:
        raise Inconclusive(f"{name} is not there to build on: {broken}") from None


def describe(finding: Finding) -> str:
    """One finding as one line."""
    text = finding.message
    if finding.expected:
        text += f"; expected {finding.expected}"
    if finding.found:
        text += f"; found {finding.found}"
    if finding.path:
        text += f" (at {finding.path})"
    return text


def expect(
    met: object,
    message: str,
    *,
    expected: object = "",
    found: object = "",
    path: str = "",
    evidence: str = "",
    cause: str = "",
) -> None:
    """The requirement's own words: not met is a FAIL."""
    if not met:
        finding = Finding(
            message,
            str(expected),
            shorten(found),
            path,
            evidence=(evidence,) if evidence else tuple(trail().evidence[-1:]),
        )
        raise NonConformance(finding, cause=cause)


def fail(message: str, **details: Any) -> NoReturn:
    """A breach that needs no condition."""
    expect(False, message, **details)
    raise AssertionError("unreachable")


def control(met: object, message: str, found: object = "") -> None:
    """What must hold before a refusal or an absence proves anything: not met is INCONCLUSIVE."""
    if not met:
        raise Inconclusive(f"the control failed: {message}" + (f"; found {shorten(found)}" if found != "" else ""))


def judged(count: int, what: str = "") -> None:
    """Say over how many things this check decided; zero decides nothing."""
    if count <= 0:
        raise Inconclusive(f"there was nothing to judge: no {what or 'instance'} was found")
    trail().judged += count


def not_applicable(reason: str) -> NoReturn:
    """End the check: the requirement does not bear on this target."""
    raise NotApplicable(reason)


def not_permitted(reason: str) -> NoReturn:
    """End the check: the target file does not allow it."""
    raise NotPermitted(reason)


@dataclass
class Same:
    """Equal findings of one check: the first of them, how many there are, and some of their evidence."""

    first: Finding
    count: int = 0
    evidence: dict[str, None] = field(default_factory=dict)


class Findings:
    """Several findings of one check, reported together when the block ends. Equal ones are counted, so that a million of them take no room."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Same] = {}

    def add(
        self, message: str, *, expected: object = "", found: object = "", path: str = "", evidence: str = ""
    ) -> None:
        """Note a breach and go on."""
        key = (message, str(expected))
        if key not in self.found and len(self.found) >= MOST_KINDS:
            key = ("and breaches of further kinds, which are not told one by one", "")
        same = self.found.get(key)
        if same is None:
            same = self.found[key] = Same(Finding(*key, shorten(found), path))
        same.count += 1
        if evidence and len(same.evidence) < SHOWN:
            same.evidence[evidence] = None

    def check(self, met: object, message: str, **details: Any) -> bool:
        """Note a breach unless a condition holds."""
        if not met:
            self.add(message, **details)
        return bool(met)

    def merged(self) -> list[Finding]:
        """One finding for each thing found, with how often it was and up to three pieces of evidence."""
        return [replace(same.first, count=same.count, evidence=tuple(same.evidence)) for same in self.found.values()]


@contextmanager
def findings(cause: str = "") -> Iterator[Findings]:
    """Collect findings over many things and raise them together at the end."""
    collected = Findings()
    yield collected
    if collected.found:
        raise NonConformance(*collected.merged(), cause=cause)


def shorten(value: object, limit: int = 300) -> str:
    """A value as a report can show it."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[:limit] + f"… ({len(text)} characters)"
