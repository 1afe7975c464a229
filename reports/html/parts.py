"""Parts of the report a run has only sometimes, read from files in its folder; a section is there when its file is.

    metrics/usage.json, metrics/prior-authorization.json    as `patient-access metrics … --format json` writes them
    load.json or load/*.json                                numbers and timelines of load scenarios
    certificate.json                                        what an app certification signed
    proof.json                                              what `patient-access prove` found
    review.toml                                             [[decision]] requirement, decision, by, date, note

A file that is there and cannot be read stops the report: a section left out in silence would mislead.
"""

from __future__ import annotations

import calendar
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reports.html import charts, load, proving
from reports.html.blocks import Block, Part
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


def proof(run: Run, given: Path | None = None) -> dict[str, Any]:
    """How much the suite is proved: by the proof given, the one in the run's folder, or what the header keeps of one."""
    path = given or run.folder / "proof.json"
    return proving.read(path) if given or path.is_file() else run.header.proof


def _parts(run: Run) -> Iterator[Part]:
    folder = run.folder
    usage, prior = folder / "metrics" / "usage.json", folder / "metrics" / "prior-authorization.json"
    metrics = [*(_usage(_json(usage)) if usage.is_file() else ()), *(_prior(_json(prior)) if prior.is_file() else ())]
    if metrics:
        lead = "CMS-0057-F figures as computed for this target. Usage is reported to CMS; prior authorization figures are public."
        yield Part("metrics", "Metrics", lead, tuple(metrics))
    blocks = tuple(load.blocks(folder))
    if blocks:
        yield Part("load", "Load", "Members' journeys at speed, against the limits the payer declares.", blocks)
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


TRANSFER = {
    "sync": "A transfer is a sync: consecutive deliveries for one member and app.",
    "app-day": "A transfer is a day: any deliveries for one member and app on one local date.",
    "request": "A transfer is a single response: an upper bound, not for publication.",
}


def _usage(figures: dict[str, Any]) -> Iterator[Block]:
    units = figures.get("reporting_units", [])
    transfer = TRANSFER.get(str(figures.get("mode", "")), "")
    yield Block(
        "table",
        title=f"Patient Access API usage, {figures.get('year', '')}",
        note=f"{transfer} Units are not summed: a person may be in several.".strip(),
        columns=("reporting unit", "members with a transfer", "members with more than one"),
        rows=tuple((unit["id"], unit["members"], unit["members_repeat"]) for unit in units),
    )
    months = figures.get("months", [])
    if months and all(isinstance(month["total"]["members"], int) for month in months):
        names = [calendar.month_abbr[month["month"]] for month in months]
        counts = [float(month["total"]["members"]) for month in months]
        svg = charts.columns(counts, names, "Members with a transfer, month by month", "members", "usage-months")
        yield Block("chart", title="Members with a transfer, month by month", svg=svg)


def _prior(figures: dict[str, Any]) -> Iterator[Block]:
    basis = f"Requests {figures['basis']} in the year" if figures.get("basis") else "Requests of the year"
    partial = {"mcpar": "denied", "template": "approved"}.get(str(figures.get("partials", "")))
    note = f"{basis}" + (f"; a partial approval counts as {partial} among standard requests." if partial else ".")
    for unit in figures.get("reporting_units", []):
        standard, expedited = unit.get("standard", {}), unit.get("expedited", {})
        rows = [
            (label, _figure(standard.get(name)), _figure(expedited.get(name)))
            for name, label in (
                ("determined", "Determined"), ("approved_percent", "Approved, %"), ("denied_percent", "Denied, %"),
                ("approved_after_appeal_percent", "Approved after appeal, %"),
            )
        ]  # fmt: skip
        for name, label in (("mean", "Average time"), ("median", "Median time")):
            days, hours = _figure(standard.get(f"{name}_days")), _figure(expedited.get(f"{name}_hours"))
            rows.append(
                (label, f"{days} days" if _number(days) else days, f"{hours} hours" if _number(hours) else hours)
            )
        both = unit.get("extended_and_approved_percent")
        yield Block(
            "table",
            title=f"Prior authorization, {unit['id']}",
            note=f"{note} Extended and approved, of standard and expedited requests together: {_figure(both)}{' %' if _number(both) else ''}.",
            columns=("metric", "standard", "expedited"),
            rows=tuple(rows),
        )


def _figure(value: Any) -> Any:
    return "not applicable" if value is None else value


def _number(value: Any) -> bool:
    return str(value)[:1].isdigit()


def _facts(value: dict[str, Any], title: str = "") -> Block:
    return Block(
        "facts",
        title=title,
        rows=tuple((key.replace("_", " ").capitalize(), load.plain(one)) for key, one in value.items()),
    )
