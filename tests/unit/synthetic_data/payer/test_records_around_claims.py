"""Coverage, consent, provenance and the history of access."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from synthetic_data.payer import render
from synthetic_data.payer.fhir import Json
from tests.unit.synthetic_data.payer.sample import member, world


def of_type(kind: str, number: int = 1, family: str = "current") -> list[Json]:
    """A member's payer resources of a type."""
    return [each for each in render(member(number), world(family)) if each["resourceType"] == kind]


def test_consent_says_whether_substance_use_records_may_go_out() -> None:
    policies = {number: of_type("Consent", number)[0]["policy"][0]["uri"].rpartition("#")[2] for number in (1, 2)}
    assert policies == {1: "regular", 2: "sensitive"}


def test_a_consent_taken_back_has_ended_and_another_is_in_force() -> None:
    person = replace(member(1), consent_revoked=date(2026, 6, 10))
    old, new = (one for one in render(person, world()) if one["resourceType"] == "Consent")
    assert (old["status"], new["status"]) == ("inactive", "active")
    assert old["policy"][0]["uri"].endswith("#sensitive")
    assert new["policy"][0]["uri"].endswith("#regular")
    assert old["provision"]["period"]["end"] == new["provision"]["period"]["start"] == "2026-06-10"
    assert "profile" not in old["meta"], "the profile describes consents in force"


def test_having_a_consent_tells_nothing_about_a_member() -> None:
    person = member(1)
    plain = replace(person, diagnoses=tuple(each for each in person.diagnoses if not each.part2))
    both = [[each for each in render(one, world()) if each["resourceType"] == "Consent"] for one in (person, plain)]
    assert both[0] == both[1]
    assert len(both[0]) == 1


def test_a_member_without_care_has_no_consent() -> None:
    nothing = replace(
        member(1), diagnoses=(), visits=(), admissions=(), medications=(), labs=(), dental=(), authorizations=()
    )
    assert [each["resourceType"] for each in render(nothing, world())] == ["Coverage", "Provenance", "AuditEvent"]


def test_the_signed_form_is_in_the_record() -> None:
    (consent,) = of_type("Consent")
    (form,) = of_type("DocumentReference")
    assert consent["sourceReference"]["reference"] == f"DocumentReference/{form['id']}"


@pytest.mark.parametrize("family", ["legacy", "current"])
def test_every_claim_and_coverage_has_its_origin(family: str) -> None:
    resources = render(member(1), world(family))
    targets = {
        target["reference"] for each in resources if each["resourceType"] == "Provenance" for target in each["target"]
    }
    assert targets == {
        f"{each['resourceType']}/{each['id']}"
        for each in resources
        if each["resourceType"] in {"Coverage", "ExplanationOfBenefit"}
    }


def test_coverage_claims_us_core_only_where_the_guide_has_it() -> None:
    for family, claimed in (("legacy", False), ("current", True)):
        for each in of_type("Coverage", family=family):
            assert any(profile.endswith("us-core-coverage") for profile in each["meta"]["profile"]) is claimed


def test_the_payment_typology_stands_only_where_us_core_asks_for_it() -> None:
    for family, systems in (("legacy", 1), ("current", 2)):
        for each in of_type("Coverage", family=family):
            assert len(each["type"]["coding"]) == systems


def test_somebody_has_looked_at_the_record_before() -> None:
    (event,) = of_type("AuditEvent")
    assert event["entity"][0]["what"]["reference"] == "Patient/m00001"
    assert event["recorded"] < world().as_of.isoformat()
