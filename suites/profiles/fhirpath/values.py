"""Items of a FHIRPath collection over parsed JSON, and how to walk from one to the next.

An item is what the JSON holds: a dict for a complex element, a str, bool, int or Decimal for a primitive. Where more is
known or needed (the type of a choice element, the `_name` sibling of a primitive), the item is a `Node` around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.choices import CHOICE_TYPES, CHOICES


class Node:
    """A value with what JSON says of it elsewhere: `type` from the property's name, `extra` from its `_` sibling."""

    __slots__ = ("extra", "type", "value")

    def __init__(self, value: Any, type_name: str | None, extra: dict[str, Any] | None) -> None:
        self.value = value
        self.type = type_name
        self.extra = extra

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.type!r}, {self.extra!r})"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity written in an expression."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.value} '{self.unit}'"


_CAPITAL = {name[:1].upper() + name[1:]: name for name in CHOICE_TYPES}


def plain(item: Any) -> Any:
    """The JSON value of an item."""
    return item.value if item.__class__ is Node else item


def member(items: list[Any], name: str) -> list[Any]:
    """The elements of that name, of all items, in order."""
    found: list[Any] = []
    for item in items:
        collect(item, name, found)
    return found


def collect(item: Any, name: str, found: list[Any]) -> None:
    """Append the elements of that name of one item."""
    if item.__class__ is Node:
        if item.value.__class__ is not dict:
            if item.extra is not None:
                collect(item.extra, name, found)
            return
        item = item.value
    if item.__class__ is not dict:
        return
    value = item.get(name)
    extra = item.get("_" + name)
    if value is None and extra is None:
        if name in CHOICES:
            _collect_choice(item, name, found)
        return
    gather(value, extra, None, found)


def gather(value: Any, extra: Any, type_name: str | None, found: list[Any]) -> None:
    """Append what a property and its `_` sibling hold."""
    if value.__class__ is list:
        if extra.__class__ is list:
            for i in range(max(len(value), len(extra))):
                beside = extra[i] if i < len(extra) else None
                gather(
                    value[i] if i < len(value) else None, beside if beside.__class__ is dict else None, type_name, found
                )
        elif type_name is None:
            found.extend(v for v in value if v is not None)
        else:
            found.extend(Node(v, type_name, None) for v in value if v is not None)
    elif extra.__class__ is list:
        found.extend(Node(None, type_name, beside) for beside in extra if beside.__class__ is dict)
    elif extra.__class__ is dict or type_name is not None:
        if value is not None or extra.__class__ is dict:
            found.append(Node(value, type_name, extra if extra.__class__ is dict else None))
    elif value is not None:
        found.append(value)


def _collect_choice(item: dict[str, Any], name: str, found: list[Any]) -> None:
    length = len(name)
    for key in item:
        if key.startswith(name):
            type_name = _CAPITAL.get(key[length:])
            if type_name is not None:
                gather(item[key], item.get("_" + key), type_name, found)
                return
        elif key.startswith("_") and key.startswith(name, 1) and key[1:] not in item:
            type_name = _CAPITAL.get(key[length + 1 :])
            if type_name is not None:
                gather(None, item[key], type_name, found)
                return


def children(item: Any) -> list[Any]:
    """Every element directly below an item."""
    found: list[Any] = []
    if item.__class__ is Node:
        if item.value.__class__ is not dict:
            if item.extra is not None:
                _children_of(item.extra, found)
            return found
        item = item.value
    if item.__class__ is dict:
        _children_of(item, found)
    return found


def _children_of(item: dict[str, Any], found: list[Any]) -> None:
    for key, value in item.items():
        if key[:1] == "_":
            if key[1:] not in item:
                gather(None, value, None, found)
        elif key != "resourceType":
            gather(value, item.get("_" + key), None, found)


def descendants(items: list[Any]) -> Iterator[Any]:
    """Everything below the items, level by level."""
    level = items
    while level:
        below: list[Any] = []
        for item in level:
            if item.__class__ is dict or item.__class__ is Node:
                below.extend(children(item))
        yield from below
        level = below
