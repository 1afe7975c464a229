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
    service: tuple[str, ...] = ()  # who gave what when: two claims alike in it are of one service


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
                service_of(claim),
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
        yield from self._replaced_without_a_word()
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

    def _replaced_without_a_word(self) -> Ruling:
        """A cancelled claim beside an active one for the same service was replaced, and one of them must say so."""
        active = {entry.service: entry for entry in self.entries if entry.status == "active" and entry.service}
        for entry in self.entries:
            other = active.get(entry.service) if entry.status == "cancelled" else None
            if other is None:
                continue
            yield Judged()
            if not entry.related and not other.related:
                yield Breach(
                    "a claim that was adjusted is linked to the one that replaced it",
                    "related prior and replacedby",
                    f"neither in {entry.id} nor in {other.id}",
                    f"{entry.id}: related",
                )


def service_of(claim: Resource) -> tuple[str, ...]:
    """Provider, days and codes of a claim; empty where it does not say them all."""
    provider, period = claim.get("provider"), claim.get("billablePeriod")
    billed = sorted(code for line in objects(claim, "item") for _, code in codes(line.get("productOrService"))[:1])
    if not isinstance(provider, dict) or not isinstance(period, dict) or not billed:
        return ()
    return (str(provider.get("reference")), str(period.get("start")), str(period.get("end")), *billed)


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
