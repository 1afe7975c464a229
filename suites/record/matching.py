"""The suite's own reading of a search: does this resource answer this parameter with this value? (FHIR R4 search)

Written from the specification and shared with nobody who serves. Elements come from the official expression of the parameter; here they are
compared by the parameter's type. Where the specification leaves the server a choice the answer is MAYBE.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from suites.record import instants
from suites.record.verdict import Match, any_of

Elements = Sequence[Any]
PREFIXED = re.compile(r"^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+-])")


def split_values(value: str) -> list[str]:
    """The alternatives of a value: commas separate, a backslash keeps the next character (R4 search, escaping)."""
    parts, current, escaped = [], "", False
    for character in value:
        if escaped:
            current += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def answers(kind: str, elements: Elements, value: str) -> Match:
    """Whether elements of a resource answer `value`, any of its alternatives, for a parameter of type `kind`."""
    compare = KINDS.get(kind)
    if compare is None:
        return Match.MAYBE  # special and composite parameters are judged by checks of their own
    return any_of(compare(element, one) for one in split_values(value) for element in elements)


def token(element: Any, value: str) -> Match:
    """`code`, `system|code`, `|code`, `system|` over Coding, CodeableConcept, Identifier, ContactPoint, code, boolean."""
    system, bar, code = value.rpartition("|")
    return any_of(_token_pair(pair, system, bool(bar), code) for pair in token_pairs(element))


def _token_pair(pair: tuple[str, str], system: str, bar: bool, code: str) -> Match:
    held_system, held = pair
    if bar and held_system != system:
        return Match.NO
    if bar and not code:
        return Match.YES
    if held == code:
        return Match.YES
    # Whether case counts is the code system's affair (R4 search, token).
    return Match.MAYBE if held.casefold() == code.casefold() else Match.NO


def token_pairs(element: Any) -> list[tuple[str, str]]:
    """(system, code) of everything in an element that a token search looks at."""
    if isinstance(element, bool):
        return [("", "true" if element else "false")]
    if isinstance(element, str):
        return [("", element)]
    if not isinstance(element, dict):
        return []
    if isinstance(element.get("coding"), list):
        return [pair for coding in element["coding"] for pair in token_pairs(coding)]
    if "code" in element or ("system" in element and "value" not in element):
        return [(str(element.get("system", "")), str(element.get("code", "")))]
    if "value" in element:
        return [(str(element.get("system", "")), str(element["value"]))]
    return []


def string(element: Any, value: str) -> Match:
    """Starts with, whatever the case or accents; any part of a name or address."""
    wanted = folded(value)
    held = [folded(text) for text in _texts(element)]
    if any(text.startswith(wanted) for text in held):
        return Match.YES
    squeezed = re.sub(r"[\W_]+", "", wanted)
    return Match.MAYBE if squeezed and any(squeezed in re.sub(r"[\W_]+", "", text) for text in held) else Match.NO


def folded(text: str) -> str:
    """A text without case, accents and outer spaces, as string searches compare (R4 search, string)."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in split if not unicodedata.combining(c)).strip()


def _texts(element: Any) -> Iterable[str]:
    if isinstance(element, str):
        yield element
    elif isinstance(element, dict):
        for name, part in element.items():
            if name not in ("use", "period", "extension", "id", "type", "system"):
                yield from _texts(part)
    elif isinstance(element, list):
        for part in element:
            yield from _texts(part)


def date(element: Any, value: str) -> Match:
    """A prefix and a date over date, dateTime, instant, Period and Timing."""
    prefix, text = split_prefix(value)
    asked = instants.span_of(text)
    if asked is None:
        return Match.NO
    spans = element_spans(element)
    return any_of(instants.compare(prefix, span, asked) for span in spans)


def element_spans(element: Any) -> list[instants.Span]:
    """The times an element names; a Timing names the span of its events or its bounds."""
    if isinstance(element, str):
        span = instants.span_of(element)
        return [span] if span else []
    if not isinstance(element, dict):
        return []
    if "start" in element or "end" in element:
        span = instants.period_span(element)
        return [span] if span else []
    if isinstance(element.get("event"), list):
        spans = [s for one in element["event"] if isinstance(one, str) and (s := instants.span_of(one))]
        return (
            [instants.Span(min(s.start for s in spans), max(s.end for s in spans), any(s.loose for s in spans))]
            if spans
            else []
        )
    bounds = (element.get("repeat") or {}).get("boundsPeriod")
    span = instants.period_span(bounds)
    return [span] if span else []


def split_prefix(value: str) -> tuple[str, str]:
    """A search prefix and the rest; `eq` where none is written."""
    found = PREFIXED.match(value)
    return (found[1], value[2:]) if found else ("eq", value)


def reference(element: Any, value: str) -> Match:
    """`id`, `Type/id` or a URL against a literal reference; versions set aside."""
    held = element.get("reference") if isinstance(element, dict) else element
    if not isinstance(held, str):
        return Match.NO
    held_type, held_id = reference_parts(held)
    asked_type, asked_id = reference_parts(value)
    if value == held or (asked_id == held_id and asked_id and asked_type in ("", held_type)):
        same_server = (
            "://" not in value or "://" not in held or value.partition("/_history")[0] == held.partition("/_history")[0]
        )
        return Match.YES if same_server else Match.MAYBE
    return Match.NO


def reference_parts(text: str) -> tuple[str, str]:
    """(type, id) of a literal reference; type is empty for a bare id."""
    segments = text.partition("/_history/")[0].rstrip("/").split("/")
    if len(segments) == 1:
        return "", segments[0]
    return segments[-2], segments[-1]


def uri(element: Any, value: str) -> Match:
    """Exactly the same."""
    return Match.of(element == value)


def quantity(element: Any, value: str) -> Match:
    """`[prefix]number|system|code` over Quantity, Money and Range, by the precision written."""
    number_text, _, rest = value.partition("|")
    if not isinstance(element, dict) or not isinstance(element.get("value"), int | float | Decimal):
        return Match.NO
    if rest:
        system, _, code = rest.partition("|")
        if system and element.get("system", "") != system:
            return Match.NO
        if code and code not in (element.get("code"), element.get("unit"), element.get("currency")):
            return Match.NO
    return number(element["value"], number_text)


def number(element: Any, value: str) -> Match:
    """A prefix and a number; equality within half of the last written digit (R4 search, number)."""
    prefix, text = split_prefix(value)
    try:
        asked, held = Decimal(text), Decimal(str(element))
    except InvalidOperation:
        return Match.NO
    if not (asked.is_finite() and held.is_finite()):
        return Match.NO
    half = Decimal(5) * Decimal(10) ** (int(asked.as_tuple().exponent) - 1)
    within = asked - half <= held < asked + half
    results = {
        "eq": within, "ne": not within, "gt": held > asked, "lt": held < asked, "ge": held >= asked, "le": held <= asked,
        "sa": held >= asked + half, "eb": held < asked - half,
    }  # fmt: skip
    return Match.MAYBE if prefix == "ap" else Match.of(results[prefix])


KINDS: dict[str, Callable[[Any, str], Match]] = {
    "token": token,
    "string": string,
    "date": date,
    "reference": reference,
    "uri": uri,
    "quantity": quantity,
    "number": number,
}
