"""The payer's side of a member: coverage, claims, prior authorizations, consent, provenance, directory and formulary.

`build.py` calls `render` for each member and `shared` once. Everything is made from the one internal record.
"""

from __future__ import annotations

from synthetic_data.payer.carin import version
from synthetic_data.payer.claims import claims_of
from synthetic_data.payer.coverage import coverages
from synthetic_data.payer.directory import directory
from synthetic_data.payer.eob import explanation_of_benefit, is_rendered
from synthetic_data.payer.fhir import Json
from synthetic_data.records import Member, World

__all__ = ["directory", "render", "shared"]


def shared(world: World) -> list[Json]:
    """Everything of the payer that belongs to no member."""
    return list(directory(world))


def render(member: Member, world: World) -> list[Json]:
    """All payer resources of one member, in a fixed order."""
    form = version(world.guides.carin_bb)
    resources = list(coverages(member, world))
    resources += [
        explanation_of_benefit(claim, member, world, form)
        for claim in claims_of(member, world)
        if is_rendered(claim, form)
    ]
    return resources
