"""The one internal record of a member: facts only, before any guide gives them a shape.

The makers (`people/`, `pathways.py`, `planted.py`) fill these records; the renderers (`clinical/`, `payer/`) read them and
write FHIR. A fact is stated once here, so that US Core 3.1.1 and 6.1.0, CARIN 1.0.0 and 2.0.0 tell the same story.
Ids are final resource ids: a visit `m00001-enc-3` is rendered as `Encounter/m00001-enc-3`, and the payer side refers to it
by the same text. Leaves to others: randomness (`seeds.py`), codes (`codes/`), prices and adjudication (`payer/`).
"""

from __future__ import annotations

from synthetic_data.records.care import (
    Admission,
    Allergy,
    Assessment,
    AuthorizationNeed,
    CareEpisode,
    ClinicalDocument,
    DentalLine,
    DentalVisit,
    Diagnosis,
    Fill,
    Goal,
    Immunization,
    ImplantedDevice,
    LabOrder,
    Measurement,
    MedicationCourse,
    Service,
    SocialNeed,
    Visit,
)
from synthetic_data.records.member import (
    Member,
    Renderer,
)
from synthetic_data.records.people import (
    ActsFor,
    CoverageSpan,
    Credentials,
    Delegate,
    Household,
    Person,
)
from synthetic_data.records.values import (
    ACT_CODE,
    CONFIDENTIALITY,
    LABEL_PART2,
    LABEL_PSYCHIATRY,
    LABEL_PSYCHOTHERAPY_NOTE,
    LABEL_RESTRICTED,
    LABEL_SUBSTANCE_USE,
    LABELS_PART2,
    LABELS_PSYCHOTHERAPY_NOTE,
    Address,
    Code,
    LineOfBusiness,
    Name,
)
from synthetic_data.records.world import (
    FAMILIES,
    Clinician,
    Guides,
    Network,
    ProviderOrganization,
    Site,
    World,
)

__all__ = [
    "ACT_CODE",
    "CONFIDENTIALITY",
    "FAMILIES",
    "LABELS_PART2",
    "LABELS_PSYCHOTHERAPY_NOTE",
    "LABEL_PART2",
    "LABEL_PSYCHIATRY",
    "LABEL_PSYCHOTHERAPY_NOTE",
    "LABEL_RESTRICTED",
    "LABEL_SUBSTANCE_USE",
    "ActsFor",
    "Address",
    "Admission",
    "Allergy",
    "Assessment",
    "AuthorizationNeed",
    "CareEpisode",
    "ClinicalDocument",
    "Clinician",
    "Code",
    "CoverageSpan",
    "Credentials",
    "Delegate",
    "DentalLine",
    "DentalVisit",
    "Diagnosis",
    "Fill",
    "Goal",
    "Guides",
    "Household",
    "Immunization",
    "ImplantedDevice",
    "LabOrder",
    "LineOfBusiness",
    "Measurement",
    "MedicationCourse",
    "Member",
    "Name",
    "Network",
    "Person",
    "ProviderOrganization",
    "Renderer",
    "Service",
    "Site",
    "SocialNeed",
    "Visit",
    "World",
]
