"""Patient/$everything: FHIR-EVERYTHING-01 (FHIR R4 Patient, $everything)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.expectations import expect_json
from suites.kit.fhir import PAGES, entries, next_link
from suites.kit.outcomes import Inconclusive, NonConformance, findings, judged, not_applicable, rung, trail
from suites.record.held import READABLE, Record
from suites.record.judge import Judge
from suites.record.matching import reference_parts
from suites.record.samples import CLINICAL

RECORD = ("Patient", "Coverage", *CLINICAL, "CareTeam", "MedicationDispense", "Device")
OWNERS = ("patient", "subject", "beneficiary")


def advertised(capability_statement: dict[str, Any]) -> bool:
    """Whether the CapabilityStatement lists $everything on Patient, or for the system."""
    named = [
        str(one.get("name", "")).lstrip("$")
        for rest in capability_statement.get("rest") or []
        for place in (rest, *(r for r in rest.get("resource") or [] if r.get("type") == "Patient"))
        for one in place.get("operation") or []
    ]
    return "everything" in named


def whole(record: Record) -> tuple[dict[str, dict[str, Any]], str]:
    """Everything $everything gives over its pages, by `Type/id`, and evidence of the first page."""
    found: dict[str, dict[str, Any]] = {}
    answer = record.fhir.get(f"Patient/{record.patient}/$everything")
    evidence = answer.evidence
    for _ in range(PAGES):
        bundle = expect_json(answer, 200, READABLE)
        for entry in entries(bundle):
            resource = entry.get("resource") or {}
            found[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource
        link = next_link(bundle)
        if not link:
            break
        answer = record.fhir.follow(link)
    return found, evidence


@pytest.mark.requirement("FHIR-EVERYTHING-01")
def test_everything_is_the_whole_record(judges: Callable[[str], Judge], capability_statement: dict[str, Any]) -> None:
    """$everything gives all that searches give of a member."""
    if not advertised(capability_statement):
        not_applicable("the CapabilityStatement does not list $everything")
    count = 0
    with findings() as found:
        for record in judges("fhir").records[:2]:
            trail().member = trail().member or record.label
            try:
                got, evidence = whole(record)
            except NonConformance as wrong:
                found.add("$everything is answered", found=str(wrong))
                continue
            for type in RECORD:
                try:
                    wanted = {f"{type}/{id}" for id in record.of(type).ids()}
                except Inconclusive:
                    continue
                count += len(wanted)
                lost = sorted(wanted - set(got))
                found.check(
                    not lost,
                    "$everything gives what a search gives",
                    expected=f"{len(wanted)} {type}",
                    found=f"without {len(lost)}: {', '.join(lost[:3])}",
                    path=type,
                    evidence=evidence,
                )
    judged(count, "resource")


@pytest.mark.requirement("FHIR-COMPARTMENT-03", "FHIR-EVERYTHING-01")
def test_everything_is_nobody_elses(judges: Callable[[str], Judge], capability_statement: dict[str, Any]) -> None:
    """$everything gives nothing of another member, on any of its pages."""
    if not advertised(capability_statement):
        not_applicable("the CapabilityStatement does not list $everything")
    count = 0
    with findings() as found:
        for record in judges("fhir").records[:2]:
            trail().member = trail().member or record.label
            with rung("$everything"):
                got, evidence = whole(record)
            count += len(got)
            for name, resource in got.items():
                owner = owner_of(resource)
                found.check(
                    owner in ("", record.patient),
                    "$everything gives nothing of another member",
                    found=f"{name} of Patient/{owner}",
                    path=str(resource.get("resourceType")),
                    evidence=evidence,
                )
    judged(count, "resource")


def owner_of(resource: dict[str, Any]) -> str:
    """The patient a resource says it is of; empty for what belongs to no one."""
    if resource.get("resourceType") == "Patient":
        return str(resource.get("id"))
    for name in OWNERS:
        holder = resource.get(name)
        if isinstance(holder, dict) and isinstance(holder.get("reference"), str):
            type, id = reference_parts(holder["reference"])
            if type == "Patient":
                return id
    return ""
