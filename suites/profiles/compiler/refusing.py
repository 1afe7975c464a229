"""One malformed definition of a package is named and left out; the rest of the package is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Made = TypeVar("_Made")
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, LookupError, RecursionError)


def made(definition: dict[str, Any], make: Callable[[], _Made], refused: list[str]) -> _Made | None:
    """What `make` makes of a definition, or None and the reason among the refused."""
    try:
        return make()
    except MALFORMED as broken:
        name = definition.get("url") or definition.get("id") or "a definition without url"
        refused.append(
            f"{name}: not a {definition.get('resourceType')} we can read ({type(broken).__name__}: {broken})"
        )
        return None
