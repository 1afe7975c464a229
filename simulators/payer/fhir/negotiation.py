"""Weights in Accept and Accept-Encoding (RFC 9110 sections 12.4.2, 12.5.1, 12.5.3): what a client takes, and how gladly.

Leaves to others: what is refused or sent then (responses.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_WEIGHT = re.compile(r"q\s*=\s*(\d(?:\.\d*)?)\s*", re.ASCII | re.IGNORECASE)
FHIR_JSON = "application/fhir+json"
# Other names clients use for JSON; FHIR's own comes to them all the same.
_JSON = (FHIR_JSON, "application/json", "text/json", "application/json+fhir")
_FORMATS = frozenset(("json", "application/fhir json", *_JSON))  # a + that was not escaped arrives as a space


def weighted(header: str) -> Iterator[tuple[str, list[str], float]]:
    """(value, parameters, weight) of each part of a header, in lower case; a weight that is none counts as 1."""
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        weight, others = 1.0, []
        for parameter in parameters:
            found = _WEIGHT.fullmatch(parameter)
            if found:
                weight = min(1.0, float(found[1]))
            else:
                others.append(parameter)
        if value:
            yield value, others, weight


@lru_cache(maxsize=1024)
def json_accepted(accept: str) -> bool:
    """Whether FHIR R4 JSON is acceptable: by the most specific range that is about it, and in the version it asks for."""
    if not accept.strip():
        return True
    weights: dict[str, float] = {}
    for kind, parameters, weight in weighted(accept):
        versions = [one.partition("=")[2].strip('" ') for one in parameters if one.startswith("fhirversion")]
        if all(version.startswith("4.0") for version in versions):
            weights[kind] = max(weight, weights.get(kind, 0.0))
    named = [weights[name] for name in _JSON if name in weights]
    if FHIR_JSON in weights and not weights[FHIR_JSON]:
        return any(named)
    if named:
        return any(named)
    return weights.get("application/*", weights.get("*/*", 0.0)) > 0


def json_asked(format_parameter: str) -> bool:
    """Whether `_format` asks for JSON."""
    return format_parameter.split(";")[0].strip().lower() in _FORMATS


@lru_cache(maxsize=1024)
def encoding_for(accept_encoding: bytes) -> bytes:
    """br or gzip, the one the client likes better; empty where it takes neither."""
    weights = {value: weight for value, _, weight in weighted(accept_encoding.decode("latin-1"))}
    best, most = b"", 0.0
    for name in ("br", "gzip"):
        weight = weights.get(name, weights.get("*", 0.0))
        if weight > most:
            best, most = name.encode(), weight
    return best
