"""What a guide's own tables ask of a server, as cases: one for each interaction, search, include, profile.

No code per resource: a guide nobody here has seen gives its cases the same way. Searches are repeated for each profile of a type, with values from
resources of that profile, so that a claim of one kind cannot hide another kind's failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from suites.profiles.facts import CapabilityResource, SearchParameter, StructureHeader
from suites.profiles.guides import parse_guide
from suites.profiles.registry import Registry

SHALL = "SHALL"
OPEN = {"plan-net": "directory", "formulary": "formulary"}
# Types whose instances belong to no one member: an app finds them through references (FHIR R4 compartment definition, Patient).
SHARED = frozenset(
    [
        "Basic",
        "Endpoint",
        "HealthcareService",
        "InsurancePlan",
        "Location",
        "Medication",
        "MedicationKnowledge",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
        "Questionnaire",
        "Substance",
        "ValueSet",
    ]
)


# Profiles that a guide's server CapabilityStatement names for exchanges between organizations, not with a member's app.
OTHER_EXCHANGES = frozenset(("http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/mtls-organization",))


@dataclass(frozen=True)
class Case:
    """One thing a guide asks. `names` are search parameters or an include; `profile` narrows whose values are taken."""

    guide: str
    type: str
    kind: str
    names: tuple[str, ...] = ()
    expectation: str = SHALL
    profile: str = ""

    @property
    def base(self) -> str:
        """Which interface serves it: fhir, directory or formulary."""
        return OPEN.get(parse_guide(self.guide).short.partition("@")[0], "fhir")

    @property
    def id(self) -> str:
        """Unique among the cases of a kind, and readable."""
        words = [self.guide, self.type, "+".join(self.names), self.profile.rpartition("/")[2]]
        return "-".join(word for word in words if word)

    @property
    def shared(self) -> bool:
        """Whether instances belong to no one member."""
        return self.type in SHARED


@cache
def registry(guides: tuple[str, ...]) -> Registry:
    """One registry for the guides of a run."""
    return Registry(guides)


@cache
def parameters(guides: tuple[str, ...], guide: str, type: str) -> dict[str, SearchParameter]:
    """The search parameters of a type by code, the guide's own definitions before the base's."""
    facts = registry(guides)
    found = {one.code: one for one in facts.search_parameters(type)}
    found.update({one.code: one for one in facts.search_parameters(type, guide)})
    return found


@cache
def mandatory(guides: tuple[str, ...], type: str) -> frozenset[str]:
    """The top-level elements FHIR itself requires of a type (minimum 1 in the base definition); choices are left out."""
    structure = registry(guides).structure(f"http://hl7.org/fhir/StructureDefinition/{type}")
    elements = structure.elements if structure else ()
    return frozenset(
        one.path.partition(".")[2]
        for one in elements
        if one.min > 0 and one.path.count(".") == 1 and not one.path.endswith("[x]")
    )


def profiles_of(guides: tuple[str, ...], guide: str, type: str) -> list[StructureHeader]:
    """The concrete profiles a guide has for a type."""
    return [
        one
        for one in registry(guides).profiles(guide)
        if one.type == type and one.kind == "resource" and one.derivation == "constraint" and not one.abstract
    ]


def cases(guides: tuple[str, ...], guide: str, kind: str, expectation: str) -> Iterator[Case]:
    """The cases of one kind that a guide asks with one expectation."""
    capability = registry(guides).capability(guide)
    if capability is None:
        return
    for type, resource in capability.resources.items():
        known = parameters(guides, guide, type)
        supported = {url.partition("|")[0] for url, _ in resource.profiles} | {
            (resource.profile or "").partition("|")[0]
        }
        known_urls = [one.url for one in profiles_of(guides, guide, type)]
        # What a guide has beside the profiles its CapabilityStatement names is for other exchanges than this one.
        urls = [url for url in known_urls if url in supported] or known_urls
        urls = [url for url in urls if url not in OTHER_EXCHANGES]
        for names, wanted in asked(resource, kind, known):
            if (wanted or SHALL) != expectation:
                continue
            yield from (Case(guide, type, kind, names, expectation, facet) for facet in facets(kind, urls))


def facets(kind: str, profiles: list[str]) -> list[str]:
    """The profiles a kind of case is repeated for; an empty one stands for all resources of the type together."""
    if kind in ("profile", "must_support"):
        return profiles
    return profiles if kind in ("search", "date_search", "token_search") and len(profiles) > 1 else [""]


def asked(
    resource: CapabilityResource, kind: str, known: Mapping[str, SearchParameter]
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """What a CapabilityStatement asks of one type in one kind, with its expectation."""
    interactions = dict(resource.interactions)
    searches = [*(((one.name,), one.expectation) for one in resource.search_parameters), *resource.combinations]
    named = {name: wanted for names, wanted in searches if wanted in (SHALL, None) for name in names}

    def kind_of(name: str) -> str:
        return known[name].type if name in known else ""

    match kind:
        case "profile" | "must_support" | "references":
            yield (), resource.expectation
        case "read" | "vread":
            if kind in interactions:
                yield (), interactions[kind]
        case "search":
            yield from searches
        case "date_search":  # the least search with the date, so that each date is tried once
            yield from least(searches, lambda name: kind_of(name) == "date")
        case "token_search":
            yield from least(searches, lambda name: kind_of(name) == "token" and name != "_id")
        case "token_parameter":
            yield from (
                ((name,), wanted) for name, wanted in named.items() if kind_of(name) == "token" and name != "_id"
            )
        case "selective_parameter":
            yield from (((name,), wanted) for name, wanted in named.items() if name in known and name != "patient")
        case "post" | "pages":
            if "search-type" in interactions:
                yield (), interactions["search-type"]
        case "patient_search":
            if "patient" in named:
                yield ("patient",), SHALL
        case "include":
            yield from (((name,), wanted) for name, wanted in resource.includes)
        case "revinclude":
            yield from (((name,), wanted) for name, wanted in resource.revincludes)
        case _:
            raise ValueError(f"no kind of case is called {kind!r}")


Search = tuple[tuple[str, ...], str | None]


def least(searches: list[Search], chosen: Callable[[str], bool]) -> Iterator[Search]:
    """For each chosen parameter the required search with fewest others beside it."""
    best: dict[str, Search] = {}
    for names, wanted in searches:
        if wanted not in (SHALL, None):
            continue
        for name in filter(chosen, names):
            if name not in best or len(names) < len(best[name][0]):
                best[name] = (names, wanted)
    yield from best.values()
