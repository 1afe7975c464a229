"""Which faults of the reference payer are declared against which requirement, read from its source as text.

The judges never import the payer; for the catalogue's proof column they read `.fault(ID, violates=REQUIREMENT)` from the files of
the room beside this one, where it is installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PAYER = Path(__file__).parents[2] / "simulators" / "payer"


def declared(folder: Path = PAYER) -> dict[str, list[str]]:
    """Requirement ids with the ids of the faults that break them."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if ".fault(" in text:
            for fault, requirements in _faults(ast.parse(text)):
                for requirement in requirements:
                    found.setdefault(requirement, []).append(fault)
    return {id: sorted(set(faults)) for id, faults in found.items()}


def _faults(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "fault"
            and node.args
        ):
            id = node.args[0]
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            if isinstance(id, ast.Constant) and isinstance(id.value, str):
                yield id.value, [*_strings(named.get("violates")), *_strings(named.get("also"))]


def _strings(node: ast.AST | None) -> list[str]:
    if node is None:
        return []
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
