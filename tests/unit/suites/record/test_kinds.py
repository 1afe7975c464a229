"""Which profiles a resource is judged by though it claims none, and which it is not."""

from __future__ import annotations

from typing import Any

import pytest

from suites.record.cases import cases
from suites.record.kinds import is_of

CURRENT = ("us-core@3.1.1", "carin-bb@2.0.0", "pdex@2.0.0", "plan-net@1.1.0", "formulary@2.0.1")
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
SUB_TYPE = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBInstitutionalClaimSubType"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def observation(code: str, category: str = "") -> dict[str, Any]:
    made = {"resourceType": "Observation", "code": concept("http://loinc.org", code)}
    return {**made, "category": [concept(CATEGORY, category)]} if category else made


def claim(type: str, sub_type: str = "", use: str = "claim") -> dict[str, Any]:
    made = {"resourceType": "ExplanationOfBenefit", "use": use, "type": concept(CLAIM_TYPE, type)}
    return {**made, "subType": concept(SUB_TYPE, sub_type)} if sub_type else made


def judged_by(resource: dict[str, Any], guides: tuple[str, ...] = CURRENT, base: str = "fhir") -> set[str]:
    """The last words of the profiles that are meant for a resource on an interface."""
    return {
        case.profile.rpartition("/")[2]
        for guide in guides
        for case in cases(guides, guide, "profile", "SHALL")
        if case.base == base and case.type == resource["resourceType"] and is_of(guides, case.profile, resource)
    }


@pytest.mark.parametrize(
    ("resource", "profiles"),
    [
        (observation("2339-0", "laboratory"), {"us-core-observation-lab"}),
        (observation("72166-2"), {"us-core-smokingstatus"}),
        (observation("59576-9"), {"pediatric-bmi-for-age"}),
        (observation("2339-0"), set()),
        (observation("8480-6", "vital-signs"), set()),  # no profile of this version is for it
        (claim("pharmacy"), {"C4BB-ExplanationOfBenefit-Pharmacy"}),
        (claim("professional"), {"C4BB-ExplanationOfBenefit-Professional-NonClinician"}),
        (claim("oral"), {"C4BB-ExplanationOfBenefit-Oral"}),
        (claim("institutional", "inpatient"), {"C4BB-ExplanationOfBenefit-Inpatient-Institutional"}),
        (claim("institutional", "outpatient"), {"C4BB-ExplanationOfBenefit-Outpatient-Institutional"}),
        (claim("institutional"), set()),
        (claim("professional", use="preauthorization"), {"pdex-priorauthorization"}),
        (claim("professional", use="predetermination"), set()),
        ({"resourceType": "Condition"}, {"us-core-condition"}),
        ({"resourceType": "Coverage"}, {"C4BB-Coverage"}),
        ({"resourceType": "Practitioner"}, {"us-core-practitioner"}),  # C4BB-Practitioner is for those of claims only
    ],
)
def test_what_claims_no_profile_is_judged_by_its_kind(resource: dict[str, Any], profiles: set[str]) -> None:
    assert judged_by(resource) == profiles


def test_what_lacks_the_element_that_tells_cannot_escape_by_that() -> None:
    untyped = claim("pharmacy")
    del untyped["type"]
    assert "C4BB-ExplanationOfBenefit-Pharmacy" in judged_by(untyped)
    assert "pdex-priorauthorization" not in judged_by(untyped)


def test_a_claimed_profile_is_judged_whatever_the_kind() -> None:
    lab = {**observation("72166-2"), "meta": {"profile": [f"{US_CORE}us-core-observation-lab|3.1.1"]}}
    assert judged_by(lab) == {"us-core-observation-lab", "us-core-smokingstatus"}


@pytest.mark.parametrize(("code", "profile"), [("ntwk", "plannet-Network"), ("fac", "plannet-Organization")])
def test_an_organization_of_the_directory_is_a_network_or_not(code: str, profile: str) -> None:
    type = concept("http://hl7.org/fhir/us/davinci-pdex-plan-net/CodeSystem/OrgTypeCS", code)
    assert judged_by({"resourceType": "Organization", "type": [type]}, base="directory") == {profile}


def test_other_basic_resources_are_no_formulary_items() -> None:
    assert judged_by({"resourceType": "Basic", "code": {"text": "note"}}, base="formulary") == set()


def test_newer_guides_give_their_own_kinds() -> None:
    guides = ("us-core@6.1.0",)
    assert judged_by(observation("85354-9", "vital-signs"), guides) == {"us-core-blood-pressure", "us-core-vital-signs"}
    assert judged_by(observation("72166-2", "social-history"), guides) == {"us-core-smokingstatus"}
    assert judged_by(observation("76501-6", "social-history"), guides) == set()


def test_kinds_nothing_tells_apart_are_both_tried_unless_one_is_claimed() -> None:
    guides = ("carin-bb@1.0.0",)
    both = {"C4BB-ExplanationOfBenefit-Inpatient-Institutional", "C4BB-ExplanationOfBenefit-Outpatient-Institutional"}
    unclaimed = claim("institutional")
    assert judged_by(unclaimed, guides) == both
    outpatient = (
        "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Outpatient-Institutional"
    )
    assert judged_by({**unclaimed, "meta": {"profile": [outpatient]}}, guides) == {outpatient.rpartition("/")[2]}


@pytest.mark.parametrize("broken", [None, 7, "text", [], [None], {"coding": None}, {"coding": [None, {"code": 5}, []]}])
def test_codes_of_another_shape_are_no_match_and_no_crash(broken: Any) -> None:
    assert "us-core-smokingstatus" not in judged_by({"resourceType": "Observation", "code": broken})
