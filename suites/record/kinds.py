"""Which resources a guide's profile is for, though they do not claim it: told from the profile's own tables.

A guide with one profile for a type means every resource of the type, unless the profile pins an element FHIR itself requires (Basic.code,
ExplanationOfBenefit.use): then those with that value. Where a guide has several profiles for a type, a resource is of those whose pinned
category, code, type, subtype or use it has (fixed value, pattern, mandatory slice, or binding). A profile that pins nothing is for whoever claims it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from suites.profiles.facts import Element, Structure
from suites.profiles.guides import parse_guide
from suites.record.cases import OPEN, OTHER_EXCHANGES, SHARED, mandatory, profiles_of, registry

TELLING = ("category", "code", "type", "subType", "use")  # elements that say what kind of thing a resource is
Coded = tuple[str | None, str]  # system and code


@dataclass(frozen=True, slots=True)
class Pin:
    """One value a profile asks of an element: a coding, or a code out of a value set.

    `firm` is what the profile fixes or binds as required; an extensible binding only hints.
    """

    element: str
    coding: Coded | None = None
    value_set: str = ""
    firm: bool = True


def is_of(guides: tuple[str, ...], profile: str, resource: dict[str, Any]) -> bool:
    """Whether a profile is meant for a resource, be it claimed or not."""
    claims = claimed(resource)
    if profile in claims:
        return True
    structure = registry(guides).structure(profile)
    if structure is None or structure.type != resource.get("resourceType"):
        return False
    if structure.type in SHARED and of_another_guide(guides, structure, claims):
        return False
    wanted = needed(guides, profile)
    if wanted is None or claims & set(alike(guides, profile)) or not all(has(guides, resource, pin) for pin in wanted):
        return False
    if not wanted or any(pin.firm for pin in wanted):
        return True
    # What is only hinted at gives way to a profile of the same guide that is told firmly.
    others = [needed(guides, one) for one in siblings(guides, profile) if one != profile]
    return not any(theirs and all(pin.firm and has(guides, resource, pin) for pin in theirs) for theirs in others)


def claimed(resource: dict[str, Any]) -> set[str]:
    """The profiles a resource says it conforms to, without versions."""
    meta = resource.get("meta")
    named = meta.get("profile", []) if isinstance(meta, dict) else []
    return {str(url).partition("|")[0] for url in named} if isinstance(named, list) else set()


@cache
def siblings(guides: tuple[str, ...], profile: str) -> tuple[str, ...]:
    """The concrete profiles the same guide has for the same type, the profile itself included."""
    structure = registry(guides).structure(profile)
    if structure is None:
        return ()
    return tuple(
        one.url for one in profiles_of(guides, structure.guide, structure.type) if one.url not in OTHER_EXCHANGES
    )


@cache
def alike(guides: tuple[str, ...], profile: str) -> tuple[str, ...]:
    """The profiles that nothing in their tables tells apart from this one, itself included: a resource may be of any of them."""
    return tuple(one for one in siblings(guides, profile) if needed(guides, one) == needed(guides, profile))


@cache
def needed(guides: tuple[str, ...], profile: str) -> tuple[Pin, ...] | None:
    """What a resource has to have to be meant by a profile; None where nothing tells."""
    structure = registry(guides).structure(profile)
    family = siblings(guides, profile)
    if structure is None or profile not in family:
        return None
    first = unavoidable(guides, profile)
    if len(family) == 1:
        return first
    if first and all(unavoidable(guides, one) != first for one in family if one != profile):
        return first
    every = pins(guides, profile)
    return every or None


@cache
def unavoidable(guides: tuple[str, ...], profile: str) -> tuple[Pin, ...]:
    """Firm pins of elements that FHIR itself requires, so that no resource can be without."""
    structure = registry(guides).structure(profile)
    base = mandatory(guides, structure.type) if structure else frozenset()
    return tuple(pin for pin in pins(guides, profile) if pin.firm and pin.element in base)


@cache
def pins(guides: tuple[str, ...], profile: str) -> tuple[Pin, ...]:
    """What a profile asks of the telling elements of its type, firm pins first."""
    structure = registry(guides).structure(profile)
    if structure is None:
        return ()
    base = registry(guides).structure(f"http://hl7.org/fhir/StructureDefinition/{structure.type}")
    usual = {one.id: one.binding.value_set for one in (base.elements if base else ()) if one.binding}
    found: list[Pin] = []
    for name in TELLING:
        values = [Pin(name, coding) for coding in pinned_codings(structure, name)]
        sets = [] if values else list(bound(guides, structure, name, usual))
        found += dict.fromkeys([*values, *sets])
    return tuple(sorted(found, key=lambda pin: not pin.firm))


def pinned_codings(structure: Structure, name: str) -> Iterator[Coded]:
    """Codings fixed or patterned on an element, below it, or in a slice that must be there."""
    by_id = {one.id: one for one in structure.elements}
    path = f"{structure.type}.{name}"
    for one in structure.elements:
        if one.path not in (path, f"{path}.coding", f"{path}.coding.code") or optional(one, by_id):
            continue
        kind, value = one.pattern or one.fixed or ("", None)
        if kind == "CodeableConcept" and isinstance(value, dict):
            yield from ((each.get("system"), each["code"]) for each in value.get("coding", ()) if "code" in each)
        elif kind == "Coding" and isinstance(value, dict) and "code" in value:
            yield value.get("system"), value["code"]
        elif isinstance(value, str):
            beside = by_id.get(one.id.removesuffix(".code") + ".system") if one.path != path else None
            system = (beside.pattern or beside.fixed) if beside else None
            yield (system[1] if system else None), value


def bound(guides: tuple[str, ...], structure: Structure, name: str, usual: dict[str, str | None]) -> Iterator[Pin]:
    """Value sets an element, or a slice of it that must be there, takes its codes from, where they are narrower than FHIR's own.

    An extensible one counts where its codes are all known: only then does a code outside tell that something else is meant.
    """
    by_id = {one.id: one for one in structure.elements}
    path = f"{structure.type}.{name}"
    for one in structure.elements:
        binding = one.binding
        if one.path not in (path, f"{path}.coding") or optional(one, by_id) or binding is None:
            continue
        url = binding.value_set
        if url is None or binding.strength not in ("required", "extensible") or url == usual.get(one.path):
            continue
        value_set = registry(guides).value_set(url)
        firm = binding.strength == "required"
        if value_set is not None and (firm or value_set.complete):
            yield Pin(name, value_set=url, firm=firm)


def optional(element: Element, by_id: dict[str, Element]) -> bool:
    """Whether an element stands in a slice that may be absent."""
    parts = element.id.split(".")
    chain = [by_id.get(".".join(parts[: end + 1])) for end in range(len(parts))]
    return any(one is not None and ":" in one.id.rpartition(".")[2] and one.min == 0 for one in chain)


def has(guides: tuple[str, ...], resource: dict[str, Any], pin: Pin) -> bool:
    """Whether a resource has what a pin asks for; one that lacks what FHIR requires of it cannot get away by that."""
    values = list(codings(resource.get(pin.element)))
    if not values:
        return pin.element in mandatory(guides, str(resource.get("resourceType"))) and pin.element not in resource
    if pin.coding is not None:
        system, code = pin.coding
        return any(code == other and (system is None or system == theirs) for theirs, other in values)
    value_set = registry(guides).value_set(pin.value_set)
    return value_set is not None and any(value_set.contains(system, code) for system, code in values)


def codings(value: Any) -> Iterator[Coded]:
    """The systems and codes in a code, a Coding, a CodeableConcept, or a list of them, whatever a server made of it."""
    if isinstance(value, str):
        yield None, value
    elif isinstance(value, list):
        for one in value:
            yield from codings(one)
    elif isinstance(value, dict):
        if isinstance(value.get("coding"), list):
            for one in value["coding"]:
                yield from codings(one)
        elif isinstance(value.get("code"), str):
            system = value.get("system")
            yield (system if isinstance(system, str) else None), value["code"]


def of_another_guide(guides: tuple[str, ...], structure: Structure, claims: set[str]) -> bool:
    """Whether another guide speaks for a resource that belongs to no one member.

    Either that guide's profile stands for the whole type on the same interface and this one narrows it (a practitioner of claims is a
    practitioner first), or the resource claims another guide's profile, and none that this one builds on.
    """
    ancestors = frozenset(lineage(guides, structure.url))
    own = interface(structure.guide)
    beside = [one for one in guides if short(one) != short(structure.guide)]
    if any(ancestors & urls(guides, one) for one in beside if interface(one) == own):
        return True
    return any((claims - ancestors) & urls(guides, one) for one in beside) and not claims & urls(
        guides, structure.guide
    )


@cache
def urls(guides: tuple[str, ...], guide: str) -> frozenset[str]:
    """The canonical addresses of everything a guide defines."""
    return frozenset(header.url for header in registry(guides).profiles(guide))


@cache
def lineage(guides: tuple[str, ...], profile: str) -> tuple[str, ...]:
    """What a profile is derived from, nearest first."""
    found: list[str] = []
    structure = registry(guides).structure(profile)
    while structure is not None and structure.base and structure.base.partition("|")[0] not in found:
        found.append(structure.base.partition("|")[0])
        structure = registry(guides).structure(structure.base)
    return tuple(found)


def interface(guide: str) -> str:
    """Where a guide's resources are served: fhir, directory or formulary."""
    return OPEN.get(short(guide), "fhir")


def short(guide: str) -> str:
    """A guide's name without its version."""
    return parse_guide(guide).short.partition("@")[0]
