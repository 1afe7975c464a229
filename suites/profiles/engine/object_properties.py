"""Properties that hold objects: complex values, backbone elements, resources; with what their definition says beyond their type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.attachments import judge_attachment
from suites.profiles.engine.bindings import concept_binding
from suites.profiles.engine.children import Child, Variant
from suites.profiles.engine.coding_keys import LONGEST_KEY, written
from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.handlers import REMEMBERED, After, Handler, second_choice
from suites.profiles.engine.place import Place, Step, path_of
from suites.profiles.engine.primitives import json_type

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run
    from suites.profiles.engine.shapes import Shape


Told = tuple[str, str, str, str | None, str | None, str | None]
"""Severity, rule, message, profile, expected and found of a finding."""


def _after_shape(engine: Engine, child: Child, variant: Variant) -> tuple[After, ...]:
    """What the element's own definition says of its value beyond its type: binding, reference targets, type profiles, invariants."""
    found: list[After] = []
    element = child.element
    judge = _BY_TYPE.get(variant.type)
    if judge is not None:
        found.append(judge(engine))
    if variant.type == "Identifier":
        found.append(engine.terminology.judge_identifier)
    if variant.type == "Coding" and element.path != "CodeableConcept.coding":
        found.append(engine.terminology.judge_alone)
    bind = concept_binding(engine.terminology, element.binding, variant.type)
    if bind is not None:
        found.append(bind)
    if variant.type == "Reference":
        found.append(engine.references.judge(variant.ref.targets, None))
    if variant.ref.profiles:
        found.append(engine.type_profiles(variant.ref.profiles, variant.type))
    found.extend(engine.invariants.of_element(child, variant))
    return tuple(found)


def _coding(engine: Engine) -> After:
    return engine.terminology.judge_coding


def _quantity(engine: Engine) -> After:
    return engine.terminology.judge_quantity


def _attachment(engine: Engine) -> After:
    return judge_attachment


_BY_TYPE: dict[str, Callable[[Engine], After]] = {
    "Coding": _coding,
    "Attachment": _attachment,
    "Quantity": _quantity,
    "Age": _quantity,
    "Duration": _quantity,
    "Count": _quantity,
    "Distance": _quantity,
}
"""What is judged in every value of a type, beside its properties."""


def _judge_of(engine: Engine, child: Child, variant: Variant, shape: Shape) -> After:
    """One object of an element: its shape, then what the element's own definition says."""
    judge = _judge_anew(engine, child, variant, shape)
    return _remembering_concepts(judge, {}) if variant.type == "CodeableConcept" else judge


def _judge_anew(engine: Engine, child: Child, variant: Variant, shape: Shape) -> After:
    afters = _after_shape(engine, child, variant)

    def judge(value: dict[str, Any], place: Place, run: Run) -> None:
        shape.check(value, place, run)
        for after in afters:
            after(value, place, run)

    return judge


def _shape_alone(engine: Engine, child: Child, variant: Variant, shape: Shape) -> Shape | None:
    """The shape, where an element's own definition says nothing beyond it."""
    return None if variant.type == "CodeableConcept" or _after_shape(engine, child, variant) else shape


def _remembering_concepts(judge: After, fine: dict[bytes, tuple[str, ...]]) -> After:
    """The judging of CodeableConcepts, remembered by what they hold: those of one kind of claim are few.

    Remembered is what could not be checked in it, and what there was to say about the concept as a whole; findings inside
    one are made anew each time. `fine` takes what could not be checked in those of which there was nothing to say.
    """
    clean: dict[bytes, tuple[tuple[str, ...], tuple[Told, ...]]] = {}

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        try:
            key = written(value)
        except (TypeError, ValueError):
            judge(value, place, run)
            return
        if len(key) > LONGEST_KEY:
            judge(value, place, run)
            return
        run.keys[id(value)] = key
        findings = run.findings
        found = clean.get(key)
        if found is not None:
            lacking, told = found
            for what in lacking:
                run.lacks(what, place)
            for severity, rule, message, profile, expected, was in told:
                run.add(severity, rule, place, message, profile, expected, was)
            return
        said, issues, noted = findings.said, len(findings.issues), findings.notes
        findings.notes = []
        judge(value, place, run)
        new = findings.issues[issues:]
        # Whether an extension may stand somewhere hangs on more than what is in the concept.
        if findings.said - said == len(new) and len(clean) < REMEMBERED and b'xtension":' not in key:
            here = path_of(place) if new else ""
            if all(issue.path == here for issue in new):
                clean[key] = (
                    tuple(findings.notes),
                    tuple((i.severity, i.rule, i.message, i.profile, i.expected, i.found) for i in new),
                )
                if not new:
                    fine[key] = tuple(findings.notes)
        findings.notes = [*noted, *findings.notes]

    return check


def _concept(engine: Engine, child: Child, variant: Variant, shape: Shape) -> Handler:
    """A single CodeableConcept: one found good before costs one look-up here, without a call."""
    fine: dict[bytes, tuple[str, ...]] = {}
    judge = _remembering_concepts(_judge_anew(engine, child, variant, shape), fine)
    step = variant.step

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if value.__class__ is not dict:
            run.add(ERROR, "json-type", (place, step, None), f"must be an object, not {json_type(value)}")
            return
        try:
            key = written(value)
        except (TypeError, ValueError):
            key = b""
        lacking = fine.get(key)
        if lacking is None:
            judge(value, (place, step, None), run)
            return
        run.keys[id(value)] = key
        if lacking:
            for what in lacking:
                run.lacks(what, (place, step, None))

    return handle


def single(engine: Engine, child: Child, variant: Variant, shape: Shape, alone: frozenset[str] | None) -> Handler:
    if variant.type == "CodeableConcept" and alone is None:
        return _concept(engine, child, variant, shape)
    step, key = variant.step, variant.key
    judge = _judge_of(engine, child, variant, shape)

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if value.__class__ is dict:
            judge(value, (place, step, None), run)
        else:
            run.add(ERROR, "json-type", (place, step, None), f"must be an object, not {json_type(value)}")

    if alone is not None:
        none_other = (alone - {key}).isdisjoint
        types = alone

        def of_choice(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
            if none_other(owner) or not second_choice(owner, key, types, place, run):
                handle(value, owner, place, run)

        return of_choice
    if _shape_alone(engine, child, variant, shape) is None:
        return handle

    def bare(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if value.__class__ is dict:
            shape.check(value, (place, step, None), run)
        else:
            run.add(ERROR, "json-type", (place, step, None), f"must be an object, not {json_type(value)}")

    return bare


def repeating(engine: Engine, child: Child, variant: Variant, shape: Shape) -> Handler:
    step, most = variant.step, child.element.max
    judge = _judge_of(engine, child, variant, shape)
    alone = _shape_alone(engine, child, variant, shape)

    def handle(values: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if values.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(values)}")
            return
        if not values:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
            return
        if most is not None and len(values) > most:
            run.add(
                ERROR, "cardinality-max", place, f"{child.element.path}: at most {most} allowed, {len(values)} found"
            )
        check = judge if alone is None else alone.check
        for index, value in enumerate(values):
            if value.__class__ is dict:
                check(value, (place, step, index), run)
            else:
                run.add(ERROR, "json-type", (place, step, index), f"must be an object, not {json_type(value)}")

    return handle


def resources(step: Step, many: bool) -> Handler:
    """`contained`, `Bundle.entry.resource`, `Parameters.parameter.resource`: a resource of any type."""

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if not many:
            if value.__class__ is not dict:
                run.add(ERROR, "json-type", (place, step, None), f"must be an object, not {json_type(value)}")
            else:
                run.inner_resource(value, (place, step, None))
            return
        if value.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
        for index, resource in enumerate(value):
            if resource.__class__ is not dict:
                run.add(ERROR, "json-type", (place, step, index), f"must be an object, not {json_type(resource)}")
            else:
                run.inner_resource(resource, (place, step, index))

    return handle
