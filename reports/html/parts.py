"""Parts of the report a run has only sometimes, read from files in its folder; a section is there when its file is.

    metrics/usage.json, metrics/prior-authorization.json    as `patient-access metrics … --format json` writes them
    load.json or load/*.json                                numbers and timelines of load scenarios
    certificate.json                                        what an app certification signed
    review.toml                                             [[decision]] requirement, decision, by, date, note

A file that is there and cannot be read stops the report: a section left out in silence would mislead.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reports.html import charts
from reports.html.blocks import Block, Cell, Part
from reports.reader import BadRun, Run


def read(run: Run) -> tuple[Part, ...]:
    """The parts this run has."""
    return tuple(_parts(run))


def decisions(folder: Path) -> dict[str, dict[str, str]]:
    """Recorded review decisions by requirement."""
    path = folder / "review.toml"
    recorded = {}
    for entry in _toml(path).get("decision", []):
        missing = [name for name in ("requirement", "decision", "by", "date") if not entry.get(name)]
        if missing or entry["decision"] not in ("accepted", "rejected"):
            raise BadRun(f"{path}: a decision needs requirement, decision (accepted or rejected), by and date: {entry}")
        recorded[str(entry["requirement"])] = {"note": "", **{name: str(value) for name, value in entry.items()}}
    return recorded


def _parts(run: Run) -> Iterator[Part]:
    folder = run.folder
    usage, prior = folder / "metrics" / "usage.json", folder / "metrics" / "prior-authorization.json"
    metrics = [*(_usage(_json(usage)) if usage.is_file() else ()), *(_prior(_json(prior)) if prior.is_file() else ())]
    if metrics:
        lead = "CMS-0057-F figures as computed for this target. Usage is reported to CMS; prior authorization figures are public."
        yield Part("metrics", "Metrics", lead, tuple(metrics))
    loads = [path for path in [folder / "load.json", *sorted((folder / "load").glob("*.json"))] if path.is_file()]
    blocks = [block for path in loads for block in _load(path.stem, _json(path))]
    if blocks:
        yield Part("load", "Load", "Members' journeys at speed, against the limits the payer declares.", tuple(blocks))
    certificate = folder / "certificate.json"
    if certificate.is_file():
        yield Part("certificate", "App certificate", "", (_facts(_json(certificate)),))
    waived = [result for result in run.results if "waiver" in result.tables]
    if waived:
        rows = tuple(
            (
                one.title,
                ", ".join(one.requirements),
                one.verdict.name,
                one.tables["waiver"]["reason"],
                one.tables["waiver"]["until"],
            )
            for one in waived
        )
        table = Block("table", columns=("check", "requirements", "verdict", "reason", "until"), rows=rows)
        lead = "Known breaches someone answers for until a day. A live waiver takes a breach out of the verdict of the run; it stays visible here."
        yield Part("waivers", "Waivers", lead, (table,))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRun(f"{path}: cannot be read: {error}") from None


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRun(f"{path}: cannot be read: {error}") from None


def _usage(figures: dict[str, Any]) -> Iterator[Block]:
    units = figures.get("reporting_units", [])
    yield Block(
        "table",
        title=f"Patient Access API usage, {figures.get('year', '')}",
        note=f"A transfer is counted by mode {figures.get('mode', '')}. Units are not summed: a person may be in several.",
        columns=("reporting unit", "members with a transfer", "members with more than one"),
        rows=tuple((unit["id"], unit["members"], unit["members_repeat"]) for unit in units),
    )


def _prior(figures: dict[str, Any]) -> Iterator[Block]:
    for unit in figures.get("reporting_units", []):
        rows = []
        for kind, time in (("standard", "days"), ("expedited", "hours")):
            one = unit.get(kind, {})
            for name, label in (
                ("determined", "determined"), ("approved_percent", "approved, %"), ("denied_percent", "denied, %"),
                ("approved_after_appeal_percent", "approved after appeal, %"),
                (f"mean_{time}", f"average time, {time}"), (f"median_{time}", f"median time, {time}"),
            ):  # fmt: skip
                if name in one:
                    value = one[name]
                    rows.append((f"{kind.capitalize()}: {label}", "not applicable" if value is None else value))
        rows.append(("Extended and approved, %", unit.get("extended_and_approved_percent") or "not applicable"))
        yield Block(
            "table",
            title=f"Prior authorization, {unit['id']}",
            note=f"Basis {figures.get('basis', '')}, partial approvals as {figures.get('partials', '')}.",
            columns=("metric", "figure"),
            rows=tuple(rows),
        )


def _load(name: str, result: Any) -> Iterator[Block]:
    """Scalars as tiles, lists of numbers over time as charts, lists of objects as tables."""
    title = name.replace("_", " ").replace("-", " ").capitalize()
    scalars = [(key, value) for key, value in result.items() if isinstance(value, str | int | float) and value != ""]
    if scalars:
        yield Block(
            "tiles",
            rows=tuple(
                (key.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else value, "")
                for key, value in scalars
            ),
        )
    for key, value in result.items():
        label = f"{title}: {key.replace('_', ' ')}"
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            axis = next((one for one in ("second", "seconds", "at", "time", "step") if one in value[0]), "")
            series = [
                one
                for one in value[0]
                if one != axis and all(isinstance(row.get(one), int | float | None) for row in value)
            ]
            if axis and series and len(value) > 2:
                for one in series:
                    svg = charts.lines(
                        {one: [row.get(one) for row in value]},
                        [str(row[axis]) for row in value],
                        f"{label}, {one}",
                        id=f"load-{name}-{key}-{one}",
                    )
                    yield Block("chart", title=f"{label}: {one.replace('_', ' ')}", svg=svg)
            else:
                columns = tuple(value[0])
                yield Block(
                    "table",
                    title=label,
                    columns=columns,
                    rows=tuple(tuple(_plain(row.get(one)) for one in columns) for row in value),
                )
        elif isinstance(value, dict) and value:
            yield _facts(value, label)


def _facts(value: dict[str, Any], title: str = "") -> Block:
    return Block(
        "facts",
        title=title,
        rows=tuple((key.replace("_", " ").capitalize(), _plain(one)) for key, one in value.items()),
    )


def _plain(value: Any) -> Cell:
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, ensure_ascii=False)
