"""The least and the greatest a value of limited precision may stand for (FHIRPath 3.0 §5.6, asked for by newer guides).

A date without its parts is any moment of them: the least begins in the easternmost zone, the greatest ends in the westernmost.
"""

from __future__ import annotations

import calendar
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.times import Moment, moment, time_of_day
from suites.profiles.fhirpath.values import plain

_EAST, _WEST = 14 * 60, -12 * 60
_PLACES = Decimal("1e-8")
_LATEST_SECOND = Decimal("59.999")
_MOST_DIGITS = 100
_FIRST_OF_DAY: list[int | Decimal] = [0, 0, Decimal(0)]
_LAST_OF_DAY: list[int | Decimal] = [23, 59, _LATEST_SECOND]


def _moment_of(value: Any) -> Moment | None:
    if isinstance(value, Moment):
        return value
    return moment(value) or time_of_day(value) if value.__class__ is str else None


def _filled(known: Moment, *, least: bool) -> Moment:
    """The moment with every part it lacks at its least or greatest."""
    parts = list(known.parts)
    if known.kind == "time":
        parts += (_FIRST_OF_DAY if least else _LAST_OF_DAY)[len(parts) :]
        return Moment("time", tuple(parts))
    if len(parts) < 2:
        parts.append(1 if least else 12)
    if len(parts) < 3:
        parts.append(1 if least else calendar.monthrange(int(parts[0]), int(parts[1]))[1])
    parts += (_FIRST_OF_DAY if least else _LAST_OF_DAY)[len(parts) - 3 :]
    offset = known.offset if known.offset is not None else _EAST if least else _WEST
    return Moment("dateTime", tuple(parts), offset)


def _boundary(name: str, *, least: bool) -> Function:
    def run(items: Items, env: Env) -> Items:
        value = plain(one(items, f"{name}()"))
        if value is None or value.__class__ is bool:
            return []
        if value.__class__ in (int, Decimal):
            stated = Decimal(value)
            if abs(stated.adjusted()) > _MOST_DIGITS or _places(stated) > 8:
                raise EvaluationError(f"{name}() was given a number of too many digits")
            half = Decimal(5).scaleb(-_places(stated) - 1)
            return [(stated - half if least else stated + half).quantize(_PLACES)]
        known = _moment_of(value)
        return [] if known is None else [_filled(known, least=least)]

    return run


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def precision(items: Items, env: Env) -> Items:
    """How many digits: behind the point of a number, in all of a date or time."""
    value = plain(one(items, "precision()"))
    if value.__class__ in (int, Decimal):
        return [_places(Decimal(value))]
    known = _moment_of(value)
    if known is None:
        return []
    lengths = (2, 2, 5) if known.kind == "time" else (4, 2, 2, 2, 2, 5)
    return [sum(lengths[: len(known.parts)])]


FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "lowBoundary": (0, 0, _boundary("lowBoundary", least=True)),
    "highBoundary": (0, 0, _boundary("highBoundary", least=False)),
    "precision": (0, 0, precision),
}
