"""Prior authorization requests as the metrics ask them, from CSV, a database, PDex EOBs or PAS ClaimResponses.

A row that could change a figure and cannot be decided is a problem: it is named, counted and listed, and the figures are refused.
"""

from __future__ import annotations

import csv
import difflib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reports.metrics import BadInput, Refused
from reports.metrics.zone import zone

ROLES = (
    "id", "unit", "class", "received", "determined", "outcome", "extended", "drug", "item", "appeal_filed", "appeal_decided",
    "appeal_outcome",
)  # fmt: skip
CLASSES = ("standard", "expedited")
DETERMINED = ("approved", "denied", "partial")
OPEN = ("withdrawn", "duplicate", "pending")
APPEALS = ("", "overturned", "upheld", "pending")
PAYERS = ("ma", "medicaid-ffs", "chip-ffs", "medicaid-managed-care", "chip-managed-care", "qhp")
TRUE, FALSE = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")
LISTED = 20


@dataclass(frozen=True)
class Setup:
    """What a plan says of itself and of its records; `mapping.toml` beside them."""

    format: str = ""  # csv | ndjson | database; empty: by the file's name
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

    @property
    def elapsed(self) -> timedelta:
        """From receipt to the notice of determination; an appeal does not stretch it."""
        if self.determined is None:
            raise ValueError(f"{self.id} has no determination")
        return self.determined - self.received


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
    for name in {**told.get("columns", {}), **told.get("values", {})}.keys() - set(ROLES):
        raise BadInput(f"{path}: unknown role {name!r}; known are {', '.join(ROLES)}")
    columns = {**{role: role for role in ROLES}, **told.pop("columns", {})}
    return Setup(**told, columns=columns, folder=path.parent)


def read(source: str, setup: Setup) -> tuple[Request, ...]:
    """All requests of an input; Refused with every problem found."""
    requests: list[Request] = []
    problems: dict[str, list[str]] = {}
    seen: set[str] = set()
    for where, row in _rows(source, setup):
        try:
            request = _request(row, setup)
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


def _rows(source: str, setup: Setup) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows by our role names, each with where it stands."""
    if "://" in source:
        yield from _database_rows(source, setup)
        return
    from reports.metrics import pa_fhir

    for file in _files(Path(source), setup):
        kind = setup.format or {".csv": "csv", ".ndjson": "ndjson", ".json": "ndjson"}.get(file.suffix, "")
        if kind == "csv":
            with file.open(encoding="utf-8-sig", newline="") as opened:
                reader = csv.DictReader(opened)
                missing = [
                    setup.columns[role]
                    for role in ("id", "class", "received", "outcome")
                    if setup.columns[role] not in (reader.fieldnames or ())
                ]
                if missing:
                    raise BadInput(f"{file}: has no column {', '.join(missing)}; write a mapping file with [columns]")
                for number, row in enumerate(reader, 2):
                    yield f"{file.name}:{number}", {role: row.get(name) for role, name in setup.columns.items()}
        elif kind == "ndjson":
            yield from pa_fhir.rows(file)
        else:
            raise BadInput(f"{file}: cannot tell its format by its name; say format = … in a mapping file")


def _files(path: Path, setup: Setup) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    pattern = setup.files or "*"
    found = sorted(
        file for file in path.glob(pattern) if file.suffix in (".csv", ".ndjson", ".json") and file.name != setup.items
    )
    if not found:
        raise BadInput(f'{path}: holds no records; name them in a mapping file (files = "*.csv")')
    return found


def _database_rows(url: str, setup: Setup) -> Iterator[tuple[str, dict[str, Any]]]:
    import ibis

    if not setup.table:
        raise BadInput("a database needs table = … in a mapping file (--mapping)")
    schema, _, name = setup.table.rpartition(".")
    try:
        con = ibis.connect(url)
        table = con.table(name, database=schema or None)
        columns = {role: column for role, column in setup.columns.items() if column in table.columns}
        batches = con.to_pyarrow_batches(
            table.select(**{role: table[column].cast("string") for role, column in columns.items()})
        )
        number = 0
        for batch in batches:
            for row in batch.to_pylist():
                number += 1
                yield f"{setup.table} row {number}", row
    except BadInput:
        raise
    except Exception as error:
        shown = url.partition("://")[0] + "://…"  # the address may hold a password
        raise BadInput(f"{shown}: table {setup.table!r} cannot be read: {str(error).splitlines()[0]}") from None


def _request(row: dict[str, Any], setup: Setup) -> Request:
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

    if not text("id"):
        raise ValueError("a request without an id")
    unit = text("unit") or setup.unit
    if not unit:
        raise ValueError("a request names no reporting unit, and the mapping no unit for all")
    outcome = one_of("outcome", (*DETERMINED, *OPEN))
    received, determined = (
        _instant(text("received"), "received", setup),
        _instant(text("determined"), "determined", setup),
    )
    if received is None:
        raise ValueError("a request without a time of receipt")
    if outcome in DETERMINED and determined is None:
        raise ValueError(f"a request is {outcome} but has no time of determination")
    if determined is not None and determined < received:
        raise ValueError("a request is determined before it was received")
    appeal = one_of("appeal_outcome", APPEALS)
    decided = _instant(text("appeal_decided"), "appeal_decided", setup)
    if appeal in ("overturned", "upheld") and decided is None:
        raise ValueError(f"an appeal is {appeal} but has no time of decision")
    if appeal == "overturned" and outcome not in ("denied", "partial"):
        raise ValueError(f"an appeal overturned a request that was {outcome}")
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
        appeal_filed=_instant(text("appeal_filed"), "appeal_filed", setup),
        appeal_decided=decided,
        appeal_outcome=appeal,
    )


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
