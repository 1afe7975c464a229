"""ValueSets of a package to entries of its value set table: expansions as far as the packages carry the codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from suites.profiles.compiler.extents import Codes, Extent, extent_of
from suites.profiles.compiler.packages import Package
from suites.profiles.compiler.refusing import made
from suites.profiles.terminology import CodeSystem, ValueSet

SystemElsewhere = Callable[[str], CodeSystem | None]
ValueSetElsewhere = Callable[[str], ValueSet | None]

DEEPEST = 40
"""Imports of imports that are followed; the official packages go nine deep."""


class ValueSets:
    """The value sets of one package; imports may run in circles."""

    def __init__(
        self,
        package: Package,
        own_systems: dict[str, dict[str, Any]],
        system_elsewhere: SystemElsewhere,
        value_set_elsewhere: ValueSetElsewhere,
    ) -> None:
        self._definitions = {
            d["url"]: d for d in reversed(package.definitions["ValueSet"]) if isinstance(d.get("url"), str)
        }
        self._own_systems = own_systems
        self._system_elsewhere = system_elsewhere
        self._elsewhere = value_set_elsewhere
        self._systems: dict[str, Codes | None] = {}
        self._extents: dict[str, Extent] = {}
        self._underway: set[str] = set()
        self._circles: set[str] = set()

    def entries(self, refused: list[str]) -> dict[str, dict[str, Any]]:
        """Entries by URL; what cannot be read is named in `refused`."""
        entries = {}
        for url in sorted(self._definitions):
            self._underway.clear()
            self._circles.clear()
            entry = made(self._definitions[url], partial(self._entry, url), refused)
            if entry is not None:
                entries[url] = entry
        return entries

    def _system(self, url: str) -> Codes | None:
        url = url.partition("|")[0]
        if url not in self._systems:
            elsewhere = self._system_elsewhere(url)
            own = self._own_systems.get(url)
            mine = CodeSystem(url, own, "") if own is not None else None
            # The package's own counts, unless only another package has all the codes.
            lent = elsewhere is not None and elsewhere.complete and (mine is None or not mine.complete)
            self._systems[url] = elsewhere if mine is None or lent else mine
        return self._systems[url]

    def _extent(self, url: str) -> Extent | None:
        url = url.partition("|")[0]
        if url in self._extents:
            return self._extents[url]
        definition = self._definitions.get(url)
        if definition is None:
            held = self._elsewhere(url)
            return None if held is None else _extent_of_table(held)
        if url in self._underway:
            # A value set that imports itself adds nothing to itself.
            self._circles.add(url)
            return Extent()
        if len(self._underway) > DEEPEST:
            # Kept out of the memory of extents by the circle that never closes.
            self._circles.add("")
            return Extent(missing={url})
        self._underway.add(url)
        extent = self._of(definition)
        self._underway.discard(url)
        self._circles.discard(url)
        if not self._circles:
            self._extents[url] = extent
        return extent

    def _of(self, definition: dict[str, Any]) -> Extent:
        compose, expansion = definition.get("compose"), definition.get("expansion")
        extent = extent_of(compose, self._system, self._extent) if compose else Extent()
        if expansion and (extent.open or extent.missing or not compose):
            listed = _expanded(expansion)
            if listed.codes:
                return listed
        if not compose and not expansion:
            return Extent(missing={definition["url"]})
        return extent

    def _entry(self, url: str) -> dict[str, Any]:
        extent = self._extent(url) or Extent()
        entry: dict[str, Any] = {}
        if self._definitions[url].get("version"):
            entry["version"] = self._definitions[url]["version"]
        if extent.open:
            entry["open"] = sorted(extent.open)
        out = {system: sorted(codes) for system, codes in sorted(extent.open.items()) if codes}
        if out:
            entry["excluded"] = out
        if extent.missing:
            entry["lackingValueSets"] = sorted(extent.missing)
        loose = [
            s
            for s in sorted(extent.codes)
            if (h := self._system(s)) is not None and h.complete and not h.case_sensitive
        ]
        if loose:
            entry["caseInsensitive"] = loose
        unlisted = [s for s in sorted(extent.unlisted & extent.codes.keys()) if not self._is_whole(s, extent.codes[s])]
        if unlisted:
            entry["unlisted"] = unlisted
        if extent.codes:
            entry["codes"] = {system: sorted(codes) for system, codes in sorted(extent.codes.items())}
        return entry

    def _is_whole(self, system: str, codes: set[str]) -> bool:
        held = self._system(system)
        return held is not None and held.complete and codes == set(held)


def _expanded(expansion: dict[str, Any]) -> Extent:
    extent = Extent()
    waiting = list(expansion.get("contains", ()))
    while waiting:
        item = waiting.pop()
        waiting.extend(item.get("contains", ()))
        if item.get("system") and item.get("code") and not item.get("abstract"):
            extent.codes.setdefault(item["system"], set()).add(item["code"])
    return extent


def _extent_of_table(held: ValueSet) -> Extent:
    return Extent(
        {system: set(held.codes(system)) for system in held.systems if held.codes(system)},
        {system: set(held.excluded(system)) for system in held.open_systems},
        set(held.missing_value_sets),
        set(held.unlisted),
    )
