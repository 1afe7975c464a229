"""Which faults of the reference payer are declared against which requirement, read from its source as text.

The judges never import the payer; for the catalogue's proof column they read `.fault(ID, violates=REQUIREMENT)` from the files of
the room beside this one, where it is installed. What would make a proof worthless is seen here before anything runs (`wrong`).
"""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

PAYER = Path(__file__).parents[2] / "simulators" / "payer"


@dataclass(frozen=True)
class Declared:
    """One `@RULE.fault(ID, violates=…, also=…)` in the source."""

    id: str
    rule: str
    violates: str
    also: tuple[str, ...]
    place: str  # file:line

    @property
    def requirements(self) -> tuple[str, ...]:
        """Everything it is declared to break."""
        return (self.violates, *self.also) if self.violates else self.also


@cache
def modules(folder: Path = PAYER) -> tuple[tuple[Path, ast.Module], ...]:
    """The payer's modules as syntax trees."""
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(folder.rglob("*.py")))


def declarations(folder: Path = PAYER) -> Iterator[Declared]:
    """Every fault declared in the payer's source, in the order of its files."""
    for path, tree in modules(folder):
        constants = {
            one.targets[0].id: one.value
            for one in tree.body
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
                found = _declared(node, f"{path.name}:{node.lineno}", constants)
                if found is not None:
                    yield found


def declared(folder: Path = PAYER) -> dict[str, list[str]]:
    """Requirement ids with the ids of the faults that break them."""
    found: dict[str, set[str]] = {}
    for one in declarations(folder):
        for requirement in one.requirements:
            found.setdefault(requirement, set()).add(one.id)
    return {id: sorted(faults) for id, faults in found.items()}


def ids(folder: Path = PAYER) -> list[str]:
    """The ids of all faults."""
    return sorted({one.id for one in declarations(folder)})


def wrong(requirements: Collection[str], folder: Path = PAYER) -> list[str]:
    """What is wrong with the faults as declared: an id twice, no requirement, an unknown one, a rule nobody asks."""
    found = []
    counted = Counter(one.id for one in declarations(folder))
    found += [f"{number} faults are called {id!r}" for id, number in counted.items() if number > 1]
    for one in declarations(folder):
        if not one.violates:
            found.append(f"fault {one.id!r} ({one.place}) violates no requirement")
        for requirement in one.requirements:
            if requirement not in requirements:
                near = difflib.get_close_matches(requirement, requirements, n=1, cutoff=0.3)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                found.append(f"fault {one.id!r} ({one.place}) violates {requirement!r}, which is no requirement{hint}")
    return found + [f"rule {name!r} ({place}) is never asked" for name, place in never_asked(folder)]


def never_asked(folder: Path = PAYER) -> list[tuple[str, str]]:
    """Rules whose name stands nowhere but where they and their faults are declared."""
    rules: dict[str, str] = {}
    used: Counter[str] = Counter()
    for path, tree in modules(folder):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_rule, node.decorator_list)):
                rules[node.name] = f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Name):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
    declaring = Counter(one.rule for one in declarations(folder))
    return sorted((name, place) for name, place in rules.items() if used[name] <= declaring[name])


def _is_rule(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "rule"


def _declared(node: ast.Call, place: str, constants: Mapping[str, ast.expr]) -> Declared | None:
    assert isinstance(node.func, ast.Attribute)
    if not node.args or not isinstance(node.args[0], ast.Constant) or not isinstance(node.args[0].value, str):
        return None
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    rule = node.func.value
    name = rule.id if isinstance(rule, ast.Name) else rule.attr if isinstance(rule, ast.Attribute) else ""
    violates = _strings(named.get("violates"))
    also = _strings(named.get("also"), constants)
    return Declared(node.args[0].value, name, violates[0] if violates else "", also, place)


def _strings(node: ast.AST | None, constants: Mapping[str, ast.expr] = MappingProxyType({})) -> tuple[str, ...]:
    """The texts written in an expression, and in the constants of the module it names."""
    found: list[str] = []
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            found.append(one.value)
        elif isinstance(one, ast.Name) and one.id in constants:
            found += _strings(constants[one.id])
    return tuple(found)
