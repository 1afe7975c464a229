"""What judges one property of an object: its signature, and the rule that a choice has one type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.place import Place

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

Handler = Callable[[Any, dict[str, Any], Place, "Run"], None]
"""Judges the value of one property: (value, the object it stands in, the object's place, the run)."""
After = Callable[[Any, Place, "Run"], object]
"""Judges a value at its place."""

REMEMBERED = 4096
"""Values remembered as good for one property."""


def _other_choice(owner: dict[str, Any], key: str, alone: frozenset[str]) -> str | None:
    """Another type of the same choice that comes earlier in the object."""
    for other in owner:
        if other == key:
            return None
        if other in alone:
            return other
    return None


def second_choice(owner: dict[str, Any], key: str, alone: frozenset[str], place: Place, run: Run) -> bool:
    first = _other_choice(owner, key, alone)
    if first is None:
        return False
    run.add(ERROR, "choice-repeated", place, f"property '{key}' is one type too many: '{first}' is already there")
    return True
