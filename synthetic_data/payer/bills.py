"""A bill as a provider sends it in: codes, units and people, no money.

Leaves to others: how bills come from care (`billing_desk.py`), what the payer makes of them (`claims.py`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple

from synthetic_data.records import (
    ProviderOrganization,
)

TELEHEALTH_PLACE, EMERGENCY_PLACE, HOME_PLACE, AMBULANCE_PLACE = "10", "23", "12", "41"

Kind = Literal["professional", "inpatient", "outpatient", "pharmacy", "oral"]


class Teammate(NamedTuple):
    """Somebody on the care team: the role, the reference, the taxonomy code of the qualification."""

    role: str
    kind: str
    identifier: str
    qualification: str = ""


class Stay(NamedTuple):
    """What an institution adds to a claim."""

    start: datetime
    end: datetime | None
    drg: str
    discharged_home: bool
    procedures: tuple[tuple[str, date], ...]
    emergency: bool


class Dispensing(NamedTuple):
    """What a pharmacy adds to a claim."""

    ndc: str
    quantity: float
    days: int
    refill: int
    refills_authorized: int
    compound: bool


class Ride(NamedTuple):
    """What an ambulance service adds to a claim."""

    miles: int
    pounds: int
    pickup: str
    dropoff: str


class Planned(NamedTuple):
    """A line before it is adjudicated."""

    code: str
    units: int
    modifiers: tuple[str, ...] = ()
    revenue: str = ""
    start: date | None = None
    end: date | None = None
    tooth: str = ""
    surfaces: tuple[str, ...] = ()
    area: str = ""


class Bill(NamedTuple):
    """A claim before it is adjudicated; `subject` is the care a prior authorization may be for."""

    kind: Kind
    suffix: str
    subject: str
    home: ProviderOrganization
    facility: str
    day: date
    end: date
    place: str
    team: tuple[Teammate, ...]
    diagnoses: tuple[tuple[str, str], ...]
    planned: tuple[Planned, ...]
    part2: bool
    in_network: bool
    encounter: str = ""
    received: datetime | None = None
    details: Stay | Dispensing | Ride | None = None
