"""SMART scopes: what a scope string asks for and whether one grant lies within another (SMART App Launch 1.0 and 2.x).

Version 1 writes `patient/Observation.read`; version 2 writes `patient/Observation.rs?category=vital-signs`. Both are read into
the interactions create, read, update, delete and search, so that grants of either kind can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

V1_INTERACTIONS = {"read": "rs", "write": "cud", "*": "cruds"}
_CLINICAL = re.compile(r"^(patient|user|system)/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?$")


@dataclass(frozen=True)
class ClinicalScope:
    """One clinical scope: for whom, which resource type (`*` for all), which interactions, which granular filter."""

    context: str
    resource: str
    interactions: frozenset[str]
    query: str = ""
    version: int = 1

    def covers(self, other: ClinicalScope) -> bool:
        """Whether everything `other` allows is allowed by this scope."""
        return (
            self.context == other.context
            and self.resource in ("*", other.resource)
            and self.interactions >= other.interactions
            and self.query in ("", other.query)
        )


def split(scope: str) -> list[str]:
    """The scope tokens of a space-delimited list, in order (RFC 6749 section 3.3)."""
    return [token for token in scope.split(" ") if token]


def clinical(token: str) -> ClinicalScope | None:
    """The clinical scope a token states, or None for any other scope (`openid`, `launch/patient` …)."""
    found = _CLINICAL.match(token)
    if not found or not found[3]:
        return None
    version = 1 if found[3] in V1_INTERACTIONS else 2
    return ClinicalScope(
        found[1], found[2], frozenset(V1_INTERACTIONS.get(found[3], found[3])), found[4] or "", version
    )


def is_scope_token(token: str) -> bool:
    """Whether a token has only the characters RFC 6749 section 3.3 allows."""
    return bool(token) and all(c == "!" or "#" <= c <= "[" or "]" <= c <= "~" for c in token)


def within(token: str, granted: Iterable[str]) -> bool:
    """Whether one scope token is covered by a list of granted tokens, v1 and v2 compared by what they allow."""
    granted = list(granted)
    if token in granted:
        return True
    wanted = clinical(token)
    if wanted is None:
        return False
    covering = [scope for scope in map(clinical, granted) if scope is not None and scope.context == wanted.context]
    if any(scope.covers(wanted) for scope in covering):
        return True
    # Interactions may be spread over several scopes of the same reach: Observation.r with Observation.s.
    together: frozenset[str] = frozenset().union(
        *(
            scope.interactions
            for scope in covering
            if scope.resource in ("*", wanted.resource) and scope.query in ("", wanted.query)
        )
    )
    return together >= wanted.interactions


def outside(scope: str, granted: str) -> list[str]:
    """The tokens of `scope` that lie outside `granted`: the widening, if any."""
    allowed = split(granted)
    return [token for token in split(scope) if not within(token, allowed)]


def allows(scope: str, resource: str, interaction: str) -> bool:
    """Whether a granted scope string allows one interaction (c, r, u, d or s) on a resource type for the patient."""
    wanted = ClinicalScope("patient", resource, frozenset(interaction))
    return any(
        found.covers(wanted) or ClinicalScope("patient", found.resource, found.interactions).covers(wanted)
        for found in map(clinical, split(scope))
        if found is not None and found.context in ("patient", "user") and not found.query
    )
