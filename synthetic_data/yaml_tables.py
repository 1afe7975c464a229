"""Read the YAML tables of this room, checked against a JSON schema where one exists: errors name the file and the key."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

ROOM = Path(__file__).parent


class TableError(Exception):
    """A table or pathway file cannot be used: the message names the file, the key and what to do."""


def load_yaml(path: Path) -> Any:
    """The content of a YAML file; a syntax error names the line."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise TableError(f"{path.name}:{where} is not YAML: {problem}") from error


@cache
def table(name: str) -> Any:
    """A table that ships with this room, as in `table("people/tables.yaml")`."""
    return load_yaml(ROOM / name)


def check_schema(content: Any, schema_name: str, file: str) -> None:
    """Refuse content that does not follow the schema, naming the deepest key at fault."""
    import jsonschema

    schema = orjson.loads((ROOM / schema_name).read_bytes())
    validator = jsonschema.Draft202012Validator(schema)
    problem = jsonschema.exceptions.best_match(validator.iter_errors(content))
    if problem is not None:
        key = ".".join(str(part) for part in problem.absolute_path) or "(top level)"
        raise TableError(f"{file}: {key}: {problem.message}")
