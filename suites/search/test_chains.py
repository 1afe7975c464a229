"""Chained parameters and `_has`: FHIR-SEARCH-14, PLANNET-SEARCH-01 (FHIR R4 search, chaining; Plan-Net search parameters)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from suites.kit.fhir import entries, resource_of
from suites.kit.outcomes import NonConformance, findings, judged, not_applicable, trail
from suites.kit.target import Target
from suites.record.held import Record, follow
from suites.record.judge import Judge
from suites.record.samples import CLINICAL
from suites.search.chains import Chained, chained

DIRECTORY = (
    "PractitionerRole", "Practitioner", "Organization", "Location", "HealthcareService", "OrganizationAffiliation", "InsurancePlan", "Endpoint",
)  # fmt: skip
MOST = 60


def decide(record: Record, asked: Iterable[Chained], must_support: bool) -> None:
    """Each search finds what it should; where chaining is nobody's duty a refusal is no breach."""
    count = refused = 0
    with findings() as found:
        for one in asked:
            if count >= MOST:
                break
            said = "&".join(f"{name}={value}" for name, value in one.query)
            answer = record.fhir.search(one.type, (*one.query, ("_count", "200")))
            if answer.status == 400 and not must_support:
                refused += 1
                continue
            count += 1
            try:
                ids = {
                    str(resource_of(entry).get("id"))
                    for _, bundle in follow(record.fhir, one.type, (*one.query, ("_count", "200")))
                    for entry in entries(bundle)
                    if resource_of(entry).get("resourceType") == one.type
                }
            except NonConformance as wrong:
                found.add(f"{one.kind} is answered: {one.type}?{said}", found=str(wrong), evidence=answer.evidence)
                continue
            found.check(
                one.wanted <= ids <= one.allowed | one.wanted,
                f"{one.kind} finds what the reference leads to",
                expected=f"{len(one.wanted)} {one.type}",
                found=f"{len(ids)} by {one.type}?{said}",
                path=one.type,
                evidence=answer.evidence,
            )
    if refused:
        trail().notes.append(f"{refused} chained searches were refused with 400: not supported")
    if not count:
        not_applicable("the server refuses chained searches, or nothing at hand refers to anything that is held")
    judged(count, "chained search")


@pytest.mark.requirement("FHIR-SEARCH-14")
def test_chains_in_a_record(judges: Callable[[str], Judge]) -> None:
    """In a member's record chained searches find what the reference leads to, and only that."""
    judge = judges("fhir")
    record = judge.records[0]
    trail().member = trail().member or record.label
    decide(record, chained(judge, record, judge.guides[0], CLINICAL), must_support=False)


@pytest.mark.requirement("PLANNET-SEARCH-01", "FHIR-SEARCH-14")
def test_chains_in_the_directory(judges: Callable[[str], Judge], target: Target) -> None:
    """In the directory chained searches and _has find what the reference leads to, as Plan-Net's parameters ask."""
    guide = next((one for one in target.server.guides if one.startswith("plan-net")), "")
    if not guide:
        not_applicable("the target claims no version of Plan-Net")
    judge = judges("directory")
    decide(judge.records[0], chained(judge, judge.records[0], guide, DIRECTORY), must_support=True)
