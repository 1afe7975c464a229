"""What a directory is for: open to anyone, complete, current, 42 CFR 431.70, 438.242(b)(6), 422.120; PLANNET-CONTENT-*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from suites.kit.fhir import FhirClient, entries, resource_of
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, expect, findings, judged, not_applicable, trail
from suites.kit.target import Target
from suites.protocol.check_digits import npi_is_valid
from suites.record.held import Record
from suites.record.judge import Judge
from suites.record.matching import reference_parts

TYPES = (
    "PractitionerRole", "Practitioner", "Organization", "Location", "HealthcareService", "OrganizationAffiliation", "InsurancePlan", "Endpoint",
)  # fmt: skip
NPI = "http://hl7.org/fhir/sid/us-npi"
DAYS = 30  # 42 CFR 431.70(b)(1): calendar days after new information was received
ENOUGH = 20  # entries of a type among which one changes within a month
PHARMACY = ("pharm", "PHARM", "3336")
Resource = dict[str, Any]


@pytest.fixture(scope="session")
def directory(judges: Callable[[str], Judge], target: Target) -> Record:
    """The directory, without a token."""
    if not target.server.directory_base:
        not_applicable("the target names no directory_base")
    return judges("directory").records[0]


def of(directory: Record, type: str) -> list[tuple[Resource, str]]:
    """Every resource of a type in the directory that is in use."""
    try:
        held = list(directory.of(type).resources())
    except Inconclusive:
        return []
    return [
        (one, page) for one, page in held if one.get("active", True) is not False and one.get("status") != "inactive"
    ]


def extension(resource: Resource, ending: str) -> Iterator[Resource]:
    """The extensions of a resource whose address ends so."""
    found = resource.get("extension")
    for one in found if isinstance(found, list) else []:
        if str(one.get("url", "")).endswith(ending):
            yield one


def phones(resource: Resource) -> list[str]:
    """The telephone numbers of a resource."""
    return [str(one.get("value")) for one in resource.get("telecom") or [] if one.get("system") == "phone"]


@pytest.mark.requirement("CMS9115-431.70", "BELITSOFT-PROVIDER-DIRECTORY", "CMS9115-438.242-b6", "PLANNET-SEARCH-01")
def test_open_to_anyone(target: Target, http: Http) -> None:
    """The directory is searched and read without a token, and asks for nothing that tells who is asking."""
    if not target.server.directory_base:
        not_applicable("the target names no directory_base")
    client, served = FhirClient(http, target.server.directory_base), 0
    with findings() as found:
        for type in TYPES:
            answer = client.search(type, {"_count": "1"})
            if answer.status == 404:
                continue  # a type this directory does not have
            if not found.check(
                answer.status == 200,
                "the directory is searched without a token",
                expected=200,
                found=answer.status,
                path=type,
                evidence=answer.evidence,
            ):
                continue
            first = next((resource_of(one) for one in entries(answer.object())), {})
            served += bool(first)
            if first:
                read = client.read(type, str(first.get("id")))
                found.check(
                    read.status == 200,
                    "an entry of the directory is read without a token",
                    expected=200,
                    found=read.status,
                    path=type,
                    evidence=read.evidence,
                )
            found.check(
                not answer.all("set-cookie"),
                "the directory sets no cookie to know who asks by",
                found=answer.header("set-cookie"),
                path=type,
                evidence=answer.evidence,
            )
    judged(served, "type served openly")


@pytest.mark.requirement("PLANNET-CONTENT-01", "CMS9115-422.120-b", "CMS9115-438.242-b6")
@pytest.mark.parametrize("type", ["Practitioner", "PractitionerRole", "Organization", "Location"])
def test_entries_can_be_used(directory: Record, type: str) -> None:
    """Each entry carries what a member needs to find care: name, address, telephone, specialty."""
    listed, count = of(directory, type), 0
    places = {f"Location/{one.get('id')}": one for one, _ in of(directory, "Location")}
    with findings() as found:
        for resource, evidence in listed:
            lacking = list(lacks(type, resource, places))
            count += 1
            for what in lacking:
                found.add(
                    f"a {type} of the directory carries its {what}",
                    found=f"{type}/{resource.get('id')}",
                    path=what,
                    evidence=evidence,
                )
    judged(count, type)


def lacks(type: str, resource: Resource, places: dict[str, Resource]) -> Iterator[str]:
    """What an entry does not tell that 42 CFR 438.10(h)(1) asks for."""
    match type:
        case "Practitioner":
            if not any(one.get("family") or one.get("text") for one in resource.get("name") or []):
                yield "name"
        case "Organization":
            if not resource.get("name"):
                yield "name"
        case "Location":
            address = resource.get("address") or {}
            is_area = any(True for _ in extension(resource, "location-boundary-geojson"))
            if not (address.get("line") or (is_area and address.get("state"))):
                yield "address"
            if not phones(resource) and not is_area:
                yield "telephone"
        case "PractitionerRole":
            if not any(one.get("coding") or one.get("text") for one in resource.get("specialty") or []):
                yield "specialty"
            named = ["/".join(reference_parts(str(one.get("reference")))) for one in resource.get("location") or []]
            if not named:
                yield "location"
            if not phones(resource) and not any(phones(places.get(one, {})) for one in named):
                yield "telephone"


@pytest.mark.requirement("PLANNET-CONTENT-02", "CMS9115-438.242-b6")
def test_practitioners_have_their_npi(directory: Record) -> None:
    """Practitioners carry their NPI, with its check digit."""
    count = 0
    with findings() as found:
        for resource, evidence in of(directory, "Practitioner"):
            count += 1
            held = [str(one.get("value")) for one in resource.get("identifier") or [] if one.get("system") == NPI]
            found.check(
                held and all(map(npi_is_valid, held)),
                "a practitioner carries a valid NPI",
                found=f"{', '.join(held) or 'none'} in Practitioner/{resource.get('id')}",
                path="identifier",
                evidence=evidence,
            )
    judged(count, "practitioner")


@pytest.mark.requirement("PLANNET-CONTENT-02", "CMS9115-438.242-b6")
def test_roles_tell_networks_and_new_patients(directory: Record) -> None:
    """Roles at organizations in a network tell the networks they are in and whether new patients are taken."""
    count = 0
    affiliations = [one for one, _ in of(directory, "OrganizationAffiliation") if one.get("network")]
    in_network = {(one.get("participatingOrganization") or {}).get("reference") for one in affiliations}
    with findings() as found:
        for resource, evidence in of(directory, "PractitionerRole"):
            if not resource.get("practitioner"):
                continue  # a vacant post, which takes nobody
            if in_network and (resource.get("organization") or {}).get("reference") not in in_network:
                continue  # of an organization outside every network
            count += 1
            name = f"PractitionerRole/{resource.get('id')}"
            networks = [one for one in extension(resource, "network-reference") if one.get("valueReference")]
            found.check(networks, "a role tells its networks", found=name, path="network-reference", evidence=evidence)
            accepting = [
                part
                for one in extension(resource, "newpatients")
                for part in one.get("extension") or []
                if part.get("url") == "acceptingPatients"
            ]
            found.check(
                accepting,
                "a role tells whether new patients are taken",
                found=name,
                path="newpatients",
                evidence=evidence,
            )
    judged(count, "role")


@pytest.mark.requirement("CMS9115-431.70-30DAYS")
def test_updated_within_thirty_days(directory: Record, data_as_of: datetime) -> None:
    """Among many entries of a type some changed in the last 30 days: a directory that stands still takes in no news."""
    count = 0
    with findings() as found:
        for type in TYPES:
            changed = [str((one.get("meta") or {}).get("lastUpdated", "")) for one, _ in of(directory, type)]
            if len(changed) < ENOUGH:
                continue
            count += 1
            newest = max((datetime.fromisoformat(one) for one in changed if one), default=None)
            found.check(
                newest and newest >= data_as_of - timedelta(days=DAYS),
                f"the directory takes in what is new within {DAYS} days",
                expected=f"one of {len(changed)} {type} updated since {(data_as_of - timedelta(days=DAYS)).date()}",
                found=f"the newest is of {newest.date() if newest else 'no date'}",
                path=f"{type}.meta.lastUpdated",
            )
    if not count:
        trail().notes.append("when entries were last changed says little in a directory this small")
        not_applicable(f"no type of the directory has {ENOUGH} entries, among which one would change within a month")
    judged(count, "type")


@pytest.mark.requirement("SHM-DIRECTORY-PHARMACY-01", "CMS9115-422.120-b")
def test_pharmacies_are_listed(directory: Record, target: Target) -> None:
    """The directory lists pharmacies, for payers that cover drugs."""
    if target.server.payer_type in ("medicaid-managed-care", "chip-managed-care"):
        not_applicable("drugs are outside the duty of a managed-care plan (42 CFR 438.242(b)(5)(ii))")
    types = ("Organization", "Location", "HealthcareService", "OrganizationAffiliation")
    listed = [one for type in types for one, _ in of(directory, type)]
    control(listed, "the directory lists organizations, places or services")
    found = [
        one for one in listed if any(mark in str({k: v for k, v in one.items() if k != "text"}) for mark in PHARMACY)
    ]
    expect(found, "the directory lists pharmacies", expected="a pharmacy", found=f"none among {len(listed)} entries")
    judged(len(found), "pharmacy")
