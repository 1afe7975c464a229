"""From a figure to the rows behind it, and a payer's own figures held against recomputation."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.csv_ import write_rows
from reports.metrics import BadInput
from reports.metrics import transfers as counting
from reports.metrics.events import events
from reports.metrics.sources import Log
from reports.metrics.usage import Switches, Usage, identities, period_of

COLUMNS = ("reporting_unit", "person", "member", "app", "transfer", "at", "resources", "row")


def trail(
    log: Log, year: int, switches: Switches, time_zone: str = "", at: datetime | None = None
) -> Iterator[tuple[object, ...]]:
    """Every counted delivery with the transfer it belongs to, by unit, person and app, streamed.

    U1 is the number of distinct persons of a unit in it; U2 those with more than one (app, transfer).
    """
    import ibis

    period = period_of(log, year, time_zone, at)
    judged = events(log.table, log.mapping, period, switches.count_own_app)
    if switches.mode == "request" and "row" in log.mapping.columns:
        judged = counting.replayed_once(judged)
    rows = counting.resolved(judged.filter(judged.counts), identities(log.mapping))
    group = ["unit", "person", "app"]
    window = ibis.window(group_by=group, order_by=["at", "row"])
    if switches.mode == "sync":
        before = rows["at"].lag().over(window)
        begins = before.isnull() | (rows["at"] - before >= switches.idle)
    elif switches.mode == "app-day":
        rows = rows.mutate(day=counting.local_day(rows["at"], period))
        window = ibis.window(group_by=group, order_by=["at", "row"])
        before = rows["day"].lag().over(window)
        begins = before.isnull() | (rows["day"] != before)
    else:
        begins = ibis.literal(True)
    marked = rows.mutate(begins=ibis.ifelse(begins, 1, 0))
    running = ibis.window(group_by=group, order_by=["at", "row"], preceding=None, following=0)
    numbered = marked.mutate(transfer=marked.begins.sum().over(running))
    ordered = numbered.order_by([*group, "at", "row"]).select(
        "unit", "person", "member", "app", "transfer", "at", "resources", "row"
    )
    for batch in log.con.to_pyarrow_batches(ordered, chunk_size=50_000):
        for row in batch.to_pylist():
            stamp = datetime.fromtimestamp(row["at"] / 1000, UTC).isoformat(timespec="milliseconds")
            yield (
                row["unit"],
                row["person"],
                row["member"],
                row["app"],
                int(row["transfer"]),
                stamp,
                row["resources"],
                row["row"],
            )


def write_trail(target: Path, rows: Iterator[tuple[object, ...]]) -> None:
    """Write the audit trail as CSV."""
    write_rows(target, COLUMNS, rows)


@dataclass(frozen=True)
class Difference:
    """A figure the payer states, and ours."""

    id: str
    name: str
    stated: int | None
    computed: int | None


def differences(usage: Usage, stated: Path) -> tuple[Difference, ...]:
    """Where a payer's own figures (our JSON shape, or CSV with reporting_unit, members, members_repeat) differ from ours."""
    theirs = dict(_stated(stated))
    ours = {(unit.id, name): getattr(unit, name) for unit in usage.units for name in ("members", "members_repeat")}
    if any(id == "total" for id, _ in theirs):
        ours |= {("total", name): getattr(usage.total, name) for name in ("members", "members_repeat")}
    return tuple(
        Difference(*key, theirs.get(key), ours.get(key))
        for key in sorted(theirs.keys() | ours.keys())
        if theirs.get(key) != ours.get(key)
    )


def _stated(path: Path) -> Iterator[tuple[tuple[str, str], int]]:
    try:
        if path.suffix == ".json":
            told: Any = json.loads(path.read_text(encoding="utf-8"))
            units = [*told["reporting_units"], *([{"id": "total", **told["total"]}] if "total" in told else [])]
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [row for row in csv.DictReader(file) if not row.get("month")]
            units = [{"id": row["reporting_unit"], **row} for row in rows]
        for unit in units:
            for name in ("members", "members_repeat"):
                yield (str(unit["id"]), name), int(unit[name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as usage figures: {error!r}") from None
