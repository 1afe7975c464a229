"""Items of a FHIRPath collection over parsed JSON: navigation, types, equality.

An item is what the JSON holds: a dict for a complex element, a str, bool, int or Decimal for a primitive. Where more is
known or needed (the type of a choice element, the `_name` sibling of a primitive), the item is a `Node` around it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from suites.profiles.fhirpath.times import Moment, compare, moment, time_of_day


class Node:
    """A value with what JSON says of it elsewhere: `type` from the property's name, `extra` from its `_` sibling."""

    __slots__ = ("extra", "type", "value")

    def __init__(self, value: Any, type_name: str | None, extra: dict[str, Any] | None) -> None:
        self.value = value
        self.type = type_name
        self.extra = extra

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.type!r}, {self.extra!r})"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity written in an expression."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.value} '{self.unit}'"


CHOICE_TYPES = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableConcept",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Distance",
    "Dosage",
    "Duration",
    "Expression",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "ParameterDefinition",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "Timing",
    "TriggerDefinition",
    "UsageContext",
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
]
CHOICES = frozenset(
    [
        "abatement",
        "additive",
        "age",
        "allowed",
        "amount",
        "answer",
        "asNeeded",
        "author",
        "born",
        "bounds",
        "characteristic",
        "chargeItem",
        "code",
        "collected",
        "content",
        "created",
        "date",
        "deceased",
        "defaultValue",
        "definingSubstance",
        "definition",
        "detail",
        "diagnosis",
        "dose",
        "doseNumber",
        "due",
        "effective",
        "entity",
        "event",
        "example",
        "fastingStatus",
        "fixed",
        "identified",
        "indication",
        "item",
        "legallyBinding",
        "location",
        "manufacturer",
        "maxValue",
        "medication",
        "minValue",
        "minimumVolume",
        "module",
        "multipleBirth",
        "name",
        "occurred",
        "occurrence",
        "offset",
        "onset",
        "participantEffective",
        "pattern",
        "performed",
        "probability",
        "procedure",
        "product",
        "quantity",
        "rate",
        "reported",
        "scheduled",
        "seriesDoses",
        "serviced",
        "source",
        "start",
        "statusReason",
        "studyEffective",
        "subject",
        "substance",
        "target",
        "time",
        "timing",
        "topic",
        "used",
        "value",
        "when",
    ]
)
"""Names of R4's choice elements without `[x]`; any other name is a property as it stands."""
_CAPITAL = {name[:1].upper() + name[1:]: name for name in CHOICE_TYPES}


def plain(item: Any) -> Any:
    """The JSON value of an item."""
    return item.value if item.__class__ is Node else item


def member(items: list[Any], name: str) -> list[Any]:
    """The elements of that name, of all items, in order."""
    found: list[Any] = []
    for item in items:
        collect(item, name, found)
    return found


def collect(item: Any, name: str, found: list[Any]) -> None:
    """Append the elements of that name of one item."""
    if item.__class__ is Node:
        if item.value.__class__ is not dict:
            if item.extra is not None:
                collect(item.extra, name, found)
            return
        item = item.value
    if item.__class__ is not dict:
        return
    value = item.get(name)
    extra = item.get("_" + name)
    if value is None and extra is None:
        if name in CHOICES:
            _collect_choice(item, name, found)
        return
    gather(value, extra, None, found)


def gather(value: Any, extra: Any, type_name: str | None, found: list[Any]) -> None:
    """Append what a property and its `_` sibling hold."""
    if value.__class__ is list:
        if extra.__class__ is list:
            for i in range(max(len(value), len(extra))):
                beside = extra[i] if i < len(extra) else None
                gather(
                    value[i] if i < len(value) else None, beside if beside.__class__ is dict else None, type_name, found
                )
        elif type_name is None:
            found.extend(v for v in value if v is not None)
        else:
            found.extend(Node(v, type_name, None) for v in value if v is not None)
    elif extra.__class__ is list:
        found.extend(Node(None, type_name, beside) for beside in extra if beside.__class__ is dict)
    elif extra.__class__ is dict or type_name is not None:
        if value is not None or extra.__class__ is dict:
            found.append(Node(value, type_name, extra if extra.__class__ is dict else None))
    elif value is not None:
        found.append(value)


def _collect_choice(item: dict[str, Any], name: str, found: list[Any]) -> None:
    length = len(name)
    for key in item:
        if key.startswith(name):
            type_name = _CAPITAL.get(key[length:])
            if type_name is not None:
                gather(item[key], item.get("_" + key), type_name, found)
                return
        elif key.startswith("_") and key.startswith(name, 1) and key[1:] not in item:
            type_name = _CAPITAL.get(key[length + 1 :])
            if type_name is not None:
                gather(None, item[key], type_name, found)
                return


def children(item: Any) -> list[Any]:
    """Every element directly below an item."""
    found: list[Any] = []
    if item.__class__ is Node:
        if item.value.__class__ is not dict:
            if item.extra is not None:
                _children_of(item.extra, found)
            return found
        item = item.value
    if item.__class__ is dict:
        _children_of(item, found)
    return found


def _children_of(item: dict[str, Any], found: list[Any]) -> None:
    for key, value in item.items():
        if key[:1] == "_":
            if key[1:] not in item:
                gather(None, value, None, found)
        elif key != "resourceType":
            gather(value, item.get("_" + key), None, found)


def descendants(items: list[Any]) -> Iterator[Any]:
    """Everything below the items, level by level."""
    level = items
    while level:
        below: list[Any] = []
        for item in level:
            if item.__class__ is dict or item.__class__ is Node:
                below.extend(children(item))
        yield from below
        level = below


# --- types ---------------------------------------------------------------------------------------------------------------

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


# --- equality ------------------------------------------------------------------------------------------------------------


def key_of(item: Any) -> Hashable:
    """Equal for equal items, so that collections can be compared and made distinct in linear time."""
    value = plain(item)
    kind = value.__class__
    if kind is dict:
        return ("d", frozenset((k, key_of(v)) for k, v in value.items()))
    if kind is list:
        return ("l", tuple(key_of(v) for v in value))
    if kind is bool:
        return ("b", value)
    if kind is int or kind is Decimal:
        return ("n", value)
    if value is None and item.__class__ is Node:
        return ("x", key_of(item.extra))
    hashable: Hashable = value
    return hashable


def distinct(items: list[Any]) -> list[Any]:
    """Each item once, the first of equals kept."""
    seen: dict[Hashable, Any] = {}
    for item in items:
        seen.setdefault(key_of(item), item)
    return list(seen.values())


def as_moment(value: Any) -> Moment | None:
    if isinstance(value, Moment):
        return value
    return moment(value) or time_of_day(value) if value.__class__ is str else None


def equal(left: Any, right: Any) -> bool | None:
    """One item against one; None where the precision of dates leaves it open."""
    a, b = plain(left), plain(right)
    if a.__class__ is str and b.__class__ is str:
        if a == b:
            return True
        if a[:4].isdigit() and b[:4].isdigit() and "T" in a and "T" in b:
            first, second = moment(a), moment(b)
            if first is not None and second is not None:
                order = compare(first, second)
                return None if order is None else order == 0
        return False
    if a.__class__ is bool or b.__class__ is bool:
        return a is b
    if a.__class__ is Moment or b.__class__ is Moment:
        first, second = as_moment(a), as_moment(b)
        if first is None or second is None or (first.kind == "time") != (second.kind == "time"):
            return False
        order = compare(first, second)
        return None if order is None else order == 0
    if a.__class__ is Quantity or b.__class__ is Quantity:
        one, two = as_quantity(a), as_quantity(b)
        if one is None or two is None:
            return False
        return one.value == two.value if same_unit(one.unit, two.unit) else None
    return key_of(left) == key_of(right)


def all_equal(left: list[Any], right: list[Any]) -> bool | None:
    """The operator `=` on collections."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for a, b in zip(left, right, strict=True):
        same = equal(a, b)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def equivalent(left: Any, right: Any) -> bool:
    """One item against one under `~`: case and white space of text, digits of numbers beyond the shorter do not count."""
    a, b = plain(left), plain(right)
    if a.__class__ is str and b.__class__ is str:
        return " ".join(a.casefold().split()) == " ".join(b.casefold().split()) or _same_moment(a, b)
    if a.__class__ in (int, Decimal) and b.__class__ in (int, Decimal):
        first, second = Decimal(a), Decimal(b)
        places = min(-_exponent(first), -_exponent(second))
        return round(first, places) == round(second, places)
    if a.__class__ is dict and b.__class__ is dict:
        return a.keys() == b.keys() and all(equivalent(a[k], b[k]) for k in a)
    if a.__class__ is list and b.__class__ is list:
        return all_equivalent(a, b)
    return _same_moment(a, b) or equal(left, right) is True


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _same_moment(a: Any, b: Any) -> bool:
    if a.__class__ is not Moment and b.__class__ is not Moment and not (str(a)[:4].isdigit() and str(b)[:4].isdigit()):
        return False
    first, second = as_moment(a), as_moment(b)
    if first is None or second is None or (first.kind == "time") != (second.kind == "time"):
        return False
    return compare(first, second) == 0


def all_equivalent(left: list[Any], right: list[Any]) -> bool:
    """The operator `~` on collections: order does not count, and empty is equivalent to empty."""
    if len(left) != len(right):
        return False
    waiting = list(right)
    for item in left:
        match = next((i for i, other in enumerate(waiting) if equivalent(item, other)), None)
        if match is None:
            return False
        del waiting[match]
    return True


def as_quantity(value: Any) -> Quantity | None:
    """A quantity literal, a FHIR Quantity, or a bare number (unit `1`)."""
    if isinstance(value, Quantity):
        return value
    if value.__class__ is dict and value.get("value").__class__ in (int, Decimal):
        unit = value.get("code") or value.get("unit") or "1"
        return Quantity(Decimal(value["value"]), unit if unit.__class__ is str else "1")
    if value.__class__ in (int, Decimal):
        return Quantity(Decimal(value), "1")
    return None


_CALENDAR_UNITS = {"s": "second", "ms": "millisecond"}


def same_unit(left: str, right: str) -> bool:
    return left == right or _unit(left) == _unit(right)


def _unit(unit: str) -> str:
    name = unit.removesuffix("s") if len(unit) > 3 else unit
    return _CALENDAR_UNITS.get(name, name)
