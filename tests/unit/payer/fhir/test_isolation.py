"""A token sees its own member's record: by no road another one's, and nothing can be told from what is left out."""

from __future__ import annotations

import pytest

from tests.unit.payer.fhir.conftest import Api

ROADS = [
    "Observation?patient=m2", "Observation?patient=Patient/m2", "Observation?subject=Patient/m2", "Observation?_id=m2-obs-1", "Observation",
    "Observation?encounter=Encounter/m2-enc-1", "Observation?patient.name=Baker", "Observation?subject:Patient.family=Baker", "Patient?name=Baker",
    "Patient?identifier=MEM-2", "Patient?_has:Observation:patient:code=44261-6", "Encounter?_has:Observation:encounter:_id=m2-obs-1",
    "Coverage?_include=Coverage:subscriber", "Coverage?_include=*", "Coverage?subscriber.name=Ang", "Practitioner?_revinclude=Encounter:practitioner",
    "Organization?_revinclude=ExplanationOfBenefit:insurer", "Organization?_has:Coverage:payor:beneficiary=Patient/m2",
    "ExplanationOfBenefit?_include=ExplanationOfBenefit:*&_include:iterate=Coverage:*", "Provenance?_include=Provenance:target",
    "Provenance?target=Condition/m2-cond-1", "Condition?_revinclude=Provenance:target&_revinclude:iterate=Provenance:*",
    "Patient/m2/$everything", "Patient/m2", "Patient/m2/_history", "Patient/m2/_history/1", "Encounter/m2-enc-1", "Coverage/m2-cov",
]  # fmt: skip


@pytest.mark.parametrize("road", ROADS)
def test_no_road_leads_into_another_record(api: Api, road: str) -> None:
    for token in ("m3", "m3 user/*.read"):
        response = api.get(road, token)
        assert response.status_code in (200, 400, 403, 404)
        body = response.text
        shown = [entry["fullUrl"] for entry in response.json().get("entry", ()) if "fullUrl" in entry]
        assert not any("/m1" in url or "/m2" in url for url in shown)
        assert "Baker" not in body.replace("name=Baker", "").replace("family=Baker", "")
        assert "Ångström" not in body


def test_another_members_resource_reads_like_none(api: Api) -> None:
    foreign, unknown = api.get("Encounter/m2-enc-1"), api.get("Encounter/m1-enc-99")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace("m2-enc-1", "X") == unknown.text.replace("m1-enc-99", "X")


def test_another_members_record_is_refused_like_an_unknown_one(api: Api) -> None:
    assert api.get("Observation?patient=m2").status_code == api.get("Observation?patient=m99").status_code == 403


def test_totals_count_what_can_be_seen(api: Api) -> None:
    assert api.get("Observation?_summary=count").json()["total"] == 5
    assert api.get("Condition?_summary=count").json()["total"] == 1
    assert api.get("Condition?_summary=count", "m1+substance-use").json()["total"] == 2


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("m1 patient/Observation.rs", "Observation?patient=m1", 200),
        ("m1 patient/Observation.rs", "Condition?patient=m1", 403),
        ("m1 patient/Observation.r", "Observation/m1-obs-1", 200),
        ("m1 patient/Observation.r", "Observation?patient=m1", 403),
        ("m1 patient/Observation.s", "Observation/m1-obs-1", 403),
        ("m1 user/*.read", "Condition/m1-cond-1", 200),
        ("m1 system/*.read", "Condition/m1-cond-1", 403),
        ("m1 patient/Observation.rs?category=survey", "Observation/m1-obs-1", 200),
        ("m1 patient/Observation.rs?category=survey", "Observation/m1-obs-2", 404),
        ("m1 patient/Observation.rs?shoe-size=44", "Observation/m1-obs-1", 404),
    ],
)
def test_scopes_open_what_they_name(api: Api, token: str, path: str, status: int) -> None:
    assert api.get(path, token).status_code == status


def test_a_condition_of_a_scope_holds_everywhere(api: Api) -> None:
    token = "m1 patient/Observation.rs?category=survey patient/Encounter.rs patient/Patient.r"
    assert api.ids("Observation?patient=m1", token) == ["m1-obs-1", "m1-obs-3", "m1-obs-5"]
    assert api.ids("Encounter?_has:Observation:encounter:code=2345-7", token) == []
    included = api.get("Encounter?_revinclude=Observation:encounter", token).json()["entry"]
    assert {entry["resource"]["id"] for entry in included if entry["search"]["mode"] == "include"} == {
        "m1-obs-1",
        "m1-obs-3",
        "m1-obs-5",
    }
    assert "m1-obs-2" not in api.ids("Patient/m1/$everything?_count=100", token)


def test_includes_stop_where_scopes_stop(api: Api) -> None:
    bundle = api.get(
        "Observation?_include=Observation:*&_revinclude=Provenance:target", "m1 patient/Observation.rs"
    ).json()
    assert {entry["resource"]["resourceType"] for entry in bundle["entry"]} == {"Observation"}


def test_sensitive_records_need_the_members_word(api: Api) -> None:
    assert api.get("Condition/m1-cond-2").status_code == 404
    assert api.get("Condition/m1-cond-2", "m1+substance-use").status_code == 200
    assert api.ids("Condition?code=F11.20") == []
    assert api.ids("Patient?_has:Condition:patient:code=F11.20") == []
    assert api.ids("Patient?_has:Condition:patient:code=F11.20", "m1+substance-use") == ["m1"]
    for token in ("m1", "m1+substance-use", "m1+psychotherapy-notes"):
        assert api.get("DocumentReference/m1-doc-1", token).status_code == 404
        assert "m1-doc-1" not in api.ids("Patient/m1/$everything?_count=100", token)


def test_data_are_there_when_they_arrive(api: Api) -> None:
    from datetime import timedelta

    from tests.unit.payer.fhir.conftest import NOW

    assert api.ids("Encounter?patient=m1&date=2026-07-03") == []
    api.payer.clock.advance(timedelta(days=4))
    try:
        assert api.ids("Encounter?patient=m1&date=2026-07-03") == ["m1-enc-late"]
        assert api.get("Encounter/m1-enc-late").status_code == 200
    finally:
        api.payer.clock.freeze(NOW)
    assert api.get("Encounter/m1-enc-late").status_code == 404
