"""Where the tables of a guide are: shipped with us, compiled from packages given, or from the FHIR package cache.

Leaves to others: compiling (`compiler`), reading (`guide_tables`).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from suites.profiles.guide_tables import GuideTables
from suites.profiles.guides import GuideName, UnknownGuide
from suites.profiles.tables import SHIPPED

CORE_GUIDE = GuideName("hl7.fhir.r4.core", "4.0.1")
TERMINOLOGY_GUIDE = GuideName("hl7.terminology", "5.3.0")
EXTENSIONS_GUIDE = GuideName("hl7.fhir.uv.extensions.r4", "1.0.0")
_BASE_PACKAGES = (
    "hl7.fhir.r4.core",
    "hl7.terminology",
    "hl7.terminology.r4",
    "hl7.fhir.uv.extensions.r4",
    "hl7.fhir.uv.extensions",
)


@lru_cache(maxsize=64)
def _tables_in(folder: Path) -> GuideTables:
    return GuideTables(folder)


def forget() -> None:
    """Read tables anew: some were just written."""
    _tables_in.cache_clear()


def shipped(name: GuideName) -> GuideTables | None:
    """The tables of a guide that ships with us."""
    folder = SHIPPED / name.folder
    return _tables_in(folder) if (folder / "guide.json").is_file() else None


def shipped_guides() -> list[GuideTables]:
    """Every guide that ships with us, by name."""
    return [_tables_in(folder) for folder in sorted(SHIPPED.iterdir()) if (folder / "guide.json").is_file()]


def base_guides() -> tuple[GuideTables, GuideTables, GuideTables]:
    """FHIR R4 core, HL7 terminology, extensions: always at hand."""
    core, terminology, extensions = (
        _tables_in(SHIPPED / name.folder) for name in (CORE_GUIDE, TERMINOLOGY_GUIDE, EXTENSIONS_GUIDE)
    )
    return core, terminology, extensions


def find_guides(names: Sequence[GuideName], packages: Sequence[Path]) -> list[GuideTables]:
    """The guides named, in order, then the packages given, then the guides they depend on that are at hand.

    A package given counts before the shipped tables of the same guide and version.
    """
    given = {tables.name: tables for tables in _given(packages)}
    found = {name: given.get(name) or _named(name) for name in names} | given
    waiting = list(found.values())
    while waiting:
        for tables in dependencies_of(waiting.pop(0).about.get("dependencies", {})):
            if tables.name not in found:
                found[tables.name] = tables
                waiting.append(tables)
    return list(found.values())


def dependencies_of(dependencies: Mapping[str, str]) -> list[GuideTables]:
    """The guides a package depends on that are at hand, the base left out."""
    found = []
    for package, version in dependencies.items():
        name = GuideName(package, version)
        tables = at_hand(name) if name.package not in _BASE_PACKAGES else None
        if tables is not None:
            found.append(tables)
    return found


def at_hand(name: GuideName) -> GuideTables | None:
    """The tables of a guide: shipped, or made now from the FHIR package cache."""
    tables = shipped(name)
    if tables is not None:
        return tables
    unpacked = fhir_package_cache() / f"{name.package}#{name.version}" / "package"
    if not (unpacked / "package.json").is_file():
        return None
    # Compiling is a large import that a run with shipped guides never needs.
    from suites.profiles.brought import from_package_cache

    folder = from_package_cache(name, unpacked)
    return None if folder is None else _tables_in(folder)


def fhir_package_cache() -> Path:
    """Where FHIR tools keep packages: `FHIR_PACKAGE_CACHE`, else `~/.fhir/packages`."""
    return Path(os.environ.get("FHIR_PACKAGE_CACHE", Path.home() / ".fhir" / "packages"))


def _given(packages: Sequence[Path]) -> list[GuideTables]:
    if not packages:
        return []
    from suites.profiles.brought import compiled

    return [_tables_in(folder) for folder in compiled(packages)]


def _named(name: GuideName) -> GuideTables:
    tables = at_hand(name)
    if tables is not None:
        return tables
    known = [guide.name.short for guide in shipped_guides()]
    near = difflib.get_close_matches(name.short, known, n=1, cutoff=0.3)
    hint = f"; the nearest one here is {near[0]}" if near else ""
    raise UnknownGuide(
        f"{name.short} is not among the guides at hand{hint}. 'patient-access profiles list' names them all; any other"
        " comes with --package, or from the FHIR package cache"
    )
