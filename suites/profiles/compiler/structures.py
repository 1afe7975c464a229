"""StructureDefinitions of a package to entries of its structure table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suites.profiles.compiler.packages import Package
from suites.profiles.compiler.raw_elements import element
from suites.profiles.compiler.refusing import MALFORMED
from suites.profiles.compiler.snapshots import NoSnapshot, generate
from suites.profiles.element_lines import CORE, Elements, refined_structure, short_canonical, write_elements
from suites.profiles.facts import Constraint, Element

JUDGED_KINDS = frozenset(("resource", "complex-type", "primitive-type"))
_IMPOSES = CORE + "structuredefinition-imposeProfile"
Elsewhere = Callable[[str], tuple[Element, ...] | None]
"""Elements of a structure of another package, by canonical URL."""


class Structures:
    """The structures of one package, with snapshots made where they are missing."""

    def __init__(self, package: Package, elsewhere: Elsewhere) -> None:
        self._elsewhere = elsewhere
        self._definitions = {
            d["url"]: d
            for d in package.definitions["StructureDefinition"]
            if d.get("kind") in JUDGED_KINDS and isinstance(d.get("url"), str)
        }
        self._version = package.version
        self._elements: dict[str, tuple[Element, ...]] = {}
        self._underway: list[str] = []
        self._constraints: dict[Constraint, str] = {}
        self._names: set[str] = set()

    def elements(self, url: str) -> tuple[Element, ...] | None:
        """The snapshot of a structure of this package or of another one."""
        url = url.partition("|")[0]
        definition = self._definitions.get(url)
        if definition is None:
            return self._elsewhere(url)
        if url not in self._elements:
            if url in self._underway:
                circle = " -> ".join([*self._underway[self._underway.index(url) :], url])
                raise NoSnapshot(f"{url}: has no snapshot, and needs its own to make one ({circle})")
            self._underway.append(url)
            try:
                self._elements[url] = self._snapshot(definition)
            finally:
                self._underway.pop()
        return self._elements[url]

    def _snapshot(self, definition: dict[str, Any]) -> tuple[Element, ...]:
        snapshot = definition.get("snapshot", {}).get("element")
        if not snapshot:
            return generate(definition, self.elements)
        return tuple(element(raw) for raw in snapshot)

    def entries(self) -> tuple[dict[str, dict[str, Any]], dict[str, list[Any]], list[str]]:
        """Entries by URL, the invariants they share, and why some structures have no entry."""
        entries: dict[str, dict[str, Any]] = {}
        refused: list[str] = []
        for url in sorted(self._definitions):
            try:
                entries[url] = self._entry(url, self._definitions[url])
            except NoSnapshot as reason:
                refused.append(str(reason))
            except MALFORMED as broken:
                refused.append(f"{url}: not a StructureDefinition we can read ({type(broken).__name__}: {broken})")
        constraints = {name: _constraint_line(c) for c, name in self._constraints.items()}
        return entries, dict(sorted(constraints.items())), refused

    def _entry(self, url: str, definition: dict[str, Any]) -> dict[str, Any]:
        elements = self.elements(url) or ()
        entry: dict[str, Any] = {"name": definition["name"], "type": definition["type"], "kind": definition["kind"]}
        if definition.get("version", self._version) != self._version:
            entry["version"] = definition["version"]
        if definition.get("derivation"):
            entry["derivation"] = definition["derivation"]
        base = definition.get("baseDefinition")
        if base:
            entry["base"] = short_canonical(base)
        if definition.get("abstract"):
            entry["abstract"] = True
        if definition.get("context"):
            entry["contexts"] = [[c["type"], c["expression"]] for c in definition["context"]]
        if definition.get("contextInvariant"):
            entry["contextInvariants"] = definition["contextInvariant"]
        imposed = [e["valueCanonical"] for e in definition.get("extension", ()) if e.get("url") == _IMPOSES]
        if imposed:
            entry["imposes"] = imposed
        refined, root = self._refined_base(url, base, definition["type"])
        entry["elements"] = write_elements(elements, refined, root, self._type_elements, self._constraint_name)
        return entry

    def _refined_base(self, url: str, base: str | None, type_name: str) -> tuple[Elements, str | None]:
        """Mirrors `GuideTables.refined_base`, which finds the same elements when the table is read."""
        source = refined_structure(url, base, type_name, self._base_here)
        if source is None:
            return {}, None
        elements = self.elements(source)
        if not elements:
            return {}, None
        return {e.id: e for e in elements}, elements[0].id

    def _base_here(self, url: str) -> str | None:
        definition = self._definitions.get(url)
        return None if definition is None else str(definition.get("baseDefinition") or "")

    def _type_elements(self, name: str) -> Elements | None:
        if ":" in name or "/" in name:
            return None
        elements = self.elements(CORE + name)
        return None if elements is None else {e.id: e for e in elements}

    def _constraint_name(self, constraint: Constraint) -> str:
        name = self._constraints.get(constraint)
        if name is None:
            name, number = constraint.key, 1
            while name in self._names:
                number += 1
                name = f"{constraint.key}~{number}"
            self._names.add(name)
            self._constraints[constraint] = name
        return name


def _constraint_line(constraint: Constraint) -> list[Any]:
    line: list[Any] = [constraint.key, constraint.severity, constraint.expression]
    if constraint.source or constraint.best_practice:
        line.append(short_canonical(constraint.source) if constraint.source else None)
    if constraint.best_practice:
        line.append(True)
    return line
