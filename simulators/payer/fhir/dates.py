"""FHIR dates as ranges of time: a day is all its milliseconds, a Period everything between its ends (FHIR R4 search, date).

A range is `(low, high)` in milliseconds since the epoch, `high` not included; None is an open end. A date without a zone is
read in UTC, in resources and in searches alike.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

Range = tuple[int | None, int | None]

DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


class NotADate(ValueError):
    """A text that is no FHIR date, dateTime or instant."""


@lru_cache(maxsize=65536)
def range_of(text: str) -> tuple[int, int]:
    """The span of time a FHIR date, dateTime or instant stands for."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise NotADate(text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        if month is None:
            return _start(int(year), 1, 1), _start(int(year) + 1, 1, 1) if year != "9999" else _start(
                9999, 12, 31
            ) + DAY
        if day is None:
            low = date(int(year), int(month), 1)
            high = (low + timedelta(days=32)).replace(day=1) if text != "9999-12" else date.max
            return (low.toordinal() - _EPOCH) * DAY, (high.toordinal() - _EPOCH) * DAY
        start = _start(int(year), int(month), int(day))
    except (ValueError, OverflowError) as error:
        raise NotADate(text) from error
    if hour is None:
        return start, start + DAY
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise NotADate(text)
    start += int(hour) * 3_600_000 + int(minute) * 60_000 + int(second or 0) * 1000 - _offset(zone, text)
    if second is None:
        return start, start + 60_000
    if fraction is None:
        return start, start + 1000
    start += int(fraction[:3].ljust(3, "0"))
    return start, start + 10 ** max(0, 3 - len(fraction))


def _start(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - _EPOCH) * DAY


def _offset(zone: str | None, text: str) -> int:
    if zone in (None, "Z"):
        return 0
    assert zone is not None
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        raise NotADate(text)
    return (hours * 60 + minutes) * (60_000 if zone[0] == "+" else -60_000)


def ranges(node: Any) -> list[Range]:
    """The ranges of a date, dateTime, instant, Period or Timing as it stands in a resource; none where it is no date."""
    if type(node) is str:
        try:
            return [range_of(node)]
        except NotADate:
            return []
    if type(node) is not dict:
        return []
    if "start" in node or "end" in node:
        low, high = ranges(node.get("start")), ranges(node.get("end"))
        return [(low[0][0] if low else None, high[0][1] if high else None)]
    if "event" in node:
        spans = [span for event in node["event"] for span in ranges(event)]
        lows, highs = [low for low, _ in spans if low is not None], [high for _, high in spans if high is not None]
        return [(min(lows), max(highs))] if lows and highs else []
    bounds = node.get("repeat", {}).get("boundsPeriod") if type(node.get("repeat")) is dict else None
    return ranges(bounds) if bounds else []


def text_of(milliseconds: int) -> str:
    """An instant as FHIR writes it, in UTC."""
    return f"{_seconds_text(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _seconds_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
