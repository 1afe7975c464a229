"""Values of primitive types (FHIR R4 datatypes.html#primitive): JSON type, lexical form, real calendar dates.

`checker(type)` gives a function that returns None for a good value, else (rule, message).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

Complaint = tuple[str, str] | None
Check = Callable[[Any], Complaint]

LONGEST_STRING = 1024 * 1024
_YEAR = r"(?!0000)[0-9]{4}"
_DAY = r"-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
DATE = re.compile(rf"{_YEAR}({_DAY})?)?")
DATE_TIME = re.compile(rf"{_YEAR}({_DAY}(T{_CLOCK}{_ZONE})?)?)?")
INSTANT = re.compile(rf"{_YEAR}{_DAY})T{_CLOCK}{_ZONE}")
TIME = re.compile(_CLOCK)
CODE = re.compile(r"[^\s]+(\s[^\s]+)*")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_BLANK = re.compile(r"\s")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_INTEGER_TYPES = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
_JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    bool: "a boolean",
    int: "a number",
    Decimal: "a number",
    str: "a string",
    type(None): "null",
}


def json_type(value: Any) -> str:
    return _JSON_TYPES.get(value.__class__, str(value.__class__.__name__))


def _wrong_json(value: Any, wanted: str) -> Complaint:
    return ("json-type", f"must be {wanted}, not {json_type(value)}")


def _string(value: Any) -> Complaint:
    if value.__class__ is not str:
        return _wrong_json(value, "a string")
    if not value:
        return ("primitive-empty", "value cannot be empty")
    if _CONTROL.search(value):
        return (
            "string-control-character",
            "holds a control character; only tab, line feed and carriage return are allowed",
        )
    if not value.strip():
        return ("string-blank", "holds nothing but white space")
    if len(value) > LONGEST_STRING:
        return ("string-length", f"has {len(value):,} characters; a string holds at most 1,048,576")
    return None


def _real_day(value: str) -> bool:
    if len(value) < 10:
        return True
    try:
        date(int(value[:4]), int(value[5:7]), int(value[8:10]))
    except ValueError:
        return False
    return True


def _lexical(form: re.Pattern[str], rule: str, what: str, dated: bool = False) -> Check:
    def check(value: Any) -> Complaint:
        if value.__class__ is not str:
            return _wrong_json(value, "a string")
        if not value:
            return ("primitive-empty", "value cannot be empty")
        if form.fullmatch(value) is None:
            return (rule, f"'{_short(value)}' is not {what}")
        if dated and not _real_day(value):
            return (rule, f"'{value}' is not a day of the calendar")
        return None

    return check


def _uri(kind: str) -> Check:
    def check(value: Any) -> Complaint:
        if value.__class__ is not str:
            return _wrong_json(value, "a string")
        if not value:
            return ("primitive-empty", "value cannot be empty")
        if _BLANK.search(value):
            return ("uri-white-space", f"'{_short(value)}' holds white space, which no URI may")
        if value.startswith("oid:"):
            return ("uri-oid", f"'{_short(value)}' must begin with urn:oid:")
        if value.startswith("uuid:"):
            return ("uri-uuid", f"'{_short(value)}' must begin with urn:uuid:")
        bare = value.partition("|")[0] if kind == "canonical" else value
        if value.startswith("urn:uuid:") and UUID.fullmatch(bare.partition("#")[0]) is None:
            return ("uri-uuid", f"'{_short(value)}' is not a UUID")
        if value.startswith("urn:oid:") and OID.fullmatch(bare) is None:
            return ("uri-oid", f"'{_short(value)}' is not an OID")
        if kind == "oid" and not value.startswith("urn:oid:"):
            return ("uri-oid", f"'{_short(value)}' must begin with urn:oid:")
        if kind == "uuid" and not value.startswith("urn:uuid:"):
            return ("uri-uuid", f"'{_short(value)}' must begin with urn:uuid:")
        if kind == "canonical" and not value.startswith("#") and ABSOLUTE.fullmatch(bare) is None:
            return ("canonical-absolute", f"canonical '{_short(value)}' must be absolute or a fragment")
        return None

    return check


def _boolean(value: Any) -> Complaint:
    return None if value.__class__ is bool else _wrong_json(value, "a boolean")


def _integer(kind: str) -> Check:
    least = _INTEGER_TYPES[kind]

    def check(value: Any) -> Complaint:
        if value.__class__ is int:
            if value < least:
                return (kind, f"{value} is less than {least}")
            return (kind, f"{value} is more than 2147483647") if value > 2147483647 else None
        return (kind, f"{value} is not an integer") if value.__class__ is Decimal else _wrong_json(value, "a number")

    return check


def _decimal(value: Any) -> Complaint:
    return None if value.__class__ is Decimal or value.__class__ is int else _wrong_json(value, "a number")


def base64_complaint(value: str) -> str | None:
    bare = value.translate({32: None, 9: None, 10: None, 13: None})
    try:
        binascii.a2b_base64(bare, strict_mode=True)
    except (binascii.Error, ValueError) as wrong:
        return str(wrong)
    return None


def _base64(value: Any) -> Complaint:
    if value.__class__ is not str:
        return _wrong_json(value, "a string")
    if not value:
        return ("primitive-empty", "value cannot be empty")
    wrong = base64_complaint(value)
    return ("base64", f"is not base64: {wrong}") if wrong else None


def _code(value: Any) -> Complaint:
    if value.__class__ is not str:
        return _wrong_json(value, "a string")
    if not value:
        return ("primitive-empty", "value cannot be empty")
    return (
        None
        if CODE.fullmatch(value)
        else ("code-white-space", f"code '{_short(value)}' has white space where none may be")
    )


def _short(value: str) -> str:
    return value if len(value) <= 80 else value[:77] + "..."


@lru_cache(maxsize=64)
def checker(type_name: str) -> Check:
    """The check of a primitive type; a type nobody knows is judged as a string."""
    if type_name in _INTEGER_TYPES:
        return _integer(type_name)
    if type_name in ("uri", "url", "canonical", "oid", "uuid"):
        return _uri(type_name)
    known: dict[str, Check] = {
        "boolean": _boolean,
        "decimal": _decimal,
        "code": _code,
        "base64Binary": _base64,
        "date": _lexical(DATE, "date", "a date (YYYY, YYYY-MM or YYYY-MM-DD)", dated=True),
        "dateTime": _lexical(
            DATE_TIME, "dateTime", "a dateTime (a date, or one with a time to the second and a zone)", dated=True
        ),
        "instant": _lexical(INSTANT, "instant", "an instant (YYYY-MM-DDThh:mm:ss and a zone)", dated=True),
        "time": _lexical(TIME, "time", "a time (hh:mm:ss)"),
        "id": _lexical(ID, "id", "an id (1 to 64 letters, digits, '-' and '.')"),
    }
    return known.get(type_name, _string)


PRIMITIVES = frozenset(
    [
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
        "xhtml",
        "integer64",
    ]
)
