"""The payer's side of a member: coverage, claims, prior authorizations, consent, provenance, directory and formulary.

`build.py` calls `render` for each member and `shared` once. Everything is made from the one internal record.
"""

from __future__ import annotations

from synthetic_data.payer.authorization_eob import authorization_eob
from synthetic_data.payer.authorizations import authorizations_of
from synthetic_data.payer.carin import version
from synthetic_data.payer.claims import claims_of
from synthetic_data.payer.consent import consents
from synthetic_data.payer.coverage import coverages
from synthetic_data.payer.directory import directory
from synthetic_data.payer.eob import explanation_of_benefit, is_rendered
from synthetic_data.payer.fhir import Json
from synthetic_data.payer.formulary import formulary
from synthetic_data.payer.history import audit_events, provenances
from synthetic_data.records import Member, World

__all__ = ["directory", "formulary", "render", "shared"]


def shared(world: World) -> list[Json]:
    """Everything of the payer that belongs to no member."""
    return [*directory(world), *formulary(world)]


def render(member: Member, world: World) -> list[Json]:
    """All payer resources of one member, in a fixed order."""
    form = version(world.guides.carin_bb)
    authorizations = authorizations_of(member, world)
    claims = tuple(each for each in claims_of(member, world, authorizations) if is_rendered(each, form))
    shown = authorizations if world.guides.pdex.startswith("2") else ()
    return [
        *coverages(member, world),
        *(explanation_of_benefit(claim, member, world, form) for claim in claims),
        *(authorization_eob(authorization, member, world) for authorization in shown),
        *consents(member, world),
        *provenances(member, world, claims, shown),
        *audit_events(member, world),
    ]
