"""References lead somewhere, stay within one record, and dates are possible and in order: birth, care, death, the day shown."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.unit.synthetic_data.audit.instants import earliest, latest, moment_of
from tests.unit.synthetic_data.audit.population import Json, population, walk

FAMILIES = ("legacy", "current")
DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\S+)?)?)?")
NOT_DATES = (".value", ".code", ".valueString", ".text", ".display", ".title", ".data", ".div", ".family", ".name")
CARE = (
    "Encounter", "Observation", "Procedure", "MedicationRequest", "MedicationDispense", "QuestionnaireResponse", "DiagnosticReport",
    "Immunization", "CarePlan",
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_reference_leads_somewhere_and_into_no_other_record(family: str) -> None:
    people = population(family)
    followed = Counter[str]()
    for place, resource in people.by_reference.items():
        owner = people.owner(resource)
        for path, value in walk(resource):
            if not path.endswith(".reference") or not isinstance(value, str):
                continue
            if value.startswith("#"):
                assert any(f"#{one['id']}" == value for one in resource["contained"]), (place, value)
                continue
            assert value in people.by_reference, (place, path, value)
            other = people.owner(people.by_reference[value])
            # A dependent's coverage names the parent who holds the policy.
            if owner and other in people.patients and not path.startswith((".subscriber", ".policyHolder")):
                assert other == owner, (place, path, value)
            followed[path] += 1
    assert followed.total() > 20_000


@pytest.mark.parametrize("family", FAMILIES)
def test_dates_exist_and_periods_run_forward(family: str) -> None:
    seen = 0
    for place, resource in population(family).by_reference.items():
        for path, value in walk(resource):
            if isinstance(value, str) and not path.endswith(NOT_DATES) and DATE.fullmatch(value):
                earliest(value)
                seen += 1
            if isinstance(value, dict) and isinstance(value.get("start"), str) and "end" in value:
                assert earliest(value["start"]) <= latest(value["end"]), (place, path, value)
    assert seen > 50_000


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_happens_before_birth_after_death_or_after_the_day_shown(family: str) -> None:
    people = population(family)
    shown = datetime.fromisoformat(people.manifest["as_of"])
    judged = died = 0
    for resource in people.by_reference.values():
        owner, moment = people.owner(resource), moment_of(resource)
        if (
            owner is None
            or owner not in people.patients
            or not moment
            or resource["resourceType"] in {"Coverage", "RelatedPerson"}
        ):
            continue
        judged += 1
        patient = people.patients[owner]
        assert latest(moment) >= earliest(patient["birthDate"]), (resource["resourceType"], resource["id"], moment)
        preauthorization = resource.get("use") == "preauthorization"  # asked for care still to come
        assert earliest(moment) <= shown or preauthorization, (resource["resourceType"], resource["id"], moment)
        if "deceasedDateTime" in patient and resource["resourceType"] in CARE:
            died += 1
            assert earliest(moment) <= earliest(patient["deceasedDateTime"]), (resource["id"], moment)
    assert judged > 10_000
    assert died > 50


@pytest.mark.parametrize("family", FAMILIES)
def test_what_arrives_later_is_listed_and_nothing_else(family: str) -> None:
    people = population(family)
    shown = datetime.fromisoformat(people.manifest["as_of"])
    listed = {one["reference"]: one["at"] for member in people.manifest["members"] for one in member["arrives"]}
    later = {
        place: resource["meta"]["lastUpdated"]
        for place, resource in people.by_reference.items()
        if datetime.fromisoformat(resource["meta"]["lastUpdated"]) > shown
    }
    assert later
    assert listed == later


@pytest.mark.parametrize("family", FAMILIES)
def test_care_falls_into_coverage(family: str) -> None:
    people = population(family)
    spans: dict[str, list[Json]] = {}
    for coverage in people.by_type["Coverage"]:
        spans.setdefault(str(people.owner(coverage)), []).append(coverage["period"])
    exempt = set(people.planted["before-2016"])
    for encounter in people.by_type["Encounter"]:
        owner, day = str(people.owner(encounter)), encounter["period"]["start"][:10]
        covered = any(one["start"] <= day <= one.get("end", "9999") for one in spans[owner])
        assert covered or (owner in exempt and day < "2017"), (encounter["id"], day, spans[owner])


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_is_in_two_places_at_once(family: str) -> None:
    people = population(family)
    by_member: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for encounter in people.by_type["Encounter"]:
        if encounter["status"] in {"finished", "in-progress"}:
            start = earliest(encounter["period"]["start"])
            end = earliest(encounter["period"]["end"]) if "end" in encounter["period"] else start
            by_member.setdefault(str(people.owner(encounter)), []).append((start, end, encounter["id"]))
    for visits in by_member.values():
        visits.sort()
        for (_, end, first), (start, _, second) in pairwise(visits):
            assert start >= end, (first, second)
    assert sum(map(len, by_member.values())) > 2_000


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_at_a_visit_is_written_during_or_soon_after_it(family: str) -> None:
    people = population(family)
    judged = 0
    for resource in people.by_reference.values():
        visit = people.by_reference.get(resource.get("encounter", {}).get("reference", ""))
        moment = moment_of(resource)
        if visit is None or "T" not in moment or resource["resourceType"] == "Condition":
            continue
        judged += 1
        assert earliest(moment) >= earliest(visit["period"]["start"]), (resource["resourceType"], resource["id"])
        if "end" in visit["period"]:
            assert earliest(moment) <= earliest(visit["period"]["end"]) + timedelta(days=3), (
                resource["resourceType"],
                resource["id"],
            )
    assert judged > 5_000


@pytest.mark.parametrize("family", FAMILIES)
def test_conditions_begin_are_recorded_and_end_in_this_order(family: str) -> None:
    for condition in population(family).by_type["Condition"]:
        status = condition["clinicalStatus"]["coding"][0]["code"] if "clinicalStatus" in condition else ""
        ended = condition.get("abatementDateTime")
        assert (status in {"inactive", "remission", "resolved"}) == (ended is not None), condition["id"]
        assert earliest(condition["onsetDateTime"]) <= latest(condition["recordedDate"]), condition["id"]
        assert ended is None or latest(ended) >= earliest(condition["onsetDateTime"]), condition["id"]


@pytest.mark.parametrize("family", FAMILIES)
def test_drugs_are_prescribed_before_they_are_fetched_in_opening_hours(family: str) -> None:
    people = population(family)
    fetched = 0
    for dispense in people.by_type["MedicationDispense"]:
        order = people.by_reference[dispense["authorizingPrescription"][0]["reference"]]
        handed = dispense["whenHandedOver"]
        fetched += 1
        assert earliest(order["authoredOn"]) < earliest(handed), dispense["id"]
        assert 7 <= int(handed[11:13]) <= 20, (dispense["id"], handed)
    assert fetched > 300
