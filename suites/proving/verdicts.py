"""What a mutant's and a system's results mean: killed by what, collateral, false alarms; and the exit code of it all.

A fault is killed when a check that decides the requirement it violates fails, and passed or did not apply under the reference: a check that
is red anyway kills nothing. Collateral is every other check that fails, unless the fault's `also` names a requirement it decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reports.model import BINDING
from suites.proving.catalogue import Fault, System
from suites.proving.place import Result

KILLED, SURVIVED, UNDECIDED = "killed", "survived", "undecided"
GREEN, RED = "green", "red"


@dataclass(frozen=True)
class Mutant:
    """What became of one fault."""

    fault: Fault
    state: str
    killed_by: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()  # red because of a requirement `also` names
    collateral: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    checks: int = 0
    seconds: float = 0.0
    message: str = ""  # what the first check that killed it said
    said: Mapping[str, str] = field(default_factory=dict)  # what each check of the collateral said
    why: str = ""  # it was not killed

    @property
    def killed(self) -> bool:
        """Whether a check of its requirement saw it."""
        return self.state == KILLED


@dataclass(frozen=True)
class Health:
    """What the suite said of a system without a fault."""

    system: System
    results: tuple[Result, ...]
    trouble: str = ""
    seconds: float = 0.0
    sampled: bool = False

    def of(self, verdict: str) -> list[Result]:
        """Binding checks with a verdict."""
        return [one for one in self.results if one.verdict == verdict and one.level in BINDING]

    @property
    def noted(self) -> list[Result]:
        """Recommendations it does not follow: a variant may."""
        return [one for one in self.results if one.verdict == "FAIL" and one.level not in BINDING]

    @property
    def waived(self) -> list[Result]:
        """Known findings, explained in the deployment's list."""
        return [one for one in self.results if one.waived]

    @property
    def verdict(self) -> str:
        """green, red or undecided."""
        if self.of("FAIL"):
            return RED
        decided = any(one.verdict == "PASS" for one in self.results)
        return UNDECIDED if self.trouble or self.of("INCONCLUSIVE") or not decided else GREEN


def mutant(
    fault: Fault, results: Iterable[Result], control: Mapping[str, str], trouble: str = "", seconds: float = 0.0
) -> Mutant:
    """The verdict on one fault; `control` is each check's verdict without the fault."""
    results = list(results)
    failed = [one for one in results if one.verdict == "FAIL" and can_kill(control.get(one.check, ""))]
    killers = [one for one in failed if fault.violates in one.requirements]
    declared = [one for one in failed if one not in killers and fault.also & one.requirements]
    stray = [one for one in failed if one not in killers and one not in declared]
    claiming = [one for one in results if fault.violates in one.requirements]
    return Mutant(
        fault=fault,
        state=KILLED if killers else UNDECIDED if trouble else SURVIVED,
        killed_by=_ids(killers),
        declared=_ids(declared),
        collateral=_ids(stray),
        undecided=_ids(one for one in results if one.verdict == "INCONCLUSIVE"),
        checks=len(results),
        seconds=round(seconds, 2),
        message=killers[0].message if killers else "",
        said={one.check: one.message for one in stray},
        why="" if killers else trouble or _why(fault, claiming),
    )


def can_kill(verdict: str) -> bool:
    """Whether a check that ended so under the reference can prove anything by failing."""
    return verdict not in ("FAIL", "INCONCLUSIVE")


def came_to_nothing(fault: Fault, results: Iterable[Result]) -> bool:
    """Whether a check of the fault's requirement was not decided."""
    return any(one.verdict == "INCONCLUSIVE" and fault.violates in one.requirements for one in results)


def _ids(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(one.check for one in results)


def _why(fault: Fault, claiming: list[Result]) -> str:
    if not claiming:
        return f"no check decides {fault.violates}"
    counted = ", ".join(
        f"{number} {name}"
        for name in ("PASS", "INCONCLUSIVE", "SKIPPED", "NOT_APPLICABLE", "FAIL")
        if (number := sum(one.verdict == name for one in claiming))
    )
    said = next((one.message for one in claiming if one.verdict != "PASS" and one.message), "")
    if any(one.verdict == "FAIL" for one in claiming):
        said = "what fails is red without the fault too"
    return f"checks of {fault.violates}: {counted}" + (f"; {said[:300]}" if said else "")


@dataclass
class Proof:
    """Everything one `prove` found."""

    reference: Health | None = None
    variants: list[Health] = field(default_factory=list)
    mutants: list[Mutant] = field(default_factory=list)

    def exit_code(self) -> int:
        """0 all killed, nothing red without a fault, no undeclared collateral; 1 otherwise; 3 undecided or nothing tried."""
        systems = [*([self.reference] if self.reference else []), *self.variants]
        if any(one.verdict == RED for one in systems) or any(
            one.state == SURVIVED or one.collateral for one in self.mutants
        ):
            return 1
        if not (self.mutants or self.variants) or any(one.verdict == UNDECIDED for one in systems):
            return 3
        return 3 if any(one.state == UNDECIDED for one in self.mutants) else 0
