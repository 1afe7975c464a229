"""The run schema as a fast yes and a slow why.

`accepts` compiles the few keywords `run.schema.json` uses into closures, because validating thousands of lines with a general
validator takes longer than rendering them. A line it does not accept goes to jsonschema, which decides and names the fault;
a property test holds the two to the same answer.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("run.schema.json")
Accepts = Callable[[Any], bool]
KNOWN = frozenset(
    [
        "$schema",
        "$id",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "enum",
        "const",
        "minimum",
        "minLength",
        "pattern",
        "items",
        "required",
        "properties",
        "additionalProperties",
        "oneOf",
    ]
)
TYPES: dict[str, Accepts] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    # JSON Schema counts 1.0 as an integer and never a boolean.
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


@functools.cache
def schema() -> dict[str, Any]:
    """The published schema."""
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


@functools.cache
def accepts(definition: str) -> Accepts:
    """A test for one of the schema's definitions: `header`, `check`, `footer` …"""
    return _compile(schema()["$defs"][definition])


def explain(value: Any, definition: str) -> str:
    """Why a value is not what a definition asks, in one line; empty when jsonschema accepts it after all."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    whole = {"$ref": f"#/$defs/{definition}", "$defs": schema()["$defs"]}
    error = best_match(Draft202012Validator(whole).iter_errors(value))
    if error is None:
        return ""
    where = ".".join(str(part) for part in error.absolute_path) or definition
    message = error.message if len(error.message) < 300 else error.message[:297] + "…"
    return f"{where}: {message}"


def _compile(node: dict[str, Any]) -> Accepts:
    unknown = node.keys() - KNOWN
    if unknown:
        raise ValueError(f"run.schema.json uses {sorted(unknown)}, which reports/schema.py does not know")
    if "$ref" in node:
        return accepts(node["$ref"].removeprefix("#/$defs/"))
    tests: list[Accepts] = []
    if "const" in node:
        constant = node["const"]
        tests.append(lambda value: type(value) is type(constant) and value == constant)
    if "enum" in node:
        allowed = frozenset(node["enum"])
        tests.append(lambda value: isinstance(value, str) and value in allowed)
    if "type" in node:
        kinds = [TYPES[name] for name in ([node["type"]] if isinstance(node["type"], str) else node["type"])]
        tests.append(kinds[0] if len(kinds) == 1 else lambda value: any(kind(value) for kind in kinds))
    if "minimum" in node:
        least = node["minimum"]
        tests.append(lambda value: bool(value >= least))
    if "minLength" in node:
        shortest = node["minLength"]
        tests.append(lambda value: len(value) >= shortest)
    if "pattern" in node:
        search = re.compile(node["pattern"]).search
        tests.append(lambda value: search(value) is not None)
    if "items" in node:
        item = _compile(node["items"])
        tests.append(lambda value: all(map(item, value)))
    if node.get("type") == "object":
        tests.append(_compile_object(node))
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _compile_object(node: dict[str, Any]) -> Accepts:
    required = frozenset(node.get("required", ()))
    properties = {name: _compile(part) for name, part in node.get("properties", {}).items()}
    others = node.get("additionalProperties", True)
    other: Accepts = _compile(others) if isinstance(others, dict) else lambda value: bool(others)

    def accept(value: dict[str, Any]) -> bool:
        return required <= value.keys() and all(properties.get(name, other)(part) for name, part in value.items())

    return accept
