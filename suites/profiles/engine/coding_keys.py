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


written = orjson.dumps
"""The key of a concept; TypeError or ValueError where it holds what no concept may."""


def key_of(concept: Any, run: Run) -> bytes | None:
    """The key a concept of this document was given, None if it has none."""
    return run.keys.get(id(concept))
