"""Utilisation data for counties: each request with its deadline and its delivery (Sonoma policy 7.1.6, section V.B.4.r).

A county's request is answered within 7 business days. The policy defines neither calendar nor zone, so both are configuration: days
count from the one after the request, Saturdays, Sundays and holidays left out, and the last one is whole.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reports.csv_ import write_rows
from reports.html.blocks import Block, Part, write_document
from reports.html.page import written_whole
from reports.metrics import BadInput

BUSINESS_DAYS = 7
COLUMNS = ("id", "county", "requested", "requested_by", "asked_for", "delivered", "delivered_to", "sha256")
NEEDED = ("id", "county", "requested", "asked_for")


@dataclass(frozen=True)
class Record:
    """One request: when it fell due, whether and when it was answered, and the digest of what was delivered."""

    id: str
    county: str
    asked_for: str
    requested: str
    due: str
    delivered: str
    delivered_to: str
    sha256: str
    state: str  # on time | late | open | overdue


def due(requested: datetime, where: ZoneInfo, holidays: frozenset[date], days: int = BUSINESS_DAYS) -> datetime:
    """The instant the last business day ends."""
    day, left = requested.astimezone(where).date(), days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in holidays
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=where).astimezone(UTC)


def holiday_dates(calendar: str, years: Iterable[int]) -> frozenset[date]:
    """Holidays of a calendar such as US or US-CA."""
    import holidays

    country, _, subdivision = calendar.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=list(years)))
    except (NotImplementedError, AttributeError, KeyError):
        raise BadInput(
            f"holiday calendar {calendar!r} is unknown; use a country and region such as US or US-CA"
        ) from None


def records(path: Path, where: ZoneInfo, calendar: str, now: datetime) -> tuple[Record, ...]:
    """Read the request log (CSV) and set the clock on every request."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise BadInput(f"{path}: has no column {', '.join(missing)}; a request log has {', '.join(COLUMNS)}")
            rows = list(reader)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    found: list[Record] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, 2):
        at = f"{path}:{number}"
        if not row["id"] or row["id"] in seen:
            raise BadInput(f"{at}: id {row['id']!r} is empty or used twice")
        seen.add(row["id"])
        requested, delivered = _moment(row["requested"], where, at), _moment(row.get("delivered") or "", where, at)
        if requested is None:
            raise BadInput(f"{at}: a request without a time")
        if delivered is not None and delivered < requested:
            raise BadInput(f"{at}: delivered before it was requested")
        if delivered is not None and not (row.get("sha256") and row.get("delivered_to")):
            raise BadInput(f"{at}: a delivery is recorded with delivered_to and the sha256 of what was delivered")
        end = due(requested, where, holiday_dates(calendar, (requested.year, requested.year + 1)))
        found.append(
            Record(
                id=row["id"],
                county=row["county"],
                asked_for=row["asked_for"],
                requested=requested.isoformat(),
                due=end.isoformat(),
                delivered=delivered.isoformat() if delivered else "",
                delivered_to=row.get("delivered_to") or "",
                sha256=row.get("sha256") or "",
                state=_state(delivered, end, now),
            )
        )
    if not found:
        raise BadInput(f"{path}: holds no request")
    return tuple(found)


def _state(delivered: datetime | None, end: datetime, now: datetime) -> str:
    if delivered is not None:
        return "on time" if delivered < end else "late"
    return "open" if now < end else "overdue"


def _moment(value: str, where: ZoneInfo, at: str) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise BadInput(f"{at}: {value!r} is no ISO 8601 time") from None
    return (found if found.tzinfo else found.replace(tzinfo=where)).astimezone(UTC)


def write(found: tuple[Record, ...], format: str, target: Path | None) -> str:
    """Write the records; JSON comes back as text where no file is named."""
    if format == "json":
        text = json.dumps({"business_days": BUSINESS_DAYS, "requests": [asdict(record) for record in found]}, indent=2)
        if target is None:
            return text
        with written_whole(target) as file:
            file.write(text + "\n")
        return str(target)
    if target is None:
        raise BadInput(f"--format {format} needs a file: -o FILE")
    columns = tuple(asdict(found[0]))
    cells = tuple(tuple(asdict(record).values()) for record in found)
    if format == "csv":
        write_rows(target, columns, cells)
    else:
        late = sum(record.state in ("late", "overdue") for record in found)
        blocks = (
            Block("tiles", rows=(("Requests", len(found), ""), ("Late or overdue", late, ""))),
            Block("table", title="Requests", columns=columns, rows=cells),
        )
        lead = "A county's request for utilisation data is answered within 7 business days."
        write_document(
            target,
            "Utilisation data for counties",
            "Sonoma policy 7.1.6, V.B.4.r",
            "",
            [Part("requests", "Requests", lead, blocks)],
        )
    return str(target)
