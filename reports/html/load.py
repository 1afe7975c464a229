"""Load in the report: what each scenario found, by requirement too, and how it went second by second.

Files are `load.json` and `load/*.json` of a run folder, as `patient-access load` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reports.html import charts
from reports.html.blocks import Block, Cell
from reports.html.page import VERDICT_WORDS, duration, moment
from reports.model import CheckResult, Finding, Verdict
from reports.reader import BadRun, Run

CHAPTER = "load"


def results(run: Run) -> tuple[CheckResult, ...]:
    """What the load scenarios found, as results the report can file under their requirements; no part of the run's own counts."""
    levels = {requirement.id: requirement.level for requirement in run.header.requirements}
    return tuple(
        CheckResult(
            check=f"load.{name}.{number}",
            title=str(finding.get("message", "")) or name,
            chapter=CHAPTER,
            requirements=(finding["requirement"],),
            level=levels.get(finding["requirement"], ""),
            verdict=Verdict[finding["verdict"]],
            findings=(
                Finding(
                    str(finding.get("message", "")), str(finding.get("expected", "")), str(finding.get("found", ""))
                ),
            ),
        )
        for name, told in _told(run.folder)
        for number, finding in enumerate(_objects(told, "findings"), 1)
        if finding.get("requirement") in levels and finding.get("verdict") in Verdict.__members__
    )


def blocks(folder: Path) -> Iterator[Block]:
    """The load section, scenario by scenario."""
    for name, told in _told(folder):
        yield from _scenario(name, told)


def _told(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in [folder / "load.json", *sorted((folder / "load").glob("*.json"))]:
        if path.is_file():
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise BadRun(f"{path}: cannot be read: {error}") from None
            if not isinstance(told, dict):
                raise BadRun(f"{path}: a load result is a JSON object")
            yield path.stem, told


def _scenario(name: str, result: dict[str, Any]) -> Iterator[Block]:
    """A load scenario: what it found, what each phase did, and how it went second by second."""
    declared = result.get("declared") or {}
    scenario = str(result.get("scenario", name))
    limit = f"{declared['requests']} in {declared['per_seconds']} s" if declared.get("requests") else "none"
    yield Block(
        "tiles",
        rows=(
            ("Scenario", scenario, str(result.get("target", ""))),
            ("Verdict", VERDICT_WORDS.get(str(result.get("verdict", "")), str(result.get("verdict", ""))), ""),
            ("Declared limit", limit, "requests"),
            ("Duration", duration(float(result.get("seconds", 0))), moment(str(result.get("started", "")))),
        ),
    )
    for key, title in (("findings", "Findings"), ("phases", "Phases")):
        if rows := _objects(result, key):
            told = dict.fromkeys(column for row in rows for column in row)
            columns = tuple(column for column in told if any(row.get(column) not in (None, "", {}, []) for row in rows))
            cells = tuple(tuple(plain(row.get(column)) for column in columns) for row in rows)
            yield Block("table", title=f"{title}, {scenario}", columns=columns, rows=cells)
    told_seconds = {row["second"]: row for row in _objects(result, "series") if isinstance(row.get("second"), int)}
    if len(told_seconds) > 1:
        # A second nobody asked anything in is a gap in latency, and zero requests.
        every = range(min(told_seconds), max(told_seconds) + 1)
        series = [told_seconds.get(second, {"requests": 0, "refused": 0}) for second in every]
        seconds = [str(second) for second in every]
        asked: dict[str, list[float | None]] = {
            "requests": [row.get("requests") for row in series],
            "FAIL": [row.get("refused") for row in series],
        }
        yield Block(
            "chart",
            title=f"Requests a second, {scenario}",
            note="All requests, and in red those refused with 429.",
            svg=charts.lines(
                asked, seconds, f"Requests and refusals by second, {scenario}", "a second", f"load-{name}-requests"
            ),
        )
        slow: dict[str, list[float | None]] = {"p95": [row.get("p95_ms") for row in series]}
        yield Block(
            "chart",
            title=f"Latency below which 95 % fell, {scenario}",
            note="Milliseconds.",
            svg=charts.lines(
                slow, seconds, f"95th percentile of latency by second, {scenario}", "ms", f"load-{name}-p95"
            ),
        )


def _objects(result: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = result.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def plain(value: Any) -> Cell:
    """A value as a table cell."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, ensure_ascii=False)
