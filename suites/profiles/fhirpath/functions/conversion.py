"""Conversion between System types (FHIRPath N1 §5.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.equality import as_quantity
from suites.profiles.fhirpath.times import Moment, moment, time_of_day
from suites.profiles.fhirpath.values import Quantity, plain

Convert = Callable[[Any], Any]
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,50}(\.\d{1,50})?")
_QUANTITY = re.compile(r"([+-]?\d{1,50}(?:\.\d{1,50})?)\s*(?:'([^']*)'|([a-zA-Z]+))?")


def to_boolean(value: Any) -> bool | None:
    if value.__class__ is bool:
        return bool(value)
    if value.__class__ in (int, Decimal):
        return True if value == 1 else False if value == 0 else None
    text = value.lower() if value.__class__ is str else None
    return True if text in _TRUE else False if text in _FALSE else None


def to_integer(value: Any) -> int | None:
    if value.__class__ is bool:
        return int(value)
    if value.__class__ is int:
        return int(value)
    if value.__class__ is str and _INTEGER.fullmatch(value):
        return int(value)
    return None


def to_decimal(value: Any) -> Decimal | None:
    if value.__class__ in (bool, int):
        return Decimal(int(value))
    if value.__class__ is Decimal:
        return Decimal(value)
    return Decimal(value) if value.__class__ is str and _DECIMAL.fullmatch(value) else None


def to_string(value: Any) -> str | None:
    """What `toString()` gives: nothing for a complex element."""
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is Decimal:
        return format(value, "f") if abs(value.adjusted()) < 100 else str(value)
    if value.__class__ in (str, int, Moment, Quantity):
        return str(value)
    if value.__class__ is dict:
        quantity = as_quantity(value)
        return None if quantity is None else str(quantity)
    return None


def _to_moment(kind: str) -> Convert:
    def convert(value: Any) -> Moment | None:
        found = value if value.__class__ is Moment else moment(value) if value.__class__ is str else None
        if found is None or found.kind == "time":
            return None
        if kind == "date":
            return Moment("date", found.parts[:3])
        return Moment("dateTime", found.parts, found.offset)

    return convert


def to_time(value: Any) -> Moment | None:
    if value.__class__ is Moment:
        return value if value.kind == "time" else None
    return time_of_day(value) if value.__class__ is str else None


def to_quantity(value: Any) -> Quantity | None:
    if value.__class__ is bool:
        return Quantity(Decimal(int(value)), "1")
    if value.__class__ is str:
        found = _QUANTITY.fullmatch(value)
        return None if found is None else Quantity(Decimal(found[1]), found[2] or found[3] or "1")
    return as_quantity(value)


def _function(name: str, convert: Convert) -> Function:
    def run(items: Items, env: Env, unit: Items | None = None) -> Items:
        value = plain(one(items, f"{name}()"))
        converted = None if value is None else convert(value)
        return [] if converted is None else [converted]

    return run


def _asks(name: str, convert: Convert) -> Function:
    def run(items: Items, env: Env, unit: Items | None = None) -> Items:
        value = plain(one(items, f"{name}()"))
        return [] if value is None else [convert(value) is not None]

    return run


_CONVERSIONS: dict[str, Convert] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Date": _to_moment("date"),
    "DateTime": _to_moment("dateTime"),
    "Time": to_time,
    "Quantity": to_quantity,
}

FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    **{f"to{kind}": (0, kind == "Quantity", _function(f"to{kind}", c)) for kind, c in _CONVERSIONS.items()},
    **{f"convertsTo{kind}": (0, kind == "Quantity", _asks(f"convertsTo{kind}", c)) for kind, c in _CONVERSIONS.items()},
}
