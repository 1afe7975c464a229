"""A run as CSV for spreadsheets: one row a check and finding.

Cells that a spreadsheet would read as a formula are made text, because what a server answers ends up in them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from reports.html.page import written_whole
from reports.reader import Run

COLUMNS = (
    "verdict", "level", "check", "title", "chapter", "requirements", "sources", "message", "finding", "path", "expected",
    "found", "count", "judged", "not_checked", "member", "evidence", "cause", "seconds",
)  # fmt: skip


def safe(cell: object) -> str:
    """A cell no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(text) else text


def write_rows(target: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file with safe cells."""
    with written_whole(target) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([safe(cell) for cell in row] for row in rows)


def as_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """The same as text for stdout, without the last line's end."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().rstrip("\n")


def write(run: Run, target: Path) -> None:
    """Write the run as CSV; a check without findings has one row."""
    sources = {requirement.id: requirement.source for requirement in run.header.requirements}

    def rows() -> Iterable[tuple[object, ...]]:
        for result in run.results:
            for finding in result.findings or (None,):
                evidence = dict.fromkeys((*(finding.evidence if finding else ()), *result.evidence))
                yield (
                    result.verdict.name, result.level, result.check, result.title, result.chapter,
                    "; ".join(result.requirements), " | ".join(sources.get(id, "") for id in result.requirements), result.message,
                    finding.message if finding else "", finding.path if finding else "", finding.expected if finding else "",
                    finding.found if finding else "", finding.count if finding else "", result.judged,
                    "; ".join(result.not_checked), result.member, "; ".join(evidence), result.cause, f"{result.seconds:.3f}",
                )  # fmt: skip

    write_rows(target, COLUMNS, rows())


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
