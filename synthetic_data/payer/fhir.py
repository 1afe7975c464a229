"""FHIR R4 data types as plain dicts: the few shapes every renderer of the payer side writes (FHIR R4 section 2.24).

Amounts are kept in integer cents everywhere and become decimals here, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from synthetic_data.records import Address, Code, Name

Json = dict[str, Any]

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
PDEX = "http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/"
HREX = "http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/"
PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"
FORMULARY = "http://hl7.org/fhir/us/davinci-drug-formulary/StructureDefinition/"

# Identifier systems of the fictional payer; `.example` is kept for such names (RFC 2606).
PAYER = "https://payer.example/fhir/"
NPI = "http://hl7.org/fhir/sid/us-npi"
TAX = "urn:oid:2.16.840.1.113883.4.4"
CLIA = "urn:oid:2.16.840.1.113883.4.7"
NAIC = "urn:oid:2.16.840.1.113883.6.300"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding; no display where the code system's licence keeps the text."""
    return {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}


def concept(system: str, code: str, display: str = "", text: str = "") -> Json:
    """A CodeableConcept with one coding."""
    shape: Json = {"coding": [coding(system, code, display)]}
    if text:
        shape["text"] = text
    return shape


def concept_of(code: Code) -> Json:
    """A CodeableConcept from a code of the internal record."""
    return concept(code.system, code.code, code.display)


def reference(kind: str, identifier: str, display: str = "") -> Json:
    """A relative literal Reference."""
    return (
        {"reference": f"{kind}/{identifier}", "display": display} if display else {"reference": f"{kind}/{identifier}"}
    )


def instant(moment: datetime) -> str:
    """A dateTime or instant with its offset, to the second."""
    return moment.isoformat(timespec="seconds")


def period(start: date | datetime | None, end: date | datetime | None = None) -> Json:
    """A Period; an open end is left out."""
    shape: Json = {}
    if start is not None:
        shape["start"] = instant(start) if isinstance(start, datetime) else start.isoformat()
    if end is not None:
        shape["end"] = instant(end) if isinstance(end, datetime) else end.isoformat()
    return shape


def dollars(cents: int) -> Json:
    """Money in US dollars."""
    return {"value": cents / 100 if cents % 100 else cents // 100, "currency": "USD"}


def address(place: Address, use: str | None = None, kind: str | None = None) -> Json:
    """A postal address in the United States."""
    shape: Json = {"use": use} if use else {}
    if kind:
        shape["type"] = kind
    shape |= {
        "text": f"{', '.join(place.line)}, {place.city}, {place.state} {place.postal_code}",
        "line": list(place.line),
        "city": place.city,
        "district": place.county,
        "state": place.state,
        "postalCode": place.postal_code,
        "country": "US",
    }
    return shape


def human_name(name: Name) -> Json:
    """A name as it is used."""
    shape: Json = {
        "use": name.use,
        "text": " ".join((*name.prefix, *name.given, name.family, *name.suffix)),
        "family": name.family,
        "given": list(name.given),
    }
    if name.prefix:
        shape["prefix"] = list(name.prefix)
    if name.suffix:
        shape["suffix"] = list(name.suffix)
    return shape


def meta(profiles: Iterable[str], updated: datetime, security: Iterable[tuple[str, str, str]] = ()) -> Json:
    """Meta with profiles, the moment of the last change, and security labels."""
    shape: Json = {"lastUpdated": instant(updated)}
    claimed = list(profiles)
    if claimed:
        shape["profile"] = claimed
    labels = [coding(*label) for label in security]
    if labels:
        shape["security"] = labels
    return shape


def extension(url: str, kind: str, value: object) -> Json:
    """An Extension with a value, as in `extension(URL, "Boolean", True)`."""
    return {"url": url, f"value{kind}": value}


def nested(url: str, *parts: Json) -> Json:
    """An Extension made of Extensions."""
    return {"url": url, "extension": list(parts)}
