"""What is at hand: guides with their profiles and value sets, and what nothing here can decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suites.profiles.fhirpath import NotFHIRPath, compile_invariant
from suites.profiles.finding import find_guides, shipped_guides
from suites.profiles.guide_tables import GuideTables
from suites.profiles.guides import parse_guide


def chosen(guides: Sequence[str], packages: Sequence[Path]) -> list[GuideTables]:
    """The guides asked for, or all that ship with us and the packages given."""
    if guides:
        names = [parse_guide(g) for g in guides]
        return [tables for tables in find_guides(names, packages) if tables.name in names]
    brought = find_guides((), packages)[: len(packages)] if packages else []
    return [*shipped_guides(), *brought]


def described(tables: GuideTables) -> dict[str, Any]:
    """One guide, as `profiles list --format json` prints it."""
    headers = tables.headers()
    about = tables.about
    return {
        "guide": tables.name.short,
        "package": tables.name.package,
        "version": tables.name.version,
        "sha256": about["sha256"],
        "dependencies": dict(about.get("dependencies", {})),
        "profiles": sorted(h.url for h in headers if h.derivation == "constraint" and h.type != "Extension"),
        "extensions": sorted(h.url for h in headers if h.type == "Extension" and h.derivation == "constraint"),
        "value_sets": about["counts"]["value_sets"],
        "undecidable_value_sets": sum(1 for url in tables.value_sets if _is_open(tables, url)),
        "not_checkable": {
            "code_systems": sorted(what for what in about["lacking"] if what not in _imported(tables)),
            "value_sets": sorted(_imported(tables)),
            "invariants": not_evaluable(tables),
            "structures": list(about["refused"]),
        },
    }


def _is_open(tables: GuideTables, url: str) -> bool:
    line = tables.value_sets.first_line(url) or {}
    return "open" in line or "lackingValueSets" in line


def _imported(tables: GuideTables) -> set[str]:
    lines = (tables.value_sets.first_line(url) or {} for url in tables.value_sets)
    return {name for line in lines for name in line.get("lackingValueSets", ())}


def not_evaluable(tables: GuideTables) -> list[dict[str, str]]:
    """Invariants that are not FHIRPath, or have none: reported, never failed."""
    found = []
    for constraint in tables.constraints.values():
        if constraint.expression is None:
            found.append({"key": constraint.key, "reason": "the guide gives no expression"})
            continue
        try:
            compile_invariant(constraint.expression)
        except NotFHIRPath as reason:
            found.append({"key": constraint.key, "reason": str(reason)})
    return found
