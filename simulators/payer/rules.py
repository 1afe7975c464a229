"""Rules of the server and the ways of getting them wrong.

A decision that a requirement governs is a function under `@rule`; each way of getting it wrong is declared beneath it with
`.fault(id, violates=REQUIREMENT)` and has the same signature. Callers pass the set of active fault ids first and know nothing
else of faults. Nothing on the wire tells which fault is on.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class UnknownFault(ValueError):
    """A fault id or prefix nobody declared; the message names the nearest."""


@dataclass(frozen=True)
class Fault:
    """One way of getting a rule wrong: what a bystander sees (`text`) and the requirement it breaks."""

    id: str
    rule: str
    violates: str
    also: frozenset[str]
    text: str
    function: Callable[..., Any] = field(repr=False, compare=False)
    on: str = "reference"  # the deployment whose settings let the fault be seen


CATALOG: dict[str, Fault] = {}
RULES: dict[str, Rule[Any, Any]] = {}


class Rule(Generic[P, R]):
    """A conforming decision and its declared faults. Call as `rule(active_faults, *arguments)`."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.name = f"{function.__module__.removeprefix('simulators.payer.')}.{function.__qualname__}"
        self.function = function
        self.faults: dict[str, Fault] = {}
        self.__doc__ = function.__doc__
        if self.name in RULES:
            raise ValueError(f"two rules named {self.name}")
        RULES[self.name] = self

    def __call__(self, active: Collection[str], /, *args: P.args, **kwargs: P.kwargs) -> R:
        if active:
            for fault in self.faults.values():
                if fault.id in active:
                    wrong: R = fault.function(*args, **kwargs)
                    return wrong
        return self.function(*args, **kwargs)

    def under(self, active: Collection[str]) -> Callable[P, R]:
        """The function the active faults leave in force, for loops that would otherwise ask once a turn."""
        for fault in self.faults.values() if active else ():
            if fault.id in active:
                return fault.function
        return self.function

    def fault(
        self, id: str, *, violates: str, also: Iterable[str] = (), on: str = "reference"
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Declare one way of getting this rule wrong; `also` names requirements that fail with it unavoidably.

        `on` names the deployment whose settings let the fault be seen, where the reference's do not.
        """

        def declare(function: Callable[P, R]) -> Callable[P, R]:
            if id in CATALOG:
                raise ValueError(f"two faults of id {id!r}: under {CATALOG[id].rule} and {self.name}")
            text = (function.__doc__ or "").strip()
            if not violates or not text:
                raise ValueError(f"fault {id!r} needs a requirement it violates and a docstring saying what one sees")
            fault = Fault(id, self.name, violates, frozenset(also), text.splitlines()[0], function, on)
            CATALOG[id] = self.faults[id] = fault
            return function

        return declare


def rule(function: Callable[P, R]) -> Rule[P, R]:
    """Mark a decision as governed by requirements, so that faults can be declared beneath it."""
    return Rule(function)


def load_catalog() -> dict[str, Fault]:
    """Every fault of every module of the payer, imported if it was not yet."""
    import simulators.payer as payer

    for module in pkgutil.walk_packages(payer.__path__, f"{payer.__name__}."):
        importlib.import_module(module.name)
    return CATALOG


def select(wanted: Iterable[str]) -> frozenset[str]:
    """Fault ids for ids or id prefixes; raises UnknownFault with the nearest name for one that matches none."""
    chosen: set[str] = set()
    wanted = list(wanted)
    if wanted:
        load_catalog()
    for name in wanted:
        found = {id for id in CATALOG if id == name} or {id for id in CATALOG if id.startswith(name)}
        if not found:
            near = difflib.get_close_matches(name, CATALOG, n=1, cutoff=0.0)
            raise UnknownFault(f"unknown fault {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        chosen |= found
    return frozenset(chosen)
