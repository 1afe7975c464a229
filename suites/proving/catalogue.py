"""What is to be tried: the payer's faults as its control interface tells them, and the deployments and variants beside them.

Leaves to others: which checks judge a fault (selection.py), and running them (bench.py, jobs.py).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites.kit import catalogue, faults

REFERENCE = "reference"
# What the reference builds on where a deployment's file does not say (docs/architecture.md, Families).
REFERENCE_GUIDES = ("us-core@3.1.1",)


class BadCatalogueOfFaults(Exception):
    """Faults nobody can prove anything with; the message says which and why."""


class UnknownName(Exception):
    """A fault, deployment or variant nobody declared; the message names the nearest."""


@dataclass(frozen=True)
class Fault:
    """One way of getting one rule wrong, as `GET /faults` tells it."""

    id: str
    rule: str
    violates: str
    also: frozenset[str]
    on: str
    text: str

    @property
    def broken(self) -> frozenset[str]:
        """Every requirement it is declared to break."""
        return self.also | {self.violates}

    @property
    def area(self) -> str:
        """Which of the five areas of the proof it belongs to."""
        return area(self.rule, self.violates)


AREAS = (
    "authorization",
    "FHIR API and search",
    "profiles and claims",
    "isolation and privacy",
    "protection, portals, documentation, directory, formulary, freshness",
)
PRIVATE_RULES = ("fhir.privacy", "fhir.compartment", "fhir.access")
PRIVATE = (
    "FHIR-COMPARTMENT-",
    "FHIR-PAGING-02",
    "PART2-",
    "SHM-PART2-",
    "HIPAA-164.524-PSYCH",
    "HIPAA-164.312-a",
    "HEALTHSHARE-2.1.1-PROXY-",
    "HEALTHSHARE-2.1.1-RESOURCE-OWNER",
    "CMS9115-REVOCATION",
)
OTHER_RULES = ("portals.", "protection.", "onboarding.", "fhir.freshness")
OPEN = ("PLANNET-", "USDF-", "CMS9115-431.70", "CMS9115-422.120", "CMS9115-422.119-b2")


def area(rule: str, violates: str) -> str:
    """The area of a rule: by the requirement for what members may see and open data, else by the room that decides."""
    if rule.startswith(PRIVATE_RULES) or violates.startswith(PRIVATE):
        return AREAS[3]
    if rule.startswith(OTHER_RULES) or violates.startswith(OPEN):
        return AREAS[4]
    if rule.startswith("authorization."):
        return AREAS[0]
    return AREAS[2] if rule.startswith("fhir.served") else AREAS[1]


def from_control(document: Mapping[str, Any]) -> list[Fault]:
    """The catalogue of `GET /faults`, in its order; BadCatalogueOfFaults where it cannot be used."""
    known, found = catalogue.load(), dict[str, Fault]()
    for one in document.get("catalogue", ()):
        fault = Fault(
            id=str(one.get("id", "")),
            rule=str(one.get("rule", "")),
            violates=str(one.get("violates", "")),
            also=frozenset(map(str, one.get("also", ()))),
            on=str(one.get("on", REFERENCE)),
            text=str(one.get("text", "")),
        )
        if fault.id in found:
            raise BadCatalogueOfFaults(f"two faults are called {fault.id!r}")
        if not fault.violates:
            raise BadCatalogueOfFaults(f"fault {fault.id!r} violates no requirement")
        for requirement in sorted(fault.broken):
            if requirement not in known:
                raise BadCatalogueOfFaults(
                    f"fault {fault.id!r} violates {requirement!r}, which is no requirement{known.hint(requirement)}"
                )
        found[fault.id] = fault
    if not found:
        raise BadCatalogueOfFaults("the payer declares no faults")
    return list(found.values())


def chosen(declared: Sequence[Fault], prefixes: Iterable[str]) -> list[Fault]:
    """Faults whose id is, or begins with, one of the prefixes; all without prefixes. UnknownName names the nearest id."""
    ids = [one.id for one in declared]
    wanted = set[str]()
    prefixes = list(prefixes)
    for prefix in prefixes:
        wanted |= matching(prefix, ids)
    return [one for one in declared if not prefixes or one.id in wanted]


def matching(prefix: str, ids: Sequence[str]) -> set[str]:
    """The ids one word of the command line means."""
    found = {id for id in ids if id == prefix} or {id for id in ids if id.startswith(prefix)}
    if not found:
        near = difflib.get_close_matches(prefix, ids, n=1, cutoff=0.0)
        raise UnknownName(f"unknown fault {prefix!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return found


@dataclass(frozen=True)
class System:
    """A deployment or a variant of the reference payer, as its file describes it."""

    name: str
    kind: str  # reference, variant or deployment
    guides: tuple[str, ...]  # that its data are made for
    about: str = ""
    waits: bool = False  # answers late on purpose: judging it takes long and little of the processor


def systems(payer: Path = faults.PAYER) -> dict[str, System]:
    """The reference first, then variants, then the other deployments; guides a file does not name are the reference's."""
    found = {REFERENCE: System(REFERENCE, "reference", REFERENCE_GUIDES)}
    for folder, kind in (("variants", "variant"), ("deployments", "deployment")):
        for path in sorted((payer / folder).glob("*.toml")):
            document = _read(path)
            if path.stem not in found:
                guides = _guides(document) or REFERENCE_GUIDES
                about = str(document.get("about") or document.get("title") or "")
                found[path.stem] = System(path.stem, kind, guides, about, _waits(document))
    return found


def _waits(document: Mapping[str, Any]) -> bool:
    fhir = document.get("fhir")
    return isinstance(fhir, dict) and bool(fhir.get("delay_milliseconds"))


def named(wanted: Iterable[str], known: Mapping[str, System]) -> list[System]:
    """Systems by name; UnknownName names the nearest."""
    chosen = []
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise UnknownName(f"no deployment or variant is called {name!r}; did you mean {near[0]!r}?")
        chosen.append(known[name])
    return chosen


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _guides(document: Mapping[str, Any]) -> tuple[str, ...]:
    fhir = document.get("fhir", {})
    return tuple(fhir.get("guides", ())) if isinstance(fhir, dict) else ()
