"""A folder of runs over time: trend lines of verdicts and duration, and what changed from each run to the next.

Runs that cannot be read are listed with the reason; leaving them out in silence would flatter the trend.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reports.html.blocks import Block, Part, write_document
from reports.html.charts import lines
from reports.html.page import VERDICT_WORDS, moment, written_whole
from reports.model import CheckResult, Header, Verdict, run_verdict
from reports.reader import BadRun, read

DEEP = 4  # folders below the one named


@dataclass(frozen=True)
class Point:
    """One run in a few numbers."""

    folder: str
    target: str
    version: str
    started: str
    seconds: float
    verdict: str
    counts: dict[str, int]
    failed: frozenset[str]
    new_failures: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """Runs in the order they started, and those that could not be read."""

    points: tuple[Point, ...]
    unreadable: tuple[tuple[str, str], ...]


def history(folder: Path) -> History:
    """Read every run below a folder."""
    if not folder.is_dir():
        raise BadRun(f"{folder}: no such folder")
    points: list[Point] = []
    unreadable = []
    for path in sorted(folder.rglob("run.jsonl")):
        name = path.parent.relative_to(folder).as_posix()
        if len(path.relative_to(folder).parts) > DEEP + 1:
            continue
        try:
            points.append(_point(path, name))
        except BadRun as error:
            unreadable.append((name, str(error).removeprefix(f"{path}").lstrip(":")))
    if not points and not unreadable:
        raise BadRun(f"{folder}: holds no run (no run.jsonl in it or below)")
    points.sort(key=lambda point: (point.started, point.folder))
    return History(tuple(_with_changes(points)), tuple(unreadable))


def _point(path: Path, name: str) -> Point:
    header: Header | None = None
    results: list[CheckResult] = []
    seconds = 0.0
    for part in read(path):
        if isinstance(part, Header):
            header = part
        elif isinstance(part, CheckResult):
            results.append(part)
        else:
            seconds = part.seconds
    if header is None:  # read() has refused such a file before
        raise BadRun(f"{path}: no header")
    return Point(
        folder=name,
        target=str(header.target.get("name", "")),
        version=header.versions.get("patient-access-conformance", ""),
        started=header.started,
        seconds=seconds,
        verdict=run_verdict(results).name,
        counts=dict(Counter(result.verdict.name for result in results)),
        failed=frozenset(result.check for result in results if result.verdict is Verdict.FAIL),
    )


def _with_changes(points: list[Point]) -> list[Point]:
    """Each run beside the run of the same target before it."""
    last: dict[str, Point] = {}
    told = []
    for point in points:
        before = last.get(point.target)
        changed = {
            "new_failures": tuple(sorted(point.failed - before.failed)) if before else (),
            "fixed": tuple(sorted(before.failed - point.failed)) if before else (),
        }
        told.append(Point(**{**{name: getattr(point, name) for name in point.__dataclass_fields__}, **changed}))
        last[point.target] = point
    return told


def as_json(found: History) -> dict[str, Any]:
    """The history for machines."""
    runs = [{**asdict(point), "failed": sorted(point.failed)} for point in found.points]
    return {"runs": runs, "unreadable": [{"folder": name, "reason": reason} for name, reason in found.unreadable]}


def write(found: History, format: str, target: Path) -> None:
    """Write the history as JSON or as a page with trend lines."""
    if format == "json":
        with written_whole(target) as file:
            file.write(json.dumps(as_json(found), indent=2) + "\n")
        return
    points = found.points
    days = [moment(point.started)[:10] for point in points]
    if len(set(days)) < len(days):  # several runs a day are told apart by their hour
        days = [moment(point.started)[5:16] for point in points]
    blocks = []
    if points:
        series: dict[str, list[float | None]] = {
            name: [float(point.counts.get(name, 0)) for point in points] for name in ("PASS", "FAIL", "INCONCLUSIVE")
        }
        blocks = [
            Block(
                "chart",
                title="Checks by verdict",
                svg=lines(series, days, "Checks by verdict, run by run", "checks", "verdicts"),
                note="Passed, failed and inconclusive (dashed).",
            ),
            Block(
                "chart",
                title="Failures",
                svg=lines({"FAIL": series["FAIL"]}, days, "Failed checks, run by run", "checks", "failures"),
            ),
            Block(
                "chart",
                title="Duration",
                svg=lines(
                    {"seconds": [point.seconds for point in points]}, days, "Duration of the run", "seconds", "duration"
                ),
            ),
        ]
    rows = tuple(
        (
            moment(point.started), point.target, point.version, point.verdict, point.counts.get("PASS", 0), point.counts.get("FAIL", 0),
            point.counts.get("INCONCLUSIVE", 0), _names(point.new_failures), _names(point.fixed), point.folder,
        )
        for point in reversed(points)
    )  # fmt: skip
    columns = (
        "started",
        "target",
        "version",
        "verdict",
        "passed",
        "failed",
        "inconclusive",
        "new failures",
        "fixed",
        "folder",
    )
    parts = [
        Part("trends", "Trends", f"{len(points)} runs.", tuple(blocks)),
        Part("runs", "Runs", "Latest first.", (Block("table", columns=columns, rows=rows),)),
    ]
    if found.unreadable:
        table = Block("table", columns=("folder", "reason"), rows=found.unreadable)
        parts.append(Part("unreadable", "Runs that could not be read", "They are in no trend.", (table,)))
    last = f"Latest: {VERDICT_WORDS[points[-1].verdict]}, {moment(points[-1].started)}" if points else ""
    write_document(target, "History of conformance runs", "CMS Patient Access API conformance", last, parts)


def _names(checks: tuple[str, ...]) -> str:
    return ", ".join(checks[:5]) + (f" and {len(checks) - 5} more" if len(checks) > 5 else "")
