"""requirements.lock fits pyproject.toml: every dependency of every extra is locked at a version it allows, with hashes, naming no host."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def locked() -> dict[str, list[Version]]:
    """Versions by name; a universal lock may hold several under different markers."""
    pins: dict[str, list[Version]] = {}
    for name, version in PIN.findall(LOCK):
        pins.setdefault(canonicalize_name(name), []).append(Version(version))
    return pins


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [Requirement(text) for text in texts]


def unmet(wanted: list[Requirement], pins: dict[str, list[Version]]) -> list[str]:
    return [
        str(requirement)
        for requirement in wanted
        if not any(
            requirement.specifier.contains(v, prereleases=True)
            for v in pins.get(canonicalize_name(requirement.name), ())
        )
    ]


def test_every_declared_dependency_is_locked_at_an_allowed_version() -> None:
    assert unmet(declared(), locked()) == [], (
        "run: uv pip compile --universal --generate-hashes --all-extras --no-header"
    )


def test_what_the_dependencies_need_is_locked_too() -> None:
    pins, missing = locked(), {}
    for name in pins:
        try:
            needs = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue  # another platform's, or an extra that set-up leaves out
        here = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
        if lacking := unmet(here, pins):
            missing[name] = lacking
    assert missing == {}
    assert len(pins) > 50


@pytest.mark.parametrize("changed", ["httpx>=99", "a-package-nobody-locked"])
def test_a_changed_dependency_is_noticed(changed: str) -> None:
    assert unmet([Requirement(changed)], locked()) == [changed]


def test_every_pin_has_hashes_and_no_host_is_named() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert [entry.splitlines()[0] for entry in entries if PIN.match(entry) and "--hash=sha256:" not in entry] == []
    assert "://" not in LOCK
    assert not re.search(r"^\s*(--index-url|--find-links|--extra-index-url)", LOCK, re.MULTILINE)
