"""The FHIR bases of a deployment: the member's data, the provider directory, the formulary; which types and guides each has."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.payer.deployment import Deployment
from simulators.payer.fhir.parameters import Catalog, Notes
from simulators.payer.stored import DIRECTORY, FORMULARY, MEMBER

_OPEN_GUIDES = {"plan-net": DIRECTORY, "formulary": FORMULARY}


@dataclass(frozen=True)
class Base:
    """One FHIR base."""

    name: str  # member | directory | formulary
    bit: int
    path: str
    url: str  # as the payer calls it
    types: frozenset[str]
    catalog: Catalog
    guides: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """The directory (42 CFR 431.70) and the formulary (422.119(b)(2)) ask for no token."""
        return self.bit != MEMBER


def bases_of(deployment: Deployment, public_url: str) -> tuple[Base, ...]:
    """The bases this deployment offers."""
    fhir, endpoints = deployment.fhir, deployment.endpoints
    notes: Notes = {}
    # What has no interface of its own is part of the member's.
    paths = {DIRECTORY: endpoints.directory, FORMULARY: endpoints.formulary}
    seat = {guide: bit if paths[bit] else MEMBER for guide, bit in _OPEN_GUIDES.items()}
    found = []
    for name, bit, path, types in (
        ("member", MEMBER, endpoints.fhir, fhir.resource_types),
        ("directory", DIRECTORY, endpoints.directory, fhir.directory_types),
        ("formulary", FORMULARY, endpoints.formulary, fhir.formulary_types),
    ):
        if path:
            guides = tuple(guide for guide in fhir.guides if seat.get(guide.split("@")[0], MEMBER) == bit)
            found.append(
                Base(name, bit, path, public_url + path, frozenset(types), Catalog(guides, types, notes), guides)
            )
    return tuple(found)
