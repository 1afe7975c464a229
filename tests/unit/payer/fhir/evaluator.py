"""Search answered slowly and obviously: every resource in a list, every expression by a FHIRPath engine, every rule spelled out.

Shares nothing with the server: values come from fhirpathpy over the official expressions, dates from datetime, numbers from Decimal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from fhirpathpy import compile as compile_fhirpath
from fhirpathpy.models import models

Resource = dict[str, Any]
Span = tuple[datetime, datetime]
EARLIEST, LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


@cache
def engine(expression: str) -> Any:
    return compile_fhirpath(expression, model=models["r4"])


def for_type(expression: str, type_name: str) -> str:
    """The parts of an expression that concern a type, in words the engine knows."""
    parts = [part.strip() for part in re.split(r"\|(?![^(]*\))", expression)]
    kept = [
        part
        for part in parts
        if re.match(rf"\(*\s*({type_name}|Resource|DomainResource)\b", part) or part[:1].islower()
    ]
    text = " | ".join(kept)
    text = re.sub(r"\.where\(resolve\(\) is (\w+)\)", r".where(reference.startsWith('\1/') or type = '\1')", text)
    text = re.sub(r"hasExtension\(('[^']*')\)", r"extension.where(url=\1).exists()", text)
    text = re.sub(r"\.as\((\w+)\)", r".ofType(\1)", text)
    text = re.sub(r"\(?([\w.]+) as (\w+)\)?", r"\1.ofType(\2)", text)
    text = re.sub(r"ofType\(D(ate(?:Time)?)\)", r"ofType(d\1)", text)
    return text.replace("Resource.", f"{type_name}.") if text.startswith("Resource.") else text


_kept: dict[tuple[int, str], tuple[Resource, list[Any]]] = {}  # with the resource, so that its number stays its own


def nodes(resource: Resource, expression: str) -> list[Any]:
    """What an expression selects in a resource."""
    key = (id(resource), expression)
    if key not in _kept:
        told = for_type(expression, resource["resourceType"])
        found = engine(told)(resource, {}) if told else []
        listed = found if isinstance(found, list) else [found]
        _kept[key] = resource, [plain(node) for node in listed if node is not None]
    return _kept[key][1]


def plain(node: Any) -> Any:
    """The engine wraps times; FHIR writes them as text."""
    node = getattr(node, "asStr", node)
    if isinstance(node, dict) and "url" in node and len(node) == 2:
        return next(value for key, value in node.items() if key != "url")  # an extension stands for its value
    return node


# --- token ---


def tokens(found: Iterable[Any]) -> set[tuple[str | None, str]]:
    """(system, code) of every token; the system is None for what has none of its own."""
    result: set[tuple[str | None, str]] = set()
    for node in found:
        if isinstance(node, dict) and "coding" in node:
            result |= {(coding.get("system", ""), coding.get("code", "")) for coding in node["coding"]}
        elif isinstance(node, dict) and "code" in node:
            result.add((node.get("system", ""), node["code"]))
        elif isinstance(node, dict) and "value" in node:
            contact = node.get("system") in ("phone", "fax", "email", "pager", "url", "sms", "other")
            result.add((None if contact else node.get("system", ""), node["value"]))
        elif isinstance(node, bool):
            result.add((None, str(node).lower()))
        elif isinstance(node, str):
            result.add((None, node))
    return result


def token_matches(found: Iterable[Any], text: str) -> bool:
    system, bar, code = text.partition("|")
    for noted_system, noted_code in tokens(found):
        same_code = noted_code.lower() == (code if bar else system).lower()
        if not bar and same_code:
            return True
        if bar and code and same_code and (noted_system is None or noted_system == system):
            return True
        if bar and not code and noted_system == system:
            return True
    return False


# --- date ---


def span(text: str) -> Span | None:
    """From the first to behind the last instant of a FHIR date or time."""
    if re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1, tzinfo=UTC), datetime(int(text) + 1, 1, 1, tzinfo=UTC)
    if re.fullmatch(r"\d{4}-\d\d", text):
        year, month = map(int, text.split("-"))
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        start = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return start, start + timedelta(days=1)
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        return None
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    length = timedelta(milliseconds=1) if "." in text else timedelta(seconds=1)
    return start.astimezone(UTC), start.astimezone(UTC) + length


def spans(found: Iterable[Any]) -> list[Span]:
    result = []
    for node in found:
        if isinstance(node, str):
            one = span(node)
            if one:
                result.append(one)
        elif isinstance(node, dict) and ("start" in node or "end" in node):
            start = span(node["start"]) if "start" in node else None
            end = span(node["end"]) if "end" in node else None
            result.append((start[0] if start else EARLIEST, end[1] if end else LATEST))
        elif isinstance(node, dict) and "event" in node:
            inner = spans(node["event"])
            result.append((min(low for low, _ in inner), max(high for _, high in inner)))
        elif isinstance(node, dict) and "repeat" in node:
            result += spans([node["repeat"]["boundsPeriod"]] if "boundsPeriod" in node["repeat"] else [])
    return result


def date_matches(found: Iterable[Any], text: str, now: datetime) -> bool:
    prefix = text[:2] if text[:2].isalpha() else "eq"
    wanted = span(text.removeprefix(prefix) if text[:2].isalpha() else text)
    assert wanted is not None
    start, end = wanted
    slack = abs(now - start) / 10
    for low, high in spans(found):
        inside = start <= low and high <= end
        answer = {
            "eq": inside, "ne": not inside, "gt": high > end, "lt": low < start, "ge": high > end or inside,
            "le": low < start or inside, "sa": low >= end, "eb": high <= start,
            "ap": prefix == "ap" and high > start - slack and low < end + slack,
        }[prefix]  # fmt: skip
        if answer:
            return True
    return False


# --- string, reference, uri, quantity ---


def fold(text: str) -> str:
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def strings(found: Iterable[Any]) -> list[str]:
    result: list[str] = []
    for node in found:
        if isinstance(node, str):
            result.append(node)
        elif isinstance(node, dict):
            for coding in node.get("coding", ()):
                result += [coding["display"]] if "display" in coding else []
            for part in (
                "text",
                "family",
                "given",
                "prefix",
                "suffix",
                "line",
                "city",
                "district",
                "state",
                "postalCode",
                "country",
            ):
                value = node.get(part, [])
                result += [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)]
    return result


def string_matches(found: Iterable[Any], text: str, modifier: str) -> bool:
    if modifier == "exact":
        return text in strings(found)
    if modifier == "contains":
        return any(fold(text) in fold(one) for one in strings(found))
    return any(fold(one).startswith(fold(text)) for one in strings(found))


def references(found: Iterable[Any]) -> list[str]:
    return [
        node if isinstance(node, str) else node["reference"]
        for node in found
        if isinstance(node, str) or "reference" in node
    ]


def reference_matches(found: Iterable[Any], text: str, base: str) -> bool:
    text = text.removeprefix(base + "/")
    return any(
        one == text or one.split("|")[0] == text or ("/" not in text and one.endswith("/" + text))
        for one in references(found)
    )


def quantity_matches(found: Iterable[Any], text: str) -> bool:
    number, *unit = text.split("|")
    prefix = number[:2] if number[:2].isalpha() else "eq"
    digits = number.removeprefix(prefix) if number[:2].isalpha() else number
    wanted = Decimal(digits)
    half = Decimal(10) ** int(wanted.as_tuple().exponent) / 2
    for node in found:
        if not isinstance(node, dict) or "value" not in node:
            continue
        system, code = node.get("system", ""), node.get("code", "")
        if "currency" in node:
            system, code = "urn:iso:std:iso:4217", node["currency"]
        if unit and unit[0] and (system, code) != (unit[0], unit[1]):
            continue
        if unit and not unit[0] and unit[1] not in (code, node.get("unit")):
            continue
        value, compared = Decimal(str(node["value"])), node.get("comparator", "")
        least, most = compared in ("<", "<="), compared in (">", ">=")
        near = not least and not most and wanted - half <= value < wanted + half
        tenth = max(abs(wanted) / 10, half)
        answers = {
            "eq": near,
            "ne": not near,
            "gt": most or value > wanted,
            "lt": least or value < wanted,
            "ge": most or value >= wanted,
            "le": least or value <= wanted,
            "sa": not least and value > wanted,
            "eb": not most and value < wanted,
            "ap": (most or value >= wanted - tenth) and (least or value <= wanted + tenth),
        }
        if answers[prefix]:
            return True
    return False


# --- modifiers that read more than codes ---


def text_matches(found: Iterable[Any], text: str) -> bool:
    said: list[str] = []
    for node in found:
        if isinstance(node, dict):
            said += [node.get("text", ""), node.get("display", "")]
            said += [coding.get("display", "") for coding in node.get("coding", ())]
            said += [node["type"].get("text", "")] if isinstance(node.get("type"), dict) else []
    return any(fold(one).startswith(fold(text)) for one in said if one)


def of_type_matches(found: Iterable[Any], text: str) -> bool:
    system, code, value = text.split("|")
    return any(
        isinstance(node, dict) and node.get("value") == value
        and any((one.get("system"), one.get("code")) == (system, code) for one in node.get("type", {}).get("coding", ()))
        for node in found
    )  # fmt: skip


def identifier_matches(found: Iterable[Any], text: str) -> bool:
    return token_matches(
        [node["identifier"] for node in found if isinstance(node, dict) and "identifier" in node], text
    )


def matches(
    kind: str,
    found: list[Any],
    text: str,
    modifier: str = "",
    base: str = "",
    now: datetime = LATEST,
) -> bool:
    """Whether the nodes of one parameter in one resource fulfil one value."""
    if modifier == "missing":
        return (not found) is (text == "true")
    if modifier == "not":
        return not token_matches(found, text)
    if modifier in ("text", "of-type", "identifier"):
        return {"text": text_matches, "of-type": of_type_matches, "identifier": identifier_matches}[modifier](
            found, text
        )
    match kind:
        case "token":
            return token_matches(found, text)
        case "date":
            return date_matches(found, text, now)
        case "string":
            return string_matches(found, text, modifier)
        case "reference":
            return reference_matches(found, text, base)
        case "quantity":
            return quantity_matches(found, text)
    if modifier == "below":
        return any(str(node).startswith(text) for node in found)
    return any(str(node).split("|")[0] == text or node == text for node in found)
