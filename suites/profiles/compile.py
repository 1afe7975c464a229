"""`patient-access profiles compile`: an official FHIR package to the tables of its guide.

Reads the package (`compiler.packages`), makes missing snapshots, expands value sets with the code systems of the package
and of the guides it depends on, and writes one folder of tables. What could not be compiled is named in `guide.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites.profiles.compiler.code_systems import code_system_entries
from suites.profiles.compiler.packages import Package, read_package
from suites.profiles.compiler.searching import capability_entries, search_parameter_entries
from suites.profiles.compiler.structures import Structures
from suites.profiles.compiler.value_sets import ValueSets
from suites.profiles.compiler.writing import table_text, write_folder
from suites.profiles.facts import Element
from suites.profiles.finding import base_guides, dependencies_of, forget
from suites.profiles.guide_tables import GuideTables
from suites.profiles.guides import GuideName
from suites.profiles.terminology import CodeSystem, ValueSet

FORMAT = 1
_CORE = "hl7.fhir.r4.core"


@dataclass(frozen=True)
class Compiled:
    """The tables of a guide as bytes by file name, and what was refused."""

    name: GuideName
    sha256: str
    files: dict[str, bytes]
    counts: dict[str, int]
    refused: tuple[str, ...]

    def write(self, parent: Path) -> Path:
        """Write the guide's folder under `parent`."""
        folder = parent / self.name.folder
        write_folder(folder, self.files)
        forget()
        return folder


def compile_file(path: Path, more: Sequence[GuideTables] = ()) -> Compiled:
    """Compile a package file; `more` are tables of guides it may depend on that are not shipped."""
    return compile_package(read_package(path), more)


def compile_package(package: Package, more: Sequence[GuideTables] = ()) -> Compiled:
    """Compile what was read of a package."""
    elsewhere = _Elsewhere(package, more)
    origin: dict[str, Any] = {
        "format": FORMAT,
        "package": package.name,
        "version": package.version,
        "sha256": package.sha256,
    }
    structures, constraints, refused = Structures(package, elsewhere.elements).entries()
    systems = code_system_entries(package, refused)
    value_sets = ValueSets(package, systems, elsewhere.code_system, elsewhere.value_set).entries(refused)
    parameters = search_parameter_entries(package, refused)
    # The base specification's own statements list every parameter of every type: they ask nothing of anybody.
    capabilities = {} if package.name == _CORE else capability_entries(package, refused)
    counts = {
        "profiles": _constraining(structures, extensions=False),
        "extensions": _constraining(structures, extensions=True),
        "value_sets": len(value_sets),
        "code_systems": len(systems),
        "search_parameters": len(parameters),
        "capability_statements": len(capabilities),
    }
    guide = {
        **origin,
        "canonical": package.canonical,
        "dependencies": dict(sorted(package.dependencies.items())),
        "counts": counts,
        "lacking": _lacking(value_sets),
        "refused": list(refused),
    }
    files = {
        "guide.json": table_text(guide, {}),
        "structures.json": table_text({**origin, "constraints": constraints}, structures),
        "value_sets.json": table_text(origin, value_sets),
        "code_systems.json": table_text(origin, systems),
        "search_parameters.json": table_text(origin, parameters),
        "capabilities.json": table_text(origin, capabilities),
    }
    kept = {name: body for name, body in files.items() if name == "guide.json" or body != _empty(origin, name)}
    return Compiled(GuideName(package.name, package.version), package.sha256, kept, counts, tuple(refused))


def _constraining(structures: dict[str, dict[str, Any]], *, extensions: bool) -> int:
    return sum(
        1
        for entry in structures.values()
        if entry.get("derivation") == "constraint" and (entry["type"] == "Extension") is extensions
    )


def _empty(origin: dict[str, Any], name: str) -> bytes:
    return table_text({**origin, "constraints": {}} if name == "structures.json" else origin, {})


def _lacking(value_sets: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Code systems and value sets that were not at hand, with the number of value sets that lack them."""
    lacking: dict[str, int] = {}
    for entry in value_sets.values():
        for what in (*entry.get("open", ()), *entry.get("lackingValueSets", ())):
            lacking[what] = lacking.get(what, 0) + 1
    return dict(sorted(lacking.items()))


class _Elsewhere:
    """What other packages hold: the guides depended on, then the base, the package itself left out."""

    def __init__(self, package: Package, more: Sequence[GuideTables]) -> None:
        core, terminology, extensions = base_guides()
        own = GuideName(package.name, package.version)
        order = (*more, *dependencies_of(package.dependencies), terminology, core, extensions)
        self._guides = [g for g in dict.fromkeys(order) if g.exists and g.name != own]
        self._core = core

    def elements(self, url: str) -> tuple[Element, ...] | None:
        url = url.partition("|")[0]
        for guide in self._guides:
            structure = guide.structure(url, self._core)
            if structure is not None:
                return structure.elements
        return None

    def code_system(self, url: str) -> CodeSystem | None:
        found = [s for g in self._guides if (s := g.code_system(url)) is not None]
        return next((s for s in found if s.complete), found[0] if found else None)

    def value_set(self, url: str) -> ValueSet | None:
        return next((v for g in self._guides if (v := g.value_set(url)) is not None), None)
