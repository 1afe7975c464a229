"""Data make sense: nothing twice, no time before its time, nothing that belongs to nobody, 42 CFR 438.242(b)(3); CONNEX-V.B.4.p, -q."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from suites.kit.outcomes import Inconclusive, findings, judged
from suites.record.held import Record
from suites.record.instants import period_span, span_of
from suites.record.judge import Judge
from suites.record.matching import reference_parts

TYPES = (
    "ExplanationOfBenefit", "Encounter", "Condition", "Observation", "Procedure", "Immunization", "MedicationRequest", "DiagnosticReport",
    "DocumentReference", "AllergyIntolerance", "CarePlan", "Goal", "Coverage",
)  # fmt: skip
OWN = ("id", "meta", "text", "identifier")  # what two copies of one event may differ in
DONE = ("finished", "completed", "final", "amended", "corrected")
HAPPENED = (
    "period",
    "effectiveDateTime",
    "effectivePeriod",
    "performedDateTime",
    "performedPeriod",
    "occurrenceDateTime",
    "billablePeriod",
)
OWNERS = ("patient", "subject", "beneficiary")
A_DAY = timedelta(days=1)
Resource = dict[str, Any]


def held(judge: Judge, types: tuple[str, ...] = TYPES) -> Iterator[tuple[Record, str, Resource, str]]:
    """Everything of some types in the records at hand."""
    for record in judge.records:
        for type in types:
            try:
                found = record.of(type)
            except Inconclusive:
                continue
            for resource, evidence in found.resources():
                yield record, type, resource, evidence


def content_of(resource: Resource) -> bytes:
    """What a resource tells, without what names this copy of it."""
    return orjson.dumps({k: v for k, v in resource.items() if k not in OWN}, option=orjson.OPT_SORT_KEYS)


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN", "CONNEX-V.B.4.p")
def test_nothing_is_there_twice(judges: Callable[[str], Judge]) -> None:
    """No event is told twice under two ids: same member, same time, same content."""
    seen: dict[tuple[str, bytes], str] = {}
    count = 0
    with findings() as found:
        for record, type, resource, evidence in held(judges("fhir")):
            if not any(resource.get(name) for name in (*HAPPENED, "created", "date")):
                continue  # without a time two alike may be two events
            count += 1
            name, key = f"{type}/{resource.get('id')}", (record.patient, content_of(resource))
            first = seen.setdefault(key, name)
            found.check(
                first == name,
                "no event is told twice",
                expected="one resource an event",
                found=f"{name} repeats {first}",
                path=type,
                evidence=evidence,
            )
    judged(count, "resource with a time")


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN", "CONNEX-V.B.4.p")
def test_times_make_sense(judges: Callable[[str], Judge], data_as_of: datetime) -> None:
    """No period ends before it begins, nothing happened before birth, after death or in the future and is done."""
    judge, count = judges("fhir"), 0
    lives = {record.patient: life(record) for record in judge.records}
    with findings() as found:
        for record, type, resource, evidence in held(judge):
            name = f"{type}/{resource.get('id')}"
            born, died = lives[record.patient]
            for path in HAPPENED:
                value = resource.get(path)
                span = (
                    period_span(value)
                    if isinstance(value, dict)
                    else span_of(value)
                    if isinstance(value, str)
                    else None
                )
                if span is None:
                    continue
                count += 1
                details = {"found": f"{value} in {name}", "path": path, "evidence": evidence}
                found.check(span.start <= span.end, "a period does not end before it begins", **details)
                if type != "Coverage":
                    found.check(not born or span.end > born, "nothing happened before the member was born", **details)
                    found.check(
                        not died or span.start <= died + A_DAY * 400,
                        "nothing happens long after the member's death",
                        **details,
                    )
                if resource.get("status") in DONE and type != "ExplanationOfBenefit":
                    found.check(span.start <= data_as_of + A_DAY, "what is done does not lie in the future", **details)
    judged(count, "time")


def life(record: Record) -> tuple[datetime | None, datetime | None]:
    """From when to when a member lived, as their Patient tells."""
    patient: Resource = next((one for one, _ in record.of("Patient").resources()), {})
    born, died = span_of(str(patient.get("birthDate", ""))), span_of(str(patient.get("deceasedDateTime", "")))
    return (born.start if born else None), (died.end if died else None)


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN", "CONNEX-V.B.4.q-FORMAT")
def test_every_record_belongs_to_its_member(judges: Callable[[str], Judge]) -> None:
    """Every resource names the member it is about: none is an orphan, none is another's."""
    count = 0
    with findings() as found:
        for record, type, resource, evidence in held(judges("fhir")):
            count += 1
            named = [resource[name].get("reference") for name in OWNERS if isinstance(resource.get(name), dict)]
            owners = {reference_parts(str(one)) for one in named if one}
            found.check(
                ("Patient", record.patient) in owners or (("", record.patient) in owners),
                "a resource names the member it is about",
                expected=f"Patient/{record.patient}",
                found=f"{', '.join(map(str, named)) or 'nobody'} in {type}/{resource.get('id')}",
                path=type,
                evidence=evidence,
            )
    judged(count, "resource")


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN")
def test_claims_and_encounters_agree(judges: Callable[[str], Judge], needs_type: Callable[[str], None]) -> None:
    """An encounter a claim names is the member's own and overlaps the time billed."""
    needs_type("Encounter")
    count = 0
    judge = judges("fhir")
    with findings() as found:
        for record in judge.records:
            try:
                visits = {f"Encounter/{one.get('id')}": one for one, _ in record.of("Encounter").resources()}
                claims = list(record.of("ExplanationOfBenefit").resources())
            except Inconclusive:
                continue
            for claim, evidence in claims:
                billed = period_span(claim.get("billablePeriod"))
                named = {
                    "/".join(reference_parts(str(one.get("reference"))))
                    for item in claim.get("item") or []
                    for one in item.get("encounter") or []
                }
                for reference in sorted(named & visits.keys()):
                    span = period_span(visits[reference].get("period"))
                    if span is None or billed is None:
                        continue
                    count += 1
                    found.check(
                        span.start <= billed.end + A_DAY and billed.start <= span.end + A_DAY,
                        "an encounter a claim names lies in the time billed",
                        expected=str(claim.get("billablePeriod")),
                        found=f"{visits[reference].get('period')} of {reference} in ExplanationOfBenefit/{claim.get('id')}",
                        path="item.encounter",
                        evidence=evidence,
                    )
    if count:
        judged(count, "encounter named by a claim")
    else:
        judged(sum(1 for _ in held(judge, ("Encounter",))), "encounter")
