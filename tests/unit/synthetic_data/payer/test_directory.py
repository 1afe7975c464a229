"""The provider directory: everybody is invented, everything is linked, every search parameter has a hit and a miss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synthetic_data.npi import is_valid_npi
from synthetic_data.payer.directory import directory
from synthetic_data.payer.fhir import NPI, PLAN_NET, Json
from tests.unit.synthetic_data.payer.sample import world


def everything(plan_net: str = "1.1.0") -> list[Json]:
    """The directory of a version."""
    return list(directory(world("current", plan_net=plan_net)))


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Every element with its name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_every_reference_leads_somewhere() -> None:
    resources = everything()
    known = {f"{each['resourceType']}/{each['id']}" for each in resources}
    referred = {value for each in resources for name, value in walk(each) if name == "reference"}
    assert len(referred) > 100
    assert referred - known == set()


def test_ids_are_unique() -> None:
    resources = everything()
    assert len({(each["resourceType"], each["id"]) for each in resources}) == len(resources)


def test_nobody_real_is_named() -> None:
    numbers, phones, mails = set(), set(), set()
    for resource in everything():
        for each in resource.get("identifier", ()):
            if each.get("system") == NPI:
                numbers.add(each["value"])
        for name, value in walk(resource):
            if name in {"telecom", "contact"} and isinstance(value, list):
                for point in value:
                    if point.get("system") == "phone":
                        phones.add(point["value"])
                    elif point.get("system") == "email":
                        mails.add(point["value"])
    assert len(numbers) > 100
    assert all(is_valid_npi(number) and number.startswith("2") for number in numbers)
    assert phones
    assert all(re.search(r"\b555-01\d\d$", phone) for phone in phones)
    assert mails
    assert all(mail.endswith(".example") for mail in mails)


@pytest.mark.parametrize("plan_net", ["1.0.0", "1.1.0"])
def test_both_versions_have_every_profile(plan_net: str) -> None:
    names = {
        profile.removeprefix(PLAN_NET + "plannet-")
        for each in everything(plan_net)
        for profile in each["meta"]["profile"]
        if profile.startswith(PLAN_NET)
    }
    assert names == {
        "Endpoint", "HealthcareService", "InsurancePlan", "Location", "Network", "Organization", "OrganizationAffiliation",
        "Practitioner", "PractitionerRole",
    }  # fmt: skip


def test_a_role_names_at_most_one_network() -> None:
    roles = [each for each in everything() if each["resourceType"] == "PractitionerRole"]
    counts = [sum(each["url"].endswith("network-reference") for each in role["extension"]) for role in roles]
    assert set(counts) == {0, 1}


def codes(resource: Json, element: str) -> set[str]:
    """Codes of a list of concepts."""
    return {coding["code"] for concept in resource.get(element, ()) for coding in concept["coding"]}


SEARCHES: tuple[tuple[str, str, Callable[[Json], Any]], ...] = (
    ("Endpoint", "organization", lambda each: each["managingOrganization"]["reference"] == "Organization/org-payer"),
    ("HealthcareService", "service-category", lambda each: "behav" in codes(each, "category")),
    ("HealthcareService", "service-type", lambda each: "70" in codes(each, "type")),
    ("HealthcareService", "specialty", lambda each: "261QM2800X" in codes(each, "specialty")),
    ("HealthcareService", "endpoint", lambda each: "endpoint" in each),
    ("HealthcareService", "coverage-area", lambda each: "loc-area-wi" in str(each["coverageArea"])),
    ("InsurancePlan", "type", lambda each: "qhp" in codes(each, "type")),
    (
        "InsurancePlan",
        "plan-type",
        lambda each: "silver" in str(each["plan"]),
    ),
    ("InsurancePlan", "coverage-area", lambda each: "loc-area-ca" in str(each["coverageArea"])),
    ("Location", "partof", lambda each: "partOf" in each),
    ("Location", "type", lambda each: "HOSP" in codes(each, "type")),
    ("Location", "endpoint", lambda each: "endpoint" in each),
    ("Location", "address-city", lambda each: each["address"].get("city") == "Madison"),
    ("Organization", "partof", lambda each: "partOf" in each),
    ("Organization", "type", lambda each: "ntwk" in codes(each, "type")),
    ("Organization", "endpoint", lambda each: "endpoint" in each),
    ("OrganizationAffiliation", "role", lambda each: "pharmacy" in codes(each, "code")),
    ("OrganizationAffiliation", "network", lambda each: "net-qhp" in str(each["network"])),
    ("OrganizationAffiliation", "endpoint", lambda each: "endpoint" in each),
    ("PractitionerRole", "role", lambda each: "sw" in codes(each, "code")),
    ("PractitionerRole", "network", lambda each: "network-reference" in str(each["extension"])),
    ("PractitionerRole", "endpoint", lambda each: "endpoint" in each),
)


@pytest.mark.parametrize(("kind", "parameter", "hits"), SEARCHES, ids=[f"{kind}.{name}" for kind, name, _ in SEARCHES])
def test_a_search_parameter_has_a_hit_and_a_miss(kind: str, parameter: str, hits: Callable[[Json], Any]) -> None:
    found = {bool(hits(each)) for each in everything() if each["resourceType"] == kind}
    assert found == {True, False}, parameter
