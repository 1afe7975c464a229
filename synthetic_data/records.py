"""The one internal record of a member: facts only, before any guide gives them a shape.

The makers (`people/`, `pathways.py`, `planted.py`) fill these records; the renderers (`clinical/`, `payer/`) read them and
write FHIR. A fact is stated once here, so that US Core 3.1.1 and 6.1.0, CARIN 1.0.0 and 2.0.0 tell the same story.
Ids are final resource ids: a visit `m00001-enc-3` is rendered as `Encounter/m00001-enc-3`, and the payer side refers to it
by the same text. Leaves to others: randomness (`seeds.py`), codes (`codes/`), prices and adjudication (`payer/`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

LineOfBusiness = Literal["bh", "ma", "qhp"]

# Security labels of 42 CFR Part 2 records (HL7 Confidentiality, ActCode); the renderers of both sides use these and no others.
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LABEL_RESTRICTED = (CONFIDENTIALITY, "R", "restricted")
LABEL_PART2 = (ACT_CODE, "42CFRPart2", "42 CFR Part2")
LABEL_SUBSTANCE_USE = (ACT_CODE, "SUD", "substance use disorder information sensitivity")
LABEL_PSYCHOTHERAPY_NOTE = (ACT_CODE, "PSYTHPN", "psychotherapy note information sensitivity")
LABEL_PSYCHIATRY = (ACT_CODE, "PSY", "psychiatry disorder information sensitivity")
LABELS_PART2 = (LABEL_RESTRICTED, LABEL_PART2, LABEL_SUBSTANCE_USE)
LABELS_PSYCHOTHERAPY_NOTE = (LABEL_RESTRICTED, LABEL_PSYCHOTHERAPY_NOTE)


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a system, with the display the code system gives it (empty where its licence keeps the text)."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address: a real place with a street nobody lives in."""

    line: tuple[str, ...]
    city: str
    county: str
    state: str
    postal_code: str
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A person's name as it is used or was used."""

    family: str
    given: tuple[str, ...]
    prefix: tuple[str, ...] = ()
    suffix: tuple[str, ...] = ()
    use: str = "official"
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the member is: demographics of USCDI v1 and v3."""

    names: tuple[Name, ...]
    gender: str
    birth_sex: str
    birth_date: date
    birth_date_text: str
    deceased: datetime | None
    race: tuple[Code, ...]
    race_detailed: tuple[Code, ...]
    race_text: str
    ethnicity: Code | None
    ethnicity_detailed: tuple[Code, ...]
    ethnicity_text: str
    tribe: Code | None
    gender_identity: Code | None
    pronouns: Code | None
    sexual_orientation: Code | None
    language: Code
    interpreter: bool
    marital_status: Code | None
    addresses: tuple[Address, ...]
    phone: str | None
    email: str | None
    occupation: Code | None
    industry: Code | None
    time_zone: str

    @property
    def name(self) -> Name:
        """The name in use."""
        return self.names[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate:
    """Someone with rights in the member's record: parent, guardian, spouse, personal representative, caregiver."""

    id: str
    name: Name
    gender: str
    relationship: Code
    kind: str
    phone: str
    address: Address
    member: str | None
    rights: tuple[str, ...]
    start: date
    until: date | None
    birth_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """People who live at one address; `members` are numbers of members, in dataset order."""

    id: str
    members: tuple[int, ...]
    adults: tuple[int, ...]
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the member types at the payer's login page."""

    username: str
    password: str
    totp_seed: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSpan:
    """One span of coverage: a plan, from when to when, in which order it pays."""

    id: str
    line_of_business: LineOfBusiness
    plan: str
    plan_name: str
    subscriber_id: str
    member_id: str
    group: str
    group_name: str
    relationship: str
    dependent: str
    order: int
    start: date
    end: date | None
    status: str = "active"
    other_payer: bool = False
    subscriber_member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A condition of the member, coded for the clinic (SNOMED CT) and for the claim (ICD-10-CM)."""

    id: str
    pathway: str
    icd10: Code
    snomed: Code
    text: str
    onset: date
    recorded: datetime
    abatement: date | None
    severity: Code | None
    clinical_status: str
    verification: str = "confirmed"
    category: str = "problem-list-item"
    visit: str | None = None
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One contact with a clinician, ambulatory or as the encounter of an admission.

    `kind` is a key of `codes/services.yaml`, which carries the encounter type and the billing codes; `billable` is false for
    contacts the payer never hears of as a claim; `network` false is an out-of-network contact.
    """

    id: str
    kind: str
    pathway: str
    encounter_class: str
    start: datetime
    end: datetime
    clinician: str
    organization: str
    location: str
    diagnoses: tuple[str, ...]
    telehealth: bool = False
    status: str = "finished"
    part2: bool = False
    billable: bool = True
    network: bool = True
    admission: str | None = None
    received: datetime | None = None

    @property
    def minutes(self) -> int:
        """Length of the contact."""
        return int((self.end - self.start).total_seconds() // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A stay: inpatient, residential, crisis stabilization, withdrawal management; its encounter is the visit `visit`."""

    id: str
    visit: str
    kind: str
    level_of_care: str
    start: datetime
    end: datetime | None
    organization: str
    attending: str
    diagnoses: tuple[str, ...]
    involuntary: bool
    admit_source: Code
    discharge: Code | None
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """An answered instrument: item answers in instrument order (-1 where one was declined), and the total they add up to."""

    id: str
    instrument: str
    when: datetime
    visit: str | None
    clinician: str | None
    answers: tuple[int, ...]
    total: int
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A vital sign, laboratory result or social fact: `kind` is a key of `codes/observations.yaml`."""

    id: str
    kind: str
    when: datetime
    visit: str | None
    value: float | int | Code | None
    clinician: str | None = None
    absent: str | None = None
    also: tuple[float | int, ...] = ()
    position: Code | None = None
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOrder:
    """Tests ordered together: the order, the specimen, the results and the report."""

    id: str
    panel: str
    ordered: datetime
    collected: datetime
    issued: datetime
    visit: str
    clinician: str
    laboratory: str
    reason: str | None
    results: tuple[Measurement, ...]
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A drug handed out at a pharmacy."""

    id: str
    when: datetime
    pharmacy: str
    days_supply: int
    quantity: float
    number: int
    refills_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationCourse:
    """A drug from its start to its stop: `drug` is a key of `codes/drugs.yaml`."""

    id: str
    drug: str
    pathway: str
    start: datetime
    end: datetime | None
    status: str
    stop_reason: str | None
    visit: str
    prescriber: str
    diagnosis: str | None
    days_supply: int
    refills: int
    fills: tuple[Fill, ...]
    administered: bool = False
    self_reported: bool = False
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A procedure that was done: `kind` is a key of `codes/procedures.yaml`."""

    id: str
    kind: str
    start: datetime
    end: datetime
    visit: str
    clinician: str
    organization: str
    reason: str | None
    status: str = "completed"
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationNeed:
    """Care that needs the payer's leave: what was asked for, when, how urgently. The payer side decides the answer.

    `service` is a key of `codes/services.yaml`, `codes/procedures.yaml` or `codes/drugs.yaml`; `subject` the admission, visit or
    medication course it is for; `wish` names the outcome a planted member needs, empty where the payer side may choose.
    """

    id: str
    service: str
    subject: str
    requested: datetime
    start: date
    end: date
    units: int
    expedited: bool
    clinician: str
    organization: str
    diagnosis: str
    wish: str = ""
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalDocument:
    """A note or document: `kind` is a key of `codes/documents.yaml`."""

    id: str
    kind: str
    when: datetime
    visit: str | None
    author: str
    organization: str
    text: str
    withheld: bool = False
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the member wants to reach, with how far it has come."""

    id: str
    code: Code
    text: str
    start: date
    target_date: date
    status: str
    achievement: str
    addresses: str | None
    measure: Code | None
    target: int | None
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CareEpisode:
    """Care planned together: the plan, the team and the goals of one pathway."""

    id: str
    pathway: str
    title: str
    text: str
    start: datetime
    end: datetime | None
    author: str
    team: tuple[str, ...]
    organization: str
    diagnoses: tuple[str, ...]
    goals: tuple[Goal, ...]
    activities: tuple[str, ...]
    part2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Immunization:
    """A vaccination given, or not given with the reason."""

    id: str
    vaccine: Code
    when: datetime
    when_text: str
    status: str
    status_reason: Code | None
    visit: str | None
    primary_source: bool
    organization: str
    lot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    """An allergy or intolerance, or the statement that none is known."""

    id: str
    substance: Code
    category: str
    reaction: Code | None
    severity: str | None
    onset: date | None
    recorded: datetime
    clinical_status: str = "active"
    verification: str = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplantedDevice:
    """A device in the member's body, with its unique device identifier."""

    id: str
    kind: Code
    udi_carrier: str
    udi_device: str
    manufactured: datetime
    expires: datetime
    lot: str
    serial: str
    distinct: str
    implanted: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialNeed:
    """A social determinant found by screening: the diagnosis and the referral that came of it."""

    id: str
    domain: str
    diagnosis: str
    visit: str
    referred: datetime
    completed: datetime | None
    clinician: str
    service: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class DentalVisit:
    """A dental contact: CDT codes alone, with tooth, area and surfaces."""

    id: str
    when: datetime
    clinician: str
    organization: str
    location: str
    lines: tuple[DentalLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DentalLine:
    """One dental service."""

    code: str
    tooth: str | None
    surfaces: tuple[str, ...]
    quadrant: str | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ActsFor:
    """Another member for whom this one may act."""

    patient: str
    relationship: str
    until: date | None
    number: int


# ── the network: what members share ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place where care is given; rendered as Location/ID."""

    id: str
    name: str
    address: Address
    phone: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOrganization:
    """An organization that gives care (or the payer itself); rendered as Organization/ID.

    `kind`: payer | clinic | hospital | residential | opioid-treatment | crisis | laboratory | pharmacy | dental | primary-care.
    """

    id: str
    npi: str
    tax_id: str
    clia: str
    name: str
    kind: str
    line_of_business: tuple[LineOfBusiness, ...]
    sites: tuple[Site, ...]
    phone: str
    email: str
    in_network: bool = True

    @property
    def site(self) -> Site:
        """Its first site."""
        return self.sites[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinician:
    """A practitioner; rendered as Practitioner/ID and PractitionerRole/ID-role."""

    id: str
    npi: str
    name: Name
    gender: str
    profession: str
    role: Code
    specialty: Code
    organization: str
    site: str
    phone: str
    email: str
    languages: tuple[Code, ...]
    prescriber: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The payer, the providers and the pharmacies of one dataset; depends on the seed alone."""

    payer: ProviderOrganization
    other_payers: tuple[ProviderOrganization, ...]
    organizations: tuple[ProviderOrganization, ...]
    clinicians: tuple[Clinician, ...]
    organization_of: dict[str, ProviderOrganization] = field(repr=False)
    clinician_of: dict[str, Clinician] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Guides:
    """The guide versions to render."""

    us_core: str
    carin_bb: str
    pdex: str
    plan_net: str
    formulary: str


FAMILIES: dict[str, Guides] = {
    "legacy": Guides(us_core="3.1.1", carin_bb="2.0.0", pdex="2.0.0", plan_net="1.0.0", formulary="1.1.0"),
    "current": Guides(us_core="6.1.0", carin_bb="2.0.0", pdex="2.0.0", plan_net="1.1.0", formulary="2.0.1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is the same for all members of a dataset: the seed, the moment it shows, the guides, the network."""

    seed: int
    as_of: datetime
    family: str
    guides: Guides
    network: Network


class Renderer(Protocol):
    """The seam between `build.py` and the renderers: facts in, FHIR resources as plain dicts out, in a fixed order."""

    def __call__(self, member: Member, world: World) -> list[dict[str, object]]:
        """All resources of one member."""
        ...
