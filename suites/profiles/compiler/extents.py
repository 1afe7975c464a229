"""Which codes a value set's definition covers, as far as the packages tell (FHIR R4, ValueSet.compose).

An extent is the codes known to be in, the systems in which anything not known to be out may be in, and the value sets
that could not be found. Union, intersection and exclusion keep what is not known apart from what is not in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST_LISTED = 5000
"""An enumeration of another's code system longer than this is left to a terminology server."""


class Codes(Protocol):
    """What the evaluation of a filter asks of a code system (`terminology.CodeSystem` is one)."""

    complete: bool
    case_sensitive: bool

    def __iter__(self) -> Any: ...
    def has(self, code: str) -> bool: ...
    def parents(self, code: str) -> tuple[str, ...]: ...
    def properties(self, code: str) -> dict[str, Any]: ...


@dataclass
class Extent:
    codes: dict[str, set[str]] = field(default_factory=dict)
    open: dict[str, set[str]] = field(default_factory=dict)
    """System to the codes of it that are known to be out."""
    missing: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    """Systems whose codes were not listed one by one: all of them, or those a filter picks, perhaps less some."""

    def add(self, other: Extent) -> None:
        """Union."""
        for system, codes in other.codes.items():
            self.codes.setdefault(system, set()).update(codes)
        for system, out in other.open.items():
            known = self.open.get(system)
            self.open[system] = set(out) if known is None else known & out
        self.missing |= other.missing
        self.unlisted |= other.unlisted

    def common(self, other: Extent) -> Extent:
        """Intersection."""
        result = self._judged(
            other,
            lambda mine, theirs: mine and theirs,
            (self.missing | other.missing) if self.missing and other.missing else set(),
        )
        result.unlisted |= other.unlisted
        return result

    def without(self, other: Extent) -> Extent:
        """Exclusion; where it cannot be known what is excluded, nothing stays certain."""
        return self._judged(other, lambda mine, theirs: mine and not theirs, set(self.missing))

    def status(self, system: str, code: str | None) -> bool | None:
        """Whether a code is in; a code of None stands for every code that is not named anywhere."""
        if code is not None and code in self.codes.get(system, ()):
            return True
        if self.missing or (system in self.open and (code is None or code not in self.open[system])):
            return None
        return False

    def _named(self, system: str) -> set[str]:
        return self.codes.get(system, set()) | self.open.get(system, set())

    def _judged(self, other: Extent, rule: Callable[[bool, bool], bool], missing: set[str]) -> Extent:
        """Both extents code by code. One undecided code opens its system: an extent cannot name undecided codes."""
        result = Extent(missing=missing, unlisted=set(self.unlisted))
        for system in self.codes.keys() | self.open.keys() | other.codes.keys() | other.open.keys():
            verdicts = {
                code: _decided(self.status(system, code), other.status(system, code), rule)
                for code in self._named(system) | other._named(system)
            }
            rest = _decided(self.status(system, None), other.status(system, None), rule)
            inside = {code for code, verdict in verdicts.items() if verdict}
            if inside:
                result.codes[system] = inside
            if rest is None or None in verdicts.values():
                result.open[system] = {code for code, verdict in verdicts.items() if verdict is False}
        return result


def _decided(mine: bool | None, theirs: bool | None, rule: Callable[[bool, bool], bool]) -> bool | None:
    possible = {rule(a, b) for a in _may(mine) for b in _may(theirs)}
    return possible.pop() if len(possible) == 1 else None


def _may(status: bool | None) -> tuple[bool, ...]:
    return (True, False) if status is None else (status,)


Find = Callable[[str], Codes | None]
FindExtent = Callable[[str], Extent | None]


def extent_of(compose: Mapping[str, Any], find_system: Find, find_extent: FindExtent) -> Extent:
    """The extent of a compose."""
    whole = Extent()
    for include in compose.get("include", ()):
        whole.add(_part(include, find_system, find_extent))
    for exclude in compose.get("exclude", ()):
        whole = whole.without(_part(exclude, find_system, find_extent))
    return whole


def _part(include: Mapping[str, Any], find_system: Find, find_extent: FindExtent) -> Extent:
    parts = []
    if include.get("system"):
        parts.append(_of_system(include, find_system))
    for url in include.get("valueSet", ()):
        imported = find_extent(url)
        parts.append(Extent(missing={url}) if imported is None else imported)
    if not parts:
        return Extent()
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.common(part)
    return whole


def _of_system(include: Mapping[str, Any], find_system: Find) -> Extent:
    system = include["system"]
    held = find_system(system)
    listed = include.get("concept")
    if listed:
        if len(listed) > MOST_LISTED and (held is None or not held.complete):
            return Extent(open={system: set()})
        return Extent(codes={system: {c["code"] for c in listed if "code" in c}})
    if held is None or not held.complete:
        return Extent(open={system: set()})
    codes: set[str] | None = set(held)
    for stated in include.get("filter", ()):
        passing = filtered(held, stated.get("property", ""), stated.get("op", ""), str(stated.get("value", "")))
        if passing is None or codes is None:
            return Extent(open={system: set()})
        codes &= passing
    return Extent(codes={system: codes}, unlisted={system}) if codes else Extent()


def filtered(held: Codes, name: str, op: str, value: str) -> set[str] | None:
    """Codes of a complete code system that pass a filter; None where the filter cannot be answered."""
    everything = set(held)
    if name in ("concept", "code") and op in ("is-a", "descendent-of", "is-not-a", "generalizes"):
        return _by_hierarchy(held, everything, op, value)
    if op == "regex":
        return _by_regex(held, everything, name, value)
    if op in ("in", "not-in"):
        wanted = {v.strip() for v in value.split(",")}
        inside = {c for c in everything if _values(held, c, name) & wanted}
        return inside if op == "in" else everything - inside
    if op == "exists":
        having = {c for c in everything if _values(held, c, name)}
        return having if value == "true" else everything - having
    if op == "=":
        if name in ("concept", "code"):
            return everything & {value}
        if name == "parent":
            return {c for c in everything if value in held.parents(c)}
        found = {c for c in everything if value in _values(held, c, name)}
        # A property no concept states is not known to be other than asked for, except where false is what silence means.
        if value == "false" and name in ("notSelectable", "abstract", "inactive", "deprecated"):
            return everything - {c for c in everything if "true" in _values(held, c, name)}
        return found if found or any(_values(held, c, name) for c in everything) else None
    return None


def _values(held: Codes, code: str, name: str) -> set[str]:
    if name in ("concept", "code"):
        return {code}
    if name == "parent":
        return set(held.parents(code))
    value = held.properties(code).get(name)
    if value is None:
        return set()
    return {str(value).lower() if isinstance(value, bool) else str(value)}


def _by_hierarchy(held: Codes, everything: set[str], op: str, value: str) -> set[str] | None:
    if not held.has(value):
        return set() if op != "is-not-a" else everything
    if op == "generalizes":
        above: set[str] = set()
        waiting = [value]
        while waiting:
            code = waiting.pop()
            if code not in above:
                above.add(code)
                waiting.extend(held.parents(code))
        return above & everything
    below = _descendants(held, everything, value)
    if op == "descendent-of":
        return below - {value}
    return below if op == "is-a" else everything - below


def _descendants(held: Codes, everything: Iterable[str], value: str) -> set[str]:
    """The code and every code below it."""
    children: dict[str, list[str]] = {}
    for code in everything:
        for above in held.parents(code):
            children.setdefault(above, []).append(code)
    below: set[str] = set()
    waiting = [value]
    while waiting:
        code = waiting.pop()
        if code not in below:
            below.add(code)
            waiting.extend(children.get(code, ()))
    return below


_REPEATED_GROUP = re.compile(r"\)[*+{]|[*+}][*+{]")
"""A repeated group can take a backtracking matcher ages; such a filter is left unanswered."""


def _by_regex(held: Codes, everything: set[str], name: str, value: str) -> set[str] | None:
    if len(value) > 1000 or _REPEATED_GROUP.search(value):
        return None
    try:
        pattern = re.compile(value)
    except re.error:
        return None
    return {c for c in everything if any(pattern.fullmatch(v) for v in _values(held, c, name))}
