"""Of which type an item is. JSON says it of resources and choice elements; of a bare value its form tells."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.times import Moment, moment
from suites.profiles.fhirpath.values import Node, Quantity, plain

_ABOVE = {
    "Age": "Quantity",
    "Count": "Quantity",
    "Distance": "Quantity",
    "Duration": "Quantity",
    "SimpleQuantity": "Quantity",
    "MoneyQuantity": "Quantity",
    "canonical": "uri",
    "oid": "uri",
    "url": "uri",
    "uuid": "uri",
    "code": "string",
    "id": "string",
    "markdown": "string",
    "positiveInt": "integer",
    "unsignedInt": "integer",
}
_STRING_TYPES = frozenset(
    [
        "string",
        "code",
        "id",
        "markdown",
        "uri",
        "url",
        "canonical",
        "oid",
        "uuid",
        "base64Binary",
        "date",
        "dateTime",
        "instant",
        "time",
        "xhtml",
    ]
)
PRIMITIVE_TYPES = _STRING_TYPES | {"boolean", "integer", "positiveInt", "unsignedInt", "decimal"}
_NOT_DOMAIN = frozenset(("Bundle", "Binary", "Parameters"))
_SYSTEM = {
    "Boolean": "boolean",
    "String": "string",
    "Integer": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}


def has_type(item: Any, wanted: str) -> bool:
    """Whether an item is of a type or one derived from it. The type of a bare JSON value is told from its form."""
    namespace, dot, name = wanted.rpartition(".")
    value = plain(item)
    if value.__class__ is dict and "resourceType" in value:
        kind = value["resourceType"]
        return name == kind or name == "Resource" or (name == "DomainResource" and kind not in _NOT_DOMAIN)
    if (dot and namespace == "System") or name in _SYSTEM:
        return _has_system_type(item, name)
    if item.__class__ is Node and item.type is not None:
        return _derives(item.type, name)
    if value.__class__ is dict:
        return name[:1].isupper() and name not in ("Resource", "DomainResource") and not _looks_like_resource(name)
    return _form_fits(value, name)


def _derives(type_name: str, wanted: str) -> bool:
    current: str | None = type_name
    while current is not None:
        if current == wanted:
            return True
        current = _ABOVE.get(current)
    return wanted == "Element"


def _has_system_type(item: Any, name: str) -> bool:
    if item.__class__ is Node and item.type is not None:
        # An element is of FHIR's type; only a boolean is close enough to System's for guides to say either.
        return name == "Boolean" and item.type == "boolean"
    value = plain(item)
    if name == "Boolean":
        return value.__class__ is bool
    if name == "Integer":
        return value.__class__ is int
    if name == "Decimal":
        return value.__class__ is Decimal
    if name == "String":
        return value.__class__ is str
    if name == "Quantity":
        return value.__class__ is Quantity or value.__class__ is dict
    return value.__class__ is Moment and value.kind == name[:1].lower() + name[1:]


_RESOURCE_WORDS = re.compile(
    r"(Patient|Practitioner|PractitionerRole|Organization|Location|Device|Group|Observation|Condition|Procedure|Encounter"
    r"|Medication\w*|Claim\w*|Coverage\w*|ExplanationOfBenefit|RelatedPerson|Questionnaire\w*|Bundle|Composition"
    r"|MessageHeader|ValueSet|CodeSystem|Endpoint|HealthcareService|InsurancePlan|Specimen|Provenance|CareTeam|Immunization\w*)"
)


def _looks_like_resource(name: str) -> bool:
    return _RESOURCE_WORDS.fullmatch(name) is not None


def _form_fits(value: Any, name: str) -> bool:
    if value.__class__ is bool:
        return name == "boolean"
    if value.__class__ is int:
        return name in ("integer", "positiveInt", "unsignedInt", "decimal")
    if value.__class__ is Decimal:
        return name == "decimal"
    if value.__class__ is str:
        if name in ("date", "dateTime", "instant"):
            found = moment(value)
            return found is not None and (name == "dateTime" or (name == "date") == (found.kind == "date"))
        return name in _STRING_TYPES
    return False
