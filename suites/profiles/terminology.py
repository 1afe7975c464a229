"""Value sets and code systems as the judging of codes needs them: which codes are in, and what could not be known.

A value set's table holds its expansion as far as the packages carry the codes; what they do not carry stays open, with the
code systems (or value sets) that were lacking, so that a code there is undecidable rather than wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from suites.profiles.facts import MEMBER, NOT_MEMBER, Membership


class CodeSystem:
    """A code system: `complete` says that every code it has is here."""

    __slots__ = (
        "_concepts",
        "_folded",
        "case_sensitive",
        "complete",
        "content",
        "guide",
        "supplements",
        "url",
        "version",
    )

    def __init__(self, url: str, entry: Mapping[str, Any], guide: str) -> None:
        self.url = url
        self.guide = guide
        self.version: str | None = entry.get("version")
        self.content: str = entry.get("content", "complete")
        self.complete = self.content == "complete"
        self.case_sensitive: bool = entry.get("caseSensitive", True)
        self.supplements: str | None = entry.get("supplements")
        self._concepts: dict[str, list[Any]] = {line[0]: line for line in map(_concept, entry.get("concepts", ()))}
        self._folded = None if self.case_sensitive else {code.casefold(): code for code in self._concepts}

    def __len__(self) -> int:
        return len(self._concepts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._concepts)

    def has(self, code: str) -> bool:
        """Whether the code is listed; where the system is not complete, False does not say that it is wrong."""
        return code in self._concepts or (self._folded is not None and code.casefold() in self._folded)

    def display(self, code: str) -> str | None:
        """The code's display, where its licence lets the tables carry it."""
        concept = self._concepts.get(code)
        if concept is None and self._folded is not None:
            concept = self._concepts.get(self._folded.get(code.casefold(), code))
        return concept[1] if concept is not None and len(concept) > 1 else None

    def parents(self, code: str) -> tuple[str, ...]:
        """Codes directly above this one."""
        concept = self._concepts.get(code)
        if concept is None or len(concept) < 3 or concept[2] is None:
            return ()
        return (concept[2],) if isinstance(concept[2], str) else tuple(concept[2])

    def properties(self, code: str) -> dict[str, Any]:
        concept = self._concepts.get(code)
        return concept[3] if concept is not None and len(concept) > 3 else {}


def _concept(line: Any) -> list[Any]:
    return [line] if isinstance(line, str) else line


class ValueSet:
    """A value set: codes by system, and the systems in which membership cannot be decided."""

    __slots__ = ("_anywhere", "_codes", "_folded", "_open", "_out", "_unknown", "guide", "unlisted", "url", "version")

    def __init__(self, url: str, entry: Mapping[str, Any], guide: str) -> None:
        self.url = url
        self.guide = guide
        self.version: str | None = entry.get("version")
        self._codes: dict[str, frozenset[str]] = {s: frozenset(c) for s, c in entry.get("codes", {}).items()}
        self._folded: dict[str, frozenset[str]] = {
            s: frozenset(c.casefold() for c in self._codes.get(s, ())) for s in entry.get("caseInsensitive", ())
        }
        self._out: dict[str, frozenset[str]] = {s: frozenset(c) for s, c in entry.get("excluded", {}).items()}
        self._open: frozenset[str] = frozenset(entry.get("open", ()))
        self._unknown: tuple[str, ...] = tuple(entry.get("lackingValueSets", ()))
        self._anywhere: frozenset[str] | None = None
        self.unlisted: frozenset[str] = frozenset(entry.get("unlisted", ()))
        """Code systems a part of which is in without being listed code by code: what a filter picks, or what is not excluded."""

    @property
    def complete(self) -> bool:
        """Whether membership is decided for every code."""
        return not self._open and not self._unknown

    @property
    def lacking(self) -> tuple[str, ...]:
        """Code systems and value sets that were not at hand."""
        return (*sorted(self._open), *self._unknown)

    @property
    def open_systems(self) -> frozenset[str]:
        """Code systems in which membership cannot be decided for every code."""
        return self._open

    @property
    def missing_value_sets(self) -> tuple[str, ...]:
        """Imported value sets that were not at hand."""
        return self._unknown

    def excluded(self, system: str) -> frozenset[str]:
        """Codes of an undecided system that are known to be out."""
        return self._out.get(system, frozenset())

    @property
    def systems(self) -> frozenset[str]:
        """Every code system the value set takes codes from."""
        return frozenset(self._codes) | self._open

    def codes(self, system: str) -> frozenset[str]:
        """The codes known to be in, of one system."""
        return self._codes.get(system, frozenset())

    def contains(self, system: str | None, code: str, version: str | None = None) -> Membership:
        """Whether the code is in. Without a system (a `code` element) any system's code of that spelling is meant."""
        if system is None:
            return self._contains_bare(code)
        listed = self._codes.get(system)
        if listed is not None and code in listed:
            return MEMBER
        folded = self._folded.get(system)
        if folded is not None and code.casefold() in folded:
            return MEMBER
        if system in self._open and code not in self._out.get(system, ()):
            return Membership(None, (system,))
        if self._unknown:
            return Membership(None, self._unknown)
        return NOT_MEMBER

    def _contains_bare(self, code: str) -> Membership:
        if self._anywhere is None:
            self._anywhere = frozenset().union(*self._codes.values())
        if code in self._anywhere or any(code.casefold() in folded for folded in self._folded.values()):
            return MEMBER
        if self._open or self._unknown:
            return Membership(None, self.lacking)
        return NOT_MEMBER
