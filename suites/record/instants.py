"""FHIR dates as ranges of time, and what search prefixes mean over them (FHIR R4 search, date).

A value names the whole span it does not narrow down: `2024-03` is all of March. A value without an offset is read in the server's own
zone, which nobody told us, so its edges are known to within a day.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from suites.record.verdict import Match

FORM = re.compile(
    r"^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$"
)
FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
EARLY = datetime(1, 1, 1, tzinfo=UTC)
ZONES = timedelta(hours=14)
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True)
class Span:
    """From `start` up to and without `end`; `loose` when no offset was given."""

    start: datetime
    end: datetime
    loose: bool = False


def span_of(text: str) -> Span | None:
    """The time a FHIR date, dateTime or instant names; None when it is none."""
    found = FORM.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        start = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int((fraction or "0").ljust(6, "0")[:6]),
            UTC,
        )
        if hour is None:
            end = _after(start, month is not None, day is not None)
        elif second is None:
            end = start + timedelta(minutes=1)
        elif fraction is None:
            end = start + timedelta(seconds=1)
        else:
            end = start + timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:6])
            offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
            start, end = start - offset, end - offset
    except (ValueError, OverflowError):
        return None
    return Span(start, end, loose=not zone)


def _after(start: datetime, has_month: bool, has_day: bool) -> datetime:
    if has_day:
        return start + timedelta(days=1)
    if has_month:
        return start + timedelta(days=calendar.monthrange(start.year, start.month)[1])
    return FAR if start.year == 9999 else start.replace(year=start.year + 1)


def period_span(period: object) -> Span | None:
    """The time of a Period; a missing end is open (R4 Period)."""
    if not isinstance(period, dict):
        return None
    start = span_of(period["start"]) if isinstance(period.get("start"), str) else None
    end = span_of(period["end"]) if isinstance(period.get("end"), str) else None
    if start is None and end is None:
        return None
    loose = bool((start and start.loose) or (end and end.loose))
    return Span(start.start if start else EARLY, end.end if end else FAR, loose)


def compare(prefix: str, target: Span, asked: Span) -> Match:
    """Whether a resource's time answers a search: `Match.MAYBE` where only the unknown zone decides."""
    plain = _holds(prefix, target.start, target.end, asked)
    if target.loose == asked.loose or prefix == "ap":
        return Match.MAYBE if prefix == "ap" else Match.of(plain)
    moved = {_holds(prefix, _moved(target.start, by), _moved(target.end, by), asked) for by in (-ZONES, ZONES)}
    return Match.of(plain) if moved == {plain} else Match.MAYBE


def _moved(at: datetime, by: timedelta) -> datetime:
    # An open end stays open whatever the zone.
    return at if at in (FAR, EARLY) else at + by


def _holds(prefix: str, start: datetime, end: datetime, asked: Span) -> bool:
    within = asked.start <= start and end <= asked.end
    after = end > asked.end  # the range above the asked value meets the target
    before = start < asked.start
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return after
        case "lt":
            return before
        case "ge":
            return after or within
        case "le":
            return before or within
        case "sa":
            return start >= asked.end
        case "eb":
            return end <= asked.start
    raise ValueError(f"no date prefix is called {prefix!r}")
