"""What payers' documents promise by name: HEALTHSHARE-2.1.5-* (profiles of the PAA table), SHM-ENDPOINT-* (the developer page's table)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.fhir import FhirClient, matches
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, expect, findings, judged, not_applicable
from suites.kit.target import Target
from suites.record.cases import SHARED, Case, registry
from suites.record.conforming import generic, validator
from suites.record.generation import manifest_totals
from suites.record.judge import Judge
from suites.record.kinds import claimed

MOST = 25  # of one profile; the guides' own chapters judge many more
BASE = "http://hl7.org/fhir/StructureDefinition/"


def types_of(statement: dict[str, Any]) -> set[str]:
    """The types a CapabilityStatement lists."""
    return {str(one.get("type")) for rest in statement.get("rest") or [] for one in rest.get("resource") or []}


@pytest.mark.parametrize(
    ("type", "profile"),
    [
        pytest.param(
            "Coverage", "C4BB-Coverage", marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-COVERAGE")
        ),
        pytest.param(
            "ExplanationOfBenefit",
            "C4BB-ExplanationOfBenefit-Inpatient-Institutional",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-INPATIENT"),
        ),
        pytest.param(
            "ExplanationOfBenefit",
            "C4BB-ExplanationOfBenefit-Pharmacy",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-PHARMACY"),
        ),
        pytest.param(
            "ExplanationOfBenefit",
            "C4BB-ExplanationOfBenefit-Professional-NonClinician",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-PROFESSIONAL"),
        ),
        pytest.param(
            "Organization",
            "C4BB-Organization",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-ORGANIZATION"),
        ),
        pytest.param(
            "Patient", "C4BB-Patient", marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-PATIENT")
        ),
        pytest.param(
            "Practitioner",
            "C4BB-Practitioner",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-C4BB-PRACTITIONER"),
        ),
        pytest.param(
            "AllergyIntolerance",
            "us-core-allergyintolerance",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-ALLERGY"),
        ),
        pytest.param(
            "Condition",
            "us-core-condition",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-CONDITION"),
        ),
        pytest.param(
            "DiagnosticReport",
            "us-core-diagnosticreport-lab",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-DIAGREPORT-LAB"),
        ),
        pytest.param(
            "DiagnosticReport",
            "us-core-diagnosticreport-note",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-DIAGREPORT-NOTE"),
        ),
        pytest.param(
            "DocumentReference",
            "us-core-documentreference",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-DOCUMENTREFERENCE"),
        ),
        pytest.param(
            "Encounter",
            "us-core-encounter",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-ENCOUNTER"),
        ),
        pytest.param(
            "Immunization",
            "us-core-immunization",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-IMMUNIZATION"),
        ),
        pytest.param(
            "Device",
            "us-core-implantable-device",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-IMPLANTABLE-DEVICE"),
        ),
        pytest.param(
            "Observation",
            "us-core-observation-lab",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-OBSERVATION-LAB"),
        ),
        pytest.param(
            "Location", "us-core-location", marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-LOCATION")
        ),
        pytest.param(
            "Medication",
            "us-core-medication",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-MEDICATION"),
        ),
        pytest.param(
            "PractitionerRole",
            "us-core-practitionerrole",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-PRACTITIONERROLE"),
        ),
        pytest.param(
            "Procedure",
            "us-core-procedure",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-USCORE-PROCEDURE"),
        ),
        pytest.param(
            "MedicationDispense",
            "MedicationDispense",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-R4-MEDICATIONDISPENSE"),
        ),
        pytest.param(
            "MedicationStatement",
            "MedicationStatement",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-R4-MEDICATIONSTATEMENT"),
        ),
        pytest.param(
            "Observation", "vitalsigns", marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-PROFILE-R4-VITALSIGNS")
        ),
    ],
)
def test_resources_conform(
    type: str, profile: str, judges: Callable[[str], Judge], target: Target, capability_statement: dict[str, Any]
) -> None:
    """Resources of the type named conform to the profile named."""
    if type not in types_of(capability_statement):
        not_applicable(f"the CapabilityStatement does not list {type}")
    totals = manifest_totals(target)
    if totals and not any(counts.get(type) for counts in totals.values()) and type not in SHARED:
        not_applicable(f"the payer holds no {type}, by the dataset's manifest")
    judge, count = judges("fhir"), 0
    url = profile_url(target.server.guides, profile)
    if not url:
        not_applicable(f"no guide the target claims has a profile {profile}")
    case = Case(target.server.guides[0], type, "profile", profile="" if url.startswith(BASE) else url)
    engine = validator(judge.guides)
    with findings() as found:
        for _, resource, evidence in islice(chosen(judge, case, profile), MOST):
            count += 1
            for issue in engine.validate(resource, profiles=[url]).errors():
                found.add(
                    f"{issue.rule}: {issue.message}",
                    expected=str(issue.profile or url),
                    found=f"{type}/{resource.get('id')}",
                    path=generic(issue.path),
                    evidence=evidence,
                )
    judged(count, f"{type} of {profile}")


def chosen(judge: Judge, case: Case, profile: str) -> Any:
    """Resources to judge: those that claim the profile; for vital signs, those of the category."""
    for record, resource, evidence in judge.resources(case, as_sent=True):
        if profile == "vitalsigns" and '"vital-signs"' not in str(resource).replace("'", '"'):
            continue
        yield record, resource, evidence


def profile_url(guides: tuple[str, ...], profile: str) -> str:
    """The canonical address of a profile by the end of it, from the guides claimed or from FHIR itself."""
    for one in registry(guides).profiles():
        if one.url.rpartition("/")[2] == profile and one.kind == "resource":
            return one.url
    return BASE + profile if registry(guides).structure(BASE + profile) else ""


@pytest.mark.parametrize(
    ("guide", "canonical"),
    [
        pytest.param(
            "us-core@3.1.1", "hl7.org/fhir/us/core", marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-IG-USCORE-3.1.1")
        ),
        pytest.param(
            "carin-bb@1.0.0",
            "hl7.org/fhir/us/carin-bb",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-IG-CARIN-1.0.0"),
        ),
        pytest.param(
            "pdex@1.0.0",
            "hl7.org/fhir/us/davinci-pdex",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-IG-PDEX-1.0.0"),
        ),
        pytest.param(
            "pdex@1.0.0",
            "hl7.org/fhir/us/davinci-hrex",
            marks=pytest.mark.requirement("HEALTHSHARE-2.1.5-IG-HREX-0.2.0"),
        ),
    ],
    ids=["us-core", "carin-bb", "pdex", "hrex"],
)
def test_guide_is_set_up(
    guide: str, canonical: str, target: Target, capability_statement: dict[str, Any], judges: Callable[[str], Judge]
) -> None:
    """A guide that is claimed shows: in the CapabilityStatement, or in the profiles resources claim."""
    if guide not in target.server.guides:
        not_applicable(f"the target does not claim {guide}")
    told = canonical in str(capability_statement)
    count = 0
    for record in judges("fhir").records:
        for type in (
            "Patient",
            "Coverage",
            "ExplanationOfBenefit",
            "Condition",
            "Organization",
            "Practitioner",
            "Provenance",
        ):
            try:
                held = judges("fhir").of(record, type, type in SHARED)
            except Inconclusive:
                continue
            for resource, _ in islice(held.resources(), MOST):
                count += 1
                told = told or any(canonical in url for url in claimed(resource))
    expect(
        told,
        f"what {guide} defines shows in the CapabilityStatement or in meta.profile",
        expected=canonical,
        found="nowhere",
    )
    judged(count, "resource")


@pytest.mark.parametrize(
    "type",
    [
        pytest.param("Coverage", marks=pytest.mark.requirement("SHM-ENDPOINT-COVERAGE")),
        pytest.param("ExplanationOfBenefit", marks=pytest.mark.requirement("SHM-ENDPOINT-EOB")),
        pytest.param("CarePlan", marks=pytest.mark.requirement("SHM-ENDPOINT-CAREPLAN")),
        pytest.param("Condition", marks=pytest.mark.requirement("SHM-ENDPOINT-CONDITION")),
        pytest.param("Observation", marks=pytest.mark.requirement("SHM-ENDPOINT-OBSERVATION")),
        pytest.param("Patient", marks=pytest.mark.requirement("SHM-ENDPOINT-PATIENT")),
        pytest.param("Procedure", marks=pytest.mark.requirement("SHM-ENDPOINT-PROCEDURE")),
    ],
)
def test_members_endpoint_answers(
    type: str,
    fhir: FhirClient,
    grant: Grant,
    http: Http,
    judges: Callable[[str], Judge],
    capability_statement: dict[str, Any],
) -> None:
    """The endpoint answers for the authorised patient with that patient's resources, and asks everyone else for a token."""
    if type not in types_of(capability_statement):
        not_applicable(
            f"the CapabilityStatement does not list {type}; whether it ought to is judged by the classes of USCDI"
        )
    query = {"_id": grant.patient} if type == "Patient" else {"patient": grant.patient}
    bundle = expect_json(fhir.search(type, query), 200, FHIR_JSON)
    expect(bundle.get("type") == "searchset", "the endpoint answers with a searchset", found=bundle.get("type"))
    strange = [one for one in matches(bundle) if one.get("resourceType") != type]
    expect(not strange, f"the {type} endpoint gives {type}", found=[one.get("resourceType") for one in strange][:3])
    closed = FhirClient(http, fhir.base).search(type, query)
    expect(
        closed.status == 401,
        "without a token the endpoint is shut",
        expected=401,
        found=closed.status,
        evidence=closed.evidence,
    )
    somebody = any(_count(judges("fhir"), record, type) for record in judges("fhir").records)
    expect(somebody, f"the endpoint has the {type} of some member", found="none of any member at hand")
    judged(2, "request")


def _count(judge: Judge, record: Any, type: str) -> int:
    try:
        return judge.of(record, type, False).count
    except Inconclusive:
        return 0


@pytest.mark.parametrize(
    "type",
    [
        pytest.param("Endpoint", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-01")),
        pytest.param("HealthcareService", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-02")),
        pytest.param("InsurancePlan", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-03")),
        pytest.param("Location", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-04")),
        pytest.param("Organization", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-05")),
        pytest.param("OrganizationAffiliation", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-06")),
        pytest.param("Practitioner", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-07")),
        pytest.param("PractitionerRole", marks=pytest.mark.requirement("SHM-ENDPOINT-PLAN-NET-08")),
    ],
)
def test_directory_endpoint_answers(type: str, target: Target, http: Http) -> None:
    """The directory's endpoint answers openly, with content."""
    if not target.server.directory_base:
        not_applicable("the target names no directory_base")
    is_served(FhirClient(http, target.server.directory_base), type)


@pytest.mark.parametrize(
    "type",
    [
        pytest.param("List", marks=pytest.mark.requirement("SHM-ENDPOINT-LIST")),
        pytest.param("MedicationKnowledge", marks=pytest.mark.requirement("SHM-ENDPOINT-MEDICATIONKNOWLEDGE")),
    ],
)
def test_formulary_endpoint_answers(type: str, target: Target, http: Http) -> None:
    """The formulary's endpoint answers openly, with content."""
    if not target.server.formulary_base:
        not_applicable("the target names no formulary_base")
    if type == "List" and not any(one.startswith("formulary@1") for one in target.server.guides):
        not_applicable(
            "coverage plans are a List in version 1 of the formulary guide only, which the target does not claim"
        )
    is_served(FhirClient(http, target.server.formulary_base), type)


def is_served(client: FhirClient, type: str) -> None:
    """A search without conditions gives resources of the type."""
    answer = client.search(type, {"_count": "5"})
    bundle = expect_json(answer, 200, FHIR_JSON)
    found = [one.get("resourceType") for one in matches(bundle)]
    expect(
        found and set(found) == {type},
        f"{type} is served openly",
        expected=type,
        found=found or "nothing",
        evidence=answer.evidence,
    )
    judged(len(found), type)
