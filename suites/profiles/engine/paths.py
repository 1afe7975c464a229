"""Paths of discriminators: the part of FHIRPath that slicing may use (FHIR R4 profiling.html#discriminator)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.children import RESOURCES
from suites.profiles.engine.primitives import PRIMITIVES

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

Found = list[tuple[Any, str]]
"""Values with their types."""
Getter = Callable[[Any, str, "Run"], Found]

_STEPS = re.compile(r"\$this|[A-Za-z]\w*\([^)]*\)|[A-Za-z]\w*(?:\[x\])?")


def steps_of(path: str) -> list[str]:
    return [step for step in _STEPS.findall(path) if step != "$this"]


def _itself(value: Any, kind: str, run: Run) -> Found:
    if value is None:
        return []
    return [(value, _named(value, kind) if kind in RESOURCES and value.__class__ is dict else kind)]


def getter(engine: Engine, steps: list[str]) -> Getter:
    """The values at a path below an element."""
    if not steps:
        return _itself
    moves = [_move(engine, step) for step in steps]
    if len(moves) == 1:
        only = moves[0]
        return lambda value, kind, run: only(value, kind, run)

    def get(value: Any, kind: str, run: Run) -> Found:
        here: Found = [(value, kind)]
        for move in moves:
            here = [found for one, of_type in here for found in move(one, of_type, run)]
        return here

    return get


def _move(engine: Engine, step: str) -> Getter:
    if step == "resolve()":

        def resolved(value: Any, kind: str, run: Run) -> Found:
            reference = value.get("reference") if value.__class__ is dict else value
            if reference.__class__ is not str:
                return []
            target = run.resolve(reference)
            if target is not None:
                return [(target.json, target.type)]
            named = engine.references_named(reference, value)
            return [(None, named)] if named is not None else []

        return resolved
    if step.startswith("ofType("):
        wanted = step[7:-1]
        return lambda value, kind, run: [(value, kind)] if kind == wanted else []
    if step.startswith("extension("):
        url = step[len("extension(") : -1].strip("'\"")

        def extensions(value: Any, kind: str, run: Run) -> Found:
            listed = value.get("extension") if value.__class__ is dict else None
            return [
                (one, "Extension")
                for one in (listed if listed.__class__ is list else ())
                if one.__class__ is dict and one.get("url") == url
            ]

        return extensions
    return _below(engine, step)


def _named(resource: dict[str, Any], otherwise: str) -> str:
    name = resource.get("resourceType")
    return name if name.__class__ is str else otherwise


def _below(engine: Engine, name: str) -> Getter:
    """The values of an element below an object of any type."""
    known: dict[str, dict[str, str]] = {}

    def types_of(kind: str) -> dict[str, str]:
        """JSON properties of the element in objects of a type, with the type (or shape) of their values."""
        children = engine.children(kind)
        child = children.get(name) or children.get(name + "[x]")
        found = (
            {v.key: v.type if child.choice or v.type in PRIMITIVES else (child.shape or v.type) for v in child.variants}
            if child is not None
            else {}
        )
        known[kind] = found
        return found

    def below(value: Any, kind: str, run: Run) -> Found:
        if value.__class__ is not dict:
            return []
        keys = known.get(kind)
        if keys is None:
            keys = types_of(kind)
        if name in keys:
            held = value.get(name)
            if held is None:
                return []
            of_type = keys[name]
        else:
            key = next((key for key in value if key in keys), None)
            if key is None:
                return []
            held, of_type = value[key], keys[key]
        if of_type in RESOURCES:
            return [
                (one, _named(one, of_type))
                for one in (held if held.__class__ is list else (held,))
                if one.__class__ is dict
            ]
        if held.__class__ is list:
            return [(one, of_type) for one in held if one is not None]
        return [(held, of_type)]

    return below
