"""Where an element stands in a resource.

A place is a chain `(parent, step, index)`: cheap to make for every element, spelled as a FHIRPath only when an issue is
raised there. The root's parent is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: the JSON property, how FHIRPath spells it, the element's path in its definition, its type."""

    key: str
    shown: str
    element: str
    type: str


Place = tuple[Any, Step, int | None]
"""(parent place or None, step, index in the array or None)."""


@lru_cache(maxsize=512)
def root(type_name: str) -> Place:
    return (None, Step(type_name, type_name, type_name, type_name), None)


def path_of(place: Place) -> str:
    """`Patient.name[0].given[1]`, `Observation.value.ofType(Quantity).unit`."""
    parts: list[str] = []
    here: Place | None = place
    while here is not None:
        parent, step, index = here
        parts.append(step.shown if index is None else f"{step.shown}[{index}]")
        here = parent
    return ".".join(reversed(parts))


def json_steps(place: Place) -> list[str | int]:
    """The same way as JSON keys and indices, without the root."""
    steps: list[str | int] = []
    here: Place | None = place
    while here is not None:
        parent, step, index = here
        if parent is not None:
            if index is not None:
                steps.append(index)
            steps.append(step.key)
        here = parent
    return steps[::-1]
