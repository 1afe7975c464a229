"""Every declared fault of the payer names requirements of the catalogue, and says what a bystander sees."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from pathlib import Path

import simulators.payer
from simulators.payer.rules import CATALOG

REQUIREMENTS = Path(__file__).parents[2] / "suites" / "requirements"


def known_requirements() -> set[str]:
    return {id for path in REQUIREMENTS.glob("*.toml") for id in tomllib.loads(path.read_text("utf-8"))}


def all_faults() -> None:
    for module in pkgutil.walk_packages(simulators.payer.__path__, "simulators.payer."):
        importlib.import_module(module.name)


def test_faults_break_requirements_of_the_catalogue() -> None:
    all_faults()
    known = known_requirements()
    assert len(CATALOG) > 20
    unknown = {id: fault.violates for id, fault in CATALOG.items() if not {fault.violates, *fault.also} <= known}
    assert unknown == {}


def test_faults_are_told_in_whole_sentences() -> None:
    all_faults()
    untold = [id for id, fault in CATALOG.items() if not fault.text.endswith(".")]
    assert untold == []
