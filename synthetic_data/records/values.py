"""Values every record is made of: codes, names, addresses, and the security labels of 42 CFR Part 2 records.

The labels are those of HL7 Confidentiality and ActCode; the renderers of both sides use these and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

LineOfBusiness = Literal["bh", "ma", "qhp"]

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
