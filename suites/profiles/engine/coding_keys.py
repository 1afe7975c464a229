"""Concepts as something to remember answers by: what they hold, as bytes.

A concept is written out once a document, when its type is judged; bindings, slices and `memberOf` that ask about the same
concept afterwards find its key by identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

LONGEST_KEY = 600
"""Longer concepts are rare, and judged each time."""


def remember_key(concept: dict[str, Any], run: Run) -> bytes | None:
    """The key of a concept, kept for this document; None for one too long to be worth it."""
    try:
        key = orjson.dumps(concept)
    except (TypeError, ValueError):
        return None
    if len(key) > LONGEST_KEY:
        return None
    run.keys[id(concept)] = key
    return key


def key_of(concept: Any, run: Run) -> bytes | None:
    """The key a concept of this document was given, None if it has none."""
    return run.keys.get(id(concept))
