"""What equals what in a search: prefixes, precision and modifiers over noted values (FHIR R4 search, section 3.1.1.5).

A test takes the noted values of one parameter in one resource (an empty list where it has none) and says whether any matches.
Leaves to others: which parameters there are (parameters.py), chains (chains.py), what is noted (values.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from simulators.payer.errors import FhirError
from simulators.payer.fhir import dates
from simulators.payer.fhir.values import folded
from simulators.payer.rules import rule

Values = Sequence[Any]
Test = Callable[[Values], bool]

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_PREFIXED = re.compile(r"^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
MODIFIERS = {
    "string": frozenset(("exact", "contains", "missing")),
    "token": frozenset(("not", "text", "of-type", "missing")),
    "reference": frozenset(("identifier", "missing")),
    "uri": frozenset(("below", "above", "missing")),
    "date": frozenset(("missing",)),
    "quantity": frozenset(("missing",)),
    "number": frozenset(("missing",)),
    "composite": frozenset(("missing",)),
}


def invalid(name: str, text: str) -> FhirError:
    """A refusal that names the parameter."""
    return FhirError(400, "invalid", f"{name}: {text}", expression=(name,))


def alternatives(text: str) -> list[str]:
    """The values of an `a,b` list; `\\,` is a comma that separates nothing."""
    if "\\" not in text:
        return text.split(",")
    return split(text, ",")


def split(text: str, mark: str) -> list[str]:
    """Parts between unescaped marks; escapes of other characters stay for later splits."""
    parts, part, position = [], "", 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            part += text[position : position + 2]
            position += 2
            continue
        if char == mark:
            parts.append(part)
            part = ""
        else:
            part += char
        position += 1
    return [*parts, part]


def unescaped(text: str) -> str:
    """A value without its backslashes."""
    return re.sub(r"\\([\\,|$])", r"\1", text) if "\\" in text else text


# --- dates ---


@rule
def date_matches(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """Whether the range of a resource `[low, high)` stands to the range searched for `[start, end)` as the prefix says."""
    after = high is None or high > end
    before = low is None or low < start
    within = low is not None and high is not None and start <= low and high <= end
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return after
        case "lt":
            return before
        case "ge":
            return after or within
        case "le":
            return before or within
        case "sa":
            return low is not None and low >= end
        case "eb":
            return high is not None and high <= start
    return (high is None or high > start) and (low is None or low < end)


@date_matches.fault("date-prefix-is-ignored", violates="FHIR-SEARCH-04")
def prefix_ignored(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """A date with ge, le, gt or lt is searched as if it had no prefix."""
    return low is not None and high is not None and start <= low and high <= end


@date_matches.fault("greater-or-equal-leaves-out-equal", violates="FHIR-SEARCH-04")
def greater_only(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """A search with ge leaves out what happened on that very date."""
    if prefix == "ge":
        return high is None or (high > end and (low is None or low >= end))
    return date_matches.function(prefix, low, high, start, end)


@date_matches.fault(
    "less-than-takes-greater", violates="FHIR-SEARCH-04", also=("CARIN-SEARCH-04", "PDEX-SEARCH-03", "USCORE-SEARCH-03")
)
def turned_around(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """Searches with lt and le answer what gt and ge should."""
    turned = {"lt": "gt", "le": "ge"}.get(prefix, prefix)
    return date_matches.function(turned, low, high, start, end)


@date_matches.fault("day-means-its-first-second", violates="FHIR-SEARCH-04")
def first_second(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """A search for a day finds only what carries midnight of that day."""
    if prefix in ("eq", "le") and end - start >= dates.DAY:
        end = start + 1000
        return (
            low is not None and start <= low < end
            if prefix == "eq"
            else date_matches.function("le", low, high, start, end)
        )
    return date_matches.function(prefix, low, high, start, end)


@date_matches.fault("dates-ignore-their-zone", violates="FHIR-SEARCH-04", also=["CARIN-SEARCH-03"])
def zone_ignored(prefix: str, low: int | None, high: int | None, start: int, end: int) -> bool:
    """Times with an offset are compared as if they stood in another zone, eight hours off."""
    if end - start <= 60_000:
        start, end = start + 28_800_000, end + 28_800_000
    return date_matches.function(prefix, low, high, start, end)


def date_test(name: str, text: str, active: frozenset[str], now: int) -> Test:
    """The test of a date value such as `ge2026-07-01`."""
    match = _PREFIXED.match(text)
    assert match is not None
    prefix, value = match[1] or "eq", match[2]
    try:
        start, end = dates.range_of(value.replace(" ", "+"))  # the + of a zone that nobody escaped
    except dates.NotADate as error:
        raise invalid(
            name, f"{text!r} is not a date such as 2026-07-01 with an optional prefix ({' '.join(PREFIXES)})"
        ) from error
    if prefix == "ap":  # within a tenth of the distance between the value and now
        slack = abs(now - start) // 10
        start, end = start - slack, end + slack
    matches = date_matches.under(active)
    return lambda values: any(matches(prefix, low, high, start, end) for low, high in values)


# --- tokens ---


@rule
def token_matches(system: str | None, code: str, noted_system: str | None, noted_code: str) -> bool:
    """`code`, `|code`, `system|code` and `system|`: `system` is None when none was said, empty when there must be none."""
    if code and noted_code.casefold() != code:
        return False
    if system is None:
        return True
    if noted_system is None:  # a code element: its system is implied by its definition, not written in the resource
        return bool(code)
    return noted_system == system


@token_matches.fault("token-system-is-ignored", violates="FHIR-SEARCH-05")
def system_ignored(system: str | None, code: str, noted_system: str | None, noted_code: str) -> bool:
    """A search for system|code finds the code in any system."""
    return noted_code.casefold() == code if code else token_matches.function(system, code, noted_system, noted_code)


@token_matches.fault("token-with-system-finds-nothing", violates="FHIR-SEARCH-05")
def system_refused(system: str | None, code: str, noted_system: str | None, noted_code: str) -> bool:
    """A search for system|code finds nothing, only the bare code does."""
    return not system and token_matches.function(system, code, noted_system, noted_code)


@token_matches.fault("code-prefix-is-enough", violates="FHIR-SEARCH-05", also=["PDEX-SEARCH-02"])
def code_prefix(system: str | None, code: str, noted_system: str | None, noted_code: str) -> bool:
    """A search for a code also finds codes that begin with it."""
    if code and noted_code.casefold().startswith(code):
        return token_matches.function(system, "", noted_system, noted_code) if system else True
    return token_matches.function(system, code, noted_system, noted_code)


def token_test(name: str, text: str, active: frozenset[str]) -> Test:
    """The test of a token value in any of its four forms."""
    system, code = token_of(name, text)
    matches = token_matches.under(active)
    code = code.casefold()
    return lambda values: any(matches(system, code, noted_system, noted_code) for noted_system, noted_code in values)


def token_of(name: str, text: str) -> tuple[str | None, str]:
    """(system, code) of a token value; the system is None where no bar was written."""
    parts = split(text, "|")
    if len(parts) > 2 or text in ("", "|"):
        raise invalid(name, f"{text!r} is not a token: code, system|code, |code or system|")
    if len(parts) == 1:
        return None, unescaped(parts[0])
    return unescaped(parts[0]), unescaped(parts[1])


# --- texts ---


@rule
def string_matches(wanted: str, noted: str) -> bool:
    """Without a modifier a text matches when it begins with what is wanted, whatever case and accents."""
    return folded(noted).startswith(wanted)


@string_matches.fault("text-search-wants-the-whole-text", violates="FHIR-SEARCH-06")
def whole_text(wanted: str, noted: str) -> bool:
    """A search for the beginning of a name finds nothing."""
    return folded(noted) == wanted


@string_matches.fault("text-search-minds-case", violates="FHIR-SEARCH-06", also=("FHIR-SEARCH-14",))
def case_minded(wanted: str, noted: str) -> bool:
    """A search for a name in lower case misses the name in capitals."""
    return noted.startswith(wanted)


def string_test(text: str, modifier: str, active: frozenset[str]) -> Test:
    """The test of a text: by its beginning, its whole (:exact) or any part (:contains)."""
    text = unescaped(text)
    wanted = folded(text)
    if modifier == "exact":
        return lambda values: text in values
    if modifier == "contains":
        return lambda values: any(wanted in folded(value) for value in values)
    matches = string_matches.under(active)
    return lambda values: any(matches(wanted, value) for value in values)


def uri_test(text: str, modifier: str) -> Test:
    """The test of an address: exact, or by its beginning (:below) or as a beginning (:above)."""
    text = unescaped(text)
    if modifier == "below":
        return lambda values: any(value.startswith(text) for value in values)
    if modifier == "above":
        return lambda values: any(text.startswith(value) for value in values)
    return lambda values: any(value == text or value.split("|")[0] == text for value in values)


# --- references ---


def reference_test(name: str, text: str, type_name: str | None, bases: Sequence[str]) -> Test:
    """The test of a reference: an id, Type/id, or an address (this server's own count as Type/id)."""
    text = unescaped(text)
    for base in bases:
        if text.startswith(base + "/"):
            text = text[len(base) + 1 :]
    if not text or any(char.isspace() for char in text):
        raise invalid(name, f"{text!r} is not a reference: an id, Type/id or an address")
    if "/" not in text and ":" not in text:
        ending = "/" + text
        if type_name is not None:
            text = f"{type_name}/{text}"
        else:
            return lambda values: any(value.endswith(ending) or value == text for value in values)
    elif type_name is not None and ":" not in text and not text.startswith(type_name + "/"):
        return lambda values: False
    version = text + "|"
    return lambda values: any(value == text or value.startswith(version) for value in values)


# --- numbers and quantities ---


def number_test(name: str, text: str) -> Test:
    """The test of a number or a quantity `[prefix]number|system|code`, with the precision it was written with."""
    parts = [unescaped(part) for part in split(text, "|")]
    if len(parts) not in (1, 3):
        raise invalid(name, f"{text!r} is not a quantity: number or number|system|code")
    match = _PREFIXED.match(parts[0])
    assert match is not None
    prefix, value = match[1] or "eq", match[2]
    if not _NUMBER.fullmatch(value):
        raise invalid(name, f"{text!r} does not begin with a number")
    number = Decimal(value)
    half = _half(value, number)
    system, code = (parts[1], parts[2]) if len(parts) == 3 else ("", "")

    def matches(noted: Sequence[str]) -> bool:
        noted_value, comparator, noted_system, noted_code, unit = noted
        if code and code not in (noted_code, *(() if system else (unit,))):
            return False
        if system and system != noted_system:
            return False
        try:
            return quantity_matches(prefix, Decimal(noted_value), comparator, number, half)
        except InvalidOperation:
            return False

    return lambda values: any(matches(value) for value in values)


def _half(text: str, number: Decimal) -> Decimal:
    """How far a number stands for more than itself: half a unit of its last digit.

    By the specification's own example a whole number with a positive exponent is ten times as exact: 1e2 is [95, 105).
    """
    place = int(number.as_tuple().exponent)
    return Decimal(5).scaleb(place - 2 if place > 0 and "." not in text else place - 1)


def quantity_matches(prefix: str, noted: Decimal, comparator: str, number: Decimal, half: Decimal) -> bool:
    """Whether a noted number stands to the number searched for as the prefix says; `<5` is everything below five."""
    low = Decimal("-Infinity") if comparator in ("<", "<=") else noted
    high = Decimal("Infinity") if comparator in (">", ">=") else noted
    match prefix:
        case "eq":
            return number - half <= low and high < number + half
        case "ne":
            return not (number - half <= low and high < number + half)
        case "gt":
            return high > number
        case "lt":
            return low < number
        case "ge":
            return high >= number
        case "le":
            return low <= number
        case "sa":
            return low > number
        case "eb":
            return high < number
    slack = max(abs(number) / 10, half)
    return high >= number - slack and low <= number + slack
