"""The base specification's most asked invariants as plain Python, recognised by their text.

They are asked of every element or of every resource, so their speed is the speed of everything. Each gives what its
expression gives; a test compares the two.
"""

from __future__ import annotations

import re
from typing import Any

from suites.profiles.fhirpath.environment import Env, Truth
from suites.profiles.fhirpath.errata import CORRECTED, REF_1
from suites.profiles.fhirpath.values import Node

_NOT_CONTENT = frozenset(("id", "resourceType", "_id"))


def ele_1(this: Any, env: Env) -> bool | None:
    """All elements have a value or children."""
    if this.__class__ is Node:
        if this.value.__class__ is not dict:
            return this.value is not None or any(k != "id" for k in this.extra or ())
        this = this.value
    if this.__class__ is dict:
        return any(key not in _NOT_CONTENT for key in this)
    return True


def ext_1(this: Any, env: Env) -> bool | None:
    """An extension has either extensions or a value."""
    item = this.value if this.__class__ is Node else this
    if item.__class__ is not dict:
        return False
    has_value = any(key.startswith(("value", "_value")) for key in item)
    return bool(item.get("extension")) != has_value


def dom_2(this: Any, env: Env) -> bool | None:
    """A contained resource contains none itself."""
    return not any(c.__class__ is dict and c.get("contained") for c in _contained(this))


def dom_3(this: Any, env: Env) -> bool | None:
    """A contained resource is referred to from the resource, or refers to it."""
    inside = _contained(this)
    if not inside:
        return True
    pointers: set[str] = set()
    _local_references(env.resource, pointers)
    for resource in inside:
        # Without an id there is nothing to refer to: the expression is silent, and other rules ask for the id.
        if resource.__class__ is not dict or "id" not in resource or f"#{resource['id']}" in pointers:
            continue
        back: set[str] = set()
        _local_references(resource, back)
        if "#" not in back:
            return False
    return True


def dom_4(this: Any, env: Env) -> bool | None:
    """A contained resource states no version and no time of update."""
    for resource in _contained(this):
        meta = resource.get("meta") if resource.__class__ is dict else None
        if meta.__class__ is dict and ("versionId" in meta or "lastUpdated" in meta):
            return False
    return True


def dom_5(this: Any, env: Env) -> bool | None:
    """A contained resource has no security label."""
    for resource in _contained(this):
        meta = resource.get("meta") if resource.__class__ is dict else None
        if meta.__class__ is dict and meta.get("security"):
            return False
    return True


def ref_1(this: Any, env: Env) -> bool | None:
    """A local reference names something the outermost resource contains; a bare `#` is the resource itself."""
    item = this.value if this.__class__ is Node else this
    reference = item.get("reference") if item.__class__ is dict else None
    if reference.__class__ is not str or reference[:1] != "#" or len(reference) == 1:
        return True
    return any(c.__class__ is dict and c.get("id") == reference[1:] for c in _contained(env.root_resource))


def _contained(this: Any) -> list[Any]:
    inside = this.get("contained") if this.__class__ is dict else None
    return inside if inside.__class__ is list else []


def _local_references(value: Any, found: set[str]) -> None:
    """Every text below that begins with `#`, wherever a reference, canonical, uri or url may stand."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if item.__class__ is dict:
            for key, inner in item.items():
                if inner.__class__ is str:
                    if inner[:1] == "#":
                        found.add(inner)
                elif key != "text" or inner.__class__ is not dict or "div" not in inner:
                    waiting.append(inner)
        elif item.__class__ is list:
            waiting.extend(item)
        elif item.__class__ is str and item[:1] == "#":
            found.add(item)


_SPACE = re.compile(r"\s+")
_DOM_3 = (
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical)"
    " | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists()"
    " or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#').exists()).not())"
    ".trace('unmatched', id).empty()"
)


def _same(text: str) -> str:
    return _SPACE.sub("", text)


INVARIANTS: tuple[tuple[str, Truth], ...] = (
    ("hasValue() or (children().count() > id.count())", ele_1),
    ("hasValue() | (children().count() > id.count())", ele_1),
    ("extension.exists() != value.exists()", ext_1),
    ("contained.contained.empty()", dom_2),
    (_DOM_3, dom_3),
    ("contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()", dom_4),
    ("contained.meta.security.empty()", dom_5),
    (CORRECTED[REF_1], ref_1),
)
_NATIVE = {_same(text): function for text, function in INVARIANTS}


def recognised(text: str) -> Truth | None:
    """The function for an invariant's text, white space aside."""
    return _NATIVE.get(_same(text))
