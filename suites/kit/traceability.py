"""Which checks decide which requirement, read from the checks' own markers without running anything (`requirements`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suites.kit import catalogue

SUITES = Path(__file__).parent.parent


def cited(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Check names of one module with the requirement ids they cite, nearest marker first."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    common: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(name, ast.Name) and name.id == "pytestmark" for name in node.targets
        ):
            common = list(_ids(node.value))
    # Markers kept under a name of the module, for parameters that decide different requirements.
    named = {
        target.id: list(_ids(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id != "pytestmark"
    }
    chapter, module = path.parent.name, path.stem.removeprefix("test_")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            used = [one for decorator in node.decorator_list for one in ast.walk(decorator)]
            own = [id for decorator in node.decorator_list for id in _ids(decorator)]
            own += [id for one in used if isinstance(one, ast.Name) for id in named.get(one.id, ())]
            name = f"{chapter}.{module}.{node.name.removeprefix('test_')}"
            yield name, list(dict.fromkeys([*own, *common]))


def _ids(node: ast.AST) -> Iterator[str]:
    """The string arguments of every `…requirement(…)` call below a node."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "requirement":
            yield from (arg.value for arg in one.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def checks() -> dict[str, list[str]]:
    """Requirement ids with the checks that decide them, umbrellas included."""
    entries = catalogue.load()
    found: dict[str, list[str]] = {}
    for path in sorted(SUITES.glob("*/**/test_*.py")):
        for name, ids in cited(path):
            for id in entries.with_umbrellas(id for id in ids if id in entries):
                found.setdefault(id, []).append(name)
    return found


def status(entry: catalogue.Entry, deciding: list[str]) -> str:
    """automated, review, not_tested or open: what stands behind a requirement."""
    if deciding:
        return "automated"
    if entry.review:
        return "review"
    return "not_tested" if entry.not_tested else "open"


def matrix(faults: dict[str, list[str]]) -> dict[str, Any]:
    """The catalogue with its checks and the faults that have been declared against each requirement.

    `without_fault` counts the automated SHALLs that have neither a fault nor a written reason; `unproven` names them.
    """
    deciding = checks()
    rows: list[dict[str, Any]] = []
    for entry in catalogue.load().values():
        if entry.retired:
            continue
        own = deciding.get(entry.id, [])
        rows.append(
            {
                "id": entry.id,
                "level": entry.level,
                "actor": entry.actor,
                "text": entry.text,
                "source": entry.source,
                "document": entry.document,
                "chapter": entry.chapter,
                "status": status(entry, own),
                "checks": own,
                "decided_by": list(entry.decided_by),
                "faults": faults.get(entry.id, []),
                "review": entry.review,
                "not_tested": entry.not_tested,
                "no_fault": entry.no_fault,
            }
        )
    counted = {
        name: sum(row["status"] == name for row in rows) for name in ("automated", "review", "not_tested", "open")
    }
    proven = _proven(rows, reasons=False)
    bare = [row for row in rows if _wants_a_fault(row) and row["id"] not in proven]
    excused = _proven(rows)
    unproven = [row["id"] for row in bare if row["id"] not in excused]
    return {
        "total": len(rows),
        **counted,
        "without_fault": len(unproven),
        "unproven": unproven,
        "excused": [{"id": row["id"], "reason": row["no_fault"]} for row in bare if row["no_fault"]],
        # A reason beside a fault is out of date: the list of reasons only shrinks.
        "outdated": [row["id"] for row in rows if row["no_fault"] and (row["faults"] or not _wants_a_fault(row))],
        "entries": rows,
    }


def _wants_a_fault(row: dict[str, Any]) -> bool:
    return row["status"] == "automated" and str(row["level"]).startswith("SHALL")


def _proven(rows: list[dict[str, Any]], reasons: bool = True) -> set[str]:
    """Requirements a fault breaks or a written reason excuses, and what is decided by one of them, however far up."""
    proven = {row["id"] for row in rows if row["faults"] or (reasons and row["no_fault"])}
    while found := {row["id"] for row in rows if row["id"] not in proven and proven & set(row["decided_by"])}:
        proven |= found
    return proven
