"""Checks, results and faults made by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable

from suites.proving.catalogue import Fault
from suites.proving.place import Check, Result


def fault(
    id: str = "f", violates: str = "A", also: Iterable[str] = (), on: str = "reference", rule: str = "fhir.x"
) -> Fault:
    """A fault of one requirement."""
    return Fault(id, rule, violates, frozenset(also), on, "Something is wrong.")


def check(
    id: str, *requirements: str, type: str = "", cited: tuple[str, ...] | None = None, exclusive: bool = False
) -> Check:
    """A check of a chapter; with a type it is a generated one."""
    own = requirements if cited is None else cited
    return Check(id, id.partition(".")[0], "SHALL", frozenset(requirements), own, type, bool(type), exclusive)


def result(
    check: str, verdict: str, *requirements: str, level: str = "SHALL", browser: bool = False, waived: bool = False
) -> Result:
    """How a check ended."""
    return Result(check, verdict, frozenset(requirements), level, f"said {verdict}", 0.1, browser, waived)
