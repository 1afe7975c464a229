"""Operators on values: arithmetic and comparison (FHIRPath N1 §6.2, §6.6)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from suites.profiles.fhirpath.environment import Items, one
from suites.profiles.fhirpath.equality import as_moment, as_quantity, same_unit
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.functions.conversion import to_string
from suites.profiles.fhirpath.times import Moment, compare, shifted
from suites.profiles.fhirpath.values import Quantity, plain

_NUMBERS = (int, Decimal)
_MOST_DIGITS = 400


def order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None where it cannot be told (precision of dates, units that do not convert)."""
    a, b = plain(left), plain(right)
    if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
        return (a > b) - (a < b)
    if a.__class__ is Moment or b.__class__ is Moment:
        return _order_of_moments(a, b)
    if a.__class__ is str and b.__class__ is str:
        if a[:2].isdigit() and b[:2].isdigit():
            first, second = as_moment(a), as_moment(b)
            if first is not None and second is not None and (first.kind == "time") == (second.kind == "time"):
                return compare(first, second)
        return (a > b) - (a < b)
    if a.__class__ in (dict, Quantity) or b.__class__ in (dict, Quantity):
        one_quantity, other = as_quantity(a), as_quantity(b)
        if one_quantity is not None and other is not None:
            if not same_unit(one_quantity.unit, other.unit):
                return None
            return (one_quantity.value > other.value) - (one_quantity.value < other.value)
        if a.__class__ is dict and b.__class__ is dict and ("value" not in a or "value" not in b):
            return None
    raise EvaluationError(f"{_kind(a)} does not compare with {_kind(b)}")


def _order_of_moments(a: Any, b: Any) -> int | None:
    first, second = as_moment(a), as_moment(b)
    if first is None or second is None:
        raise EvaluationError(f"{_kind(a)} does not compare with {_kind(b)}")
    return compare(first, second)


def _kind(value: Any) -> str:
    names: dict[Any, str] = {
        str: "text",
        bool: "a boolean",
        int: "a number",
        Decimal: "a number",
        dict: "a complex element",
    }
    return names.get(value.__class__) or str(value.__class__.__name__)


ORDERED: dict[str, Callable[[int], bool]] = {
    "<": lambda o: o < 0,
    "<=": lambda o: o <= 0,
    ">": lambda o: o > 0,
    ">=": lambda o: o >= 0,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def arithmetic(sign: str, left: Items, right: Items) -> Items:
    """`+ - * / div mod`."""
    a, b = plain(one(left, f"'{sign}'")), plain(one(right, f"'{sign}'"))
    if a is None or b is None:
        return []
    if a.__class__ is bool or b.__class__ is bool:
        raise EvaluationError(f"'{sign}' does not take booleans")
    if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
        return _on_numbers(sign, a, b)
    if sign == "+" and a.__class__ is str and b.__class__ is str:
        return [a + b]
    moved = _moved(sign, a, b)
    if moved is not None:
        return [moved]
    return _on_quantities(sign, a, b)


def _on_numbers(sign: str, a: Any, b: Any) -> Items:
    for value in (a, b):
        digits = value.adjusted() if value.__class__ is Decimal else value.bit_length() // 3
        if abs(digits) > _MOST_DIGITS:
            raise EvaluationError(f"'{sign}' was given a number of {abs(digits)} digits")
    if sign in _ARITHMETIC:
        return [_ARITHMETIC[sign](a, b)]
    if b == 0:
        return []
    try:
        if sign == "/":
            return [Decimal(a) / Decimal(b)]
        whole = Decimal(a) // Decimal(b)
        if sign == "div":
            return [int(whole)]
        rest = Decimal(a) - whole * Decimal(b)
        return [int(rest) if a.__class__ is int and b.__class__ is int else rest]
    except (DivisionByZero, InvalidOperation):
        return []


def _moved(sign: str, a: Any, b: Any) -> Moment | None:
    if sign not in "+-" or b.__class__ not in (Quantity, dict):
        return None
    start, quantity = as_moment(a), as_quantity(b)
    if start is None or quantity is None:
        return None
    return shifted(start, quantity.value if sign == "+" else -quantity.value, quantity.unit)


def _on_quantities(sign: str, a: Any, b: Any) -> Items:
    first, second = as_quantity(a), as_quantity(b)
    if first is None or second is None:
        raise EvaluationError(f"'{sign}' does not take {_kind(a)} and {_kind(b)}")
    if sign in ("+", "-"):
        if not same_unit(first.unit, second.unit):
            return []
        return [Quantity(_ARITHMETIC[sign](first.value, second.value), first.unit)]
    if sign in ("*", "/") and second.unit == "1":
        if sign == "/" and second.value == 0:
            return []
        return [Quantity(first.value * second.value if sign == "*" else first.value / second.value, first.unit)]
    if sign == "/" and same_unit(first.unit, second.unit):
        return [] if second.value == 0 else [Quantity(first.value / second.value, "1")]
    if sign == "*" and first.unit == "1":
        return [Quantity(first.value * second.value, second.unit)]
    return []


def concatenated(left: Items, right: Items) -> Items:
    """`&`: nothing counts as the empty string."""
    parts = []
    for side in (left, right):
        value = plain(one(side, "'&'"))
        text = "" if value is None else to_string(value)
        if text is None:
            raise EvaluationError("'&' takes text and other primitives")
        parts.append(text)
    return ["".join(parts)]


def negated(sign: str, items: Items) -> Items:
    """Unary `+` and `-`."""
    value = plain(one(items, f"'{sign}'"))
    if value is None:
        return []
    if value.__class__ in _NUMBERS:
        return [-value if sign == "-" else value]
    if value.__class__ is Quantity:
        return [Quantity(-value.value if sign == "-" else value.value, value.unit)]
    raise EvaluationError(f"'{sign}' needs a number")
