"""Prior authorization requests as the metrics ask them, from CSV, a database, PDex EOBs or PAS ClaimResponses.

A row that could change a figure and cannot be decided is a problem: it is named, counted and listed, and the figures are refused.
"""

from __future__ import annotations

import csv
import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reports.metrics import BadInput, Refused, pa_sources
from reports.metrics.zone import zone

ROLES = (
    "id", "unit", "class", "received", "determined", "outcome", "extended", "drug", "item", "appeal_filed", "appeal_decided",
    "appeal_outcome",
)  # fmt: skip
CLASSES = ("standard", "expedited")
DETERMINED = ("approved", "denied", "partial")
OPEN = ("withdrawn", "duplicate", "pending")
APPEALS = ("", "overturned", "upheld", "pending", "withdrawn", "dismissed")
PAYERS = ("ma", "medicaid-ffs", "chip-ffs", "medicaid-managed-care", "chip-managed-care", "qhp")
TRUE, FALSE = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")
LISTED = 20


@dataclass(frozen=True)
class Setup:
    """What a plan says of itself and of its records; `mapping.toml` beside them."""

    format: str = ""  # csv | ndjson | parquet | database; empty: by the file's name
    files: str = ""
    table: str = ""
    time_zone: str = "America/Los_Angeles"
    payer_type: str = "medicaid-managed-care"
    rating_period_start: date | None = None
    items: str = ""  # CSV code,description: metric 1, all items and services that require prior authorization
    data_url: str = ""  # where the figures are published
    list_url: str = ""  # where the list is published
    unit: str = ""  # of records that name none
    columns: dict[str, str] = field(default_factory=lambda: {role: role for role in ROLES})
    values: dict[str, dict[str, str]] = field(default_factory=dict)  # role → {theirs = ours}
    extension_reading: str = (
        "additional"  # additional | total: 14 more days, or 14 in all (438.210(d) is read both ways)
    )
    standard_limit: str = "end-of-day"  # end-of-day | exact: the seventh day's end, or 7 times 24 hours
    standard_days: int | None = None  # a limit the state sets shorter than the federal one
    expedited_hours: int | None = None
    drawn_at: datetime | None = None  # when the records were taken out; a later time is a wrong clock
    folder: Path = Path()

    @property
    def where(self) -> ZoneInfo:
        """The plan's zone."""
        return zone(self.time_zone)


@dataclass(frozen=True)
class Request:
    """One request; times are instants."""

    id: str
    unit: str
    expedited: bool
    received: datetime
    determined: datetime | None
    outcome: str
    extended: bool
    drug: bool
    item: str
    appeal_filed: datetime | None
    appeal_decided: datetime | None
    appeal_outcome: str
    days: int | None = None  # between receipt and determination, where either is told by the day alone

    @property
    def elapsed(self) -> timedelta:
        """From receipt to the notice of determination; an appeal does not stretch it."""
        if self.determined is None:
            raise ValueError(f"{self.id} has no determination")
        return self.determined - self.received if self.days is None else timedelta(days=self.days)


def load_setup(path: Path | None) -> Setup:
    """Read a mapping file for prior authorization records; without one, the default columns."""
    if path is None:
        return Setup()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    known = {one.name for one in fields(Setup)} - {"folder"}
    for name in told.keys() - known:
        near = difflib.get_close_matches(name, known, n=1)
        raise BadInput(f"{path}: unknown key {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    for name, allowed in (
        ("payer_type", PAYERS),
        ("extension_reading", ("additional", "total")),
        ("standard_limit", ("end-of-day", "exact")),
    ):
        if name in told and told[name] not in allowed:
            raise BadInput(f"{path}: {name} {told[name]!r}; one of {', '.join(allowed)}")
    for name, kind in (("rating_period_start", date), ("standard_days", int), ("expedited_hours", int)):
        if name in told and type(told[name]) is not kind:
            raise BadInput(f"{path}: {name} {told[name]!r}; it is a {'day' if kind is date else 'whole number'}")
    if "drawn_at" in told and not (isinstance(told["drawn_at"], datetime) and told["drawn_at"].tzinfo):
        raise BadInput(f"{path}: drawn_at is a time with an offset, such as 2027-01-15T00:00:00-08:00")
    for name in {**told.get("columns", {}), **told.get("values", {})}.keys() - set(ROLES):
        raise BadInput(f"{path}: unknown role {name!r}; known are {', '.join(ROLES)}")
    columns = {**{role: role for role in ROLES}, **told.pop("columns", {})}
    return Setup(**told, columns=columns, folder=path.parent)


def read(source: str, setup: Setup, until: datetime | None = None) -> tuple[Request, ...]:
    """All requests of an input; Refused with every problem found, times after `until` among them."""
    requests: list[Request] = []
    problems: dict[str, list[str]] = {}
    seen: set[str] = set()
    for where, row in pa_sources.rows(source, setup):
        try:
            request = _request(row, setup, until)
        except ValueError as error:
            problems.setdefault(str(error), []).append(where)
            continue
        if request.id in seen:
            problems.setdefault("an id is used by two requests", []).append(f"{where} ({request.id})")
            continue
        seen.add(request.id)
        requests.append(request)
    if problems:
        raise Refused(tuple((name, len(rows), tuple(rows[:LISTED])) for name, rows in sorted(problems.items())))
    if not requests:
        raise BadInput(f"{source}: holds no prior authorization request")
    return tuple(requests)


def items(setup: Setup) -> tuple[tuple[str, str], ...]:
    """The list of items and services that require prior authorization, with the plan's descriptions."""
    if not setup.items:
        return ()
    path = setup.folder / setup.items
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple((row["code"], row["description"]) for row in csv.DictReader(file))
    except (OSError, KeyError) as error:
        raise BadInput(f"{path}: cannot be read as code,description: {error}") from None


def _request(row: dict[str, Any], setup: Setup, until: datetime | None) -> Request:
    """A row as a request; ValueError says what is wrong, in the same words for every row it is wrong with."""

    def text(role: str) -> str:
        value = str(row.get(role) if row.get(role) is not None else "").strip()
        return setup.values.get(role, {}).get(value, value)

    def one_of(role: str, allowed: Iterable[str]) -> str:
        value = text(role).lower()
        if value not in allowed:
            raise ValueError(f"{role} is none of {', '.join(one or 'empty' for one in allowed)}: {value!r}")
        return value

    def flag(role: str) -> bool:
        return one_of(role, (*TRUE, *FALSE)) in TRUE

    def moment(role: str) -> datetime | None:
        found = _instant(text(role), role, setup)
        if found is not None and until is not None and found > until:
            raise ValueError(f"{role} lies in the future; a clock is wrong")
        return found

    if not text("id"):
        raise ValueError("a request without an id")
    unit = text("unit") or setup.unit
    if not unit:
        raise ValueError("a request names no reporting unit, and the mapping no unit for all")
    outcome = one_of("outcome", (*DETERMINED, *OPEN))
    received, determined = moment("received"), moment("determined")
    if received is None:
        raise ValueError("a request without a time of receipt")
    if outcome in DETERMINED and determined is None:
        raise ValueError(f"a request is {outcome} but has no time of determination")
    if outcome == "pending" and determined is not None:
        raise ValueError("a request is pending but has a time of determination")
    days = None
    if determined is not None:
        apart = (determined.astimezone(setup.where).date() - received.astimezone(setup.where).date()).days
        if _is_day(text("determined")) and apart == 0:
            determined = max(determined, received)  # the same day, at an hour nobody told
        if determined < received:
            raise ValueError("a request is determined before it was received")
        days = apart if _is_day(text("received")) or _is_day(text("determined")) else None
    appeal, filed, decided = one_of("appeal_outcome", APPEALS), moment("appeal_filed"), moment("appeal_decided")
    _appeal_makes_sense(appeal, outcome, determined, filed, decided, setup)
    return Request(
        id=text("id"),
        unit=unit,
        expedited=one_of("class", CLASSES) == "expedited",
        received=received,
        determined=determined if outcome in DETERMINED else None,
        outcome=outcome,
        extended=flag("extended"),
        drug=flag("drug"),
        item=text("item"),
        appeal_filed=filed,
        appeal_decided=decided,
        appeal_outcome=appeal,
        days=days if outcome in DETERMINED else None,
    )


def _appeal_makes_sense(
    appeal: str,
    outcome: str,
    determined: datetime | None,
    filed: datetime | None,
    decided: datetime | None,
    setup: Setup,
) -> None:
    """An appeal follows an adverse determination and precedes its own decision; appeals may be told by the day."""

    def day(at: datetime) -> date:
        return at.astimezone(setup.where).date()

    if appeal in ("overturned", "upheld"):
        if decided is None:
            raise ValueError(f"an appeal is {appeal} but has no time of decision")
        if outcome not in ("denied", "partial") or determined is None:
            verb = "overturned" if appeal == "overturned" else "upheld"
            raise ValueError(f"an appeal {verb} a request that was {outcome}")
        if day(decided) < day(determined):
            raise ValueError("an appeal is decided before the determination it is about")
        if filed is not None and day(decided) < day(filed):
            raise ValueError("an appeal is decided before it was filed")
    elif decided is not None and appeal in ("", "pending"):
        raise ValueError("an appeal has a time of decision but no outcome")


def _is_day(value: str) -> bool:
    """Whether a time is told by the day alone."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _instant(value: str, role: str, setup: Setup) -> datetime | None:
    """A time as an instant; without an offset it is the plan's local time, unless that hour is none or two."""
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{role} is no ISO 8601 time") from None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    local = found.replace(tzinfo=setup.where)
    if local.astimezone(UTC).astimezone(setup.where).replace(tzinfo=None) != found:
        raise ValueError(f"{role} names a local time that never was (clocks went forward)")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError(f"{role} names a local time that was twice (clocks went back); state the offset")
    return local.astimezone(UTC)
