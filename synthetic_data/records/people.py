"""Who a member is, who acts for them, and how they are covered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from synthetic_data.records.values import Address, Code, LineOfBusiness, Name


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
class ActsFor:
    """Another member for whom this one may act."""

    patient: str
    relationship: str
    until: date | None
    number: int
    related_person: str
    rights: tuple[str, ...]
