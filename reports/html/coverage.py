"""Coverage tables: whatever checks told under `tables`, as one table a name, the rows of all checks joined.

A check tells {"columns", "rows"}, or must-support elements as {"profile", "resources", "elements": [{"element", "seen_in"}]}, or any object,
which is shown as it stands: lists of objects as rows, plain values as pairs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.html import generated
from reports.model import CheckResult

TITLES = {
    "must_support": "Must-support elements",
    "search": "Search parameters",
    "leak_matrix": "Who can read whose record",
    "uscdi": "USCDI data classes",
    "guide_versions": "Guide versions",
}
NOT_COVERAGE = ("waiver",)
NAMED = 12  # elements named in a cell


@dataclass(frozen=True)
class Table:
    """A coverage table and the checks that told it."""

    id: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    checks: tuple[str, ...]


def tables(results: Iterable[CheckResult], target: Mapping[str, Any] | None = None) -> tuple[Table, ...]:
    """The tables of a run, known names first; what no check tells of searches, USCDI and guides is read off the generated checks."""
    results = tuple(results)
    parts: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for result in results:
        for name, told in result.tables.items():
            if name not in NOT_COVERAGE:
                parts[name].append((result.check, _as_table(told)))
    for name, told in generated.tables(results, target or {}).items():
        if name not in parts:
            parts[name].append(("", told))
    known = list(TITLES)
    order = sorted(parts, key=lambda name: (known.index(name) if name in known else len(known), name))
    return tuple(_joined(name, parts[name]) for name in order)


def _joined(name: str, parts: list[tuple[str, dict[str, Any]]]) -> Table:
    columns: dict[str, None] = {}
    for _, table in parts:
        columns.update(dict.fromkeys(table["columns"]))
    rows = [
        tuple(_cell(dict(zip(table["columns"], row, strict=False)).get(column, "")) for column in columns)
        for _, table in parts
        for row in table["rows"]
    ]
    title = next((str(table["title"]) for _, table in parts if table.get("title")), "")
    notes = dict.fromkeys(str(table["note"]) for _, table in parts if table.get("note"))
    return Table(
        id=name,
        title=title or TITLES.get(name, name.replace("_", " ").capitalize()),
        note="; ".join(notes),
        columns=tuple(columns),
        rows=tuple(rows),
        checks=tuple(check for check, _ in parts if check),
    )


def _as_table(told: dict[str, Any]) -> dict[str, Any]:
    if isinstance(told.get("columns"), list) and isinstance(told.get("rows"), list):
        return told
    if "profile" in told and _objects(told.get("elements")):
        return _must_support(told)
    for value in told.values():
        if rows := _objects(value):
            columns = list(dict.fromkeys(column for row in rows for column in row))
            plain = {
                name: part for name, part in told.items() if part is not value and not isinstance(part, dict | list)
            }
            return {
                "columns": [*plain, *columns],
                "rows": [[*plain.values(), *(row.get(column, "") for column in columns)] for row in rows],
            }
    return {"columns": ["name", "value"], "rows": [[name, part] for name, part in told.items()]}


def _must_support(told: dict[str, Any]) -> dict[str, Any]:
    """One row a profile: how many of its elements were shown, and which never were."""
    elements = told["elements"]
    missing = [str(one.get("element", "")) for one in elements if not one.get("seen_in")]
    named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
    shown = len(elements) - len(missing)
    return {
        "columns": ["profile", "resources", "elements", "shown", "never shown"],
        "rows": [[str(told["profile"]).rpartition("/")[2], told.get("resources", ""), len(elements), shown, named]],
    }


def _objects(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) and value and all(isinstance(one, dict) for one in value) else []


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, ensure_ascii=False)
