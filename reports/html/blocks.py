"""Plain documents: sections of tiles, facts, tables, charts and paragraphs, rendered alike in every page of this room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from reports.html.page import write_page

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Block:
    """One thing shown in a section."""

    kind: str  # tiles, facts, table, chart or text
    title: str = ""
    note: str = ""
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    svg: Markup | None = None
    folded: bool = False  # a table that opens when asked to


@dataclass(frozen=True)
class Part:
    """A section."""

    id: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


def write_document(target: Path, title: str, kicker: str, subtitle: str, parts: Iterable[Part]) -> None:
    """Write a page of sections with the style of the report."""
    write_page("document.html", target, title=title, kicker=kicker, subtitle=subtitle, parts=tuple(parts))
