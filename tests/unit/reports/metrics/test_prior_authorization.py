"""Prior authorization figures: the worked example to the digit, its traps, decision limits, inputs and outputs."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from patient_access import app
from reports.metrics import BadInput
from reports.metrics.pa_figures import Rules, figures, late, limit, seven_days_from
from reports.metrics.pa_requests import Request, Setup, load_setup, read
from reports.metrics.rounding import mean, median, two_places

EXAMPLE = Path("examples/prior-authorization-2026")
NOW = datetime(2027, 6, 1, tzinfo=UTC)


def told(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        app,
        ["metrics", "prior-authorization", "--input", str(EXAMPLE), "--year", "2026", "--format", "json", *arguments],
    )
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


EXPEDITED = {
    "determined": 4, "approved": 2, "denied": 1, "partial": 1, "approved_percent": "50.00", "denied_percent": "25.00",
    "approved_after_appeal_percent": "0.00", "mean_hours": "53.50", "median_hours": "52.00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "partials", "standard", "extended"),
    [
        ("received", "mcpar", (8, 4, 4, "50.00", "50.00", "25.00", "6.63", "4.50"), "16.67"),
        ("received", "template", (8, 5, 3, "62.50", "37.50", "25.00", "6.63", "4.50"), "16.67"),
        ("decided", "mcpar", (7, 3, 4, "42.86", "57.14", "28.57", "7.00", "5.00"), "18.18"),
        ("decided", "template", (7, 4, 3, "57.14", "42.86", "28.57", "7.00", "5.00"), "18.18"),
    ],
)
def test_the_worked_example_by_the_command(basis: str, partials: str, standard: tuple[Any, ...], extended: str) -> None:
    names = (
        "determined",
        "approved",
        "denied",
        "approved_percent",
        "denied_percent",
        "approved_after_appeal_percent",
        "mean_days",
        "median_days",
    )
    assert told("--basis", basis, "--partials", partials) == {
        "basis": basis,
        "partials": partials,
        "reporting_units": [
            {
                "id": "mhp-49",
                "standard": {**dict(zip(names, standard, strict=True)), "partial": 1},
                "expedited": EXPEDITED,
                "extended_and_approved_percent": extended,
            }
        ],
    }


@pytest.mark.parametrize(
    ("basis", "cut_off", "over", "figure"),
    [
        ("received", "2026-12-31", "requests", "12.50"),
        ("decided", "2026-12-31", "requests", "14.29"),
        ("received", "2027-02-28", "requests", "25.00"),
        ("decided", "2027-02-28", "requests", "28.57"),
        ("received", "2026-12-31", "appeals", "50.00"),
        ("decided", "2026-12-31", "appeals", "50.00"),
        ("received", "2027-02-28", "appeals", "66.67"),
        ("decided", "2027-02-28", "appeals", "66.67"),
    ],
)
def test_approved_after_appeal_by_cut_off_and_denominator(basis: str, cut_off: str, over: str, figure: str) -> None:
    found = told("--basis", basis, "--appeal-cut-off", cut_off, "--appeals-over", over)
    assert found["reporting_units"][0]["standard"]["approved_after_appeal_percent"] == figure


def test_strict_keeps_the_withdrawn_request_in_the_denominator() -> None:
    standard = told("--strict")["reporting_units"][0]["standard"]
    assert (standard["approved_percent"], standard["denied_percent"], standard["determined"]) == ("44.44", "44.44", 8)
    assert standard["mean_days"] == "6.63"
    setup = load_setup(EXAMPLE / "mapping.toml")
    found = figures(read(str(EXAMPLE), setup), Rules(2026, strict=True), setup)[0]
    assert found.reconciliation == {"withdrawn": 1, "drug": 1}
    with pytest.raises(BadInput, match="no year by the decided basis"):
        Rules(2026, basis="decided", strict=True)


def test_the_default_cut_off_is_the_last_day_of_february() -> None:
    assert Rules(2026).cut_off == date(2027, 2, 28)
    assert Rules(2027).cut_off == date(2028, 2, 29)


def test_an_empty_class_is_not_applicable_and_never_zero(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "id,unit,class,received,determined,outcome\n1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,approved\n"
    )
    done = CliRunner().invoke(
        app, ["metrics", "prior-authorization", "--input", str(tmp_path / "r.csv"), "--year", "2026"]
    )
    unit = json.loads(done.stdout)["reporting_units"][0]
    assert {
        unit["expedited"][name] for name in ("approved_percent", "denied_percent", "mean_hours", "median_hours")
    } == {"not applicable"}
    assert unit["standard"]["denied_percent"] == "0.00"


@given(st.lists(st.fractions(min_value=0, max_value=10**6), min_size=1, max_size=30))
def test_rounding_is_half_up_of_the_exact_value(values: list[Fraction]) -> None:
    for exact in (mean(values), median(values)):
        assert exact is not None
        shown = Fraction(two_places(exact))
        assert -Fraction(1, 200) < exact - shown + Fraction(1, 100) <= Fraction(1, 100) + Fraction(1, 200)
        assert shown - exact <= Fraction(1, 200)
        assert exact - shown < Fraction(1, 200)
    assert two_places(Fraction(53, 8)) == "6.63"
    assert two_places(Fraction(1, 200)) == "0.01"
    assert two_places(Fraction(2)) == "2.00"


def request(**changed: Any) -> Request:
    plain = Request(
        "r", "u", False, datetime(2026, 8, 3, 17, tzinfo=UTC), None, "pending", False, False, "", None, None, ""
    )
    return replace(plain, **changed)


def test_clock_changes_do_not_stretch_a_duration() -> None:
    # 09:00 to 09:00 across 2026-03-08 in Los Angeles is 71 hours.
    setup = Setup()
    spring = request(
        expedited=True,
        received=datetime(2026, 3, 6, 17, tzinfo=UTC),
        determined=datetime(2026, 3, 9, 16, tzinfo=UTC),
        outcome="approved",
    )
    assert two_places(figures([spring], Rules(2026), setup)[0].expedited.mean) == "71.00"


@pytest.mark.parametrize(
    ("setup", "changed", "expected"),
    [
        (Setup(), {}, datetime(2026, 8, 11, 7, tzinfo=UTC)),  # the seventh day's end, local
        (Setup(standard_limit="exact"), {}, datetime(2026, 8, 10, 17, tzinfo=UTC)),
        (Setup(), {"extended": True}, datetime(2026, 8, 25, 7, tzinfo=UTC)),
        (Setup(extension_reading="total"), {"extended": True}, datetime(2026, 8, 18, 7, tzinfo=UTC)),
        (Setup(), {"expedited": True}, datetime(2026, 8, 6, 17, tzinfo=UTC)),
        (Setup(), {"expedited": True, "extended": True}, datetime(2026, 8, 20, 17, tzinfo=UTC)),
        (
            Setup(extension_reading="total"),
            {"expedited": True, "extended": True},
            datetime(2026, 8, 17, 17, tzinfo=UTC),
        ),
        (Setup(rating_period_start=date(2026, 10, 1)), {}, datetime(2026, 8, 18, 7, tzinfo=UTC)),  # still 14 days
        (Setup(payer_type="ma", rating_period_start=date(2026, 10, 1)), {}, datetime(2026, 8, 11, 7, tzinfo=UTC)),
        (Setup(payer_type="qhp"), {}, None),
    ],
)
def test_the_decision_limit_by_payer_class_extension_and_reading(
    setup: Setup, changed: dict[str, Any], expected: datetime | None
) -> None:
    assert limit(request(**changed), setup) == expected


def test_the_seven_days_begin_with_the_rating_period() -> None:
    assert seven_days_from(Setup(rating_period_start=date(2025, 7, 1))) == date(2026, 7, 1)
    assert seven_days_from(Setup(rating_period_start=date(2024, 2, 29))) == date(2026, 2, 28)
    assert seven_days_from(Setup(payer_type="medicaid-ffs")) == date(2026, 1, 1)


def test_late_cases_are_listed_also_when_still_open() -> None:
    setup = load_setup(EXAMPLE / "mapping.toml")
    assert [(one.request.id, one.by) for one in late(read(str(EXAMPLE), setup), Rules(2026), setup, NOW)] == [
        ("E3", timedelta(hours=8))
    ]
    open_ = request()
    assert [one.request.id for one in late([open_], Rules(2026), setup, NOW)] == ["r"]
    assert late([open_], Rules(2026), setup, datetime(2026, 8, 5, tzinfo=UTC)) == ()


def test_a_unit_without_requests_in_the_year_still_reports() -> None:
    (unit,) = figures([request()], Rules(2031), Setup())
    assert (unit.id, unit.standard.determined, two_places(unit.standard.approved_percent)) == ("u", 0, "not applicable")


def test_a_state_may_shorten_the_limits() -> None:
    setup = Setup(standard_days=5, expedited_hours=24)
    assert limit(request(), setup) == datetime(2026, 8, 9, 7, tzinfo=UTC)
    assert limit(request(expedited=True), setup) == datetime(2026, 8, 4, 17, tzinfo=UTC)


def test_page_csv_mcpar_and_late_cases_are_written(tmp_path: Path) -> None:
    base = ["metrics", "prior-authorization", "--input", str(EXAMPLE), "--year", "2026"]
    done = CliRunner().invoke(
        app, [*base, "--format", "html", "-o", str(tmp_path / "pa.html"), "--late", str(tmp_path / "late.csv")]
    )
    assert done.exit_code == 0
    page = (tmp_path / "pa.html").read_text()
    for said in ("6.63", "Day treatment programs", "appeals decided by 2027-02-28", "withdrawn", "Partial approvals"):
        assert said in page
    assert "S1" not in page.split("</style>")[1]  # a public page names no request
    assert [row["id"] for row in csv.DictReader((tmp_path / "late.csv").open())] == ["E3"]
    mcpar = list(csv.DictReader(CliRunner().invoke(app, [*base, "--format", "mcpar"]).stdout.splitlines()))
    assert [row["item"] for row in mcpar] == [f"D1.XIII.{number}" for number in range(1, 16)]
    assert [row["answer"] for row in mcpar[2:10]] == ["8", "4", "12", "50.00", "50.00", "25.00", "6.63", "4.50"]
    long = CliRunner().invoke(app, [*base, "--format", "csv"]).stdout
    assert 'mhp-49,standard,"approved, %",4,8,50.00' in long
