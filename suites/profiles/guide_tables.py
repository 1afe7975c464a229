"""The tables of one guide: from entries of its files to facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from suites.profiles.capability_lines import read_capability
from suites.profiles.element_lines import CORE, Elements, full_canonical, read_elements, refined_structure
from suites.profiles.facts import Capability, Constraint, Context, SearchParameter, Structure, StructureHeader
from suites.profiles.guides import GuideName
from suites.profiles.tables import Table
from suites.profiles.terminology import CodeSystem, ValueSet


class GuideTables:
    """What one package holds; nothing is read before it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.structures = Table(folder / "structures.json")
        self.value_sets = Table(folder / "value_sets.json")
        self.code_systems = Table(folder / "code_systems.json")
        self._searching = Table(folder / "search_parameters.json")
        self._capabilities = Table(folder / "capabilities.json")
        self._read: dict[str, Structure] = {}
        self._elements: dict[str, Elements | None] = {}

    def __repr__(self) -> str:
        return f"GuideTables({self.name.short})"

    @cached_property
    def _guide(self) -> Table:
        return Table(self.folder / "guide.json")

    @property
    def exists(self) -> bool:
        """Whether its tables are there."""
        return bool(self._guide.header)

    @cached_property
    def name(self) -> GuideName:
        """Package and version, from the guide's own table."""
        header = self._guide.header
        return GuideName(header["package"], header["version"])

    @property
    def about(self) -> Mapping[str, Any]:
        """The guide's own table: package, version, sha256, canonical, dependencies, what could not be compiled."""
        return self._guide.header

    @cached_property
    def constraints(self) -> dict[str, Constraint]:
        """Invariants by the name the lines of this guide use."""
        return {name: _constraint(line) for name, line in self.structures.header.get("constraints", {}).items()}

    def version_of(self, kind: str, url: str) -> str | None:
        """The version an entry states, without reading the entry."""
        table: Table = getattr(self, kind)
        line = table.first_line(url) or {}
        return line.get("version")

    def structure_version(self, url: str) -> str | None:
        """The version of a structure: its own where it states another than its package's."""
        return self.version_of("structures", url) or (self.name.version if url in self.structures else None)

    def headers(self) -> list[StructureHeader]:
        """What structures there are."""
        return [self._header(url, self.structures.first_line(url) or {}) for url in self.structures]

    def _header(self, url: str, entry: Mapping[str, Any]) -> StructureHeader:
        base = entry.get("base")
        return StructureHeader(
            url,
            entry.get("version", self.name.version),
            entry["name"],
            entry["type"],
            entry["kind"],
            entry.get("derivation"),
            full_canonical(base) if base else None,
            entry.get("abstract", False),
            self.name.short,
        )

    def structure(self, url: str, core: GuideTables) -> Structure | None:
        """A structure with its elements; `core` knows the data types they refine."""
        if url in self._read:
            return self._read[url]
        entry = self.structures.entry(url)
        if entry is None:
            return None
        header = self._header(url, entry)
        base, root = self.refined_base(header, core)
        structure = Structure(
            url,
            header.version,
            header.name,
            header.type,
            header.kind,
            header.derivation,
            header.base,
            header.abstract,
            tuple(Context(kind, expression) for kind, expression in entry.get("contexts", ())),
            header.guide,
            read_elements(entry["elements"], base, root, core.type_elements, self.constraints),
            tuple(entry.get("contextInvariants", ())),
            tuple(entry.get("imposes", ())),
        )
        self._read[url] = structure
        return structure

    def refined_base(self, header: StructureHeader, core: GuideTables) -> tuple[Elements, str | None]:
        """The elements a structure's lines differ from, and the name those elements begin with.

        The structure's base where this package defines it, else FHIR's own structure of its type: no other package's
        elements are needed to read a table.
        """
        source = refined_structure(header.url, header.base, header.type, self._base_here)
        if source is None:
            return {}, None
        base = (self if source == header.base and source in self.structures else core).structure(source, core)
        if base is None or not base.elements:
            return {}, None
        return {e.id: e for e in base.elements}, base.elements[0].id

    def _base_here(self, url: str) -> str | None:
        line = self.structures.first_line(url)
        return None if line is None else full_canonical(line["base"]) if line.get("base") else ""

    def type_elements(self, name: str) -> Elements | None:
        """Elements of one of FHIR's own types, by id."""
        if name not in self._elements:
            structure = self.structure(CORE + name, self) if ":" not in name and "/" not in name else None
            self._elements[name] = None if structure is None else {e.id: e for e in structure.elements}
        return self._elements[name]

    def value_set(self, url: str) -> ValueSet | None:
        entry = self.value_sets.entry(url)
        return None if entry is None else ValueSet(url, entry, self.name.short)

    def code_system(self, url: str) -> CodeSystem | None:
        entry = self.code_systems.entry(url)
        return None if entry is None else CodeSystem(url, entry, self.name.short)

    @cached_property
    def _parameters(self) -> dict[str, tuple[SearchParameter, ...]]:
        by_type: dict[str, list[SearchParameter]] = {}
        for url in self._searching:
            parameter = self._parameter(url, self._searching.entry(url) or {})
            for base in parameter.base:
                by_type.setdefault(base, []).append(parameter)
        return {base: tuple(found) for base, found in by_type.items()}

    def _parameter(self, url: str, entry: Mapping[str, Any]) -> SearchParameter:
        return SearchParameter(
            url,
            entry["code"],
            entry["type"],
            tuple(entry["base"]),
            entry.get("expression"),
            self.name.short,
            tuple(entry.get("targets", ())),
            entry.get("multipleOr"),
            entry.get("multipleAnd"),
            tuple(entry.get("comparators", ())),
            tuple(entry.get("modifiers", ())),
            tuple(entry.get("chains", ())),
            tuple((full_canonical(d), e) for d, e in entry.get("components", ())),
        )

    def search_parameters(self, resource_type: str) -> tuple[SearchParameter, ...]:
        """Those of the type itself, then of DomainResource and Resource."""
        return tuple(
            p for base in (resource_type, "DomainResource", "Resource") for p in self._parameters.get(base, ())
        )

    def capabilities(self) -> tuple[Capability, ...]:
        return tuple(
            read_capability(url, self._capabilities.entry(url) or {}, self.name.short) for url in self._capabilities
        )


def _constraint(line: Sequence[Any]) -> Constraint:
    key, severity, expression, *rest = line
    source = full_canonical(rest[0]) if rest and rest[0] else None
    return Constraint(key, severity, expression, source, len(rest) > 1 and bool(rest[1]))
