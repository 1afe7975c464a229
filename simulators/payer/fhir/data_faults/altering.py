"""How a data fault changes resources on their way out: by type, element by element; the rest keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

Resource = dict[str, Any]
Change = Callable[[Resource], None]


def altered(bodies: list[bytes], type_name: str, change: Change) -> list[bytes]:
    """The bodies with a change made to every resource of a type ('' means all types)."""
    return [_altered(body, type_name, change) for body in bodies]


def _altered(body: bytes, type_name: str, change: Change) -> bytes:
    resource = orjson.loads(body)
    if type_name and resource["resourceType"] != type_name:
        return body
    change(resource)
    return orjson.dumps(resource)


def dropping(*names: str) -> Change:
    """A change that leaves out top-level elements."""

    def change(resource: Resource) -> None:
        for name in names:
            resource.pop(name, None)

    return change


def elements(node: Any, name: str) -> Iterator[dict[str, Any]]:
    """Every object below a node that has an element of that name."""
    if isinstance(node, dict):
        if name in node:
            yield node
        for value in node.values():
            yield from elements(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from elements(value, name)


def codings(node: Any) -> Iterator[dict[str, Any]]:
    """Every Coding below a node."""
    for holder in elements(node, "coding"):
        yield from holder["coding"]


def has_code(concept: Any, *codes: str) -> bool:
    """Whether a CodeableConcept has one of the codes."""
    return isinstance(concept, dict) and any(coding.get("code") in codes for coding in concept.get("coding", ()))


def is_claim(resource: Resource) -> bool:
    """An EOB of a claim, not of an authorization."""
    return resource.get("use") == "claim"


def is_authorization(resource: Resource) -> bool:
    """An EOB of a prior authorization."""
    return resource.get("use") == "preauthorization"
