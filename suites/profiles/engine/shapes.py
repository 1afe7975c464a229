"""A type as the specification defines it, compiled to a function: properties, cardinality, invariants.

One shape per data type, resource type and backbone element; each is compiled when the first value of it is met and shared
by every profile. Values already found good are remembered per property, so that what recurs costs one look-up.
Leaves to others: what profiles add (constraints), extensions.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from suites.profiles.engine import object_properties, primitive_properties
from suites.profiles.engine.children import RESOURCES, Child, Variant
from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.handlers import Handler
from suites.profiles.engine.place import Place
from suites.profiles.engine.primitives import PRIMITIVES

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run


class Shape:
    """A compiled type. `check(object, place, run)` compiles itself at first use."""

    __slots__ = ("_engine", "check", "children", "fine", "good", "handlers", "name", "required", "type")

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.type = name
        self.children: dict[str, Child] = engine.children(name)
        self.handlers: dict[str, Handler] = {}
        self.good: dict[str, set[Any]] = {}
        """Values known to be good, by property."""
        self.fine: dict[str, type] = {}
        """The class all of whose values are good, by property."""
        self.required: tuple[tuple[tuple[str, ...], str], ...] = ()
        self.check: Callable[[dict[str, Any], Place, Run], None] = self._first

    def _first(self, value: dict[str, Any], place: Place, run: Run) -> None:
        self.check = _compile(self._engine, self)
        self.check(value, place, run)


def _compile(engine: Engine, shape: Shape) -> Callable[[dict[str, Any], Place, Run], None]:
    structure = engine.structure_of(shape.name)
    is_resource = structure is not None and structure.kind == "resource" and "." not in shape.name
    handlers, good = shape.handlers, shape.good
    required: list[tuple[tuple[str, ...], str]] = []
    for name, child in shape.children.items():
        for variant in child.variants:
            _add_handlers(engine, shape, child, variant)
        if child.element.min:
            keys = [variant.key for variant in child.variants]
            primitive = any(variant.type in PRIMITIVES for variant in child.variants)
            required.append((tuple(keys + ["_" + key for key in keys] if primitive else keys), name))
    if is_resource:
        handlers["resourceType"] = _nothing
    nothing: set[Any] = set()
    slots = {
        key: (good.get(key, nothing), shape.fine.get(key, _NO_CLASS), handler) for key, handler in handlers.items()
    }
    slot_of = slots.get
    shape.required = tuple(required)
    certain = tuple(keys[0] for keys, _ in required)
    invariants = engine.invariants.of_shape(shape.name)
    label = shape.name

    def missing(value: dict[str, Any], place: Place, run: Run) -> None:
        for keys, name in required:
            if not any(key in value for key in keys):
                run.add(ERROR, "cardinality-min", place, f"{label}.{name}: at least 1 is required, none found")

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        for key, held in value.items():
            slot = slot_of(key)
            if slot is None:
                run.add(ERROR, "unknown-property", place, f"unrecognized property '{key}'")
                continue
            known, fine, handler = slot
            kind = held.__class__
            if kind is str or kind is int:
                if held in known:
                    continue
            elif kind is fine:
                continue
            handler(held, value, place, run)
        if len(value) < 2 and not is_resource and (not value or "id" in value):
            run.add(
                ERROR,
                "object-empty" if not value else "ele-1",
                place,
                "an object must have some content"
                if not value
                else "an element must have a value or children beside its id",
            )
        for key in certain:
            if key not in value:
                if value:
                    missing(value, place, run)
                break
        for invariant in invariants:
            invariant(value, place, run)

    return check


_NO_CLASS = type("_NoClass", (), {})
"""The class of no JSON value."""
_FINE = {"decimal": Decimal, "boolean": bool}
"""Primitive types of which every value of a class is good."""


def _nothing(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
    """Judged elsewhere."""


def _add_handlers(engine: Engine, shape: Shape, child: Child, variant: Variant) -> None:
    handlers, key, step = shape.handlers, variant.key, variant.step
    if key in ("extension", "modifierExtension") and variant.type == "Extension":
        handlers[key] = engine.extensions.handler(step, modifier=key == "modifierExtension")
        return
    if variant.type in RESOURCES:
        handlers[key] = object_properties.resources(step, child.many)
        return
    if variant.type == "xhtml":
        handlers[key] = engine.narrative_handler(step)
        return
    if variant.type in PRIMITIVES:
        known: set[Any] = set()
        alone = None if not child.choice else frozenset(v.key for v in child.variants)
        if child.many:
            handlers[key] = primitive_properties.repeating(engine, child, variant, known)
        else:
            if alone is None:
                shape.good[key] = known
            handlers[key] = primitive_properties.single(engine, child, variant, known, alone)
            if alone is None and variant.type in _FINE and primitive_properties.form_alone(engine, child, variant):
                shape.fine[key] = _FINE[variant.type]
        handlers["_" + key] = primitive_properties.siblings(engine, child, variant)
        return
    inner = child.shape or variant.type
    if child.many:
        handlers[key] = object_properties.repeating(engine, child, variant, engine.shape(inner))
    else:
        handlers[key] = object_properties.single(
            engine,
            child,
            variant,
            engine.shape(inner),
            frozenset(v.key for v in child.variants) if child.choice else None,
        )
