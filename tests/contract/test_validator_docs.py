"""docs/validator.md names the options the command has, and its library example runs as written."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from suites.profiles.validate_command import register

PAGE = Path(__file__).parents[2] / "docs" / "validator.md"


def test_the_page_names_every_option_and_no_other():
    app = typer.Typer(add_completion=False)
    register(app)
    command = typer.main.get_command(app)
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    told = set(re.findall(r"^\| `(--[a-z-]+)", PAGE.read_text(encoding="utf-8"), re.M))
    assert told == options - {"--help"}


def test_the_library_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    scope: dict[str, object] = {"text": '{"resourceType": "Patient"}'}
    exec(example, scope)  # noqa: S102 - the documentation's own lines
    assert scope["report"].valid  # type: ignore[attr-defined]


def test_tables_are_there():
    page = PAGE.read_text(encoding="utf-8")
    for section in ("agreement", "speed"):
        (held,) = re.findall(rf"<!-- {section} -->(.*?)<!-- end of {section} -->", page, re.S)
        assert held.count("|") > 10
