"""Where prior authorizations are read from: PDex EOBs, PAS ClaimResponses, CSV, a database; and what is refused with its place."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.metrics import BadInput, Refused
from reports.metrics.pa_figures import Rules, figures
from reports.metrics.pa_requests import Setup, load_setup, read
from reports.metrics.rounding import two_places

EXAMPLE = Path("examples/prior-authorization-2026")
NOW = datetime(2027, 6, 1, tzinfo=UTC)

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


def test_a_database_is_read_by_its_url(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "pa.duckdb")) as database:
        database.read_csv(str(EXAMPLE / "requests.csv"), all_varchar=True).create("requests")
    setup = replace(load_setup(EXAMPLE / "mapping.toml"), table="requests", files="")
    assert read(f"duckdb://{tmp_path}/pa.duckdb", setup) == read(str(EXAMPLE), load_setup(EXAMPLE / "mapping.toml"))
    with pytest.raises(BadInput, match="table 'nothing' cannot be read"):
        read(f"duckdb://{tmp_path}/pa.duckdb", replace(setup, table="nothing"))
