"""Properties of primitive types: single, repeating, and the `_` siblings that carry their ids and extensions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bindings import code_binding
from suites.profiles.engine.children import Child, Variant
from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.handlers import REMEMBERED, Handler, second_choice
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.primitives import checker, json_type

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run


def _judge_of(engine: Engine, child: Child, variant: Variant) -> Callable[[Any, Place, Run], bool]:
    """Judges one primitive value: lexical form, length, regex, binding. True when nothing at all was to be said."""
    complain = checker(variant.type)
    bind = code_binding(engine.terminology, child.element.binding, variant.type)
    longest = child.element.max_length
    fragments = variant.type == "canonical"

    def judge(value: Any, place: Place, run: Run) -> bool:
        wrong = complain(value)
        if wrong is not None:
            run.add(
                ERROR, wrong[0], place, wrong[1], found=None if value.__class__ in (dict, list) else str(value)[:100]
            )
            return False
        if longest is not None and len(str(value)) > longest:
            run.add(ERROR, "max-length", place, f"has {len(str(value))} characters; at most {longest} are allowed")
            return False
        if fragments and value.startswith("#"):
            if len(value) > 1 and run.resource.outermost.contained(value[1:]) is None:
                run.add(
                    ERROR,
                    "canonical-fragment",
                    place,
                    f"'{value[:80]}' is no resource contained here",
                    found=value[:100],
                )
            return False  # true of this resource, not of the next
        return bind is None or bind(value, place, run)

    return judge


def single(engine: Engine, child: Child, variant: Variant, known: set[Any], alone: frozenset[str] | None) -> Handler:
    judge, step, key = _judge_of(engine, child, variant), variant.step, variant.key
    invariants = engine.invariants.of_element(child, variant)
    noted: dict[str, tuple[str, ...]] = {}

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if alone is not None:
            if value.__class__ is str and value in known:
                if len(owner) > 1:
                    second_choice(owner, key, alone, place, run)
                return
            if second_choice(owner, key, alone, place, run):
                return
        here = (place, step, None)
        if value is None and "_" + key in owner:
            run.add(ERROR, "null", here, "null is only allowed inside an array")
            return
        if value.__class__ is list:
            run.add(ERROR, "json-type", here, "must be a single value, not an array")
            return
        findings = run.findings
        if value.__class__ is str and value in noted:
            for what in noted[value]:
                run.lacks(what, here)
            return
        said, notes = findings.said, findings.notes
        findings.notes = []
        fine = judge(value, here, run)
        for invariant in invariants:
            invariant(value, here, run)
        if value.__class__ is str and not invariants and len(value) < 200:
            if fine and len(known) < REMEMBERED:
                known.add(value)
            elif findings.said == said and findings.notes and len(noted) < REMEMBERED:
                noted[value] = tuple(findings.notes)
        findings.notes = [*notes, *findings.notes]

    if alone is None and form_alone(engine, child, variant):
        return _quick_number(checker(variant.type), handle, known)
    return handle


_NUMBERS = frozenset({"decimal", "integer", "unsignedInt", "positiveInt", "boolean"})


def form_alone(engine: Engine, child: Child, variant: Variant) -> bool:
    """Whether a number or boolean that has the form of its type needs nothing more."""
    return (
        variant.type in _NUMBERS
        and child.element.max_length is None
        and not engine.invariants.of_element(child, variant)
    )


def _quick_number(complain: Callable[[Any], object], handle: Handler, known: set[Any]) -> Handler:
    """Numbers and booleans that are good need nothing more; whole numbers that recur are remembered."""

    def quick(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if value.__class__ in _NUMERIC and complain(value) is None:
            if value.__class__ is int and len(known) < REMEMBERED:
                known.add(value)
            return
        handle(value, owner, place, run)

    return quick


_NUMERIC = frozenset({int, Decimal, bool})


def repeating(engine: Engine, child: Child, variant: Variant, known: set[Any]) -> Handler:
    judge, step, key = _judge_of(engine, child, variant), variant.step, variant.key
    most = child.element.max
    invariants = engine.invariants.of_element(child, variant)

    def handle(values: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if values.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(values)}")
            return
        if not values:
            # json.html says arrays are never empty; the official validator lets those of primitive values pass, and so a warning.
            run.add(WARNING, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
            return
        if most is not None and len(values) > most:
            run.add(
                ERROR, "cardinality-max", place, f"{child.element.path}: at most {most} allowed, {len(values)} found"
            )
        beside_all = owner.get("_" + key)
        for index, value in enumerate(values):
            if value.__class__ is str and value in known:
                continue
            here = (place, step, index)
            if value is None:
                beside = beside_all[index] if beside_all.__class__ is list and index < len(beside_all) else None
                if beside is None:
                    run.add(ERROR, "null", here, "null stands for nothing: neither a value nor an extension is here")
                continue
            fine = judge(value, here, run)
            for invariant in invariants:
                invariant(value, here, run)
            if fine and value.__class__ is str and not invariants and len(known) < REMEMBERED and len(value) < 200:
                known.add(value)

    return handle


def siblings(engine: Engine, child: Child, variant: Variant) -> Handler:
    """`_name` beside a primitive `name`: id and extensions, nothing else (FHIR R4 json.html#primitive)."""
    step, key, many = variant.step, variant.key, child.many
    extensions = engine.extensions.handler(
        Step("extension", "extension", "Element.extension", "Extension"), modifier=False
    )

    def one(value: Any, here: Place, run: Run, has_value: bool) -> None:
        if value.__class__ is not dict:
            run.add(ERROR, "json-type", here, f"must be an object, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "object-empty", here, "an object must have some content")
        for name, held in value.items():
            if name == "extension":
                extensions(held, value, here, run)
            elif name == "id":
                if held.__class__ is not str or not held:
                    run.add(ERROR, "json-type", here, "an element's id is a string")
            else:
                run.add(ERROR, "unknown-property", here, f"unrecognized property '{name}'")
        if not has_value and value and "extension" not in value:
            run.add(ERROR, "ele-1", here, "an element must have a value or an extension beside its id")

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        beside = owner.get(key)
        if not many:
            one(value, (place, step, None), run, beside is not None)
            return
        if value.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
        values = beside if beside.__class__ is list else []
        for index, sibling in enumerate(value):
            has_value = index < len(values) and values[index] is not None
            if sibling is None:
                if not has_value:
                    run.add(
                        ERROR,
                        "null",
                        (place, step, index),
                        "null stands for nothing: neither a value nor an extension is here",
                    )
            else:
                one(sibling, (place, step, index), run, has_value)

    return handle
