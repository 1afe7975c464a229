"""A Patient and an Observation for FHIRPath, and what an expression gives on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath import Env, compile_expression

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "Ash", "given": ["Ina", "Jo"]},
        {"use": "usual", "given": ["Ina"]},
        {"use": "maiden", "family": "Birch"},
    ],
    "birthDate": "1980-02-29",
    "_birthDate": {"extension": [{"url": "http://x.example/time", "valueDateTime": "1980-02-29T10:00:00-07:00"}]},
    "_gender": {"extension": [{"url": "http://x.example/absent", "valueCode": "unknown"}]},
    "deceasedBoolean": False,
    "contact": [
        {
            "telecom": [
                {"system": "phone", "value": "1", "rank": 2},
                {"system": "email", "value": "a@x.example", "rank": 1},
            ]
        }
    ],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Plan"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/1"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"system": "urn:own", "code": "b"}]},
    "valueQuantity": {"value": Decimal("5.40"), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
    "effectivePeriod": {"start": "2020-01", "end": "2020-01-05"},
    "component": [{"valueInteger": 3}, {"valueString": "three"}],
}


def given(text: str, item: Any = PATIENT) -> list[Any]:
    """What the expression gives, dates as text."""
    return [
        str(v) if type(v).__name__ in ("Moment", "Quantity") else v for v in compile_expression(text)(item, Env(item))
    ]
