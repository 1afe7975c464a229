"""The one door to the facts of guides: structures, terminology, search parameters and capabilities, read when asked for.

Names are looked up in the guides as given, then in the guides they depend on, then in the base (FHIR R4 core, HL7
terminology, extensions). HL7's own terminology comes before the copies of it that the R4 core package carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from suites.profiles.element_lines import CORE
from suites.profiles.facts import Capability, SearchParameter, Structure, StructureHeader
from suites.profiles.finding import base_guides, find_guides
from suites.profiles.guide_tables import GuideTables
from suites.profiles.guides import GuideName, parse_guide
from suites.profiles.terminology import CodeSystem, ValueSet

_TERMINOLOGY = "http://terminology.hl7.org/"


class Registry:
    """The facts of the guides named, the guides they depend on, and the base."""

    def __init__(self, guides: Sequence[str] = (), packages: Sequence[Path] = ()) -> None:
        """`guides` as in `us-core@3.1.1`; `packages` are official .tgz files, compiled on first use and then cached."""
        self.guides: tuple[GuideTables, ...] = tuple(find_guides([parse_guide(g) for g in guides], packages))
        core, terminology, *rest = base_guides()
        self.core: GuideTables = core
        self._order = (*self.guides, core, terminology, *rest)
        self._terminology_first = (*self.guides, terminology, core, *rest)
        self._structures: dict[tuple[str, str | None], Structure | None] = {}
        self._value_sets: dict[str, ValueSet | None] = {}
        self._code_systems: dict[str, CodeSystem | None] = {}

    @property
    def order(self) -> tuple[GuideTables, ...]:
        """Every guide at hand, in the order in which names are looked up."""
        return self._order

    def structure(self, url: str, version: str | None = None) -> Structure | None:
        """A structure by canonical URL (`|version` allowed) or, for FHIR's own, by bare type name."""
        found = self._structures.get((url, version), False)
        if found is not False:
            return found  # type: ignore[return-value]
        name, _, written = url.partition("|")
        wanted = version or written or None
        if ":" not in name and "/" not in name:
            name = CORE + name
        structure = self._structure(name, wanted)
        self._structures[url, version] = structure
        return structure

    def _structure(self, url: str, version: str | None) -> Structure | None:
        holders = [g for g in self._order if url in g.structures]
        if version is not None:
            holders.sort(key=lambda g: not version_matches(g.structure_version(url), version))
        return holders[0].structure(url, self.core) if holders else None

    def profiles(self, guide: str | None = None) -> list[StructureHeader]:
        """Headers of every structure of one guide, or of all guides named and what they depend on."""
        return [header for tables in self._chosen(guide) for header in tables.headers()]

    def extension(self, url: str) -> Structure | None:
        """The definition of an extension."""
        structure = self.structure(url)
        return structure if structure is not None and structure.type == "Extension" else None

    def value_set(self, url: str) -> ValueSet | None:
        """A value set by canonical URL; a version after `|` picks that version where it is at hand."""
        if url not in self._value_sets:
            name, _, version = url.partition("|")
            tables = self._holder(name, version, "value_sets")
            self._value_sets[url] = tables.value_set(name) if tables is not None else None
        return self._value_sets[url]

    def code_system(self, url: str) -> CodeSystem | None:
        """A code system by its URL; one whose codes are not here is found too, with `complete` False."""
        if url not in self._code_systems:
            name, _, version = url.partition("|")
            tables = self._holder(name, version, "code_systems")
            self._code_systems[url] = tables.code_system(name) if tables is not None else None
        return self._code_systems[url]

    def _holder(self, url: str, version: str, kind: str) -> GuideTables | None:
        order = self._terminology_first if url.startswith(_TERMINOLOGY) else self._order
        holders = [g for g in order if url in getattr(g, kind)]
        if version:
            holders.sort(key=lambda g: not version_matches(g.version_of(kind, url), version))
        return holders[0] if holders else None

    def search_parameters(self, resource_type: str, guide: str | None = None) -> tuple[SearchParameter, ...]:
        """Search parameters of a type (those of Resource and DomainResource included), each code once, guides first."""
        found: dict[str, SearchParameter] = {}
        for tables in self._chosen(guide) if guide is not None else self._order:
            for parameter in tables.search_parameters(resource_type):
                found.setdefault(parameter.code, parameter)
        return tuple(found.values())

    def capability(self, guide: str) -> Capability | None:
        """What a guide asks of servers; None where it has no CapabilityStatement."""
        return next((c for tables in self._chosen(guide) for c in tables.capabilities() if c.mode == "server"), None)

    def capabilities(self, guide: str) -> tuple[Capability, ...]:
        """Every CapabilityStatement of a guide, of servers and of clients."""
        return tuple(c for tables in self._chosen(guide) for c in tables.capabilities())

    def _chosen(self, guide: str | None) -> Iterator[GuideTables]:
        if guide is None:
            yield from self.guides
            return
        wanted: GuideName = parse_guide(guide)
        yield from (tables for tables in self._order if tables.name == wanted)


def version_matches(held: str | None, wanted: str) -> bool:
    """A version as written in a canonical, which may leave out its last parts (`|4.0` is any 4.0.x)."""
    return held is not None and (held == wanted or held.startswith(f"{wanted}."))
