"""Invariants of the base specification written out in Python, because every resource meets them many times.

Each is keyed by the FHIRPath text it stands for: where a guide words an invariant of the same name differently, the text
differs and the FHIRPath itself is evaluated. Elements without content (ele-1), narratives (txt-1, txt-2) and contained
resources (dom-3) are judged where their structure is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

Holds = Callable[[Any, "Run"], bool]

STRUCTURAL = frozenset({"ele-1", "txt-1", "txt-2", "dom-3", "bdl-7"})


def _has(value: dict[str, Any], name: str) -> bool:
    return name in value or "_" + name in value


def _choice(value: dict[str, Any], stem: str) -> bool:
    size = len(stem)
    return any(key.startswith(stem) and key[size : size + 1].isupper() for key in value)


def extension_or_value(value: Any, run: Run) -> bool:
    has_value = False
    for key in value:
        if key.startswith(("value", "_value")):
            has_value = True
            break
    return ("extension" in value) is not has_value


def instant_of(text: str) -> tuple[datetime, int] | None:
    """A date or dateTime as (its beginning in UTC, parts it states); zones are taken into account where there are any."""
    try:
        size = len(text)
        if size == 4:
            return datetime(int(text), 1, 1, tzinfo=UTC), 1
        if size == 7:
            return datetime(int(text[:4]), int(text[5:7]), 1, tzinfo=UTC), 2
        if size == 10:
            return datetime(int(text[:4]), int(text[5:7]), int(text[8:10]), tzinfo=UTC), 3
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        offset = found.utcoffset() or timedelta(0)
        return (found.replace(tzinfo=UTC) - offset), 4
    except (ValueError, OverflowError):
        return None


def not_after(start: str, end: str) -> bool | None:
    """start <= end as FHIRPath compares: None where their precisions differ and what both state is equal."""
    one, other = instant_of(start), instant_of(end)
    if one is None or other is None:
        return True  # not dates: told where they stand
    if one[1] == other[1]:
        return one[0] <= other[0]
    size = {1: 4, 2: 7, 3: 10}[min(one[1], other[1])]
    a, b = start[:size], end[:size]
    return None if a == b else a < b


def period_in_order(value: Any, run: Run) -> bool:
    start, end = value.get("start"), value.get("end")
    if start.__class__ is not str or end.__class__ is not str or (len(start) == len(end) == 10 and start <= end):
        return True  # days in order sort as text
    return not_after(start, end) is True


def local_reference_resolves(value: Any, run: Run) -> bool:
    reference = value.get("reference")
    if reference.__class__ is not str or not reference.startswith("#") or reference == "#":
        return True
    return run.resource.outermost.contained(reference[1:]) is not None


def _ratio(value: Any, run: Run) -> bool:
    top, bottom = "numerator" in value, "denominator" in value
    return top and bottom if top or bottom else "extension" in value


def _range(value: Any, run: Run) -> bool:
    low, high = value.get("low"), value.get("high")
    if low.__class__ is not dict or high.__class__ is not dict or "value" not in low or "value" not in high:
        return True
    if low.get("code") != high.get("code") or low.get("unit") != high.get("unit"):
        return True
    try:
        return Decimal(low["value"]) <= Decimal(high["value"])
    except (ArithmeticError, TypeError, ValueError):
        return True


def _contained_of(value: Any) -> list[dict[str, Any]]:
    listed = value.get("contained")
    return [one for one in listed if one.__class__ is dict] if listed.__class__ is list else []


def _meta_of(value: Any) -> dict[str, Any]:
    meta = value.get("meta")
    return meta if meta.__class__ is dict else {}


def _digit(place: int) -> str:
    """How US Core spells one digit of an NPI, every other one doubled."""
    if place % 2:
        return f"(value.substring({place},1).toInteger())"
    return f"(select(value.substring({place},1).toInteger()).select(iif($this<5, $this*2, (($this*2)-9))))"


NPI_CHECK_DIGIT = f"(({'+'.join(map(_digit, range(10)))} + 24)mod 10=0)"
"""The invariant us-core-17 as its guides write it: the check digit of a National Provider Identifier (45 CFR 162.406)."""


def npi_check_digit(value: Any, run: Run) -> bool:
    number = value.get("value")
    if number.__class__ is not str or len(number) < 10 or not (number.isascii() and number[:10].isdigit()):
        return False
    digits = [int(digit) for digit in number[:10]]
    doubled = sum(digit * 2 if digit < 5 else digit * 2 - 9 for digit in digits[::2])
    return (doubled + sum(digits[1::2]) + 24) % 10 == 0


NATIVE: dict[tuple[str, str], Holds] = {
    ("us-core-17", NPI_CHECK_DIGIT): npi_check_digit,
    ("ext-1", "extension.exists() != value.exists()"): extension_or_value,
    ("dom-2", "contained.contained.empty()"): lambda value, run: "contained" not in value or not any("contained" in one for one in _contained_of(value)),
    ("dom-4", "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()"): lambda value, run: "contained" not in value
    or not any(_has(_meta_of(one), "versionId") or _has(_meta_of(one), "lastUpdated") for one in _contained_of(value)),
    ("dom-5", "contained.meta.security.empty()"): lambda value, run: "contained" not in value or not any("security" in _meta_of(one) for one in _contained_of(value)),
    ("per-1", "start.hasValue().not() or end.hasValue().not() or (start <= end)"): period_in_order,
    ("cpt-2", "value.empty() or system.exists()"): lambda value, run: not _has(value, "value") or _has(value, "system"),
    ("qty-3", "code.empty() or system.exists()"): lambda value, run: not _has(value, "code") or _has(value, "system"),
    ("sqty-1", "comparator.empty()"): lambda value, run: not _has(value, "comparator"),
    ("att-1", "data.empty() or contentType.exists()"): lambda value, run: not _has(value, "data") or _has(value, "contentType"),
    ("obs-3", "low.exists() or high.exists() or text.exists()"): lambda value, run: "low" in value or "high" in value or _has(value, "text"),
    ("obs-6", "dataAbsentReason.empty() or value.empty()"): lambda value, run: "dataAbsentReason" not in value or not _choice(value, "value"),
    ("pat-1", "name.exists() or telecom.exists() or address.exists() or organization.exists()"): lambda value, run: any(name in value for name in ("name", "telecom", "address", "organization")),
    ("org-1", "(identifier.count() + name.count()) > 0"): lambda value, run: "identifier" in value or _has(value, "name"),
    ("bdl-5", "resource.exists() or request.exists() or response.exists()"): lambda value, run: "resource" in value or "request" in value or "response" in value,
    ("bdl-8", "fullUrl.contains('/_history/').not()"): lambda value, run: "/_history/" not in str(value.get("fullUrl", "")),
}  # fmt: skip


ONLY_WITH = {
    "dom-2": "contained",
    "dom-4": "contained",
    "dom-5": "contained",
    "per-1": "end",
    "obs-6": "dataAbsentReason",
}
"""Properties without which an invariant holds: where they are absent it is not even asked."""


def native(key: str, expression: str | None) -> Holds | None:
    if expression is None:
        return None
    if key == "rat-1" and "numerator" in expression:
        return _ratio
    if key == "rng-2":
        return _range
    return NATIVE.get((key, expression))
