"""One member's sheet of resources while it is rendered, and the FHIR R4 data types as plain dicts.

Resources are plain dicts built once and never changed, so concepts and references may be shared between them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from synthetic_data.records import Address, Code, Member, Name, World

Json = dict[str, Any]
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
BASE = "http://hl7.org/fhir/StructureDefinition/"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
LOCAL = "https://payer.example/fhir/CodeSystem/instruments"
IDENTIFIERS = "https://payer.example/fhir/identifier/"
HL7 = "http://terminology.hl7.org/CodeSystem/"
RECEIVED_AFTER = timedelta(hours=18)


class Sheet:
    """Collects a member's resources, and which of them were written at which visit."""

    def __init__(self, member: Member, world: World) -> None:
        """Bind the member and the guides."""
        self.member = member
        self.world = world
        self.us_core_6 = world.guides.us_core.startswith("6")
        self.subject = {"reference": f"Patient/{member.id}"}
        self.resources: list[Json] = []
        self.written_at: dict[str, list[str]] = {}
        self.received = {visit.id: instant(visit.received) for visit in member.visits if visit.received is not None}

    def add(self, resource: Json, visit: str | None = None) -> None:
        """Keep a resource; `visit` says at which contact it was written."""
        self.resources.append(resource)
        if visit is not None:
            if visit in self.received:
                resource["meta"]["lastUpdated"] = self.received[visit]
            self.written_at.setdefault(visit, []).append(f"{resource['resourceType']}/{resource['id']}")

    def meta(self, when: datetime, *profiles: str, labels: tuple[tuple[str, str, str], ...] = ()) -> Json:
        """Meta: when the payer received the record, its profiles, its security labels."""
        received = min(when + RECEIVED_AFTER, self.world.as_of)
        shape: Json = {"lastUpdated": instant(received)}
        if profiles:
            shape["profile"] = [f"{US_CORE}{one}" if "/" not in one else one for one in profiles]
        if labels:
            shape["security"] = list(security(labels))
        return shape


@lru_cache(maxsize=8)
def security(labels: tuple[tuple[str, str, str], ...]) -> tuple[Json, ...]:
    """Security labels as Codings."""
    return tuple({"system": system, "code": code, "display": display} for system, code, display in labels)


def instant(moment: datetime) -> str:
    """A moment with its offset, to the second."""
    return moment.isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding; no display where the licence keeps the text."""
    return {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}


@lru_cache(maxsize=4096)
def concept(system: str, code: str, display: str = "", text: str = "") -> Json:
    """A CodeableConcept; without a system it is text alone."""
    if not system:
        return {"text": display or text}
    shape: Json = {"coding": [coding(system, code, display)]}
    if text or display:
        shape["text"] = text or display
    return shape


def concept_of(code: Code) -> Json:
    """A CodeableConcept from a code of the internal record; NUCC keeps its words, so ours go into the text."""
    if code.system == "http://nucc.org/provider-taxonomy":
        return _taxonomy(code.code, code.display)
    return concept(code.system, code.code, code.display)


@lru_cache(maxsize=256)
def _taxonomy(code: str, text: str) -> Json:
    return {"coding": [coding("http://nucc.org/provider-taxonomy", code)], "text": text}


def two_codes(first: Code, second: Code, text: str) -> Json:
    """A CodeableConcept that says the same in two systems."""
    return {
        "coding": [coding(first.system, first.code, first.display), coding(second.system, second.code, second.display)],
        "text": text,
    }


def quantity(value: float | int, unit: str, shown: str | None = None) -> Json:
    """A Quantity in UCUM."""
    return {"value": value, "unit": shown or unit, "system": UCUM, "code": unit}


def ref(resource_type: str, identifier: str) -> Json:
    """A relative literal Reference."""
    return {"reference": f"{resource_type}/{identifier}"}


def period(start: date | datetime, end: date | datetime | None = None) -> Json:
    """A Period; an open end is left out."""
    shape = {"start": instant(start) if isinstance(start, datetime) else start.isoformat()}
    if end is not None:
        shape["end"] = instant(end) if isinstance(end, datetime) else end.isoformat()
    return shape


def human_name(name: Name) -> Json:
    """A HumanName."""
    shape: Json = {"use": name.use, "family": name.family, "given": [one for one in name.given if one]}
    if name.prefix:
        shape["prefix"] = list(name.prefix)
    if name.suffix:
        shape["suffix"] = list(name.suffix)
    if name.start or name.end:
        shape["period"] = {
            key: day.isoformat() for key, day in (("start", name.start), ("end", name.end)) if day is not None
        }
    return shape


def postal_address(place: Address, use: str = "home") -> Json:
    """An Address in the United States."""
    shape: Json = {
        "use": "old" if place.end else use,
        "line": list(place.line),
        "city": place.city,
        "district": place.county,
        "state": place.state,
        "postalCode": place.postal_code,
        "country": "US",
    }
    if place.start:
        shape["period"] = period(place.start, place.end)
    return shape


def telecom(system: str, value: str, use: str) -> Json:
    """A ContactPoint."""
    return {"system": system, "value": value, "use": use}


def narrative(*sentences: str) -> Json:
    """A generated Narrative."""
    text = " ".join(sentences).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}
