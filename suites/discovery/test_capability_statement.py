"""The CapabilityStatement: FHIR-CAPABILITY-* (FHIR R4 capabilities interaction). Its agreement with behaviour is in patient_data."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import FHIR_JSON, expect_media_type, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import expect, findings, judged
from suites.kit.validity import judge
from suites.profiles import Validator


@pytest.mark.requirement("FHIR-CAPABILITY-01")
def test_metadata_is_open(capability_statement_answer: Answer) -> None:
    """[base]/metadata is answered with 200 without a token."""
    expect_status(capability_statement_answer, 200, "metadata must be open to everyone")


@pytest.mark.requirement("FHIR-CAPABILITY-01")
def test_metadata_is_fhir_json(capability_statement_answer: Answer) -> None:
    """The CapabilityStatement comes as application/fhir+json when asked for."""
    expect_media_type(capability_statement_answer, FHIR_JSON)
    document = capability_statement_answer.object()
    expect(
        document.get("resourceType") == "CapabilityStatement",
        "metadata is a CapabilityStatement",
        found=document.get("resourceType"),
    )


@pytest.mark.requirement("FHIR-CAPABILITY-02", "FHIR-CAPABILITY-01")
def test_metadata_says_fhir_4_0_1(capability_statement: dict[str, Any]) -> None:
    """fhirVersion is 4.0.1, kind instance, with status, date and JSON among the formats."""
    with findings() as found:
        version = capability_statement.get("fhirVersion")
        found.check(
            version == "4.0.1", "fhirVersion must be 4.0.1", found=version, path="CapabilityStatement.fhirVersion"
        )
        kind = capability_statement.get("kind")
        found.check(kind == "instance", "a running server is an instance", found=kind, path="CapabilityStatement.kind")
        for name in ("status", "date"):
            found.check(capability_statement.get(name), f"{name} is required", path=f"CapabilityStatement.{name}")
        formats = capability_statement.get("format", [])
        found.check({"json", "application/fhir+json"} & set(formats), "JSON must be among the formats", found=formats)


@pytest.mark.requirement("FHIR-CAPABILITY-03")
def test_metadata_lists_the_patient_record(capability_statement: dict[str, Any]) -> None:
    """The resources listed have read and search interactions and search parameters; nothing is writable by a patient's app."""
    resources = [
        resource
        for rest in capability_statement.get("rest", [])
        if rest.get("mode") == "server"
        for resource in rest.get("resource", [])
    ]
    judged(len(resources), "resource type")
    types = {resource.get("type") for resource in resources}
    with findings() as found:
        for needed in ("Patient", "Coverage", "ExplanationOfBenefit"):
            found.check(needed in types, f"a Patient Access API must list {needed}", found=sorted(map(str, types)))
        for resource in resources:
            codes = {one.get("code") for one in resource.get("interaction", [])}
            path = f"CapabilityStatement.rest.resource({resource.get('type')})"
            found.check(
                codes & {"read", "search-type"},
                "a resource listed can be read or searched",
                found=sorted(map(str, codes)),
                path=path,
            )
            found.check(
                "search-type" not in codes or resource.get("searchParam"), "search needs search parameters", path=path
            )


@pytest.mark.requirement("FHIR-CAPABILITY-04")
def test_metadata_is_valid_fhir(capability_statement_answer: Answer, validator: Validator) -> None:
    """The CapabilityStatement, byte for byte as sent, is a valid FHIR R4 resource."""
    answer = capability_statement_answer
    answer.object()
    # Where extensions stand in a CapabilityStatement the guides themselves go beyond their declared contexts.
    with findings() as found:
        judge(validator, found, answer.body, "CapabilityStatement", answer.evidence, aside=("extension-",))


@pytest.mark.requirement("FHIR-CAPABILITY-03")
def test_listed_types_are_served(capability_statement: dict[str, Any], fhir: FhirClient, grant: Grant) -> None:
    """Each type listed with search is searched for the member: none is answered 404 or 5xx."""
    listed = [
        str(resource.get("type"))
        for rest in capability_statement.get("rest", [])
        for resource in rest.get("resource", [])
        if any(one.get("code") == "search-type" for one in resource.get("interaction", []))
    ]
    judged(len(listed), "searchable type")
    with findings() as found:
        for resource in listed:
            answer = fhir.search(
                resource, {"_id": grant.patient} if resource == "Patient" else {"patient": grant.patient, "_count": "1"}
            )
            # 400 or 403: a type without a patient parameter, or outside the scopes of this launch.
            found.check(
                answer.status in (200, 400, 403),
                "a type listed must be served",
                expected="200, 400 or 403",
                found=answer.status,
                path=resource,
                evidence=answer.evidence,
            )
