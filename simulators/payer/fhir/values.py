"""What a search parameter finds in a resource, in the small form that is stored and compared.

    token      [system | null, code]           system is null where the element carries none of its own (code, boolean, string)
    date       [low, high]                     milliseconds, null an open end (dates.py)
    string     text                            as written; folded when compared
    reference  text                            Type/id, an absolute address, or a canonical
    quantity   [value, comparator, system, code, unit]
    number     [value, "", "", "", ""]         decimals stay text: their precision counts
    uri        text

Leaves to others: where the elements are (paths.py), what equals what (matching.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from simulators.payer.fhir.dates import ranges

Node = Any
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")
_TEXT_PARTS = tuple(dict.fromkeys(_NAME_PARTS + _ADDRESS_PARTS))
_CONTACT = frozenset(("phone", "fax", "email", "pager", "url", "sms", "other"))


def tokens(nodes: list[Node]) -> list[Any]:
    """Codings, identifiers, contact points, codes and booleans as [system, code]."""
    found: list[Any] = []
    for node in nodes:
        if type(node) is dict:
            if "coding" in node:
                found += [[coding.get("system", ""), coding.get("code", "")] for coding in node["coding"]]
            elif "value" in node and "code" not in node:
                system = node.get("system", "")
                found.append([None if system in _CONTACT else system, node["value"]])
            elif "code" in node:
                found.append([node.get("system", ""), node["code"]])
            elif "url" in node:
                found += tokens(_extension_value(node))
        elif node is True or node is False:
            found.append([None, "true" if node else "false"])
        elif node is not None:
            found.append([None, str(node)])
    return found


def dates(nodes: list[Node]) -> list[Any]:
    """Dates, instants, periods and timings as [low, high]."""
    return [list(span) for node in nodes for span in ranges(node)]


def strings(nodes: list[Node]) -> list[Any]:
    """Texts, and the parts of names and addresses that people read."""
    found: list[Any] = []
    for node in nodes:
        if type(node) is str:
            found.append(node)
        elif type(node) is dict:
            if "coding" in node:
                found += [coding["display"] for coding in node["coding"] if "display" in coding]
            for part in _TEXT_PARTS:
                value = node.get(part)
                if type(value) is str:
                    found.append(value)
                elif type(value) is list:
                    found += [text for text in value if type(text) is str]
    return found


def references(nodes: list[Node]) -> list[Any]:
    """Addresses of References, and canonicals and uris of parameters that refer by them."""
    found: list[Any] = []
    for node in nodes:
        if type(node) is dict:
            if "reference" in node:
                found.append(node["reference"])
            elif "url" in node:
                found += references(_extension_value(node))
        elif type(node) is str:
            found.append(node)
    return found


def quantities(nodes: list[Node]) -> list[Any]:
    """Quantities, money and plain numbers."""
    found: list[Any] = []
    for node in nodes:
        if type(node) is dict:
            if "value" in node and not isinstance(node["value"], (dict, list)):
                unit = node.get("unit", node.get("currency", ""))
                system = node.get("system", "urn:iso:std:iso:4217" if "currency" in node else "")
                found.append(
                    [
                        str(node["value"]),
                        node.get("comparator", ""),
                        system,
                        node.get("code", node.get("currency", "")),
                        unit,
                    ]
                )
        elif isinstance(node, (int, float)) and not isinstance(node, bool):
            found.append([str(node), "", "", "", ""])
    return found


def uris(nodes: list[Node]) -> list[Any]:
    """Addresses as they stand."""
    return [node for node in nodes if type(node) is str]


def _extension_value(extension: dict[str, Any]) -> list[Node]:
    """An expression that ends at an extension means its value."""
    return [value for key, value in extension.items() if key.startswith("value")]


VALUES: dict[str, Callable[[list[Node]], list[Any]]] = {
    "token": tokens,
    "date": dates,
    "string": strings,
    "reference": references,
    "quantity": quantities,
    "number": quantities,
    "uri": uris,
}


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """A text without case, accents and doubled spaces: how strings are compared unless :exact is asked."""
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).casefold().split())
