"""Invariants (ElementDefinition.constraint): which apply where, each compiled once.

The only module of the engine that knows how FHIRPath is evaluated. An invariant that is not FHIRPath, or cannot be evaluated,
is told once as not evaluable and is no failure of the resource; one that hangs on a value set nobody has is not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.fhirpath_host import RunHost
from suites.profiles.engine.findings import ERROR, INFORMATION, WARNING
from suites.profiles.engine.native_invariants import ONLY_WITH, STRUCTURAL, local_reference_resolves, native
from suites.profiles.engine.place import Place
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.facts import Constraint, Element
from suites.profiles.fhirpath import (
    Env,
    EvaluationError,
    Expression,
    Node,
    NotFHIRPath,
    compile_expression,
    compile_invariant,
)

if TYPE_CHECKING:
    from suites.profiles.engine.children import Child, Variant
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

Check = Callable[[Any, Place, "Run"], None]


class Invariants:
    """The invariants of an engine's structures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: set[str] = set()

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
        wanted = (
            c
            for c in constraints
            if c.key not in known and c.key not in STRUCTURAL and not c.best_practice and c.expression
        )
        return [self._check(constraint, profile) for constraint in wanted]

    def _check(self, constraint: Constraint, profile: str | None) -> Check:
        severity = ERROR if constraint.severity == "error" else WARNING
        key, text, source = constraint.key, constraint.expression or "", constraint.source or profile
        if key == "ref-1":

            def check_fragment(value: Any, place: Place, run: Run) -> None:
                reference = value.get("reference")
                if reference.__class__ is str and reference[:1] == "#" and not local_reference_resolves(value, run):
                    _tell(severity, key, text, source, place, run)

            return check_fragment
        holds = native(key, text)
        if holds is not None:
            test = holds
            only_with = ONLY_WITH.get(key)
            if only_with is not None:
                needed = only_with

                def check_where(value: Any, place: Place, run: Run) -> None:
                    if needed in value and not test(value, run):
                        _tell(severity, key, text, source, place, run)

                return check_where

            def check(value: Any, place: Place, run: Run) -> None:
                if not test(value, run):
                    _tell(severity, key, text, source, place, run)

            return check
        compiled: list[Expression | None] = []

        def evaluate(value: Any, place: Place, run: Run) -> None:
            if not compiled:
                compiled.append(self._expression(key, text, place, run))
            expression = compiled[0]
            if expression is None:
                return
            env = run.env or env_of(run)
            try:
                verdict = expression.holds(value if value.__class__ is dict else _typed(value, place), env)
            except EvaluationError as wrong:
                self._tell_once(key, text, str(wrong), place, run)
                return
            if verdict is None:
                for what in env.lacking:
                    run.lacks(what, place)
                env.lacking.clear()
            elif not verdict:
                _tell(severity, key, text, source, place, run)

        return evaluate

    def _expression(self, key: str, text: str, place: Place, run: Run) -> Expression | None:
        try:
            return compile_invariant(text)
        except NotFHIRPath as wrong:
            self._tell_once(key, text, str(wrong), place, run)
            return None

    def _tell_once(self, key: str, text: str, why: str, place: Place, run: Run) -> None:
        """An invariant nobody can evaluate: told once by an engine, as information about the guide."""
        if text not in self._told:
            self._told.add(text)
            run.add(
                INFORMATION,
                "invariant-not-evaluable",
                place,
                f"invariant {key} cannot be evaluated: {why}: {text[:200]}",
            )
            run.lacks(f"invariant {key}", place)

    def holds_at(self, expression: str, owner: dict[str, Any], place: Place, run: Run) -> bool:
        """Whether a FHIRPath context of an extension selects the element it stands on."""
        env = env_of(run)
        try:
            found = compile_expression(expression).items(run.resource.json, env)
        except (NotFHIRPath, EvaluationError):
            return True
        return any((item.value if item.__class__ is Node else item) is owner for item in found)

    def holds_on(self, expression: str, owner: dict[str, Any], run: Run) -> bool:
        """Whether a condition on the element that carries an extension holds; one that cannot be evaluated is let pass."""
        env = env_of(run)
        try:
            verdict = compile_expression(expression).holds(owner, env)
        except (NotFHIRPath, EvaluationError):
            return True
        env.lacking.clear()
        return verdict is not False


def env_of(run: Run) -> Env:
    """The surroundings of every invariant of one resource."""
    if run.env is None:
        run.env = Env(run.resource.json, run.resource.outermost.json, RunHost(run))
    return run.env


def _typed(value: Any, place: Place) -> Any:
    """A primitive with the type its place gives it."""
    return value if value.__class__ in (dict, Node) else Node(value, place[1].type, None)


def _tell(severity: str, key: str, text: str, source: str | None, place: Place, run: Run) -> None:
    run.add(severity, key, place, f"invariant {key} does not hold: {text[:300]}", source, expected=text[:300])
