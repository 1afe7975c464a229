"""Resources of our own that conform to their profiles: the good side of every test of a rule. Nobody real is in them."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Made for a test.</p></div>'}

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2026-01-02T03:04:05Z", "profile": [US_CORE + "us-core-patient"]},
    "text": NARRATIVE,
    "extension": [
        {
            "url": US_CORE + "us-core-race",
            "extension": [
                {
                    "url": "ombCategory",
                    "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White"},
                },
                {"url": "text", "valueString": "White"},
            ],
        },
        {"url": US_CORE + "us-core-birthsex", "valueCode": "F"},
    ],
    "identifier": [{"use": "usual", "system": "http://payer.example/members", "value": "m-1"}],
    "active": True,
    "name": [{"use": "official", "family": "Example", "given": ["Ada", "B."], "period": {"start": "2001-02-03"}}],
    "telecom": [{"system": "phone", "value": "555-0100", "use": "home", "rank": 1}],
    "gender": "female",
    "birthDate": "1980-02-29",
    "address": [{"line": ["1 Example Way"], "city": "Springfield", "state": "OR", "postalCode": "97001"}],
    "communication": [{"language": {"text": "English"}, "preferred": True}],
}

BLOOD_PRESSURE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "bp1",
    "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/bp"]},
    "status": "final",
    "category": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "Blood pressure"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-03-04T05:06:07-08:00",
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {
                "value": Decimal("120.0"),
                "unit": "mmHg",
                "system": "http://unitsofmeasure.org",
                "code": "mm[Hg]",
            },
        },
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
            "valueQuantity": {"value": 80, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        },
    ],
}

COVERAGE: dict[str, Any] = {
    "resourceType": "Coverage",
    "id": "c1",
    "meta": {"lastUpdated": "2026-01-02T03:04:05Z", "profile": [CARIN + "C4BB-Coverage|2.0.0"]},
    "status": "active",
    "subscriberId": "s-1",
    "beneficiary": {"reference": "Patient/p1"},
    "relationship": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/subscriber-relationship", "code": "self"}]
    },
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "payor": [{"reference": "Organization/o1"}],
    "class": [
        {
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/coverage-class", "code": "group"}]},
            "value": "g-1",
            "name": "Group one",
        }
    ],
}

MEDICATION_REQUEST: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "id": "mr1",
    "meta": {"profile": [US_CORE + "us-core-medicationrequest"]},
    "contained": [
        {"resourceType": "Medication", "id": "med", "code": {"text": "a tablet"}},
    ],
    "status": "active",
    "intent": "order",
    "reportedBoolean": False,
    "medicationReference": {"reference": "#med"},
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2026-03-04",
    "requester": {"reference": "Practitioner/pr1"},
    "dosageInstruction": [
        {"text": "one a day", "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
    ],
}

SEARCHSET: dict[str, Any] = {
    "resourceType": "Bundle",
    "id": "b1",
    "type": "searchset",
    "total": 1,
    "link": [{"relation": "self", "url": "https://payer.example/fhir/Patient?_id=p1"}],
    "entry": [
        {"fullUrl": "https://payer.example/fhir/Patient/p1", "resource": PATIENT, "search": {"mode": "match"}},
        {
            "fullUrl": "https://payer.example/fhir/Observation/bp1",
            "resource": BLOOD_PRESSURE,
            "search": {"mode": "include"},
        },
    ],
}

GOOD = {
    "patient": PATIENT,
    "blood-pressure": BLOOD_PRESSURE,
    "coverage": COVERAGE,
    "medication-request": MEDICATION_REQUEST,
    "searchset": SEARCHSET,
}


def good(name: str) -> dict[str, Any]:
    """A copy to break."""
    return copy.deepcopy(GOOD[name])


def as_sent(resource: Any) -> str:
    """The JSON text of a resource, decimals with the digits they have."""
    if isinstance(resource, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {as_sent(value)}" for key, value in resource.items()) + "}"
    if isinstance(resource, list):
        return "[" + ", ".join(map(as_sent, resource)) + "]"
    return str(resource) if isinstance(resource, Decimal) else json.dumps(resource)
