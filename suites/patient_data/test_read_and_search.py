"""The member's record by read and search: FHIR-READ-01, FHIR-SEARCH-*, FHIR-ERRORS-01, CMS9115-431.60-a (FHIR R4 http and search)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import FHIR_JSON, expect_json, expect_operation_outcome
from suites.kit.fhir import FhirClient, entries, matches
from suites.kit.outcomes import Findings, expect, findings, judged, not_applicable

RECORD = (
    "Patient", "Coverage", "ExplanationOfBenefit", "Condition", "Encounter", "Observation", "AllergyIntolerance", "CarePlan", "CareTeam", "Device",
    "DiagnosticReport", "DocumentReference", "Goal", "Immunization", "MedicationDispense", "MedicationRequest", "Procedure",
)  # fmt: skip
OWNED = RECORD[1:6]


@pytest.mark.requirement("FHIR-READ-01")
def test_patient_is_read(fhir: FhirClient, grant: Grant) -> None:
    """Reading the patient in context gives 200, application/fhir+json and that Patient."""
    patient = expect_json(fhir.read("Patient", grant.patient), 200, FHIR_JSON)
    expect(
        patient.get("resourceType") == "Patient" and patient.get("id") == grant.patient,
        "the resource read is the one asked for",
        expected=f"Patient/{grant.patient}",
        found=f"{patient.get('resourceType')}/{patient.get('id')}",
    )


@pytest.mark.requirement("FHIR-SEARCH-01")
@pytest.mark.parametrize("resource", RECORD)
def test_search_answers_with_a_searchset(
    fhir: FhirClient, grant: Grant, capability_statement: dict[str, Any], resource: str
) -> None:
    """A search by patient gives a searchset Bundle with a self link, and entries with the fullUrl of what they hold and a mode."""
    listed = {one.get("type") for rest in capability_statement.get("rest") or [] for one in rest.get("resource") or []}
    if listed and resource not in listed:
        not_applicable(f"the CapabilityStatement lists no {resource}")
    parameter = {"_id": grant.patient} if resource == "Patient" else {"patient": grant.patient}
    bundle = expect_json(fhir.search(resource, parameter), 200, FHIR_JSON)
    with findings() as found:
        found.check(
            bundle.get("resourceType") == "Bundle" and bundle.get("type") == "searchset",
            "a search answers with a searchset Bundle",
            found=f"{bundle.get('resourceType')} {bundle.get('type')}",
        )
        links, held = bundle.get("link"), bundle.get("entry", [])
        own = isinstance(links, list) and any(isinstance(one, dict) and one.get("relation") == "self" for one in links)
        found.check(own, "the Bundle has a self link", path="Bundle.link")
        found.check(isinstance(held, list), "Bundle.entry is a list", found=type(held).__name__, path="Bundle.entry")
        for number, entry in enumerate(held if isinstance(held, list) else []):
            judge_entry(found, entry, resource, f"Bundle.entry[{number}]")
    judged(1 + len(entries(bundle)))


def judge_entry(found: Findings, entry: Any, type: str, path: str) -> None:
    """One entry of a searchset: what it must say of itself, and that its resource may be there for the reason it says."""
    if not found.check(isinstance(entry, dict), "an entry is an object", found=entry.__class__.__name__, path=path):
        return
    search, resource, address = entry.get("search"), entry.get("resource"), str(entry.get("fullUrl") or "")
    mode = search.get("mode") if isinstance(search, dict) else None
    found.check(mode, "every entry has search.mode", path=path)
    if not found.check(
        isinstance(resource, dict),
        "every entry of a searchset has a resource",
        found=resource.__class__.__name__,
        path=path,
    ):
        return
    held = resource.get("resourceType")
    name = f"{held}/{resource.get('id')}"
    found.check(
        address.endswith(f"/{name}") or address.startswith("urn:") or held == "OperationOutcome",
        "every entry has the fullUrl of the resource it holds",
        expected=name,
        found=address or "no fullUrl",
        path=f"{path}.fullUrl",
    )
    found.check(
        (held == "OperationOutcome") == (mode == "outcome"),
        "an OperationOutcome says mode outcome, and nothing else does",
        found=f"{held} with mode {mode}",
        path=path,
    )
    found.check(
        mode != "match" or held in (type, "OperationOutcome"),
        "what matches is of the type asked for",
        expected=type,
        found=f"{held} with mode match",
        path=path,
    )


@pytest.mark.requirement("CMS9115-431.60-a")
def test_claims_of_the_member_are_there(fhir: FhirClient, grant: Grant, manifest: dict[str, Any]) -> None:
    """The member's claims come through the API, as many as the payer holds."""
    held = next((one for one in manifest.get("members", []) if one.get("patient") == grant.patient), None)
    if held is None:
        not_applicable("the manifest does not know the member of this run")
    wanted = held.get("totals", {}).get("ExplanationOfBenefit", 0)
    if not wanted:
        not_applicable("the member of this run has no claims; another worker's has")
    got = fhir.all("ExplanationOfBenefit", {"patient": grant.patient})
    judged(wanted, "claim in the manifest")
    expect(
        len(got) >= wanted,
        "every claim of the member comes through the API",
        expected=f"{wanted} or more",
        found=len(got),
    )


@pytest.mark.requirement("FHIR-READ-01", "FHIR-ERRORS-01")
def test_unknown_resource_is_not_found(fhir: FhirClient, grant: Grant) -> None:
    """Reading an id that does not exist gives 404 with an OperationOutcome."""
    expect(fhir.read("Patient", grant.patient).status == 200, "the control: the member's Patient is read")
    expect_operation_outcome(fhir.read("Condition", "no-such-id-anywhere"), 404, "an unknown id must be answered 404")


@pytest.mark.requirement("FHIR-ERRORS-01")
def test_unknown_type_is_not_found(fhir: FhirClient) -> None:
    """A resource type FHIR does not have gives 404 with an OperationOutcome."""
    expect_operation_outcome(fhir.search("Nonsense"), 404, "an unknown resource type must be answered 404")


@pytest.mark.requirement("HEALTHSHARE-2.1.1-RESOURCE-OWNER")
@pytest.mark.parametrize("resource", OWNED)
def test_everything_found_is_the_members_own(
    fhir: FhirClient, grant: Grant, needs_type: Callable[[str], None], resource: str
) -> None:
    """Every match of a search by patient names the patient in context."""
    needs_type(resource)
    bundle = expect_json(fhir.search(resource, {"patient": grant.patient}), 200, FHIR_JSON)
    found_here = matches(bundle)
    if not found_here:
        not_applicable(f"the member has no {resource}")
    judged(len(found_here), resource)
    with findings() as found:
        for one in found_here:
            owner = (one.get("subject") or one.get("patient") or one.get("beneficiary") or {}).get("reference", "")
            found.check(
                owner.rpartition("Patient/")[2].partition("/")[0] == grant.patient,
                "a match names the patient in context",
                expected=f"Patient/{grant.patient}",
                found=owner,
                path=f"{resource}/{one.get('id')}",
            )
