"""Search values taken from the member's own data: what a search for this very resource would say."""

from __future__ import annotations

from typing import Any

from suites.record.instants import span_of
from suites.record.matching import token_pairs

ESCAPED = str.maketrans({"\\": "\\\\", ",": "\\,", "$": "\\$", "|": "\\|"})


def value_for(kind: str, element: Any) -> str:
    """A value of a parameter of type `kind` that this element answers; empty where none can be made."""
    match kind:
        case "token":
            pairs = token_pairs(element)
            return pairs[0][1].translate(ESCAPED) if pairs else ""
        case "reference":
            held = element.get("reference") if isinstance(element, dict) else element
            return (
                held.partition("/_history/")[0] if isinstance(held, str) and not held.startswith(("#", "urn:")) else ""
            )
        case "date":
            return date_for(element)
        case "string":
            return string_for(element).translate(ESCAPED)
        case "uri":
            return element.translate(ESCAPED) if isinstance(element, str) else ""
        case "quantity":
            return quantity_for(element)
        case "number":
            return str(element) if isinstance(element, int | float) and not isinstance(element, bool) else ""
    return ""


def token_with_system(element: Any) -> str:
    """`system|code` of an element that has both."""
    for system, code in token_pairs(element):
        if system and code:
            return f"{system.translate(ESCAPED)}|{code.translate(ESCAPED)}"
    return ""


def date_for(element: Any) -> str:
    """The time written, or the start of the period; as written, so that zone and precision stay the data's own."""
    if isinstance(element, str):
        return element if span_of(element) else ""
    if isinstance(element, dict):
        if element.get("event"):
            return date_for(element["event"][0])
        bounds = (element.get("repeat") or {}).get("boundsPeriod")
        if bounds:
            return date_for(bounds)
        return date_for(element.get("start") or element.get("end") or "")
    return ""


def string_for(element: Any) -> str:
    """A text of the element: a family name, a city, the string itself."""
    if isinstance(element, str):
        return element
    if isinstance(element, dict):
        for name in ("family", "text", "city", "state", "postalCode"):
            if isinstance(element.get(name), str):
                return str(element[name])
        for name in ("given", "line"):
            if isinstance(element.get(name), list) and element[name]:
                return str(element[name][0])
    return ""


def quantity_for(element: Any) -> str:
    """`number|system|code` of a quantity that has a value."""
    if not isinstance(element, dict) or "value" not in element:
        return ""
    if "system" in element and "code" in element:
        return f"{element['value']}|{element['system']}|{element['code']}"
    return str(element["value"])
