"""WWW-Authenticate taken apart: schemes and their parameters (RFC 9110 section 11.6.1, RFC 6750 section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'\s*({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_NAME}))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*,*\s*({_NAME})(?:\s+|\s*,\s*|$)")


@dataclass(frozen=True)
class Challenge:
    """One challenge: its scheme in lower case and its parameters."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def read(header: str) -> list[Challenge]:
    """All challenges of one header value; stops where the grammar does."""
    challenges: list[Challenge] = []
    at = 0
    while at < len(header):
        scheme = _SCHEME.match(header, at)
        if not scheme:
            break
        at = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, at):
            value = parameter[3] if parameter[2] is None else re.sub(r"\\(.)", r"\1", parameter[2])
            parameters[parameter[1].lower()] = value
            at = parameter.end()
        challenges.append(Challenge(scheme[1].lower(), parameters))
    return challenges


def bearer(headers: list[str]) -> Challenge | None:
    """The Bearer challenge among the WWW-Authenticate headers of an answer."""
    for header in headers:
        for challenge in read(header):
            if challenge.scheme == "bearer":
                return challenge
    return None
