"""Usage figures held against a second computation, in plain Python and one delivery after the other, over logs nobody planned."""

from __future__ import annotations

import csv
import itertools
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from reports.metrics.mapping import Mapping
from reports.metrics.sources import duckdb as connection
from reports.metrics.sources import open_log
from reports.metrics.usage import Figure, Switches, Usage, usage
from tests.unit.reports.metrics.logs import COLUMNS

NOW = datetime(2028, 6, 1, tzinfo=UTC)
ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "UTC",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Santiago",
)
EDGES = (
    datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC),
    datetime(2026, 4, 5, 3, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC),
)  # fmt: skip
PERSON = {"m1": "P", "m2": "P"}
MEMBERSHIPS = [  # two plans at once, a change of plan in June, a member who left
    ("m1", "a", "", ""), ("m2", "b", "", "2026-06-01"), ("m2", "c", "2026-06-01", ""), ("m3", "a", "2026-01-01", ""), ("m3", "b", "", ""),
    ("m4", "a", "", "2026-06-01"),
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A log, and how it is asked."""

    rows: list[dict[str, Any]]
    zone: str
    mode: str
    same_app: bool
    own: bool
    idle: int
    memberships: bool


INSTANTS = st.builds(
    lambda edge, minutes, ms: edge + timedelta(minutes=minutes, milliseconds=ms),
    st.sampled_from(EDGES),
    st.one_of(st.integers(-90, 90), st.integers(-3 * 24 * 60, 3 * 24 * 60)),
    st.sampled_from([0, 0, 1, 999, 59_999]),
)
OFFSETS = st.sampled_from([0, -480, -300, 330, 765])


def written(at: datetime, offset: int) -> str:
    told = at.astimezone(UTC) + timedelta(minutes=offset)
    sign, size = ("-" if offset < 0 else "+"), abs(offset)
    return told.replace(tzinfo=None).isoformat(timespec="milliseconds") + (
        f"{sign}{size // 60:02d}:{size % 60:02d}" if offset else "Z"
    )


ROWS = st.builds(
    lambda at, offset, member, app, kind, channel, unit, status, resources, interaction: {
        "at": written(at, offset), "member": member, "app": app, "app_kind": kind, "channel": channel, "unit": unit, "status": status,
        "resources": resources, "interaction": interaction,
    },
    INSTANTS, OFFSETS, st.sampled_from(["m1", "m2", "m3", "m3", "synthetic"]), st.sampled_from(["x", "x", "y", "plan-app", "sandbox"]),
    st.sampled_from(["third-party"] * 5 + ["own", "test"]), st.sampled_from(["patient-access"] * 6 + ["provider-access", "payer-to-payer"]),
    st.sampled_from(["a", "a", "b"]), st.sampled_from([200] * 7 + [206, 304, 403, 500]), st.sampled_from([0, 1, 3, 3, 3]),
    st.sampled_from(["search"] * 6 + ["metadata", "userinfo", "read Patient", "read Organization"]),
)  # fmt: skip
CASES = st.builds(
    Case, st.lists(ROWS, min_size=1, max_size=40), st.sampled_from(ZONES), st.sampled_from(["sync", "app-day", "request"]),
    st.booleans(), st.booleans(), st.sampled_from([1, 30, 45, 240, 1440]), st.booleans(),
)  # fmt: skip


def midnight(day: str, zone: ZoneInfo) -> datetime:
    told = date.fromisoformat(day)
    return datetime(told.year, told.month, told.day, tzinfo=zone).astimezone(UTC)


def by_hand(case: Case, when: Callable[[date], bool]) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    """U1 and U2 of each unit and of all, over local days that `when` takes."""
    zone = ZoneInfo(case.zone)
    counted: list[tuple[str, str, str, datetime]] = []  # unit, person, app, instant
    for row in case.rows:
        at = datetime.fromisoformat(row["at"]).astimezone(UTC)
        if not 200 <= row["status"] < 300 or row["resources"] < 1 or row["channel"] != "patient-access":
            continue
        if row["interaction"] in ("metadata", "userinfo", "read Organization"):
            continue
        if row["app"] == "sandbox" or row["app_kind"] == "test" or row["member"] == "synthetic":
            continue
        if not case.own and (row["app"] == "plan-app" or row["app_kind"] == "own"):
            continue
        if not when(at.astimezone(zone).date()):
            continue
        units = [row["unit"]]
        if case.memberships:
            units = [
                unit
                for member, unit, low, high in MEMBERSHIPS
                if member == row["member"]
                and (not low or at >= midnight(low, zone))
                and (not high or at < midnight(high, zone))
            ]
        counted += [(unit, PERSON.get(row["member"], row["member"]), row["app"], at) for unit in units]
    units_told = {
        unit: figures(case, [(person, app, at) for its, person, app, at in counted if its == unit])
        for unit in sorted({unit for unit, *_ in counted})
    }
    return units_told, figures(case, deliveries(case, counted))


def deliveries(case: Case, counted: list[tuple[str, str, str, datetime]]) -> list[tuple[str, str, datetime]]:
    """Over all units a delivery is one, however many units its member is in."""
    if not case.memberships:
        return [(person, app, at) for _, person, app, at in counted]
    seen: dict[tuple[str, str, datetime], int] = {}
    for unit in {unit for unit, *_ in counted}:
        of_unit: dict[tuple[str, str, datetime], int] = defaultdict(int)
        for its, person, app, at in counted:
            if its == unit:
                of_unit[person, app, at] += 1
        for key, count in of_unit.items():
            seen[key] = max(seen.get(key, 0), count)
    return [key for key, count in seen.items() for _ in range(count)]


def figures(case: Case, events: list[tuple[str, str, datetime]]) -> tuple[int, int]:
    zone = ZoneInfo(case.zone)
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for person, app, at in events:
        times[person, app].append(at)
    transfers: dict[str, list[int]] = defaultdict(list)
    for (person, _), found in times.items():
        found.sort()
        if case.mode == "request":
            count = len(found)
        elif case.mode == "app-day":
            count = len({at.astimezone(zone).date() for at in found})
        else:
            idle = timedelta(minutes=case.idle)
            count = 1 + sum(later - earlier >= idle for earlier, later in itertools.pairwise(found))
        transfers[person].append(count)
    repeat = sum((max(counts) if case.same_app else sum(counts)) >= 2 for counts in transfers.values())
    return len(transfers), repeat


def computed(case: Case, kind: str, folder: Path) -> Usage:
    """The figures by the query, from a log of a kind."""
    rows = [{"row": str(number), **row} for number, row in enumerate(case.rows, 1)]
    log = folder / f"log.{kind}"
    if kind == "ndjson":
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        made = folder / "made.csv"
        with made.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        if kind == "parquet":
            with duckdb.connect() as con:
                con.sql(f"copy (select * replace (status::smallint as status, resources::int as resources) from "  # noqa: S608 - own file
                        f"read_csv('{made}', all_varchar=true)) to '{log}' (format parquet)")  # fmt: skip
        else:
            made.rename(log)
    (folder / "identities.csv").write_text("member,person\n" + "".join(f"{one},{two}\n" for one, two in PERSON.items()))
    lines = "".join(",".join(one) + "\n" for one in MEMBERSHIPS)
    (folder / "units.csv").write_text("member,unit,from,until\n" + lines)
    mapping = Mapping(
        time_zone=case.zone, identities="identities.csv", units="units.csv" if case.memberships else "", folder=folder,
        own_apps=("plan-app",), test_apps=("sandbox",), synthetic_members=("synthetic",),
    )  # fmt: skip
    con = connection()
    try:
        return usage(
            open_log(str(log), mapping, con),
            2026,
            Switches(case.mode, case.idle, case.same_app, case.own, by_month=True),
            at=NOW,
        )
    finally:
        con.disconnect()


def told(units: tuple[Figure, ...], total: Figure) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    return {one.id: (one.members, one.members_repeat) for one in units}, (total.members, total.members_repeat)


def within(year: int, month: int = 0) -> Callable[[date], bool]:
    return lambda day: day.year == year and month in (0, day.month)


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_the_query_agrees_with_counting_by_hand(kind: str) -> None:
    @settings(max_examples=int(os.environ.get("EXAMPLES", "6")), deadline=None, phases=(Phase.explicit, Phase.generate))
    @given(CASES)
    def agrees(case: Case) -> None:
        with tempfile.TemporaryDirectory() as folder:
            found = computed(case, kind, Path(folder))
        assert told(found.units, found.total) == by_hand(case, within(2026))
        for month, (units, total) in found.months.items():
            assert told(units, total) == by_hand(case, within(2026, month)), month
        assert 0 <= found.total.members_repeat <= found.total.members

    agrees()
