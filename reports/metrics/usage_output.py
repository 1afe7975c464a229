"""Usage figures as JSON, CSV and a page; small cells suppressed in copies that are published.

The filing to CMS carries exact numbers; the suppression threshold is the publisher's, since the rule states none.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.csv_ import as_text, write_rows
from reports.html.blocks import Block, Part, write_document
from reports.html.page import written_whole
from reports.metrics.events import EXCLUSIONS, PROBLEMS
from reports.metrics.usage import Figure, Switches, Usage

Shown = int | str


@dataclass(frozen=True)
class Row:
    """A figure as it is shown: numbers, or "<11" where a cell is suppressed."""

    id: str
    members: Shown
    members_repeat: Shown


def suppressed(units: Iterable[Figure], total: Figure, below: int) -> tuple[tuple[Row, ...], Row]:
    """Figures with counts from 1 to `below` - 1 hidden, and those from which a hidden one could be worked out.

    A cell is small, or the difference of its row's two cells is (the members with exactly one transfer). Where a column hides one unit
    only, the total less the others would tell it, so the next smallest of the column is hidden too, or the total where there is no other.
    """
    mark = f"<{below}"
    units = tuple(units)
    shown: list[list[Shown]] = [[unit.members, unit.members_repeat] for unit in (*units, total)]
    exact = [list(row) for row in shown]

    def small(value: Shown) -> bool:
        return isinstance(value, int) and 0 < value < below

    if below > 1:
        for cells, known in zip(shown, exact, strict=True):
            first, second = known
            if small(first):
                cells[0] = mark
            if small(second) or (isinstance(first, int) and isinstance(second, int) and small(first - second)):
                cells[1] = mark if small(second) else "suppressed"
        for column in (0, 1):
            hidden = [index for index in range(len(units)) if isinstance(shown[index][column], str)]
            if len(hidden) == 1 and isinstance(shown[-1][column], int):
                others = [
                    index
                    for index in range(len(units))
                    if isinstance(shown[index][column], int) and shown[index][column] != 0
                ]
                least = min(others, key=lambda index: (exact[index][column], units[index].id), default=len(units))
                shown[least][column] = "suppressed"
        for column in (0, 1):
            _hide_what_bounds_tell(shown, exact, column, below)
    rows = [Row(unit.id, *cells) for unit, cells in zip((*units, total), shown, strict=True)]
    return tuple(rows[:-1]), rows[-1]


def _hide_what_bounds_tell(shown: list[list[Shown]], exact: list[list[Shown]], column: int, below: int) -> None:
    """Hide more cells while the hidden ones can only all be their least or all their most: their sum is the total less the others.

    A marked cell lies between 1 and `below` - 1, any other hidden one between 0 and the total.
    """
    mark, last = f"<{below}", len(shown) - 1
    for _ in range(len(shown)):
        hidden = [index for index in range(last) if isinstance(shown[index][column], str)]
        total = shown[last][column]
        if not isinstance(total, int) or not hidden:
            return
        rest = total - sum(value for index in range(last) if isinstance(value := shown[index][column], int))
        bounds = [(1, below - 1) if shown[index][column] == mark else (0, total) for index in hidden]
        if sum(least for least, _ in bounds) < rest < sum(most for _, most in bounds):
            return
        others = [index for index in range(last) if isinstance(shown[index][column], int) and shown[index][column] != 0]
        shown[min(others, key=lambda index: (exact[index][column], index), default=last)][column] = "suppressed"


def as_json(usage: Usage, below: int = 0) -> dict[str, Any]:
    """The published shape; switches appear where they are not the default, months where they were asked for."""
    units, total = suppressed(usage.units, usage.total, below)
    told: dict[str, Any] = {
        "year": usage.year,
        "mode": usage.switches.mode,
        "reporting_units": [
            {"id": row.id, "members": row.members, "members_repeat": row.members_repeat} for row in units
        ],
        "total": {"members": total.members, "members_repeat": total.members_repeat},
    }
    standard = Switches()
    for name in ("same_app_only", "count_own_app", "idle_minutes", "leave_out_problems"):
        if (value := getattr(usage.switches, name)) != getattr(standard, name):
            told[name] = value
    if usage.left_out:
        told["left_out"] = usage.left_out
    if usage.months:
        told["months"] = [
            {
                "month": month,
                "reporting_units": [
                    {"id": row.id, "members": row.members, "members_repeat": row.members_repeat} for row in rows
                ],
                "total": {"members": all_.members, "members_repeat": all_.members_repeat},
            }
            for month, (rows, all_) in ((month, suppressed(*figures, below)) for month, figures in usage.months.items())
        ]
    return told


def write(usage: Usage, format: str, target: Path | None, below: int = 0) -> str:
    """Write the figures, or give them back as text where no file is named."""
    if format == "json":
        text = json.dumps(as_json(usage, below), indent=2)
        return _put(text + "\n", target)
    if format == "csv":
        columns = ("year", "month", "mode", "reporting_unit", "members", "members_repeat")
        if target is not None:
            write_rows(target, columns, _rows(usage, below))
            return str(target)
        return as_text(columns, _rows(usage, below))
    if target is None:
        raise ValueError("a page needs a file to be written to")
    _page(usage, target, below)
    return str(target)


def _put(text: str, target: Path | None) -> str:
    if target is None:
        return text.rstrip("\n")
    with written_whole(target) as file:
        file.write(text)
    return str(target)


def _rows(usage: Usage, below: int) -> Iterator[tuple[object, ...]]:
    units, total = suppressed(usage.units, usage.total, below)
    for row in (*units, total):
        yield usage.year, "", usage.switches.mode, row.id, row.members, row.members_repeat
    for month, (figures, all_) in usage.months.items():
        units, total = suppressed(figures, all_, below)
        for row in (*units, total):
            yield usage.year, month, usage.switches.mode, row.id, row.members, row.members_repeat


def _page(usage: Usage, target: Path, below: int) -> None:
    units, total = suppressed(usage.units, usage.total, below)
    switches = usage.switches
    modes = {
        "sync": f"consecutive deliveries for one member and app with gaps under {switches.idle_minutes} minutes",
        "app-day": "any deliveries for one member and app on one local date",
        "request": "each response (an upper bound, not for publication)",
    }
    figures = [
        Block(
            "tiles",
            rows=(
                ("U1: members with a transfer", _number(total.members), "unique persons over all units"),
                ("U2: members with more than one", _number(total.members_repeat), "unique persons over all units"),
            ),
        ),
        Block(
            "table",
            title="By reporting unit",
            note="A person in two units counts once in each: these rows are not to be summed."
            + (
                f" {usage.in_several_units:,} persons are in more than one."
                if usage.in_several_units and (below < 2 or usage.in_several_units >= below)
                else ""
            )
            + (f" Counts from 1 to {below - 1} are suppressed, and those that would tell them." if below > 1 else ""),
            columns=("reporting unit", "U1: members with a transfer", "U2: members with more than one"),
            rows=tuple((row.id, row.members, row.members_repeat) for row in units),
        ),
    ]
    if usage.months:
        monthly = [(month, suppressed(*figures_, below)[1]) for month, figures_ in usage.months.items()]
        figures.append(
            Block(
                "table",
                title="By month",
                note="The same formula over each month alone.",
                columns=("month", "U1", "U2"),
                rows=tuple((calendar.month_name[month], row.members, row.members_repeat) for month, row in monthly),
            )
        )
    choices = Block(
        "facts",
        rows=(
            ("A transfer is", modes[switches.mode]),
            ("More than once", "by one app" if switches.same_app_only else "through any designated app"),
            ("Payer's own app", "counted" if switches.count_own_app else "not counted"),
            ("Calendar year in", usage.time_zone),
            ("Deliveries counted", f"{usage.deliveries:,}"),
        ),
    )
    left = [(EXCLUSIONS[name], count) for name, count in usage.excluded.items()]
    left += [(f"left out on request: {PROBLEMS[name]}", count) for name, count in usage.left_out.items()]
    write_document(
        target,
        f"Patient Access API usage, {usage.year}",
        "CMS-0057-F usage metrics, reported to CMS by 31 March of the following year",
        "42 CFR 431.60(f), 422.119(f), 438.242(b)(5)(iii), 457.730(f), 45 CFR 156.221(f)",
        (
            Part("figures", "Figures", "Aggregated and de-identified, for the previous calendar year.", tuple(figures)),
            Part("choices", "How it was counted", "What the rule leaves open, as decided here.", (choices,)),
            Part(
                "left-out",
                "Rows that do not count",
                "",
                (Block("table", columns=("reason", "rows"), rows=tuple(left)),)
                if left
                else (Block("text", text="None."),),
            ),
        ),
    )


def _number(value: Shown) -> str:
    return f"{value:,}" if isinstance(value, int) else value
