"""Bounds of single values: maxLength, minValue, maxValue (FHIR R4 elementdefinition.html)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.place import Place
from suites.profiles.facts import Element, TypedValue

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

Content = Callable[[Any, Any, Place, str, "Run"], None]


def limits_of(element: Element, was: Element, profile: str) -> list[Content]:
    """The bounds a profile adds to an element."""
    found: list[Content] = []
    if element.max_length is not None and element.max_length != was.max_length:
        found.append(_max_length(element.max_length, profile))
    if element.min_value is not None and element.min_value != was.min_value:
        found.append(_bound(element.min_value, profile, least=True))
    if element.max_value is not None and element.max_value != was.max_value:
        found.append(_bound(element.max_value, profile, least=False))
    return found


def _max_length(longest: int, profile: str) -> Content:
    def check(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if value.__class__ is str and len(value) > longest:
            run.add(
                ERROR,
                "max-length",
                place,
                f"has {len(value)} characters; at most {longest} are allowed",
                profile,
                expected=f"<= {longest}",
                found=str(len(value)),
            )

    return check


def _bound(limit: TypedValue, profile: str, *, least: bool) -> Content:
    wanted = _comparable(limit[1])
    word, rule = ("at least", "min-value") if least else ("at most", "max-value")

    def check(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        found = _comparable(value)
        if found is None or wanted is None or found.__class__ is not wanted.__class__:
            return
        if (found < wanted) if least else (found > wanted):
            run.add(
                ERROR,
                rule,
                place,
                f"must be {word} {limit[1]}, not {value}",
                profile,
                expected=f"{word} {limit[1]}",
                found=str(value),
            )

    return check


def _comparable(value: Any) -> Any:
    """Numbers as numbers; dates and times as text of the same precision, which sorts; a Quantity by its number."""
    if value.__class__ in (int, Decimal):
        return Decimal(value)
    if value.__class__ is dict:
        return _comparable(value.get("value"))
    return value if value.__class__ is str else None
