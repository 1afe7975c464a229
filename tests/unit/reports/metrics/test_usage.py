"""Usage figures: the worked example in every mode, the edges of time, what never counts, and refusals."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from patient_access import app
from reports.metrics import Refused
from reports.metrics.events import Year
from reports.metrics.mapping import DEFAULT, Mapping, load
from reports.metrics.sources import open_log
from reports.metrics.usage import Figure, Switches, usage
from reports.metrics.usage_audit import differences, trail
from reports.metrics.usage_output import suppressed
from tests.unit.reports.metrics.logs import EXAMPLE, NOW, by_hand, count, delivery, pair, write_log


@pytest.mark.parametrize(
    ("mode", "same_app", "expected"),
    [
        ("sync", False, (7, 4)),
        ("sync", True, (7, 3)),
        ("app-day", False, (7, 4)),
        ("app-day", True, (7, 3)),
        ("request", False, (7, 7)),
    ],
)
def test_the_worked_example_by_the_command(mode: str, same_app: bool, expected: tuple[int, int]) -> None:
    arguments = ["metrics", "usage", "--input", str(EXAMPLE), "--year", "2026", "--mode", mode, "--format", "json"]
    done = CliRunner().invoke(app, [*arguments, *(["--same-app-only"] if same_app else [])])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["total"]["members"], told["total"]["members_repeat"]) == expected
    assert told["reporting_units"] == [{"id": "mhp-49", **told["total"]}]
    assert {"year", "mode", "reporting_units", "total"} == set(told) - {"same_app_only"}


def test_each_member_of_the_worked_example_has_its_transfers() -> None:
    log = open_log(str(EXAMPLE), load(EXAMPLE / "mapping.toml"))
    transfers: dict[str, set[tuple[str, int]]] = {}
    for _, person, _, app_, transfer, *_ in trail(log, 2026, Switches(), at=NOW):
        transfers.setdefault(str(person), set()).add((str(app_), int(str(transfer))))
    assert {person: len(found) for person, found in transfers.items()} == {
        "M1": 1, "M2": 2, "M3": 31, "M4": 1, "M6": 1, "M7": 2, "M8": 2,
    }  # fmt: skip
    before = usage(log, 2025, Switches(), at=NOW)
    assert pair(before) == (1, 0)  # M4's sync is split at midnight


def test_distinct_dates_without_the_app_would_lose_a_member() -> None:
    log = open_log(str(EXAMPLE), load(EXAMPLE / "mapping.toml"))
    days: dict[str, set[object]] = {}
    for _, person, _, _, _, at, *_ in trail(log, 2026, Switches(mode="app-day"), at=NOW):
        days.setdefault(str(person), set()).add(str(at)[:10])
    assert sum(len(found) > 1 for found in days.values()) == 3


def test_what_does_not_count_is_counted_by_reason() -> None:
    found = usage(open_log(str(EXAMPLE), load(EXAMPLE / "mapping.toml")), 2026, Switches(), at=NOW)
    assert found.excluded == {
        "not-a-success": 7, "no-patient-data": 1, "never-counts": 90, "other-channel": 18, "test-app": 3,
        "synthetic-member": 3, "own-app": 3, "other-year": 2,
    }  # fmt: skip
    assert found.deliveries + sum(found.excluded.values()) == len(
        (EXAMPLE / "access-log.ndjson").read_text().splitlines()
    )


def test_the_payers_own_app_counts_only_when_asked_for() -> None:
    log = open_log(str(EXAMPLE), load(EXAMPLE / "mapping.toml"))
    assert pair(usage(log, 2026, Switches(count_own_app=True), at=NOW)) == (8, 4)


INSTANTS = st.integers(0, 4 * 24 * 60).map(
    lambda minute: datetime(2026, 10, 31, tzinfo=UTC) + timedelta(minutes=minute)
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(INSTANTS, st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"])), min_size=1, max_size=40
    ),
    st.sampled_from(["sync", "app-day", "request"]),
    st.booleans(),
    st.sampled_from([1, 30, 240]),
)
def test_the_query_agrees_with_counting_by_hand(
    tmp_path: Path, told: list[tuple[datetime, str, str]], mode: str, same_app: bool, idle: int
) -> None:
    rows = [delivery(at.isoformat(), member, app_) for at, member, app_ in told]
    log = open_log(str(write_log(tmp_path / "log.ndjson", rows)), DEFAULT)
    found = usage(log, 2026, Switches(mode=mode, idle_minutes=idle, same_app_only=same_app), at=NOW)
    assert pair(found) == by_hand(rows, mode, timedelta(minutes=idle), DEFAULT.time_zone, 2026, same_app)


def test_another_app_never_lowers_a_figure_and_a_replay_changes_none(tmp_path: Path) -> None:
    rows = [delivery("2026-03-01T09:00:00Z", member) for member in "abc"]
    log = write_log(tmp_path / "log.ndjson", rows)
    assert pair(count(log)) == pair(count(log)) == (3, 0)
    assert pair(count(write_log(log, [*rows, delivery("2026-03-01T09:00:00Z", "a", "y")]))) == (3, 1)


@pytest.mark.parametrize(("gap", "transfers"), [("09:29:59.999", 0), ("09:30:00", 1)])
def test_a_gap_under_the_limit_is_the_same_transfer(tmp_path: Path, gap: str, transfers: int) -> None:
    rows = [delivery("2026-03-01T09:00:00Z"), delivery(f"2026-03-01T{gap}Z")]
    assert pair(count(write_log(tmp_path / "log.ndjson", rows))) == (1, transfers)


def test_the_year_begins_at_the_payers_midnight_whatever_zone_a_row_is_written_in(tmp_path: Path) -> None:
    rows = [
        delivery("2026-01-01T07:59:59Z", "a"),  # still 2025 in Los Angeles
        delivery("2026-01-01T08:00:00Z", "b"),
        delivery("2026-01-01T03:00:00-05:00", "c"),
        delivery("2027-01-01T02:59:59-05:00", "d"),
        delivery("2027-01-01T03:00:00-05:00", "e"),
    ]
    log = write_log(tmp_path / "log.ndjson", rows)
    assert pair(count(log)) == (3, 0)
    assert pair(usage(open_log(str(log), DEFAULT), 2026, Switches(), "America/New_York", at=NOW)) == (3, 0)
    assert pair(usage(open_log(str(log), DEFAULT), 2026, Switches(), "UTC", at=NOW)) == (3, 0)
    assert pair(count(log, year=2025)) == (1, 0)


def test_the_hour_that_happens_twice_does_not_join_two_days(tmp_path: Path) -> None:
    # 2026-11-01: clocks go back at 02:00 in Los Angeles, so the local day has 25 hours.
    rows = [delivery("2026-11-01T07:30:00Z"), delivery("2026-11-02T07:30:00Z")]  # 00:30 and 23:30, both 1 November
    assert pair(count(write_log(tmp_path / "log.ndjson", rows), mode="app-day")) == (1, 0)
    rows.append(delivery("2026-11-02T08:00:00Z"))
    assert pair(count(write_log(tmp_path / "log.ndjson", rows), mode="app-day")) == (1, 1)


def test_a_person_in_two_units_counts_once_in_each_and_once_in_all(tmp_path: Path) -> None:
    rows = [delivery("2026-03-01T09:00:00Z", unit="mhp"), delivery("2026-03-01T09:01:00Z", unit="dmc-ods")]
    found = count(write_log(tmp_path / "log.ndjson", rows))
    assert found.units == (Figure("dmc-ods", 1, 0), Figure("mhp", 1, 0))
    assert pair(found) == (1, 0)
    assert found.in_several_units == 1


def test_a_monthly_figure_is_the_same_formula_over_that_month(tmp_path: Path) -> None:
    rows = [delivery("2026-03-31T23:50:00-07:00"), delivery("2026-04-01T00:10:00-07:00")]
    found = count(write_log(tmp_path / "log.ndjson", rows), by_month=True)
    assert pair(found) == (1, 0)
    assert found.months[3][1] == found.months[4][1] == Figure("total", 1, 0)
    assert found.months[5] == ((), Figure("total", 0, 0))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (delivery("31/12/2026"), "cannot be read"),
        (delivery("2026-03-01T09:00:00"), "has no offset"),
        (delivery("2028-03-01T09:00:00Z"), "lies in the future"),
        (delivery("2026-03-01T09:00:00Z", ""), "names no member"),
        (delivery("2026-03-01T09:00:00Z", app=""), "names no app"),
        (delivery("2026-03-01T09:00:00Z", unit=None), "no reporting unit"),
        (delivery("2026-03-01T09:00:00Z", status="OK"), "status is not a number"),
        (delivery("2026-03-01T09:00:00Z", resources="many"), "how many resources"),
        (delivery("2026-03-01T09:00:00Z", resources=None), "how many resources"),
        (delivery("2026-03-01T09:00:00Z", app_kind="mobile"), "an app_kind the mapping does not name"),
        (delivery("2026-03-01T09:00:00Z", channel="patient"), "a channel the mapping does not name"),
    ],
)
def test_a_row_that_could_change_a_figure_is_named_and_the_figure_refused(
    tmp_path: Path, row: dict[str, Any], problem: str
) -> None:
    log = write_log(tmp_path / "log.ndjson", [delivery("2026-03-01T09:00:00Z"), row])
    with pytest.raises(Refused, match=problem) as refused:
        count(log)
    ((_, number, listed),) = refused.value.problems
    assert (number, len(listed)) == (1, 1)
    assert str(row["row"]) in listed[0]
    found = count(log, leave_out_problems=True)
    assert pair(found) == (1, 0)
    assert sum(found.left_out.values()) == 1


def test_a_bad_date_of_a_call_that_never_counts_is_no_reason_to_refuse(tmp_path: Path) -> None:
    rows = [delivery("2026-03-01T09:00:00Z"), delivery("yesterday", status=404), delivery("", interaction="metadata")]
    assert pair(count(write_log(tmp_path / "log.ndjson", rows))) == (1, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"app_kind": "backend"}, {"channel": "payer-to-payer"}, {"interaction": "read Organization"}, {"interaction": "capabilities"},
        {"path": "/fhir/Practitioner/p1"}, {"path": "/fhir/Location?name=x"}, {"status": 304}, {"resources": 0},
    ],
)  # fmt: skip
def test_what_no_member_designated_or_is_of_no_member_never_counts(tmp_path: Path, other: dict[str, Any]) -> None:
    log = tmp_path / "log.ndjson"
    assert pair(count(write_log(log, [delivery("2026-03-01T09:00:00Z", path="/fhir/Patient/m1")]))) == (1, 0)
    assert pair(count(write_log(log, [delivery("2026-03-01T09:00:00Z", **other)]))) == (0, 0)


@pytest.mark.parametrize("mode", ["sync", "app-day", "request"])
def test_a_log_written_twice_gives_the_same_figures(tmp_path: Path, mode: str) -> None:
    once = [
        delivery("2026-03-01T09:00:00Z", "a"),
        delivery("2026-03-01T09:00:00Z", "b"),
        delivery("2026-03-03T09:00:00Z", "b"),
    ]
    log = write_log(tmp_path / "log.ndjson", [*once, *once])
    assert pair(count(log, mode=mode)) == (2, 1)


def test_one_delivery_to_a_member_of_two_units_is_one_in_all(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("member,unit,from,until\nm1,a,,\nm1,b,2026-02-01,2026-04-01\n")
    found = count(
        write_log(tmp_path / "log.ndjson", [delivery("2026-03-01T09:00:00Z")]),
        Mapping(units="units.csv", folder=tmp_path),
        mode="request",
    )
    assert (found.units, pair(found), found.deliveries) == ((Figure("a", 1, 0), Figure("b", 1, 0)), (1, 0), 1)


def test_a_column_first_written_after_thousands_of_rows_is_read(tmp_path: Path) -> None:
    plain = delivery("2026-03-01T09:00:00Z")
    thin = {name: value for name, value in plain.items() if name not in ("app_kind", "channel")}
    rows = [{**thin, "row": number, "member": "m1"} for number in range(1500)]
    late = {**plain, "row": 1500, "member": "m2", "app": "sandbox", "app_kind": "test"}
    assert pair(count(write_log(tmp_path / "log.ndjson", [*rows, late]))) == (1, 0)


@pytest.mark.parametrize(
    "at", ["2026-01-01T00:10-08:00", "2026-01-01t08:10:00z", "2026-01-01 08:10:00+00", "2026-01-01 08:10:00 UTC", "2026-01-01T00:10:00.5-0800"]
)  # fmt: skip
def test_times_are_read_in_every_shape_iso_8601_and_databases_write(tmp_path: Path, at: str) -> None:
    assert pair(count(write_log(tmp_path / "log.ndjson", [delivery(at)]))) == (1, 0)
    assert pair(count(write_log(tmp_path / "log.ndjson", [delivery(at)]), year=2025)) == (0, 0)


def test_a_year_that_is_not_over_believes_times_until_its_filing_unless_told_when_the_log_was_drawn(
    tmp_path: Path,
) -> None:
    early = datetime(2026, 11, 1, tzinfo=UTC)
    assert Year(2026, "UTC", early).latest == datetime(2027, 4, 1, tzinfo=UTC)
    assert Year(2026, "UTC", early, told=True).latest == early
    assert Year(2026, "UTC", NOW).latest == NOW
    log = write_log(tmp_path / "log.ndjson", [delivery("2026-12-01T09:00:00Z")])
    with pytest.raises(Refused, match="lies in the future"):
        count(log, Mapping(drawn_at=early), at=None)


def test_the_audit_trail_leads_from_a_figure_to_its_rows(tmp_path: Path) -> None:
    target = tmp_path / "audit.csv"
    arguments = ["metrics", "usage", "--input", str(EXAMPLE), "--year", "2026", "--audit", str(target)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    rows = list(csv.DictReader(target.open()))
    assert len({row["person"] for row in rows}) == 7
    log = {
        json.loads(line)["row"]: json.loads(line) for line in (EXAMPLE / "access-log.ndjson").read_text().splitlines()
    }
    assert all(log[row["row"]]["member"] == row["member"] for row in rows)


def test_a_payers_own_figures_are_held_against_recomputation(tmp_path: Path) -> None:
    stated = tmp_path / "stated.json"
    stated.write_text(json.dumps({"reporting_units": [{"id": "mhp-49", "members": 7, "members_repeat": 5}]}))
    arguments = ["metrics", "usage", "--input", str(EXAMPLE), "--year", "2026", "--compare", str(stated)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "mhp-49 members_repeat: stated 5, recomputed 4" in done.stderr
    stated.write_text("reporting_unit,members,members_repeat\nmhp-49,7,4\n")
    log = open_log(str(EXAMPLE), load(EXAMPLE / "mapping.toml"))
    csv_stated = stated.rename(tmp_path / "stated.csv")
    assert differences(usage(log, 2026, Switches(), at=NOW), csv_stated) == ()


def test_small_cells_and_what_would_tell_them_are_hidden() -> None:
    units = (Figure("a", 100, 40), Figure("b", 5, 2), Figure("c", 300, 295), Figure("d", 0, 0))
    rows, total = suppressed(units, Figure("total", 405, 337), 11)
    shown = {row.id: (row.members, row.members_repeat) for row in rows}
    assert shown["b"] == ("<11", "<11")
    assert shown["c"][1] == "suppressed"  # 300 - 295 members have exactly one transfer
    assert shown["a"][0] == "suppressed"  # else the total less the others would tell b
    assert shown["d"] == (0, 0)
    assert total.members == 405
    alone, of_all = suppressed((Figure("a", 5, 2),), Figure("total", 5, 2), 11)
    assert (alone[0].members, of_all.members) == ("<11", "<11")
    assert suppressed(units, Figure("total", 405, 337), 0)[0][1].members == 5


CELLS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@example([(0, 1), (0, 2)], 3)
@given(CELLS, st.sampled_from([2, 3, 11]))
@example([(0, 1), (0, 10)], 11)  # two zeros hidden beside a total of zero
def test_no_hidden_figure_can_be_worked_out(cells: list[tuple[int, int]], below: int) -> None:
    units = tuple(Figure(f"u{n}", max(pair_), min(pair_)) for n, pair_ in enumerate(cells))
    total = Figure("total", sum(u.members for u in units), sum(u.members_repeat for u in units))
    rows, shown_total = suppressed(units, total, below)
    for name in ("members", "members_repeat"):
        for unit, row in zip((*units, total), (*rows, shown_total), strict=True):
            value, shown = getattr(unit, name), getattr(row, name)
            assert shown == value or isinstance(shown, str)
            assert not (isinstance(shown, int) and 0 < shown < below)
        hidden = [row for row in rows if isinstance(getattr(row, name), str)]
        whole = getattr(shown_total, name)
        if not isinstance(whole, int) or not hidden:
            continue
        # Where persons are in one unit only, the hidden cells of a column add up to this; no cell may have one value alone.
        rest = whole - sum(getattr(row, name) for row in rows if isinstance(getattr(row, name), int))
        bounds = [(1, below - 1) if getattr(row, name) == f"<{below}" else (0, whole) for row in hidden]
        low, high = sum(one for one, _ in bounds), sum(two for _, two in bounds)
        for least, most in bounds:
            assert below == 2 or max(least, rest - (high - most)) < min(most, rest - (low - least)), (rows, shown_total)


def test_refused_figures_exit_3_with_the_rows_listed_and_nothing_on_stdout(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.ndjson", [delivery("never")])
    done = CliRunner().invoke(app, ["metrics", "usage", "--input", str(log), "--year", "2026"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "1 × the time of a delivery cannot be read" in done.stderr


def test_the_page_and_the_csv_state_the_choices(tmp_path: Path) -> None:
    base = ["metrics", "usage", "--input", str(EXAMPLE), "--year", "2026", "--by-month"]
    assert CliRunner().invoke(app, [*base, "--format", "html", "-o", str(tmp_path / "u.html")]).exit_code == 0
    page = (tmp_path / "u.html").read_text()
    assert "gaps under 30 minutes" in page
    assert "a test client" in page
    done = CliRunner().invoke(app, [*base, "--format", "csv", "--suppress-below", "11"])
    assert "2026,,sync,total,&lt;11".replace("&lt;", "<") in done.stdout
    assert CliRunner().invoke(app, [*base, "--format", "html"]).exit_code == 2
