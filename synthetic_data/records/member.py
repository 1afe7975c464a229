"""A member with everything known of them, and the seam to the renderers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from synthetic_data.records.care import (
    Admission,
    Allergy,
    Assessment,
    AuthorizationNeed,
    CareEpisode,
    ClinicalDocument,
    DentalVisit,
    Diagnosis,
    Immunization,
    ImplantedDevice,
    LabOrder,
    Measurement,
    MedicationCourse,
    Service,
    SocialNeed,
    Visit,
)
from synthetic_data.records.people import ActsFor, CoverageSpan, Credentials, Delegate, Household, Person
from synthetic_data.records.values import LineOfBusiness
from synthetic_data.records.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the plan with everything known of them. `number` counts from 1 in dataset order."""

    number: int
    id: str
    unique_client_identifier: str
    medical_record_number: str
    merged: tuple[str, ...]
    person: Person
    household: Household
    credentials: Credentials
    line_of_business: LineOfBusiness
    planted_for: tuple[str, ...]
    flags: frozenset[str]
    coverages: tuple[CoverageSpan, ...]
    delegates: tuple[Delegate, ...]
    acts_for: tuple[ActsFor, ...]
    consents_to_substance_use_disclosure: bool
    consent_revoked: date | None = None
    care_of: int = 0
    diagnoses: tuple[Diagnosis, ...] = ()
    visits: tuple[Visit, ...] = ()
    admissions: tuple[Admission, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    labs: tuple[LabOrder, ...] = ()
    medications: tuple[MedicationCourse, ...] = ()
    services: tuple[Service, ...] = ()
    authorizations: tuple[AuthorizationNeed, ...] = ()
    documents: tuple[ClinicalDocument, ...] = ()
    episodes: tuple[CareEpisode, ...] = ()
    immunizations: tuple[Immunization, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    devices: tuple[ImplantedDevice, ...] = ()
    social_needs: tuple[SocialNeed, ...] = ()
    dental: tuple[DentalVisit, ...] = ()
    withheld: tuple[str, ...] = ()

    @property
    def story(self) -> int:
        """The number whose draws decide care and claims: the member's own, unless planted alike with another."""
        return self.care_of or self.number


class Renderer(Protocol):
    """The seam between `build.py` and the renderers: facts in, FHIR resources as plain dicts out, in a fixed order."""

    def __call__(self, member: Member, world: World) -> list[dict[str, object]]:
        """All resources of one member."""
        ...
