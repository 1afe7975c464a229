"""The requirement catalogue: `suites/requirements/*.toml`, one entry a requirement, ids never reused.

An entry states level, actor, a one-line text, source and paragraph. What decides it:

    checks that cite it by `@pytest.mark.requirement("ID")`
    decided_by = ["OTHER-ID", …]  it holds when those hold: every check that cites one of them also counts here
    review = "…"                  a person must look, at this
    not_tested = "…"              nothing decides it, for this reason
    no_fault = "…"                checks decide it, but no fault of the reference payer can turn them red: why, and what does
    retired = "…"                 kept so that the id is never used again
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from reports.model import Requirement
from suites.kit.outcomes import BadTarget

FOLDER = Path(__file__).parent.parent / "requirements"
LEVELS = ("SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY")


class BadCatalogue(Exception):
    """An entry that breaks the catalogue's own rules; the message names file, id and key."""


@dataclass(frozen=True)
class Entry:
    """One requirement."""

    id: str
    level: str
    actor: str
    text: str
    source: str
    document: str
    chapter: str
    verified_by: str = "http"
    note: str = ""
    decided_by: tuple[str, ...] = ()
    review: str = ""
    not_tested: str = ""
    no_fault: str = ""
    retired: str = ""

    @property
    def binding(self) -> bool:
        """Whether a breach is a breach of a SHALL."""
        return self.level in ("SHALL", "SHALL NOT")

    def for_report(self) -> Requirement:
        """The entry as the header of a run carries it."""
        return Requirement(
            self.id,
            self.level,
            self.actor,
            self.text,
            self.source,
            self.document,
            self.chapter,
            self.review,
            self.not_tested,
        )


class Catalogue(Mapping[str, Entry]):
    """All entries by id, in file order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._umbrellas: dict[str, list[str]] = {}
        for entry in self._entries.values():
            for part in entry.decided_by:
                if part not in self._entries:
                    raise BadCatalogue(f"{entry.id}: decided_by names {part!r}, which is no entry{self.hint(part)}")
                self._umbrellas.setdefault(part, []).append(entry.id)

    def __getitem__(self, id: str) -> Entry:
        return self._entries[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def hint(self, id: str) -> str:
        """The nearest id, as the tail of a message."""
        near = difflib.get_close_matches(id.upper(), self._entries, n=1, cutoff=0.3)
        return f"; did you mean {near[0]!r}?" if near else ""

    def with_umbrellas(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Cited ids first, then every entry they help to decide, each once."""
        found: dict[str, None] = {}
        queue = list(ids)
        while queue:
            id = queue.pop(0)
            if id not in found:
                found[id] = None
                queue.extend(self._umbrellas.get(id, ()))
        return tuple(found)

    def matching(self, prefixes: Iterable[str]) -> frozenset[str]:
        """Ids that are or begin with one of the prefixes; a prefix that matches nothing is an error with the nearest id."""
        chosen: set[str] = set()
        for prefix in prefixes:
            found = {id for id in self._entries if id == prefix} or {
                id for id in self._entries if id.startswith(prefix)
            }
            if not found:
                raise BadTarget(f"no requirement begins with {prefix!r}{self.hint(prefix)}")
            chosen |= found
        return frozenset(chosen)


def read_file(path: Path) -> list[Entry]:
    """The entries of one file, checked against the catalogue's rules."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise BadCatalogue(f"{path.name}: {wrong}") from None
    return [_entry(path.name, id, value) for id, value in document.items()]


def _entry(file: str, id: str, value: Any) -> Entry:
    where = f"{file}: {id}"
    if not isinstance(value, dict):
        raise BadCatalogue(f"{where} is not a table")
    known = {field.name: field for field in fields(Entry) if field.name != "id"}
    for key, content in value.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise BadCatalogue(f"{where}: unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        wanted = list if key == "decided_by" else str
        if not isinstance(content, wanted) or not content:
            raise BadCatalogue(f"{where}: {key} must be a non-empty {wanted.__name__}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in value]
    if missing:
        raise BadCatalogue(f"{where} lacks {', '.join(missing)}")
    if value["level"] not in LEVELS:
        raise BadCatalogue(f"{where}: level {value['level']!r} is none of {', '.join(LEVELS)}")
    return Entry(id=id, **{**value, "decided_by": tuple(value.get("decided_by", ()))})


@cache
def load(folder: Path = FOLDER) -> Catalogue:
    """The whole catalogue; an id in two files is refused."""
    entries: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.toml")):
        for entry in read_file(path):
            if entry.id in entries:
                raise BadCatalogue(f"{path.name}: {entry.id} is already in another file")
            entries[entry.id] = entry
    return Catalogue(entries.values())
