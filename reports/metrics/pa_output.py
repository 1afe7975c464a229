"""Prior authorization figures as JSON, CSV, the public page and the rows of the managed-care annual report (MCPAR)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.csv_ import as_text, write_rows
from reports.html.blocks import Block, Part, write_document
from reports.html.page import written_whole
from reports.metrics.pa_figures import ClassFigures, Late, Rules, UnitFigures
from reports.metrics.pa_requests import Setup
from reports.metrics.rounding import two_places


@dataclass(frozen=True)
class Filing:
    """Figures with all that the outputs state beside them."""

    units: tuple[UnitFigures, ...]
    rules: Rules
    setup: Setup
    items: tuple[tuple[str, str], ...]


def as_json(filing: Filing) -> dict[str, Any]:
    """The published shape: counts as numbers, percentages and times as decimal strings."""
    return {
        "basis": filing.rules.basis,
        "partials": filing.rules.partials,
        "reporting_units": [
            {
                "id": unit.id,
                "standard": _class(unit.standard, "days"),
                "expedited": _class(unit.expedited, "hours"),
                "extended_and_approved_percent": two_places(unit.extended_and_approved_percent),
            }
            for unit in filing.units
        ],
    }


def _class(figures: ClassFigures, time: str) -> dict[str, Any]:
    return {
        "determined": figures.determined,
        "approved": figures.approved,
        "denied": figures.denied,
        "partial": figures.partial,
        "approved_percent": two_places(figures.approved_percent),
        "denied_percent": two_places(figures.denied_percent),
        "approved_after_appeal_percent": two_places(figures.approved_after_appeal),
        f"mean_{time}": figures.shown_mean,
        f"median_{time}": figures.shown_median,
    }


def mcpar(filing: Filing) -> Iterator[tuple[object, ...]]:
    """Rows D1.XIII.1-15 of each unit, in the form's order."""
    for unit in filing.units:
        standard, expedited = unit.standard, unit.expedited
        # The form counts requests received; unless strict, ours are those of them with a determination, and say so.
        told = "requests received" if filing.rules.strict else "requests with a determination"
        answers = (
            ("Data URL", filing.setup.data_url),
            ("List URL", filing.setup.list_url),
            (f"Standard {told}", standard.denominator),
            (f"Expedited {told}", expedited.denominator),
            (f"Standard and expedited {told}", standard.denominator + expedited.denominator),
            ("Standard approved, %", two_places(standard.approved_percent)),
            ("Standard denied, %", two_places(standard.denied_percent)),
            ("Standard approved after appeal, %", two_places(standard.approved_after_appeal)),
            ("Standard average time, days", standard.shown_mean),
            ("Standard median time, days", standard.shown_median),
            ("Expedited approved, %", two_places(expedited.approved_percent)),
            ("Expedited denied, %", two_places(expedited.denied_percent)),
            ("Expedited average time, hours", expedited.shown_mean),
            ("Expedited median time, hours", expedited.shown_median),
            ("Extended and approved, % of all", two_places(unit.extended_and_approved_percent)),
        )
        for number, (name, value) in enumerate(answers, 1):
            yield unit.id, f"D1.XIII.{number}", name, value


def rows(filing: Filing) -> Iterator[tuple[object, ...]]:
    """The figures as long rows with numerator and denominator."""
    for unit in filing.units:
        for kind, time, figures in (("standard", "days", unit.standard), ("expedited", "hours", unit.expedited)):
            appeals = figures.appeals_decided if filing.rules.appeals_over == "appeals" else figures.denominator
            yield (
                unit.id,
                kind,
                "approved, %",
                figures.approved,
                figures.denominator,
                two_places(figures.approved_percent),
            )
            yield unit.id, kind, "denied, %", figures.denied, figures.denominator, two_places(figures.denied_percent)
            yield (
                unit.id,
                kind,
                "approved after appeal, %",
                figures.overturned,
                appeals,
                two_places(figures.approved_after_appeal),
            )
            yield unit.id, kind, f"average time, {time}", "", figures.determined, figures.shown_mean
            yield unit.id, kind, f"median time, {time}", "", figures.determined, figures.shown_median
            yield unit.id, kind, "partially approved, count", figures.partial, figures.denominator, figures.partial
        both = unit.standard.denominator + unit.expedited.denominator
        yield (
            unit.id,
            "both",
            "extended and approved, %",
            unit.extended_and_approved,
            both,
            two_places(unit.extended_and_approved_percent),
        )


COLUMNS = ("reporting_unit", "class", "metric", "numerator", "denominator", "figure")
MCPAR_COLUMNS = ("reporting_unit", "item", "name", "answer")
LATE_COLUMNS = ("id", "reporting_unit", "class", "received", "limit", "determined", "hours_late", "extended")


def write(filing: Filing, format: str, target: Path | None) -> str:
    """Write the figures; JSON and CSV come back as text where no file is named."""
    if format == "json":
        text = json.dumps(as_json(filing), indent=2)
        if target is None:
            return text
        with written_whole(target) as file:
            file.write(text + "\n")
        return str(target)
    if format in ("csv", "mcpar"):
        columns, lines = (COLUMNS, rows(filing)) if format == "csv" else (MCPAR_COLUMNS, mcpar(filing))
        if target is None:
            return as_text(columns, lines)
        write_rows(target, columns, lines)
        return str(target)
    if target is None:
        raise ValueError("a page needs a file to be written to")
    _page(filing, target)
    return str(target)


def write_late(target: Path, cases: tuple[Late, ...]) -> None:
    """List late cases for the plan's own use; they name requests and are never published."""
    write_rows(
        target,
        LATE_COLUMNS,
        (
            (
                one.request.id, one.request.unit, "expedited" if one.request.expedited else "standard", one.request.received.isoformat(),
                one.limit.isoformat(), one.request.determined.isoformat() if one.request.determined else "", f"{one.by.total_seconds() / 3600:.1f}",
                "yes" if one.request.extended else "no",
            )
            for one in cases
        ),
    )  # fmt: skip


def _page(filing: Filing, target: Path) -> None:
    rules = filing.rules
    parts = [_unit_part(unit, filing) for unit in filing.units]
    partial = "denied" if rules.partials == "mcpar" else "approved"
    parts.append(
        Part(
            "method",
            "How these figures are made",
            "",
            (
                Block(
                    "facts",
                    rows=(
                        ("Requests of the year", f"by the day they were {rules.basis}, in {filing.setup.time_zone}"),
                        (
                            "Denominator",
                            "all requests, undetermined ones included"
                            if rules.strict
                            else "requests with a determination",
                        ),
                        (
                            "Partial approvals",
                            f"count as {partial} among standard requests, as neither among expedited ones",
                        ),
                        (
                            "Approved after appeal",
                            f"appeals decided by {rules.cut_off.isoformat()}, over {rules.appeals_over}",
                        ),
                        ("Time", "from receipt to the notice of determination, extensions included"),
                        ("Average and median", "of unrounded durations, rounded half up to two decimals"),
                        ("Drugs", "are not included"),
                    ),
                ),
            ),
        )
    )
    shown = tuple(filing.items) or ()
    body = (
        Block("table", columns=("code", "item or service"), rows=shown, title="Items and services")
        if shown
        else Block(
            "text",
            text=f"The list is published at {filing.setup.list_url}."
            if filing.setup.list_url
            else "No list was given.",
        )
    )
    parts.append(Part("list", "Items and services that require prior authorization", "", (body,)))
    write_document(
        target,
        f"Prior authorization metrics, {rules.year}",
        "Public reporting under CMS-0057-F",
        "42 CFR 438.210(f), 422.122(c), 440.230(e)(3), 457.732(c), 45 CFR 156.223(c). All items and services together, drugs excluded.",
        parts,
    )


def _unit_part(unit: UnitFigures, filing: Filing) -> Part:
    both = unit.standard.denominator + unit.expedited.denominator
    blocks = []
    for title, time, figures in (
        ("Standard requests", "days", unit.standard),
        ("Expedited requests", "hours", unit.expedited),
    ):
        appeals = figures.appeals_decided if filing.rules.appeals_over == "appeals" else figures.denominator
        blocks.append(
            Block(
                "table",
                title=title,
                note=f"{figures.determined:,} determined, {figures.partial:,} of them approved in part. "
                f"{figures.overturned:,} of {figures.appeals_decided:,} decided appeals were overturned.",
                columns=("metric", "count", "out of", "figure"),
                rows=(
                    ("Approved", figures.approved, figures.denominator, _percent(two_places(figures.approved_percent))),
                    ("Denied", figures.denied, figures.denominator, _percent(two_places(figures.denied_percent))),
                    (
                        "Approved after appeal",
                        figures.overturned,
                        appeals,
                        _percent(two_places(figures.approved_after_appeal)),
                    ),
                    ("Approved after an extension", figures.extended_then_approved, figures.denominator, ""),
                    ("Denied after an extension", figures.extended_then_denied, figures.denominator, ""),
                    (f"Average time, {time}", "", "", figures.shown_mean),
                    (f"Median time, {time}", "", "", figures.shown_median),
                ),
            )
        )
    blocks.append(
        Block(
            "table",
            title="Both together",
            columns=("metric", "count", "out of", "figure"),
            rows=(
                (
                    "Extended and approved",
                    unit.extended_and_approved,
                    both,
                    _percent(two_places(unit.extended_and_approved_percent)),
                ),
            ),
        )
    )
    if unit.reconciliation:
        blocks.append(
            Block(
                "table",
                title="Not in these figures",
                note="Listed so that nothing is hidden.",
                columns=("why", "requests"),
                rows=tuple(unit.reconciliation.items()),
            )
        )
    return Part(f"unit-{unit.id}", unit.id, "", tuple(blocks))


def _percent(figure: str) -> str:
    return f"{figure} %" if figure[:1].isdigit() else figure
