"""All that a payer holds of a member is there: as many as its own count, from 2016 on, claims and encounters alike (42 CFR 431.60(b), (h); 438.242(b)(5))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest

from suites.kit.app import App
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, findings, judged, not_applicable, trail
from suites.kit.target import Client, Target
from suites.record.held import Record
from suites.record.judge import Judge
from suites.record.matching import element_spans

CLAIMS = ("ExplanationOfBenefit", "Coverage")
CLINICAL = (
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Device", "DiagnosticReport", "DocumentReference", "Goal", "Immunization",
    "MedicationDispense", "MedicationRequest", "Observation", "Procedure",
)  # fmt: skip
SERVED = (
    "billablePeriod",
    "period",
    "effectiveDateTime",
    "effectivePeriod",
    "performedDateTime",
    "performedPeriod",
    "occurrenceDateTime",
)
FROM = 2016  # 42 CFR 431.60(h): dates of service on or after 2016-01-01
TYPES_OF_SERVICE = ("ExplanationOfBenefit", "Encounter", "Procedure", "Observation", "Immunization")


def counted(judge: Judge, manifest: dict[str, Any], types: tuple[str, ...]) -> None:
    """Each record at hand holds as many resources of each type as the manifest counts, what is kept back aside."""
    rows = {str(one.get("patient")): one for one in manifest.get("members", [])}
    count, table = 0, []
    with findings() as found:
        for record in judge.records:
            row = rows.get(record.patient)
            if row is None:
                continue
            trail().member = trail().member or record.label
            kept = [str(one).partition("/")[0] for one in row.get("withheld") or []]
            for type in types:
                wanted = int(row.get("totals", {}).get(type, 0)) - kept.count(type)
                if wanted <= 0:
                    continue
                try:
                    got = judge.of(record, type, False).count
                except Inconclusive as undecided:
                    found.add(f"the member's {type} can be had", found=str(undecided), path=type)
                    continue
                count += wanted
                table.append([record.label, type, wanted, got])
                found.check(
                    got >= wanted,
                    "everything the payer holds of a member is there",
                    expected=f"{wanted} {type}",
                    found=f"{got} for {record.label}",
                    path=type,
                )
    trail().tables["amount"] = {"columns": ["member", "type", "held by the payer", "found"], "rows": table}
    if not count:
        not_applicable("the manifest counts nothing of these types for the members at hand")
    judged(count, "resource")


@pytest.mark.requirement(
    "BELITSOFT-CONTENT-CLAIMS", "HEALTHSHARE-2.1-CONTENT", "SHM-PAA-CONTENT-01", "CMS9115-431.60-a"
)
def test_claims_are_all_there(judges: Callable[[str], Judge], manifest: dict[str, Any]) -> None:
    """Claims, prior authorizations and coverage: as many as the payer holds."""
    counted(judges("fhir"), manifest, CLAIMS)


@pytest.mark.requirement("CMS9115-438.242-b5-i", "CONNEX-II-SCOPE", "SHM-PAA-CONTENT-01")
def test_encounters_are_all_there(judges: Callable[[str], Judge], manifest: dict[str, Any]) -> None:
    """Encounters, those of capitated providers and subcontractors among them: as many as the payer holds."""
    counted(judges("fhir"), manifest, ("Encounter",))


@pytest.mark.requirement("DEAN-CONTENT-ALL-01", "HEALTHSHARE-2.1-CONTENT", "SHM-PAA-CONTENT-01")
def test_clinical_data_are_all_there(judges: Callable[[str], Judge], manifest: dict[str, Any]) -> None:
    """Clinical resources: as many as the payer holds."""
    counted(judges("fhir"), manifest, CLINICAL)


@pytest.fixture(scope="session")
def long_standing(
    target: Target, http: Http, app_of: Callable[[Client], App], judges: Callable[[str], Judge]
) -> Record:
    """A member with services since before 2016: as planted, else whoever of those at hand has the oldest."""
    for member in target.member:
        if "before-2016" in member.planted_for:
            grant = app_of(target.client[0]).grant(member)
            return Record(FhirClient(http, target.server.fhir_base, grant.access_token), grant.patient, member.label)
    return min(judges("fhir").records, key=lambda record: min(years(record), default=9999))


def years(record: Record) -> Iterator[int]:
    """The year of each service in a record."""
    for type in TYPES_OF_SERVICE:
        try:
            held = record.of(type)
        except Inconclusive:
            continue
        for resource, _ in held.resources():
            spans = [span for name in SERVED for span in element_spans(resource.get(name))]
            if spans:
                yield min(span.start for span in spans).year


@pytest.mark.requirement("CMS9115-431.60-h", "CONNEX-IV.A.e-2016")
def test_services_since_2016(long_standing: Record, target: Target, data_as_of: datetime) -> None:
    """A member in care since before 2016 finds services of every year from 2016 on."""
    trail().member = long_standing.label
    seen = sorted(set(years(long_standing)))
    control(seen, "the member has services with dates")
    planted = any("before-2016" in one.planted_for and one.label == long_standing.label for one in target.member)
    if not planted and seen[0] > FROM:
        raise Inconclusive(
            f"the oldest service at hand is of {seen[0]}: name a [[member]] planted_for before-2016, whom the payer has served since"
        )
    wanted = range(FROM, data_as_of.year)
    missing = [year for year in wanted if year not in seen]
    with findings() as found:
        for year in missing:
            found.add(
                "services since 2016 are there",
                expected=f"services of {year}",
                found=f"services of {', '.join(map(str, seen))}",
                path=str(date(year, 1, 1).year),
            )
    judged(len(wanted), "year")
