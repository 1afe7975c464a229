"""Exact arithmetic: fractions all the way, rounded half up to two decimals once, at the end.

Binary floating point and the usual half-even formatting turn 6.625 into 6.62; the forms ask for 6.63.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

NOT_APPLICABLE = "not applicable"  # an empty class has no percentage; 0 % would claim something
UNDECIDED = "not decided"  # there are requests, but what they say does not suffice


def two_places(value: Fraction | None) -> str:
    """A non-negative number with two decimals, half up; nothing to say is "not applicable"."""
    if value is None:
        return NOT_APPLICABLE
    hundredths = (value * 200 + 1) // 2
    return str(Decimal(hundredths).scaleb(-2))


def percent(part: int, whole: int) -> Fraction | None:
    """A percentage, or nothing where there is no whole."""
    return Fraction(100 * part, whole) if whole else None


def mean(values: list[Fraction]) -> Fraction | None:
    """The mean of unrounded values."""
    return sum(values, Fraction(0)) / len(values) if values else None


def median(values: list[Fraction]) -> Fraction | None:
    """The middle value, or the mean of the two middle values when their number is even."""
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
