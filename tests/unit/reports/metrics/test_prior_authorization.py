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
from reports.metrics import BadInput, Refused
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


HEAD = "id,unit,class,received,determined,outcome,appeal_decided,appeal_outcome\n"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("1,u,standard,soon,,pending,,", "received is no ISO 8601 time"),
        ("1,u,standard,,,pending,,", "without a time of receipt"),
        ("1,u,standard,2026-03-01T09:00Z,,approved,,", "has no time of determination"),
        ("1,u,standard,2026-03-02T09:00Z,2026-03-01T09:00Z,denied,,", "determined before it was received"),
        ("1,u,urgent,2026-03-01T09:00Z,,pending,,", "class is none of"),
        ("1,u,standard,2026-03-01T09:00Z,,maybe,,", "outcome is none of"),
        ("1,,standard,2026-03-01T09:00Z,,pending,,", "names no reporting unit"),
        ("1,u,standard,2026-03-08T02:30,,pending,,", "never was"),
        ("1,u,standard,2026-11-01T01:30,,pending,,", "was twice"),
        ("1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,denied,,overturned", "no time of decision"),
        ("1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,denied,2026-03-01,upheld", "before the determination"),
        ("1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,denied,2026-03-09,", "no outcome"),
        ("1,u,standard,2026-03-01T09:00Z,,pending,2026-03-09,upheld", "upheld a request that was pending"),
        ("1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,pending,,", "is pending but has a time"),
        ("1,u,standard,2126-03-01T09:00Z,,pending,,", "lies in the future"),
        (
            "1,u,standard,2026-03-01T09:00Z,2026-03-02T09:00Z,approved,2026-04-01,overturned",
            "overturned a request that was approved",
        ),
        (
            "1,u,standard,2026-03-01T09:00Z,,pending,,\n1,u,standard,2026-03-01T09:00Z,,pending,,",
            "used by two requests",
        ),
    ],
)
def test_a_record_that_could_change_a_figure_is_named_and_the_figure_refused(
    tmp_path: Path, row: str, problem: str
) -> None:
    (tmp_path / "r.csv").write_text(HEAD + row + "\n")
    with pytest.raises(Refused, match=problem) as refused:
        read(str(tmp_path / "r.csv"), Setup(), NOW)
    assert refused.value.problems[0][1] == 1
    assert "r.csv:" in refused.value.problems[0][2][0]


def test_another_systems_words_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("Case,Type,In,Out,Result\n7,Urgent,2026-03-01T09:00Z,2026-03-01T19:00Z,Y\n")
    (tmp_path / "mapping.toml").write_text(
        'unit = "plan"\nfiles = "r.csv"\n[columns]\nid="Case"\nclass="Type"\nreceived="In"\ndetermined="Out"\noutcome="Result"\n'
        '[values.class]\nUrgent="expedited"\n[values.outcome]\nY="approved"\n'
    )
    setup = load_setup(tmp_path / "mapping.toml")
    unit = figures(read(str(tmp_path), setup), Rules(2026), setup)[0]
    assert (unit.id, two_places(unit.expedited.mean)) == ("plan", "10.00")
    (tmp_path / "mapping.toml").write_text('payer_type = "hmo"\n')
    with pytest.raises(BadInput, match="one of ma"):
        load_setup(tmp_path / "mapping.toml")


def action(code: str) -> dict[str, Any]:
    part = {"url": "code", "valueCodeableConcept": {"coding": [{"code": code}]}}
    return {
        "extension": [
            {
                "url": "http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/extension-reviewAction",
                "extension": [part],
            }
        ]
    }


def eob(id: str, codes: list[str], issued: str | None, **other: Any) -> dict[str, Any]:
    extension = (
        [
            {
                "url": "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-itemPreAuthIssueDate",
                "valueDate": issued,
            }
        ]
        if issued
        else []
    )
    items = [
        {"extension": extension, "adjudication": [action(code)], "productOrService": {"coding": [{"code": "S1"}]}}
        for code in codes
    ]
    return {
        "resourceType": "ExplanationOfBenefit", "id": id, "use": "preauthorization", "status": "active", "created": "2026-03-02",
        "insurer": {"reference": "Organization/payer"}, "type": {"coding": [{"code": "professional"}]}, "item": items, **other,
    }  # fmt: skip


def test_pdex_prior_authorization_eobs_are_read(tmp_path: Path) -> None:
    resources = [
        eob("a", ["A1"], "2026-03-04"),
        eob("b", ["A1", "A3"], "2026-03-08"),
        eob("c", ["A3"], "2026-03-05", priority={"coding": [{"code": "stat"}]}),
        eob("d", ["A4"], None),
        eob("e", ["A1"], "2026-03-04", type={"coding": [{"code": "pharmacy"}]}),
        eob("f", ["A1"], "2026-03-04", status="cancelled"),
        {**eob("g", ["A1"], "2026-03-04"), "use": "claim"},
    ]
    (tmp_path / "eob.ndjson").write_text("".join(json.dumps(one) + "\n" for one in resources))
    found = {one.id: one for one in read(str(tmp_path / "eob.ndjson"), Setup())}
    assert {id: (one.outcome, one.expedited, one.drug) for id, one in found.items()} == {
        "a": ("approved", False, False), "b": ("partial", False, False), "c": ("denied", True, False), "d": ("pending", False, False),
        "e": ("approved", False, True), "f": ("withdrawn", False, False),
    }  # fmt: skip
    assert found["a"].elapsed == timedelta(days=2)


def event(kind: str, start: str, end: str | None = None, code: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {
        "category": {"coding": [{"system": "https://x/CodeSystem/prior-authorization-event", "code": kind}]},
        "timingPeriod": {"start": start, **({"end": end} if end else {})},
    }
    return {**told, "code": {"coding": [{"code": code}]}} if code else told


def test_events_among_the_supporting_information_tell_the_first_determination(tmp_path: Path) -> None:
    asked = "2026-03-02T09:00:00Z"
    resources = [
        eob("a", ["A1"], "2026-05-01", supportingInfo=[
            event("request", asked, "2026-03-05T09:00:00Z", "denied"), event("extension", asked),
            event("appeal", "2026-03-09T09:00:00Z", "2026-04-30T09:00:00Z", "overturned"),
        ]),
        eob("b", ["A4"], None, supportingInfo=[event("request", asked), event("withdrawal", "2026-03-03T09:00:00Z")]),
        eob("c", ["A4"], None, supportingInfo=[event("request", asked)]),
    ]  # fmt: skip
    (tmp_path / "eob.ndjson").write_text("".join(json.dumps(one) + "\n" for one in resources))
    found = {one.id: one for one in read(str(tmp_path / "eob.ndjson"), Setup())}
    assert (found["a"].outcome, found["a"].extended, found["a"].appeal_outcome, found["a"].elapsed) == (
        "denied", True, "overturned", timedelta(days=3),
    )  # fmt: skip
    assert (found["b"].outcome, found["c"].outcome) == ("withdrawn", "pending")


def test_pas_responses_take_their_receipt_from_the_claim(tmp_path: Path) -> None:
    claim = {
        "resourceType": "Claim",
        "id": "c1",
        "use": "preauthorization",
        "created": "2026-03-02T09:00:00Z",
        "priority": {"coding": [{"code": "stat"}]},
    }
    response = {
        "resourceType": "ClaimResponse", "id": "r1", "use": "preauthorization", "status": "active", "created": "2026-03-02T21:00:00Z",
        "insurer": {"reference": "Organization/payer"}, "request": {"reference": "Claim/c1"}, "item": [{"adjudication": [action("A1")]}],
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": response}, {"resource": claim}]}
    (tmp_path / "pas.ndjson").write_text(json.dumps(bundle) + "\n")
    (one,) = read(str(tmp_path / "pas.ndjson"), Setup())
    assert (one.expedited, one.outcome, one.elapsed) == (True, "approved", timedelta(hours=12))
    (tmp_path / "pas.ndjson").write_text(json.dumps(response) + "\n")
    with pytest.raises(BadInput, match="Claim/c1, which is not in the input"):
        read(str(tmp_path / "pas.ndjson"), Setup())


def answer(id: str, created: str, code: str, **other: Any) -> dict[str, Any]:
    return {
        "resourceType": "ClaimResponse", "id": id, "use": "preauthorization", "status": "active", "created": created,
        "insurer": {"reference": "Organization/payer"}, "item": [{"adjudication": [action(code)]}], **other,
    }  # fmt: skip


def test_a_claim_is_one_request_however_often_and_wherever_it_is_answered(tmp_path: Path) -> None:
    claims = [
        {"resourceType": "Claim", "id": id, "use": "preauthorization", "status": "active", "created": "2026-03-02T09:00:00Z",
         "insurer": {"reference": "Organization/payer"}, "identifier": [{"system": "urn:x", "value": id}]}
        for id in ("pended", "by-identifier", "unanswered")
    ]  # fmt: skip
    responses = [
        answer("r1", "2026-03-03T09:00:00Z", "A4", request={"reference": "https://payer.example/fhir/Claim/pended"}),
        answer("r3", "2026-05-05T09:00:00Z", "A1", request={"reference": "Claim/pended"}),
        answer("r2", "2026-03-05T09:00:00Z", "A3", request={"reference": "Claim/pended"}),
        answer("r4", "2026-03-03T09:00:00Z", "A1", identifier=[{"system": "urn:x", "value": "by-identifier"}]),
    ]
    for name, resources in (("Claim", claims), ("ClaimResponse", responses)):
        (tmp_path / f"{name}.ndjson").write_text("".join(json.dumps(one) + "\n" for one in resources))
    found = {one.id: one for one in read(str(tmp_path), Setup())}
    assert {id: one.outcome for id, one in found.items()} == {
        "pended": "denied", "by-identifier": "approved", "unanswered": "pending",
    }  # fmt: skip
    assert found["pended"].elapsed == timedelta(days=3)  # the first determination, not the last


def test_times_told_by_the_day_count_days_and_leave_hours_undecided(tmp_path: Path) -> None:
    resources = [
        eob("same-day", ["A1"], "2026-03-02", created="2026-03-02T15:00:00-08:00"),
        eob("three", ["A3"], "2026-03-10", created="2026-03-07"),  # clocks change in between
        eob("urgent", ["A1"], "2026-03-03", created="2026-03-02T09:00:00Z", priority={"coding": [{"code": "stat"}]}),
    ]
    (tmp_path / "eob.ndjson").write_text("".join(json.dumps(one) + "\n" for one in resources))
    done = CliRunner().invoke(app, ["metrics", "prior-authorization", "--input", str(tmp_path), "--year", "2026"])
    assert done.exit_code == 3
    assert "1 expedited requests are told by the day" in done.stderr
    (unit,) = json.loads(done.stdout)["reporting_units"]
    assert (unit["standard"]["mean_days"], unit["expedited"]["mean_hours"]) == ("1.50", "not decided")
    assert unit["expedited"]["approved_percent"] == "100.00"


def test_a_unit_without_requests_in_the_year_still_reports() -> None:
    (unit,) = figures([request()], Rules(2031), Setup())
    assert (unit.id, unit.standard.determined, two_places(unit.standard.approved_percent)) == ("u", 0, "not applicable")


def test_a_state_may_shorten_the_limits() -> None:
    setup = Setup(standard_days=5, expedited_hours=24)
    assert limit(request(), setup) == datetime(2026, 8, 9, 7, tzinfo=UTC)
    assert limit(request(expedited=True), setup) == datetime(2026, 8, 4, 17, tzinfo=UTC)


def test_a_database_is_read_by_its_url(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "pa.duckdb")) as database:
        database.read_csv(str(EXAMPLE / "requests.csv"), all_varchar=True).create("requests")
    setup = replace(load_setup(EXAMPLE / "mapping.toml"), table="requests", files="")
    assert read(f"duckdb://{tmp_path}/pa.duckdb", setup) == read(str(EXAMPLE), load_setup(EXAMPLE / "mapping.toml"))
    with pytest.raises(BadInput, match="table 'nothing' cannot be read"):
        read(f"duckdb://{tmp_path}/pa.duckdb", replace(setup, table="nothing"))


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
