"""A resource without meta.profile is held to the profile of its kind, and only to that."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.fhir import FhirClient
from suites.kit.outcomes import Inconclusive, NonConformance, start_trail
from suites.record.cases import Case
from suites.record.conforming import conforms
from suites.record.held import Record
from suites.record.judge import Judge
from tests.unit.suites.record.test_hostile_answers import BASE, Scripted, searchset

GUIDES = ("us-core@3.1.1",)
SMOKING = Case(
    GUIDES[0],
    "Observation",
    "profile",
    profile="http://hl7.org/fhir/us/core/StructureDefinition/us-core-smokingstatus",
)


def smoking_status(**changes: Any) -> dict[str, Any]:
    """A smoking status that conforms and does not say to what; a change to None leaves an element out."""
    made = {
        "resourceType": "Observation",
        "id": "s1",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "social-history"}
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]},
        "subject": {"reference": "Patient/p"},
        "issued": "2026-03-01T10:00:00Z",
        "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "266919005"}]},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def judged(resource: dict[str, Any]) -> None:
    start_trail()
    http = Scripted(lambda url: searchset(resource))
    record = Record(FhirClient(http, BASE, "token"), "p")  # type: ignore[arg-type]
    conforms(Judge((record,), GUIDES), SMOKING)


def test_a_conforming_resource_that_claims_nothing_passes() -> None:
    judged(smoking_status())


def test_what_the_profile_requires_is_missed_without_a_claim() -> None:
    with pytest.raises(NonConformance, match="issued"):
        judged(smoking_status(issued=None))


def test_another_observation_is_not_held_to_the_profile() -> None:
    other = smoking_status(issued=None, code={"coding": [{"system": "http://loinc.org", "code": "2339-0"}]})
    with pytest.raises(Inconclusive, match="no member at hand has a Observation of profile"):
        judged(other)
