"""What happened in a member's care, each fact once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from synthetic_data.records.values import Code


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
    status: str = "completed"
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
    status: str = "final"
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
    status: str = "final"
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
    status: str = "completed"


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
    arrives: bool = False  # asked for after the dataset's day: the payer's clock must get there first


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
    status: str = "current"
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
    finding: Code | None = None
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
    text: str
    udi_carrier: str
    udi_device: str
    manufactured: datetime
    expires: datetime
    lot: str
    serial: str
    distinct: str
    implanted: date
    status: str = "active"


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
class DentalLine:
    """One dental service."""

    code: str
    tooth: str | None
    surfaces: tuple[str, ...]
    quadrant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DentalVisit:
    """A dental contact: CDT codes alone, with tooth, area and surfaces."""

    id: str
    when: datetime
    clinician: str
    organization: str
    location: str
    lines: tuple[DentalLine, ...]
