"""Counties' requests for utilisation data: the clock of seven business days and the record of deliveries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.metrics import BadInput
from reports.metrics.utilisation import due, holiday_dates, records

WHERE = ZoneInfo("America/Los_Angeles")
HEAD = "id,county,requested,requested_by,asked_for,delivered,delivered_to,sha256\n"


@pytest.mark.parametrize(
    ("requested", "until"),
    [
        ("2026-03-02T10:00", "2026-03-12T00:00"),  # Monday to the end of the Wednesday of the next week
        ("2026-03-07T10:00", "2026-03-18T00:00"),  # Saturday: Monday is the first day
        ("2026-06-30T10:00", "2026-07-11T00:00"),  # 3 July is a holiday observed
        ("2026-12-21T23:59", "2027-01-01T00:00"),  # over Christmas
        ("2026-12-28T10:00", "2027-01-08T00:00"),  # over New Year's Day
    ],
)
def test_seven_business_days_end_with_the_seventh(requested: str, until: str) -> None:
    at = datetime.fromisoformat(requested).replace(tzinfo=WHERE)
    expected = datetime.fromisoformat(until).replace(tzinfo=WHERE)
    assert due(at, WHERE, holiday_dates("US", (2026, 2027))) == expected.astimezone(UTC)


def test_each_request_has_its_state(tmp_path: Path) -> None:
    log = tmp_path / "requests.csv"
    log.write_text(
        HEAD + f"1,Sonoma,2026-03-02T10:00,a@x,usage 2025,2026-03-10T10:00,sftp,{'0' * 64}\n"
        f"2,Sonoma,2026-03-02T10:00,a@x,usage 2025,2026-03-12T00:00,sftp,{'0' * 64}\n"
        "3,Sonoma,2026-03-02T10:00,a@x,usage 2025,,,\n4,Sonoma,2026-03-20T10:00,a@x,usage 2025,,,\n"
    )
    found = records(log, WHERE, "US-CA", datetime(2026, 3, 21, tzinfo=UTC))
    assert [one.state for one in found] == ["on time", "late", "overdue", "open"]
    done = CliRunner().invoke(app, ["metrics", "utilisation", "--input", str(log), "--as-of", "2026-03-21"])
    assert done.exit_code == 1
    assert [one["state"] for one in json.loads(done.stdout)["requests"]] == ["on time", "late", "overdue", "open"]
    done = CliRunner().invoke(
        app, ["metrics", "utilisation", "--input", str(log), "--format", "html", "-o", str(tmp_path / "u.html")]
    )
    assert "Sonoma policy 7.1.6" in (tmp_path / "u.html").read_text()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,S,,a,u,,,", "without a time"),
        ("1,S,2026-03-02T10:00,a,u,2026-03-01T10:00,x,y", "before it was requested"),
        ("1,S,2026-03-02T10:00,a,u,2026-03-03T10:00,,", "recorded with delivered_to"),
        ("1,S,monday,a,u,,,", "no ISO 8601 time"),
        (",S,2026-03-02T10:00,a,u,,,", "empty or used twice"),
    ],
)
def test_a_log_that_is_wrong_says_where(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "r.csv").write_text(HEAD + row + "\n")
    with pytest.raises(BadInput, match=message):
        records(tmp_path / "r.csv", WHERE, "US", datetime(2026, 4, 1, tzinfo=UTC))


def test_unknown_calendars_and_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="unknown"):
        holiday_dates("XX-Nowhere", (2026,))
    (tmp_path / "r.csv").write_text("id\n1\n")
    with pytest.raises(BadInput, match="has no column county"):
        records(tmp_path / "r.csv", WHERE, "US", datetime(2026, 4, 1, tzinfo=UTC))
