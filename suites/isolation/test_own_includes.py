"""What comes along with a member's own resources is theirs too: FHIR-COMPARTMENT-03 (FHIR R4 compartments; search, _include).

A parent's policy or a relative's record may be named in a member's resources; naming it opens nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from suites.isolation.attacks import owners, strangers
from suites.kit.fhir import entries
from suites.kit.outcomes import Inconclusive, findings, judged, trail
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.record.held import Record, references
from suites.record.judge import Judge
from suites.record.matching import reference_parts

TYPES = (
    "Coverage",
    "ExplanationOfBenefit",
    "CareTeam",
    "Encounter",
    "Observation",
    "DocumentReference",
    "Patient",
    "RelatedPerson",
)
FAMILY = ("minor", "represented", "separated-parents", "infant", "adolescent")  # whose resources name somebody else
MOST_FAMILY = 4
SHARE = 4  # the part of the chapter's requests (--isolation-requests) that these searches may take; a seeded choice beyond it
# What is shared by all members, and which of their resources refer to it: the way round through somebody's doctor.
BACK = {
    "Practitioner": (
        "Encounter:participant",
        "Encounter:practitioner",
        "ExplanationOfBenefit:care-team",
        "Observation:performer",
        "*",
    ),
    "Organization": ("ExplanationOfBenefit:insurer", "ExplanationOfBenefit:provider", "Coverage:payor", "*"),
    "Location": ("Encounter:location", "*"),
}


@pytest.mark.requirement("FHIR-COMPARTMENT-03")
def test_what_comes_along_is_the_members_own(
    judges: Callable[[str], Judge],
    target: Target,
    member_record: Callable[[Member], Record],
    workbench: Workbench,
    pytestconfig: pytest.Config,
) -> None:
    """_include and _revinclude over a member's own resources bring nobody else's record, also where it is named."""
    records = list(judges("fhir").records)
    labels = {record.label for record in records}
    family = [one for one in target.member if set(FAMILY) & set(one.planted_for) and one.label not in labels]
    records += [member_record(one) for one in family[:MOST_FAMILY]]
    searches = [(record, type, more) for record in records for type in TYPES for more in includes_of(record, type)]
    most = pytestconfig.getoption("--isolation-requests") // SHARE
    if len(searches) > most:
        searches = random.Random(workbench.seed).sample(searches, most)
    count = named = 0
    with findings() as found:
        for record, type, more in searches:
            base = (("_id" if type == "Patient" else "patient", record.patient),)
            answer = record.fhir.search(type, (*base, more, ("_count", "50")))
            if answer.status != 200:
                continue
            for entry in entries(answer.object()):
                resource = entry.get("resource") or {}
                count += 1
                named += any(is_stranger(one, record.patient) for one in references(resource))
                others = (strangers(resource) or owners(resource)) - {record.patient}
                found.check(
                    not others,
                    "what comes along with a member's own resources is theirs",
                    expected=f"Patient/{record.patient}",
                    found=f"{resource.get('resourceType')}/{resource.get('id')} of {', '.join(sorted(others))}",
                    path=f"{type}?{more[0]}={more[1]}",
                    evidence=answer.evidence,
                )
    if not named:
        trail().notes.append("no resource at hand names another patient, so that there was nobody to bring along")
    judged(count, "entry")


@pytest.mark.requirement("FHIR-COMPARTMENT-03")
def test_the_way_round_through_shared_resources(judges: Callable[[str], Judge]) -> None:
    """_revinclude and `_has` over a doctor, organization or place bring only the member's own resources that refer to it."""
    count = 0
    with findings() as found:
        for record in judges("fhir").records[:3]:
            trail().member = trail().member or record.label
            for type, ways in BACK.items():
                for resource, _ in list(record.referenced(type).resources())[:3]:
                    for way in ways:
                        query = (("_id", str(resource.get("id"))), ("_revinclude", way), ("_count", "50"))
                        answer = record.fhir.search(type, query)
                        count += 1
                        for entry in entries(answer.object()) if answer.status == 200 else []:
                            brought = entry.get("resource") or {}
                            others = (strangers(brought) or owners(brought)) - {record.patient}
                            found.check(
                                not others,
                                "what refers to a shared resource is shown of the member's own record only",
                                expected=f"Patient/{record.patient}",
                                found=f"{brought.get('resourceType')}/{brought.get('id')} of {', '.join(sorted(others))}",
                                path=f"{type}?_revinclude={way}",
                                evidence=answer.evidence,
                            )
    judged(count, "search")


def is_stranger(reference: str, patient: str) -> bool:
    """Whether a reference names another patient."""
    type, id = reference_parts(reference)
    return type == "Patient" and id != patient


def includes_of(record: Record, type: str) -> list[tuple[str, str]]:
    """Includes of everything, and by the elements that name other people where the record can be had."""
    everything = [("_include", "*"), ("_revinclude", "*"), ("_include:iterate", "*")]
    named = {
        "Coverage": ("subscriber", "policy-holder", "beneficiary", "payor"),
        "ExplanationOfBenefit": ("patient", "payee", "coverage"),
    }
    try:
        record.of(type)
    except Inconclusive:
        return everything
    return [*everything, *(("_include", f"{type}:{name}") for name in (*named.get(type, ()), "patient"))]
