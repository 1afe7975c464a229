"""_include and _revinclude: what the matches of a page refer to, and what refers to them (FHIR R4 search, 3.1.1.5.9).

Within the request's reach only; each resource once; `:iterate` goes on from what was included until nothing new comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulators.payer.errors import FhirError
from simulators.payer.fhir import veil
from simulators.payer.fhir.query import Include
from simulators.payer.fhir.search import World
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate

MOST_INCLUDED = 2_000


@rule
def included(candidates: list[Candidate]) -> list[Candidate]:
    """Everything the includes led to."""
    return candidates


@included.fault(
    "include-is-ignored",
    violates="FHIR-INCLUDE-01",
    also=("CARIN-INCLUDE-01", "PLANNET-INCLUDE-01", "USCORE-PROVENANCE-01", "USDF-INCLUDE-01"),
)
def nothing_included(candidates: list[Candidate]) -> list[Candidate]:
    """A search with _include or _revinclude answers the matches alone."""
    return []


def along(
    world: World, matches: Sequence[Candidate], includes: Sequence[Include], revincludes: Sequence[Include]
) -> list[Candidate]:
    """What goes along with the matches, in order of discovery, without the matches themselves."""
    if not includes and not revincludes:
        return []
    known = {(match.type, match.id) for match in matches}
    found: list[Candidate] = []
    frontier: Sequence[Candidate] = matches
    first = True
    while frontier:
        step = [include for include in includes if first or include.iterate]
        back = [include for include in revincludes if first or include.iterate]
        fresh = []
        for candidate in [*forward(world, frontier, step), *_backward(world, frontier, back)]:
            name = (candidate.type, candidate.id)
            if name not in known:
                known.add(name)
                fresh.append(candidate)
        found += fresh
        if len(found) > MOST_INCLUDED:
            raise FhirError(
                400, "too-costly", f"the includes lead to more than {MOST_INCLUDED} resources", expression=("_include",)
            )
        frontier, first = fresh, False
    return included(world.reach.active, found)


def forward(world: World, sources: Iterable[Candidate], includes: Sequence[Include]) -> list[Candidate]:
    """What the sources refer to by the parameters of the includes."""
    names: dict[tuple[str, str], None] = {}
    catalog = world.reach.base.catalog
    for source in sources:
        for include in includes:
            if include.source != source.type:
                continue
            parameters = catalog.references[source.type] if include.parameter == "*" else (include.parameter,)
            for parameter in parameters:
                for value in source.index.get(catalog.of(source.type)[parameter].noted, ()):
                    kind, _, id = value.partition("/")
                    if (
                        id
                        and "/" not in id
                        and (not include.target or kind == include.target)
                        and world.reach.permits(kind, "r")
                    ):
                        names[kind, id] = None
    opened = world.reach.opened
    return [veil.over(one, opened) for one in world.store.named(names) if world.may_include(one)]


def _backward(world: World, targets: Sequence[Candidate], revincludes: Sequence[Include]) -> list[Candidate]:
    found: list[Candidate] = []
    names = {f"{target.type}/{target.id}" for target in targets}
    references = world.reach.base.catalog.references
    for include in revincludes:
        for kind in sorted(references) if include.source == "*" else (include.source,):
            if not world.reach.permits(kind, "s"):
                continue
            parameters = references[kind] if include.parameter == "*" else (include.parameter,)
            for parameter in (world.reach.base.catalog.of(kind)[name].noted for name in parameters):
                found += [
                    candidate
                    for candidate in _referring(world, kind, parameter, targets, names)
                    if not include.target or _refers(candidate, parameter, include.target, names)
                ]
    return found


def _referring(
    world: World, kind: str, parameter: str, targets: Sequence[Candidate], names: set[str]
) -> list[Candidate]:
    candidates: list[Candidate] = []
    for record in dict.fromkeys(
        [target.patient for target in targets] + ([world.reach.patient] if world.reach.patient else [])
    ):
        if record:
            candidates += world.store.record(kind, record)
        else:
            candidates += world.store.with_key(kind, parameter, sorted(names), prefix=False)
    unique = {candidate.rid: veil.over(candidate, world.reach.opened) for candidate in candidates}
    return [
        candidate
        for candidate in unique.values()
        if any(value in names for value in candidate.index.get(parameter, ())) and world.may_include(candidate)
    ]


def _refers(candidate: Candidate, parameter: str, type_name: str, names: set[str]) -> bool:
    return any(value in names and value.startswith(type_name + "/") for value in candidate.index.get(parameter, ()))
