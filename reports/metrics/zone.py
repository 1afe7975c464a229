"""Local time for any back end: a zone's offsets as plain instants, so that a query needs no time zone of its own.

All instants are milliseconds since 1970-01-01T00:00Z. The payer's local midnight decides the calendar year (431.60(f)
speaks of the calendar year and names no zone), so a year starts and ends at an offset that may differ from the year before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reports.metrics import BadInput

DAY = 86_400_000


@dataclass(frozen=True)
class Change:
    """From this instant on the zone is ahead of UTC by `after` milliseconds; before it by `before`."""

    at: int
    before: int
    after: int


def zone(name: str) -> ZoneInfo:
    """A zone of the IANA database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(f"time zone {name!r} is unknown; use a name like America/Los_Angeles") from None


def instant(at: datetime) -> int:
    """An aware datetime as milliseconds."""
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def midnight(day: date, where: ZoneInfo) -> int:
    """The instant a local day begins."""
    return instant(datetime(day.year, day.month, day.day, tzinfo=where))


def year_bounds(year: int, where: ZoneInfo) -> tuple[int, int]:
    """The first instant of a local calendar year and of the next."""
    return midnight(date(year, 1, 1), where), midnight(date(year + 1, 1, 1), where)


def month_starts(year: int, where: ZoneInfo) -> list[int]:
    """The instants at which the twelve local months begin."""
    return [midnight(date(year, month, 1), where) for month in range(1, 13)]


def _offset(at: int, where: ZoneInfo) -> int:
    found = datetime.fromtimestamp(at / 1000, UTC).astimezone(where).utcoffset()
    return round(found / timedelta(milliseconds=1)) if found is not None else 0


def changes(where: ZoneInfo, start: int, end: int) -> tuple[int, list[Change]]:
    """The offset at `start` and every change of it until `end`, to the second."""
    first = _offset(start, where)
    found = []
    known = first
    for day in range(start, end + DAY, DAY):
        if (later := _offset(day, where)) != known:
            low, high = day - DAY, day
            while high - low > 1000:
                middle = (low + high) // 2000 * 1000
                low, high = (middle, high) if _offset(middle, where) == known else (low, middle)
            found.append(Change(high, known, later))
            known = later
    return first, found


def local(at: Any, where: ZoneInfo, start: int, end: int) -> Any:
    """An instant column as local milliseconds, right between `start` and `end`."""
    import ibis

    first, found = changes(where, start, end)
    shifted = at + first
    for change in found:
        # Each change adds its difference to all that comes after it.
        shifted = shifted + ibis.ifelse(at >= change.at, change.after - change.before, 0)
    return shifted


def from_local(wall: Any, where: ZoneInfo, start: int, end: int) -> tuple[Any, Any]:
    """A column of local milliseconds as instants, and a column saying which are no single instant.

    An hour that a clock passes twice, or never, names no instant without its offset.
    """
    import ibis

    first, found = changes(where, start, end)
    at = wall - first
    doubtful = ibis.literal(False)
    for change in found:
        low, high = sorted((change.at + change.before, change.at + change.after))
        at = at - ibis.ifelse(wall >= high, change.after - change.before, 0)
        doubtful = doubtful | ((wall >= low) & (wall < high))
    return at, doubtful
