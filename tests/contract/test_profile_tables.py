"""The shipped profile tables are what compiling the official packages gives, and hold facts only."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from suites.profiles.compile import compile_file
from suites.profiles.finding import shipped_guides
from suites.profiles.guide_tables import GuideTables
from suites.profiles.tables import SHIPPED

GUIDES = shipped_guides()
MOST_BYTES = 12 * 1024 * 1024
PROSE = re.compile(rb'"(definition|comment|requirements|human|short|description|purpose|title|meaningWhenMissing)":')


def drift(compiled: dict[str, bytes], folder: Path) -> list[str]:
    """Files of a guide that are not byte for byte what was compiled."""
    shipped = {path.name: path.read_bytes() for path in folder.iterdir()}
    return sorted(name for name in compiled.keys() | shipped.keys() if compiled.get(name) != shipped.get(name))


@pytest.fixture(scope="session")
def packages() -> Path:
    folder = os.environ.get("FHIR_PACKAGE_FOLDER")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            f"FHIR_PACKAGE_FOLDER ({folder or 'not set'}) is not a folder of official FHIR packages: not compared"
        )
    return Path(folder)


@pytest.mark.packages
@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name.short)
def test_compiling_the_official_package_gives_the_shipped_tables(guide: GuideTables, packages: Path) -> None:
    archive = packages / f"{guide.name.package}-{guide.name.version}.tgz"
    assert archive.is_file(), f"{archive.name} is shipped as tables but missing among the packages"
    compiled = compile_file(archive)
    assert not compiled.refused
    assert drift(compiled.files, guide.folder) == [], (
        f"compile it again: patient-access profiles compile {archive.name}"
    )


def test_a_changed_table_is_drift(tmp_path: Path) -> None:
    (tmp_path / "guide.json").write_bytes(b"{}")
    (tmp_path / "left_over.json").write_bytes(b"{}")
    assert drift({"guide.json": b"{ }", "structures.json": b""}, tmp_path) == [
        "guide.json",
        "left_over.json",
        "structures.json",
    ]


def test_every_table_names_its_package_version_and_hash() -> None:
    assert GUIDES
    for guide in GUIDES:
        for path in guide.folder.iterdir():
            opening = path.read_bytes()[:1000]
            assert f'"package":"{guide.name.package}"'.encode() in opening, path
            assert f'"version":"{guide.name.version}"'.encode() in opening, path
            assert re.search(rb'"sha256":"[0-9a-f]{64}"', opening), path


def test_tables_hold_no_prose_and_fit_their_budget() -> None:
    files = list(SHIPPED.rglob("*.json"))
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    for path in files:
        found = PROSE.search(path.read_bytes())
        assert found is None, f"{path}: {found.group() if found else ''}"


def test_displays_are_carried_for_hl7s_own_code_systems_only() -> None:
    seen = 0
    for guide in GUIDES:
        for url in guide.code_systems:
            system = guide.code_system(url)
            assert system is not None
            if any(system.display(code) for code in system):
                seen += 1
                assert url.startswith(("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")), url
                assert not re.search(r"nucc|nubc|x12|ncpdp|snomed|loinc|TaxonomyHIPAA|/cpt|/cdt", url, re.IGNORECASE), (
                    url
                )
    assert seen > 1000
