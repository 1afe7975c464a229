"""Patient Access API usage: U1 and U2 for a calendar year (42 CFR 431.60(f), 422.119(f), 438.242(b)(5)(iii), 45 CFR 156.221(f)).

U1 counts unique members whose data were transferred to an app they designated; U2 those with more than one transfer. A person in
two reporting units counts once in each, and once in the total, so units are not summed.
"""

from __future__ import annotations

import csv
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reports.metrics import BadInput, Refused
from reports.metrics import transfers as counting
from reports.metrics.events import EXCLUSIONS, PROBLEMS, Year, events, now
from reports.metrics.mapping import Mapping
from reports.metrics.sources import Log, broken_lines

LISTED = 20  # rows named under a problem


@dataclass(frozen=True)
class Switches:
    """What the regulation leaves open, decided and recorded."""

    mode: str = "sync"
    idle_minutes: int = 30
    same_app_only: bool = False
    count_own_app: bool = False
    leave_out_problems: bool = False
    by_month: bool = False

    def __post_init__(self) -> None:
        if self.mode not in counting.MODES:
            raise BadInput(f"mode {self.mode!r}; one of {', '.join(counting.MODES)}")
        if self.idle_minutes < 1:
            raise BadInput("the idle limit is at least one minute")

    @property
    def idle(self) -> int:
        """The idle limit in milliseconds."""
        return self.idle_minutes * 60_000


@dataclass(frozen=True)
class Figure:
    """U1 and U2 of one reporting unit, or of all together as unique persons."""

    id: str
    members: int
    members_repeat: int


@dataclass(frozen=True)
class Usage:
    """The figures with the choices behind them and what was left out."""

    year: int
    time_zone: str
    switches: Switches
    units: tuple[Figure, ...]
    total: Figure
    months: dict[int, tuple[tuple[Figure, ...], Figure]] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    deliveries: int = 0
    in_several_units: int = 0
    unfinished: bool = False  # the year is not over by the clock, and nobody said when the log was drawn


def usage(log: Log, year: int, switches: Switches, time_zone: str = "", at: datetime | None = None) -> Usage:
    """Compute the usage figures of a log; Refused when a row that could change them cannot be decided."""
    period = period_of(log, year, time_zone, at)
    judged = events(log.table, log.mapping, period, switches.count_own_app, numbered=False)
    if switches.mode == "request" and "row" in log.mapping.columns:
        judged = counting.replayed_once(judged)
    folded = _kept(log.con, counting.slots(judged, switches.mode, switches.idle, period, switches.by_month))
    reasons = {str(row["why"]): int(row["rows"]) for row in log.con.to_pyarrow(counting.reasons(judged)).to_pylist()}
    problems = {name: reasons[name] for name in PROBLEMS if reasons.get(name)}
    if problems and not switches.leave_out_problems:
        named = events(log.table, log.mapping, period, switches.count_own_app)
        raise Refused(tuple((PROBLEMS[name], count, _rows(log, named, name)) for name, count in problems.items()))
    counted = counting.resolved(folded, identities(log.mapping))
    mode, idle, same = switches.mode, switches.idle, switches.same_app_only
    apart = not log.mapping.identities and not switches.by_month
    units = _figures(log.con, counting.members(counted, ("unit",), mode, idle, same, apart))
    per_person = counted.group_by("person").aggregate(n=counted.unit.nunique())
    several = int(log.con.execute(per_person.filter(per_person.n > 1).count()))
    # Where no person is in two units, their figures add up to that of all; else all is counted anew.
    disjoint = Figure("total", sum(unit.members for unit in units), sum(unit.members_repeat for unit in units))
    total = _total(log.con, counting.members(counted, (), mode, idle, same)) if several else disjoint
    months = _months(log.con, counted, switches) if switches.by_month else {}
    return Usage(
        year=year,
        time_zone=period.zone_name,
        switches=switches,
        units=units,
        total=total,
        months=months,
        excluded={name: reasons[name] for name in EXCLUSIONS if reasons.get(name)},
        left_out=problems,
        deliveries=int(log.con.execute(counted.once.sum().fill_null(0))),
        in_several_units=several,
        unfinished=period.latest != period.now,
    )


def period_of(log: Log, year: int, time_zone: str = "", at: datetime | None = None) -> Year:
    """The calendar year of a log, and until when its times are believed."""
    drawn = at or log.mapping.drawn_at
    return Year(year, time_zone or log.mapping.time_zone, drawn or now(), told=drawn is not None)


def _kept(con: Any, expression: Any) -> Any:
    """An expression's rows in a temporary table that ends with its connection, so that all figures share one pass over the log."""
    if con.name == "pyspark":  # which has no temporary tables, but a cache
        return expression.cache()
    import duckdb

    try:
        return con.create_table(f"slots_{uuid.uuid4().hex}", expression, temp=True)
    except duckdb.Error as error:  # a file that breaks off in the middle, or a cell more than the heading has
        raise BadInput("the log cannot be read: " + " ".join(str(error).splitlines()[:3])) from None


def _figures(con: Any, expression: Any) -> tuple[Figure, ...]:
    rows = con.to_pyarrow(expression).to_pylist()
    return tuple(
        sorted(
            (Figure(row["unit"], row["members"], int(row["members_repeat"] or 0)) for row in rows),
            key=lambda one: one.id,
        )
    )


def _total(con: Any, expression: Any) -> Figure:
    row = con.to_pyarrow(expression).to_pylist()[0]
    return Figure("total", int(row["members"] or 0), int(row["members_repeat"] or 0))


def _months(con: Any, counted: Any, switches: Switches) -> dict[int, tuple[tuple[Figure, ...], Figure]]:
    """Each month by the same formula over that month alone; a transfer across midnight counts in both, as at New Year."""
    mode, idle, same = switches.mode, switches.idle, switches.same_app_only
    units: dict[int, list[Figure]] = {month: [] for month in range(1, 13)}
    for row in con.to_pyarrow(counting.members(counted, ("month", "unit"), mode, idle, same)).to_pylist():
        units[row["month"]].append(Figure(row["unit"], row["members"], int(row["members_repeat"])))
    totals = {
        row["month"]: Figure("total", row["members"], int(row["members_repeat"]))
        for row in con.to_pyarrow(counting.members(counted, ("month",), mode, idle, same)).to_pylist()
    }
    return {
        month: (tuple(sorted(units[month], key=lambda one: one.id)), totals.get(month, Figure("total", 0, 0)))
        for month in range(1, 13)
    }


def _rows(log: Log, judged: Any, problem: str) -> tuple[str, ...]:
    """The first rows with a problem, by their id, or by the line they stand on."""
    chosen = judged.filter(judged.why == problem).select("row", "member", "app").limit(LISTED)
    found = log.con.to_pyarrow(chosen).to_pylist()
    named = [
        f"row {row['row']} (member {row['member'] or '–'}, app {row['app'] or '–'})" for row in found if row["row"]
    ]
    if len(named) < len(found) and problem == "status-unreadable":
        named += broken_lines(log, len(found) - len(named))
    return tuple(named) or tuple("a row without an id" for _ in found)


def identities(mapping: Mapping) -> Any | None:
    """Member ids and the person behind them; an id of two persons is refused."""
    import ibis

    if not mapping.identities:
        return None
    path = mapping.path(mapping.identities)
    persons: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"member", "person"} <= set(reader.fieldnames or ()):
            raise BadInput(f"{path}: needs the columns member and person")
        for number, row in enumerate(reader, 2):
            if not row["member"] or not row["person"]:
                raise BadInput(f"{path}:{number}: needs a member and a person")
            if persons.setdefault(row["member"], row["person"]) != row["person"]:
                raise BadInput(f"{path}:{number}: member {row['member']} is two persons; resolve that first")
    schema = ibis.schema({"identity_member": "string", "identity_person": "string"})
    rows = [{"identity_member": member, "identity_person": person} for member, person in persons.items()]
    return ibis.memtable(rows, schema=schema) if rows else None
