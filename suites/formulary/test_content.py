"""What a formulary tells: open to anyone, drugs in RxNorm, tiers and limits, 42 CFR 431.60(b)(4), 422.119(b)(2); USDF-CONTENT-*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from suites.kit.fhir import FhirClient, entries, resource_of
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, expect, findings, judged, not_applicable, trail
from suites.kit.target import Target
from suites.record.held import Record
from suites.record.judge import Judge

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
DRUGS_OUT = ("medicaid-managed-care", "chip-managed-care")  # 42 CFR 438.242(b)(5)(ii)
# What an item tells, by the endings of the extensions of Formulary 2.x and 1.x.
TOLD = {
    "tier": ("DrugTierID", "DrugTierID-extension"),
    "prior authorization": ("PriorAuthorization", "PriorAuthorization-extension"),
    "step therapy": ("StepTherapyLimit", "StepTherapyLimit-extension"),
    "quantity limit": ("QuantityLimit", "QuantityLimit-extension"),
}
STATUS, PERIOD = ("AvailabilityStatus-extension",), ("AvailabilityPeriod-extension",)
A_BUSINESS_DAY = timedelta(days=4)  # over a long week-end
Resource = dict[str, Any]


@pytest.fixture(scope="session")
def formulary(judges: Callable[[str], Judge], target: Target) -> Record:
    """The formulary, without a token."""
    if not target.server.formulary_base:
        not_applicable("the target names no formulary_base")
    return judges("formulary").records[0]


@pytest.fixture(scope="session")
def second_edition(target: Target) -> bool:
    """Whether the formulary is of version 2, whose items are Basic resources; in version 1 the drug itself tells."""
    return any(one.startswith("formulary@2") for one in target.server.guides)


def of(formulary: Record, type: str) -> list[tuple[Resource, str]]:
    """Every resource of a type in the formulary."""
    try:
        return list(formulary.of(type).resources())
    except Inconclusive:
        return []


def extensions(resource: Resource, endings: tuple[str, ...]) -> Iterator[Resource]:
    """The extensions whose address ends so."""
    for one in resource.get("extension") or []:
        if str(one.get("url", "")).endswith(endings):
            yield one


def items(formulary: Record, second_edition: bool) -> list[tuple[Resource, str]]:
    """The formulary's items: which drug is covered how."""
    found = of(formulary, "Basic" if second_edition else "MedicationKnowledge")
    control(found, "the formulary lists items")
    return found


@pytest.mark.requirement("CMS9115-422.119-b2", "CMS9115-431.60-b4")
def test_open_to_anyone(target: Target, http: Http, second_edition: bool) -> None:
    """The formulary is searched and read without a token."""
    if not target.server.formulary_base:
        not_applicable("the target names no formulary_base")
    client = FhirClient(http, target.server.formulary_base)
    types = ("InsurancePlan", "Basic", "MedicationKnowledge") if second_edition else ("List", "MedicationKnowledge")
    for type in types:
        answer = client.search(type, {"_count": "1"})
        expect(
            answer.status == 200,
            "the formulary is searched without a token",
            expected=200,
            found=answer.status,
            path=type,
            evidence=answer.evidence,
        )
        first = next((resource_of(one) for one in entries(answer.object())), {})
        control(first, f"the formulary has a {type}")
        read = client.read(type, str(first.get("id")))
        expect(read.status == 200, "an entry is read without a token", found=read.status, evidence=read.evidence)
    judged(len(types), "type served openly")


@pytest.mark.requirement("USDF-CONTENT-01", "CMS9115-422.119-b2", "CMS9115-431.60-b4")
def test_items_tell_tier_and_limits(formulary: Record, second_edition: bool) -> None:
    """Each item names its drug and formulary, its tier, and whether prior authorization, step therapy and quantity limits apply."""
    listed = items(formulary, second_edition)
    with findings() as found:
        for resource, evidence in listed:
            name = f"{resource.get('resourceType')}/{resource.get('id')}"
            drug = (resource.get("subject") or {}).get("reference") if second_edition else resource.get("code")
            found.check(drug, "an item names its drug", found=name, path="subject", evidence=evidence)
            if second_edition:
                told = any(True for _ in extensions(resource, ("FormularyReference-extension", "FormularyReference")))
                found.check(told, "an item names its formulary", found=name, path="extension", evidence=evidence)
            for what, endings in TOLD.items():
                found.check(
                    any(True for _ in extensions(resource, endings)),
                    f"an item tells its {what}" if what == "tier" else f"an item tells whether {what} applies",
                    found=name,
                    path="extension",
                    evidence=evidence,
                )
    judged(len(listed), "formulary item")


@pytest.mark.requirement("USDF-CONTENT-02")
def test_drugs_are_in_rxnorm(formulary: Record) -> None:
    """Drugs are coded in RxNorm."""
    drugs = of(formulary, "MedicationKnowledge")
    with findings() as found:
        for resource, evidence in drugs:
            codings = (resource.get("code") or {}).get("coding") or []
            found.check(
                any(one.get("system") == RXNORM and str(one.get("code", "")).isdigit() for one in codings),
                "a drug has an RxNorm code",
                expected=f"{RXNORM} and a number",
                found=f"{[one.get('system') for one in codings]} in MedicationKnowledge/{resource.get('id')}",
                path="code",
                evidence=evidence,
            )
    judged(len(drugs), "drug")


@pytest.mark.requirement("CMS9115-431.60-b4")
def test_what_ended_is_not_in_force(
    formulary: Record, second_edition: bool, target: Target, data_as_of: datetime
) -> None:
    """No plan or item that says it is active ended days ago: a change is there one business day after it takes effect."""
    if target.server.payer_type in DRUGS_OUT:
        trail().notes.append(
            "drugs are outside this payer's duty (42 CFR 438.242(b)(5)(ii)); it is judged all the same"
        )
    count = 0
    with findings() as found:
        for resource, evidence in (*items(formulary, second_edition), *of(formulary, "InsurancePlan")):
            stated = [one.get("valueCode") for one in extensions(resource, STATUS)] or [resource.get("status")]
            periods = [one.get("valuePeriod") or {} for one in extensions(resource, PERIOD)] or [
                resource.get("period") or {}
            ]
            ends = [str(one["end"])[:10] for one in periods if len(str(one.get("end", ""))) >= 10]
            if "active" not in stated or not ends:
                continue
            count += 1
            found.check(
                datetime.fromisoformat(max(ends)).date() >= (data_as_of - A_BUSINESS_DAY).date(),
                "what is said to be in force has not ended",
                expected=f"an end after {(data_as_of - A_BUSINESS_DAY).date()}",
                found=f"{max(ends)} in {resource.get('resourceType')}/{resource.get('id')}",
                path="period.end",
                evidence=evidence,
            )
    if not count:
        not_applicable("no plan or item of the formulary says until when it is in force")
    judged(count, "plan or item in force")
