"""Dates, date-times and times with their precision (FHIRPath N1 §6.2 comparison, §6.6.7 arithmetic).

A value known to the month does not compare with one known to the day unless the parts both have decide it.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from suites.profiles.fhirpath.errors import EvaluationError, NotFHIRPath

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:(T)(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?"
)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Moment:
    """`parts` from year (or, for a time, hour) down to what is known; seconds are decimal. `offset` in minutes."""

    kind: str
    parts: tuple[int | Decimal, ...]
    offset: int | None = None

    def __str__(self) -> str:
        if self.kind == "time":
            return _clock(self.parts)
        text = f"{self.parts[0]:04d}" + "".join(f"-{p:02d}" for p in self.parts[1:3])
        if len(self.parts) > 3:
            text += "T" + _clock(self.parts[3:])
        if self.offset is not None:
            text += (
                "Z"
                if self.offset == 0
                else f"{'-' if self.offset < 0 else '+'}{abs(self.offset) // 60:02d}:{abs(self.offset) % 60:02d}"
            )
        return text


def _clock(parts: tuple[int | Decimal, ...]) -> str:
    shown = [f"{p:02d}" for p in parts[:2]]
    if len(parts) > 2:
        whole, _, rest = str(parts[2]).partition(".")
        shown.append(whole.zfill(2) + (f".{rest}" if rest else ""))
    return ":".join(shown)


def moment(text: str) -> Moment | None:
    """A FHIR date, dateTime or instant; None for anything else."""
    if len(text) > _LONGEST or not text[:4].isdigit():
        return None
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, has_time, hour, minute, second, zone = found.groups()
    if not text.isascii() or (has_time and day is None):
        return None
    parts: list[int | Decimal] = [int(p) for p in (year, month, day, hour, minute) if p is not None]
    if second is not None:
        parts.append(Decimal(second))
    if not _in_range(parts):
        return None
    return Moment("dateTime" if has_time else "date", tuple(parts), _offset(zone))


def _in_range(parts: list[int | Decimal]) -> bool:
    if parts[0] < 1 or (len(parts) > 1 and not 1 <= parts[1] <= 12):
        return False
    if len(parts) > 2 and not 1 <= parts[2] <= calendar.monthrange(int(parts[0]), int(parts[1]))[1]:
        return False
    return all(p < limit for p, limit in zip(parts[3:], (25, 60, 61), strict=False))


def time_of_day(text: str) -> Moment | None:
    """A FHIR time; None for anything else."""
    found = _TIME.fullmatch(text) if len(text) <= _LONGEST and text.isascii() else None
    if found is None:
        return None
    hour, minute, second = found.groups()
    parts: list[int | Decimal] = [int(p) for p in (hour, minute) if p is not None]
    if second is not None:
        parts.append(Decimal(second))
    return Moment("time", tuple(parts)) if all(p < m for p, m in zip(parts, (24, 60, 61), strict=False)) else None


def moment_literal(text: str) -> Moment:
    """`@2020-01`, `@2020-01-01T10:00Z`, `@T10:00`."""
    value = time_of_day(text[2:]) if text.startswith("@T") else moment(text[1:])
    if value is None:
        raise NotFHIRPath(f"{text} is not a date or time")
    return value


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def compare(left: Moment, right: Moment) -> int | None:
    """-1, 0, 1; None where precision leaves it open, or only one has a time zone and it could matter."""
    if (left.kind == "time") != (right.kind == "time"):
        raise EvaluationError(f"a {left.kind} does not compare with a {right.kind}")
    if left.offset != right.offset:
        if left.offset is not None and right.offset is not None:
            left, right = _in_utc(left), _in_utc(right)
        elif len(left.parts) > 3 and len(right.parts) > 3:
            return _without_zone(left, right)
    for a, b in zip(left.parts, right.parts, strict=False):
        if a != b:
            return -1 if a < b else 1
    if len(left.parts) == len(right.parts):
        return 0
    return None


def _without_zone(left: Moment, right: Moment) -> int | None:
    """One zone unknown: decided only when more than the widest zones (14 hours each way) apart."""
    first, second = _instant(left), _instant(right)
    if first is None or second is None or abs(first - second) <= timedelta(hours=28):
        return None
    return -1 if first < second else 1


def _instant(value: Moment) -> datetime | None:
    padded = [*value.parts, *(1, 1, 1, 0, 0, 0)[len(value.parts) :]]
    try:
        year, month, day, hour, minute = (int(p) for p in padded[:5])
        return datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(minutes=value.offset or 0)
    except (ValueError, OverflowError):
        return None


def _in_utc(value: Moment) -> Moment:
    if not value.offset or len(value.parts) < 5:
        return value
    shifted = _instant(value)
    if shifted is None:
        return value
    parts: tuple[int | Decimal, ...] = (shifted.year, shifted.month, shifted.day, shifted.hour, shifted.minute)
    return Moment(value.kind, parts + value.parts[5:], 0)


_MONTHS = {"year": 12, "month": 1}
_SECONDS = {
    "week": Decimal(604800),
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
_UCUM = {
    "s": "second",
    "ms": "millisecond",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}
_PRECISION = ("year", "month", "day", "hour", "minute", "second")


def shifted(value: Moment, amount: Decimal, unit: str) -> Moment:
    """The moment `amount` units later, to the precision it had."""
    name = _UCUM.get(unit, unit.removesuffix("s") if len(unit) > 2 else unit)
    if name in _MONTHS and value.kind != "time":
        return _months_later(value, int(amount.to_integral_value(ROUND_DOWN)) * _MONTHS[name])
    if name not in _SECONDS:
        raise EvaluationError(f"{unit!r} is not a unit of time that can be added to a {value.kind}")
    if value.kind == "time":
        return _time_later(value, amount * _SECONDS[name])
    return _seconds_later(value, amount, name)


def _months_later(value: Moment, months: int) -> Moment:
    month = (int(value.parts[1]) if len(value.parts) > 1 else 1) - 1 + months
    year = int(value.parts[0]) + month // 12
    if not 1 <= year <= 9999:
        raise EvaluationError("the date would lie outside the years 1 to 9999")
    month = month % 12 + 1
    parts: list[int | Decimal] = [year, month, *value.parts[2:]][: len(value.parts)]
    if len(parts) > 2:
        parts[2] = min(int(parts[2]), calendar.monthrange(year, month)[1])
    return Moment(value.kind, tuple(parts), value.offset)


def _seconds_later(value: Moment, amount: Decimal, name: str) -> Moment:
    known = _PRECISION[len(value.parts) - 1]
    if known in ("year", "month"):
        # Finer units count as whole months (or years) of 30 (or 365) days.
        days = amount * _SECONDS[name] / _SECONDS["day"]
        per = 365 if known == "year" else 30
        return _months_later(value, int(days / per) * (12 if known == "year" else 1))
    year, month, day, hour, minute, second = (int(p) for p in (*value.parts, *(1, 1, 1, 0, 0, 0)[len(value.parts) :]))
    last = value.parts[5] if len(value.parts) > 5 else Decimal(0)
    fraction = Decimal(last) % 1
    seconds = amount * _SECONDS[name] + fraction
    if known == "day":
        seconds = (seconds / 86400).to_integral_value(ROUND_DOWN) * 86400
    whole = int(seconds.to_integral_value("ROUND_FLOOR"))
    try:
        later = datetime(year, month, day, hour, minute, second, tzinfo=UTC) + timedelta(seconds=whole)
    except (ValueError, OverflowError):
        raise EvaluationError("the date would lie outside the years 1 to 9999") from None
    parts: list[int | Decimal] = [later.year, later.month, later.day, later.hour, later.minute, later.second]
    if len(value.parts) > 5:
        parts[5] = later.second + (seconds - whole)
    return Moment(value.kind, tuple(parts[: len(value.parts)]), value.offset)


def _time_later(value: Moment, seconds: Decimal) -> Moment:
    padded = [Decimal(p) for p in (*value.parts, *(0, 0, 0)[len(value.parts) :])]
    total = (padded[0] * 3600 + padded[1] * 60 + padded[2] + seconds) % 86400
    parts: list[int | Decimal] = [int(total // 3600), int(total % 3600 // 60), total % 60]
    return Moment("time", tuple(parts[: len(value.parts)]))
