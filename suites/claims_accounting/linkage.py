"""Claims among each other: one identifier each, and adjusted claims that find what they replace (CARIN Blue Button, related claims).

`Ledger` keeps of each claim only what links it, so that records of any size are judged in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from suites.claims_accounting.amounts import Breach, Judged, Resource, Ruling, codes, objects

BACK = {"prior": "replacedby", "replacedby": "prior"}
UNIQUE = "uc"


@dataclass(frozen=True)
class Entry:
    """What links one claim: its id, status, identifiers and (relationship, identifier) pairs."""

    id: str
    status: str
    identifiers: tuple[str, ...]
    unique: tuple[str, ...]
    related: tuple[tuple[str, str], ...]


@dataclass
class Ledger:
    """The claims of one record."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, claim: Resource) -> None:
        """Enter one claim."""
        identifiers = objects(claim, "identifier")
        self.entries.append(
            Entry(
                str(claim.get("id", "")),
                str(claim.get("status", "")),
                tuple(key(one) for one in identifiers),
                tuple(key(one) for one in identifiers if UNIQUE in [code for _, code in codes(one.get("type"))]),
                tuple(related(claim)),
            )
        )

    def each_has_its_own_identifier(self) -> Ruling:
        """Every claim carries a unique claim identifier that no other claim carries."""
        seen: dict[str, str] = {}
        for entry in self.entries:
            yield Judged()
            if not entry.unique:
                yield Breach(
                    "a claim carries the payer's unique claim identifier",
                    "an identifier of type uc",
                    "none",
                    f"{entry.id}: identifier",
                )
            for one in entry.unique:
                other = seen.setdefault(one, entry.id)
                if other != entry.id:
                    yield Breach(
                        "a unique claim identifier is of one claim", "one claim", f"{other} and {entry.id}", one
                    )

    def adjusted_claims_find_each_other(self) -> Ruling:
        """A related claim is in the record and points back; a claim that was replaced is not active."""
        by_identifier = {one: entry for entry in self.entries for one in entry.identifiers}
        for entry in self.entries:
            for relationship, identifier in entry.related:
                if relationship not in BACK:
                    continue
                yield Judged()
                other = by_identifier.get(identifier)
                if other is None:
                    yield Breach(
                        "the related claim is in the member's record", identifier, "not found", f"{entry.id}: related"
                    )
                elif not any(back == BACK[relationship] and one in entry.identifiers for back, one in other.related):
                    yield Breach(
                        "adjacent claims point to each other",
                        f"{other.id} {BACK[relationship]} {entry.id}",
                        str(other.related),
                        f"{entry.id}: related",
                    )
                if relationship == "replacedby" and entry.status == "active":
                    yield Breach(
                        "a claim that was replaced is no longer active",
                        "cancelled",
                        entry.status,
                        f"{entry.id}: status",
                    )


def key(identifier: Resource) -> str:
    """An identifier as one text."""
    return f"{identifier.get('system', '')}|{identifier.get('value', '')}"


def related(claim: Resource) -> Iterator[tuple[str, str]]:
    """(relationship, identifier) of each related claim."""
    for one in objects(claim, "related"):
        reference = one.get("reference")
        if isinstance(reference, dict):
            for _, code in codes(one.get("relationship")):
                yield code, key(reference)
