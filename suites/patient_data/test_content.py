"""What every resource says: when it was updated, in which codes, in which units, FHIR-CONTENT-02, USCORE-CONTENT-* (US Core bindings)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from suites.kit.http import Answer
from suites.kit.outcomes import Inconclusive, findings, judged, not_applicable
from suites.record.judge import Judge

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM, UCUM = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-9-cm")
PROCEDURES = (
    SNOMED, LOINC, "http://www.ama-assn.org/go/cpt", "http://www.cms.gov/Medicare/Coding/ICD10", "http://www.ada.org/cdt",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "http://hl7.org/fhir/sid/icd-10-pcs", "urn:oid:2.16.840.1.113883.6.285",
)  # fmt: skip
# Which systems one coding of an element must come from (US Core, required and extensible bindings of these profiles).
SYSTEMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Condition", "code"): (SNOMED, *ICD),
    ("MedicationRequest", "medicationCodeableConcept"): (RXNORM,),
    ("Medication", "code"): (RXNORM,),
    ("Immunization", "vaccineCode"): (CVX,),
    ("AllergyIntolerance", "code"): (RXNORM, SNOMED),
    ("Procedure", "code"): PROCEDURES,
    ("DiagnosticReport", "code"): (LOINC,),
}
OBSERVED = ("laboratory", "vital-signs")
RECORD = (
    "Patient", "Coverage", "ExplanationOfBenefit", "Encounter", "Condition", "Observation", "DiagnosticReport", "DocumentReference",
    "MedicationRequest", "Immunization", "Procedure", "CarePlan", "CareTeam", "Goal", "AllergyIntolerance",
)  # fmt: skip
A_MOMENT = timedelta(minutes=5)  # clocks of two machines differ


def held(judge: Judge, type: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every resource of a type in the records at hand."""
    for record in judge.records:
        try:
            yield from judge.of(record, type, type == "Medication").resources()
        except Inconclusive:
            continue


def systems_of(concept: object) -> set[str]:
    """The systems of a CodeableConcept's codings that have a code."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return {str(one.get("system")) for one in codings or [] if isinstance(one, dict) and one.get("code")}


def of_category(resource: dict[str, Any], wanted: tuple[str, ...]) -> bool:
    """Whether an observation is of one of the categories."""
    codings = [one for concept in resource.get("category") or [] for one in concept.get("coding") or []]
    return any(one.get("code") in wanted for one in codings)


def says_absent(concept: object) -> bool:
    """Whether a data-absent-reason stands where a code would."""
    return "data-absent-reason" in str(concept)


@pytest.fixture(scope="session")
def now(capability_statement_answer: Answer) -> datetime:
    """The target's own time, from its Date header."""
    try:
        return parsedate_to_datetime(capability_statement_answer.header("date")).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)


@pytest.mark.requirement("FHIR-CONTENT-02")
def test_last_updated(judges: Callable[[str], Judge], now: datetime) -> None:
    """Every resource says when it was last updated, and that is not in the future."""
    count = 0
    with findings() as found:
        for type in RECORD:
            for resource, evidence in held(judges("fhir"), type):
                count += 1
                name = f"{type}/{resource.get('id')}"
                told = (resource.get("meta") or {}).get("lastUpdated")
                try:
                    at = datetime.fromisoformat(str(told))
                except ValueError:
                    at = None
                if not found.check(
                    at and at.tzinfo,
                    "a resource says when it was last updated, with its offset",
                    found=f"{told!r} in {name}",
                    path="meta.lastUpdated",
                    evidence=evidence,
                ):
                    continue
                assert at is not None
                found.check(
                    at <= now + A_MOMENT,
                    "no resource was updated in the future",
                    expected=f"at most {now.isoformat()}",
                    found=f"{told} in {name}",
                    path="meta.lastUpdated",
                    evidence=evidence,
                )
    judged(count, "resource")


@pytest.mark.requirement("USCORE-CONTENT-01")
@pytest.mark.parametrize(("type", "element"), list(SYSTEMS), ids=[f"{t}.{e}" for t, e in SYSTEMS])
def test_codes_are_of_their_systems(
    judges: Callable[[str], Judge], capability_statement: dict[str, Any], type: str, element: str
) -> None:
    """Each code comes from a system US Core binds for its element."""
    listed = [one.get("type") for rest in capability_statement.get("rest") or [] for one in rest.get("resource") or []]
    if type not in listed:
        not_applicable(f"the CapabilityStatement does not list {type}")
    allowed, count = SYSTEMS[type, element], 0
    with findings() as found:
        for resource, evidence in held(judges("fhir"), type):
            concept = resource.get(element)
            if concept is None and element.startswith("medication"):
                continue  # a reference to a Medication, whose code is judged by itself
            count += 1
            found.check(
                systems_of(concept) & set(allowed) or says_absent(concept),
                f"{type}.{element} has a code of its system",
                expected=" or ".join(allowed),
                found=f"{', '.join(sorted(systems_of(concept))) or 'no code'} in {type}/{resource.get('id')}",
                path=element,
                evidence=evidence,
            )
    judged(count, type)


@pytest.mark.requirement("USCORE-CONTENT-01")
def test_observations_are_coded_in_loinc(judges: Callable[[str], Judge]) -> None:
    """Laboratory results and vital signs are coded in LOINC."""
    count = 0
    with findings() as found:
        for resource, evidence in held(judges("fhir"), "Observation"):
            if not of_category(resource, OBSERVED):
                continue
            count += 1
            concept = resource.get("code")
            found.check(
                LOINC in systems_of(concept) or says_absent(concept),
                "a laboratory result or vital sign has a LOINC code",
                expected=LOINC,
                found=f"{', '.join(sorted(systems_of(concept))) or 'no code'} in Observation/{resource.get('id')}",
                path="code",
                evidence=evidence,
            )
    judged(count, "observation")


@pytest.mark.requirement("USCORE-CONTENT-02")
def test_quantities_are_in_ucum(judges: Callable[[str], Judge]) -> None:
    """Quantities of laboratory results and vital signs are in UCUM, with its code."""
    count = 0
    with findings() as found:
        for resource, evidence in held(judges("fhir"), "Observation"):
            if not of_category(resource, OBSERVED):
                continue
            parts = [("valueQuantity", resource.get("valueQuantity"))]
            parts += [("component.valueQuantity", one.get("valueQuantity")) for one in resource.get("component") or []]
            for path, quantity in parts:
                if not isinstance(quantity, dict) or quantity.get("value") is None:
                    continue
                count += 1
                found.check(
                    quantity.get("system") == UCUM and quantity.get("code"),
                    "a quantity is in UCUM",
                    expected=f"{UCUM} and a code",
                    found=f"{quantity.get('system')} {quantity.get('code')} in Observation/{resource.get('id')}",
                    path=path,
                    evidence=evidence,
                )
    judged(count, "quantity")
