"""What a claim looks like: the shapes of three versions, linked replacements, coordination of benefits, and no licensed words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from synthetic_data.payer import render
from synthetic_data.payer.carin import version
from synthetic_data.payer.fhir import Json
from tests.unit.synthetic_data.payer.sample import member, world

VERSIONS = ["1.0.0", "1.1.0", "2.0.0"]

# Codes of licensed lists that an official example shows, or (present on admission, remark codes) that CMS publishes itself.
SHOWN = {
    "https://www.nubc.org/CodeSystem/RevenueCodes": {"0250", "0301", "0450", "Dummy"},
    "https://www.nubc.org/CodeSystem/TypeOfBill": {"Dummy"},
    "https://www.nubc.org/CodeSystem/PointOfOrigin": {"Dummy"},
    "https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit": {"2", "Dummy"},
    "https://www.nubc.org/CodeSystem/PatDischargeStatus": {"01", "30", "Dummy"},
    "https://www.nubc.org/CodeSystem/PresentOnAdmissionIndicator": {"Y", "N"},
    "http://www.ada.org/cdt": {"D0120", "D0220", "D1110"},
    "http://terminology.hl7.org/CodeSystem/ADAUniversalToothDesignationSystem": {"1", "2"},
    "http://terminology.hl7.org/CodeSystem/ADAAreaOralCavitySystem": {"10"},
    "https://x12.org/codesystem.x12.org/ambulance-transport-reason-codes": {"B"},
    "https://x12.org/codes/service-type-codes": {"3"},
    "https://codesystem.x12.org/005010/1338": {"U", "E"},
    "https://codesystem.x12.org/005010/306": {"A1", "A3", "A4"},
}
LICENSED = ("ama-assn.org", "nubc.org", "x12.org", "ada.org/cdt", "NCPDP", "ADAUniversal", "ADAArea")


def eobs(carin: str, count: int = 6) -> list[Json]:
    """ExplanationOfBenefit of some members, prior authorizations left out."""
    surroundings = world("current", carin_bb=carin)
    return [
        resource
        for number in range(1, count + 1)
        for resource in render(
            member(number, ("bh", "ma", "qhp")[number % 3], other_payer=number in {3, 5}), surroundings
        )
        if resource["resourceType"] == "ExplanationOfBenefit" and resource["use"] == "claim"
    ]


def codings(node: Any) -> Iterator[Json]:
    """Every Coding in a resource."""
    if isinstance(node, dict):
        if "system" in node and "code" in node:
            yield node
        for value in node.values():
            yield from codings(value)
    elif isinstance(node, list):
        for value in node:
            yield from codings(value)


@pytest.mark.parametrize("carin", VERSIONS)
def test_licensed_lists_give_codes_alone_and_only_those_examples_show(carin: str) -> None:
    seen = 0
    for resource in eobs(carin):
        for each in codings(resource):
            if any(owner in each["system"] for owner in LICENSED):
                seen += 1
                assert "display" not in each, each
                assert each["code"] in SHOWN.get(each["system"], {each["code"]}), each
    assert seen > 200


@pytest.mark.parametrize("carin", VERSIONS)
def test_every_claim_names_the_profile_of_its_version(carin: str) -> None:
    form = version(carin)
    found = {resource["meta"]["profile"][0] for resource in eobs(carin)}
    assert found == {profile for profiles in form.profiles.values() for profile in profiles}
    assert all(("|" in profile) == (carin != "1.0.0") for profile in found)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"9\.9\.9 is not rendered: take 1\.0\.0, 1\.1\.0 or 2\.0\.0"):
        version("9.9.9")


@pytest.mark.parametrize("carin", VERSIONS)
def test_institutional_amounts_stand_on_lines_or_at_the_header(carin: str) -> None:
    places = set()
    for resource in eobs(carin):
        if resource["type"]["coding"][0]["code"] != "institutional":
            continue
        at_header = any("amount" in entry for entry in resource.get("adjudication", ()))
        on_lines = any("adjudication" in item for item in resource["item"])
        assert at_header != on_lines
        places.add(at_header)
    assert places == {True, False}


@pytest.mark.parametrize("carin", VERSIONS)
def test_a_replaced_claim_and_its_replacement_name_each_other(carin: str) -> None:
    found = {each["identifier"][0]["value"]: each for each in eobs(carin)}
    pairs = 0
    for number, resource in found.items():
        for link in resource.get("related", ()):
            other = found[link["reference"]["value"]]
            back = next(each for each in other["related"] if each["reference"]["value"] == number)
            kinds = {link["relationship"]["coding"][0]["code"], back["relationship"]["coding"][0]["code"]}
            assert kinds == {"prior", "replacedby"}
            assert {resource["status"], other["status"]} == {"active", "cancelled"}
            pairs += 1
    assert pairs >= 4


def test_a_claim_of_a_medicaid_member_with_another_plan_shows_what_that_plan_paid() -> None:
    surroundings = world()
    resources = render(member(3, "bh", other_payer=True), surroundings)
    coverage = {each["id"]: each for each in resources if each["resourceType"] == "Coverage"}
    claims = [each for each in resources if each["resourceType"] == "ExplanationOfBenefit" and each["use"] == "claim"]
    assert len(claims) > 10
    for claim in claims:
        own, other = (each["coverage"]["reference"].partition("/")[2] for each in claim["insurance"])
        assert (claim["insurance"][0]["focal"], claim["insurance"][1]["focal"]) == (True, False)
        assert (coverage[own]["order"], coverage[other]["order"]) == (2, 1), "Medicaid pays last"
    paid_before = [
        claim
        for claim in claims
        if any(each["category"]["coding"][0]["code"] == "priorpayerpaid" for each in claim["total"])
    ]
    assert paid_before


def test_a_medicare_advantage_member_with_another_plan_is_paid_for_here_first() -> None:
    resources = render(member(1, "ma", other_payer=True), world())
    orders = {each["id"]: each["order"] for each in resources if each["resourceType"] == "Coverage"}
    assert orders == {"m00001-cov-1": 1, "m00001-cov-3": 2}


def test_version_1_0_0_names_one_coverage() -> None:
    surroundings = world("current", carin_bb="1.0.0")
    claims = [each for each in render(member(3, "bh", other_payer=True), surroundings) if "insurance" in each]
    assert claims
    assert all(len(each["insurance"]) == 1 for each in claims)


def test_lines_of_a_ride_refer_to_all_that_is_said_of_it() -> None:
    rides = [each for each in eobs("2.0.0") if "-ride-" in each["id"]]
    assert rides
    for ride in rides:
        about = {
            each["sequence"]
            for each in ride["supportingInfo"]
            if each["category"]["coding"][0]["code"] in {"patientweight", "transportationdistance", "pickuplocation"}
        }
        assert about
        assert about <= set(ride["item"][0]["informationSequence"])


def test_a_tooth_is_named_before_its_surfaces() -> None:
    items = [item for each in eobs("2.0.0") if each["type"]["coding"][0]["code"] == "oral" for item in each["item"]]
    assert any("subSite" in item for item in items)
    assert all("bodySite" in item for item in items)


def test_part_2_claims_carry_their_labels_and_others_none() -> None:
    labelled = 0
    for resource in eobs("2.0.0"):
        labels = {each["code"] for each in resource["meta"].get("security", ())}
        opioid = any(
            each["diagnosisCodeableConcept"]["coding"][0]["code"].startswith("F11")
            for each in resource.get("diagnosis", ())
        )
        if labels:
            assert {"42CFRPart2", "R"} <= labels
            labelled += 1
        else:
            assert not opioid, resource["id"]
    assert labelled > 10


def test_out_of_network_care_is_paid_to_the_member_of_a_marketplace_plan() -> None:
    resources = [each for each in render(member(2, "qhp"), world()) if each.get("payee")]
    outside = [each for each in resources if each["payee"]["type"]["coding"][0]["code"] == "beneficiary"]
    assert outside
    for each in outside:
        assert each["payee"]["party"]["reference"] == "Patient/m00002"


def test_the_same_member_gives_the_same_claims() -> None:
    assert render(member(4), world()) == render(member(4), world())


def test_no_claim_is_made_outside_the_coverage() -> None:
    person = member(1)
    short = replace(person, coverages=(replace(person.coverages[0], start=date(2025, 6, 1), end=date(2025, 6, 30)),))
    claims = [each for each in render(short, world()) if each.get("use") == "claim"]
    assert claims
    assert all("2025-06-01" <= each["billablePeriod"]["start"] <= "2025-06-30" for each in claims)
