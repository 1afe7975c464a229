"""The compiled search parameter tables are what the official packages give today."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulators.payer.fhir.compile_parameters import TABLES, compile_folder
from simulators.payer.fhir.parameters import table

PACKAGES = os.environ.get("FHIR_PACKAGE_FOLDER", "")


@pytest.mark.packages
@pytest.mark.skipif(not PACKAGES, reason="FHIR_PACKAGE_FOLDER names no folder of official packages")
def test_tables_are_those_of_the_official_packages() -> None:
    compiled = compile_folder(Path(PACKAGES))
    committed = {path.name: path.read_text("utf-8") for path in TABLES.glob("*.json")}
    assert sorted(compiled) == sorted(committed)
    changed = [name for name, text in compiled.items() if committed[name] != text]
    assert changed == [], "make them again: python -m simulators.payer.fhir.compile_parameters FOLDER"


def test_tables_name_what_they_were_made_from_and_carry_no_prose() -> None:
    for path in sorted(TABLES.glob("*.json")):
        found = table(path.stem.rpartition("-")[0] + "@" + path.stem.rpartition("-")[2])
        assert found["package"].startswith("hl7.fhir.")
        assert len(found["sha256"]) == 64
        assert found["parameters"]
        assert not {"description", "title", "purpose"} & {key for fact in found["parameters"] for key in fact}
