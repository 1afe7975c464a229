"""The documents and the commands agree: what the README and CONTRIBUTING tell people to type exists, and every command is told of."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import typer.main

from patient_access import app

ROOT = Path(__file__).parents[2]
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")}


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    """Every command of the front door by what one types."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{prefix}{name} ")
        else:
            found[prefix + name] = command
    return found


def known() -> dict[str, Any]:
    return commands(typer.main.get_command(app))


def typed() -> list[tuple[str, list[str]]]:
    """Commands as the documents spell them, each with its long options."""
    found = []
    for text in TEXTS.values():
        for line in re.findall(r"patient-access ([a-z][^`\n#|]*)", text):
            words = line.split()
            name = " ".join(words[:2]) if " ".join(words[:2]) in known() else words[0]
            found.append((name, [word for word in words if word.startswith("--")]))
    return found


def test_what_the_documents_say_to_type_exists() -> None:
    missing = []
    for name, options in typed():
        command = known().get(name)
        if command is None:
            missing.append(name)
            continue
        offered = {option for parameter in command.params for option in parameter.opts}
        missing += [f"{name} {option}" for option in options if option not in {*offered, "--help"}]
    assert missing == []
    assert len(typed()) > 8


def test_every_command_is_told_of_somewhere() -> None:
    told = "\n".join(
        [
            *TEXTS.values(),
            *(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md")),
            (ROOT / "Makefile").read_text(),
        ]
    )
    assert [name for name in known() if f"patient-access {name}" not in told and f"`{name}" not in told] == []


def test_the_bare_call_of_make_lists_the_verbs() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for verb in ("setup", "demo", "test", "lint", "bench", "clean"):
        assert f"make {verb}" in listed


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]
    broken = [
        f"{page.name}: {link}"
        for page, link in links
        if "://" not in link and not link.startswith("mailto:") and not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_ruff_exception_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    codes = tomllib.loads(text)["tool"]["ruff"]["lint"]["ignore"]
    unexplained = [code for code in codes if not re.search(rf'"{code}",\s*#\s*\S', text)]
    assert unexplained == []
