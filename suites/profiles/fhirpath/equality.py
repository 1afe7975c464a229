"""When items are equal, and when equivalent (FHIRPath N1 §6.1)."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.times import Moment, compare, moment, time_of_day
from suites.profiles.fhirpath.values import Node, Quantity, plain

_NUMBERS = (int, Decimal)


def key_of(item: Any) -> Hashable:
    """Equal for equal items, so that collections can be compared and made distinct in linear time."""
    value = plain(item)
    kind = value.__class__
    if kind is dict:
        return ("d", frozenset((k, key_of(v)) for k, v in value.items()))
    if kind is list:
        return ("l", tuple(key_of(v) for v in value))
    if kind is bool:
        return ("b", value)
    if kind is int or kind is Decimal:
        return ("n", value)
    if value is None and item.__class__ is Node:
        return ("x", key_of(item.extra))
    hashable: Hashable = value
    return hashable


def distinct(items: list[Any]) -> list[Any]:
    """Each item once, the first of equals kept."""
    seen: dict[Hashable, Any] = {}
    for item in items:
        seen.setdefault(key_of(item), item)
    return list(seen.values())


def as_moment(value: Any) -> Moment | None:
    if isinstance(value, Moment):
        return value
    return moment(value) or time_of_day(value) if value.__class__ is str else None


def equal(left: Any, right: Any) -> bool | None:
    """One item against one; None where the precision of dates leaves it open."""
    a, b = plain(left), plain(right)
    if a.__class__ is str and b.__class__ is str:
        if a == b:
            return True
        if a[:4].isdigit() and b[:4].isdigit() and "T" in a and "T" in b:
            first, second = moment(a), moment(b)
            if first is not None and second is not None:
                order = compare(first, second)
                return None if order is None else order == 0
        return False
    if a.__class__ is bool or b.__class__ is bool:
        return a is b
    if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
        return bool(a == b)
    if a.__class__ is Moment or b.__class__ is Moment:
        first, second = as_moment(a), as_moment(b)
        if first is None or second is None or (first.kind == "time") != (second.kind == "time"):
            return False
        order = compare(first, second)
        return None if order is None else order == 0
    if a.__class__ is Quantity or b.__class__ is Quantity:
        one, two = as_quantity(a), as_quantity(b)
        if one is None or two is None:
            return False
        return one.value == two.value if same_unit(one.unit, two.unit) else None
    return (a is b and a is not None) or key_of(left) == key_of(right)


def all_equal(left: list[Any], right: list[Any]) -> bool | None:
    """The operator `=` on collections."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return equal(left[0], right[0])
    unknown = False
    for a, b in zip(left, right, strict=True):
        same = equal(a, b)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def equivalent(left: Any, right: Any) -> bool:
    """One item against one under `~`: case and white space of text, digits of numbers beyond the shorter do not count."""
    a, b = plain(left), plain(right)
    if a.__class__ is str and b.__class__ is str:
        return " ".join(a.casefold().split()) == " ".join(b.casefold().split()) or _same_moment(a, b)
    if a.__class__ in (int, Decimal) and b.__class__ in (int, Decimal):
        first, second = Decimal(a), Decimal(b)
        places = min(-_exponent(first), -_exponent(second))
        return round(first, places) == round(second, places)
    if a.__class__ is dict and b.__class__ is dict:
        return a.keys() == b.keys() and all(equivalent(a[k], b[k]) for k in a)
    if a.__class__ is list and b.__class__ is list:
        return all_equivalent(a, b)
    return _same_moment(a, b) or equal(left, right) is True


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _same_moment(a: Any, b: Any) -> bool:
    if a.__class__ is not Moment and b.__class__ is not Moment and not (str(a)[:4].isdigit() and str(b)[:4].isdigit()):
        return False
    first, second = as_moment(a), as_moment(b)
    if first is None or second is None or (first.kind == "time") != (second.kind == "time"):
        return False
    return compare(first, second) == 0


def all_equivalent(left: list[Any], right: list[Any]) -> bool:
    """The operator `~` on collections: order does not count, and empty is equivalent to empty."""
    if len(left) != len(right):
        return False
    waiting = list(right)
    for item in left:
        match = next((i for i, other in enumerate(waiting) if equivalent(item, other)), None)
        if match is None:
            return False
        del waiting[match]
    return True


def as_quantity(value: Any) -> Quantity | None:
    """A quantity literal, a FHIR Quantity, or a bare number (unit `1`)."""
    if isinstance(value, Quantity):
        return value
    if value.__class__ is dict and value.get("value").__class__ in (int, Decimal):
        unit = value.get("code") or value.get("unit") or "1"
        return Quantity(Decimal(value["value"]), unit if unit.__class__ is str else "1")
    if value.__class__ in (int, Decimal):
        return Quantity(Decimal(value), "1")
    return None


_CALENDAR_UNITS = {"s": "second", "ms": "millisecond"}


def same_unit(left: str, right: str) -> bool:
    return left == right or _unit(left) == _unit(right)


def _unit(unit: str) -> str:
    name = unit.removesuffix("s") if len(unit) > 3 else unit
    return _CALENDAR_UNITS.get(name, name)
