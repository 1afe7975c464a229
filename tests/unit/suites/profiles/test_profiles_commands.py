"""`patient-access profiles`: what it prints, where it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from suites.profiles import commands
from tests.unit.suites.profiles.packages import CANONICAL, definition, profile, write_package


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FHIR_PACKAGE_CACHE", str(tmp_path / "fhir-packages"))


@pytest.fixture
def app() -> typer.Typer:
    front = typer.Typer()
    commands.register(front)
    return front


def test_a_package_is_compiled_into_the_folder_asked_for(app: typer.Typer, tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", []), definition("ValueSet", "v")])
    done = CliRunner().invoke(app, ["profiles", "compile", str(package), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "1 profiles, 1 value sets" in done.stdout
    tables = {path.name for path in (tmp_path / "out" / "example.guide-1.0.0").iterdir()}
    assert tables == {"guide.json", "structures.json", "value_sets.json"}


def test_compiling_twice_leaves_the_same_bytes_and_nothing_else(app: typer.Typer, tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    seen = []
    for _ in range(2):
        CliRunner().invoke(app, ["profiles", "compile", str(package), "--out", str(tmp_path / "out")])
        seen.append({p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()})
    assert seen[0] == seen[1]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["example.guide-1.0.0"]


def test_nothing_half_written_is_left_when_writing_fails(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    out = tmp_path / "out"
    CliRunner().invoke(app, ["profiles", "compile", str(package), "--out", str(out)])
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}

    def full(self: Path, body: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    done = CliRunner().invoke(app, ["profiles", "compile", str(package), "--out", str(out)])
    assert done.exit_code == 2
    assert "No space left on device" in done.stderr
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in out.iterdir()] == ["example.guide-1.0.0"]


def test_what_is_compiled_without_a_folder_is_found_by_validate(app: typer.Typer, tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    assert CliRunner().invoke(app, ["profiles", "compile", str(package)]).exit_code == 0
    assert list((tmp_path / "cache").rglob("structures.json"))


def test_what_had_to_be_left_out_is_said_and_ends_with_one(app: typer.Typer, tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("lost", "Patient", [], base="http://nowhere.example/x")])
    done = CliRunner().invoke(app, ["profiles", "compile", str(package), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert f"left out {CANONICAL}/StructureDefinition/lost" in done.stderr


def test_what_is_no_package_ends_with_two(app: typer.Typer, tmp_path: Path) -> None:
    odd = tmp_path / "odd.tgz"
    odd.write_text("odd")
    for arguments in (["profiles", "compile", str(odd)], ["profiles", "list", "--package", str(odd)]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert "odd.tgz: not a gzip file" in done.stderr


def test_the_list_names_guides_profiles_value_sets_and_what_is_not_checkable(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["profiles", "list", "--guide", "us-core@3.1.0", "--format", "json"])
    assert done.exit_code == 0
    (guide,) = json.loads(done.stdout)
    assert (guide["guide"], guide["version"], guide["value_sets"]) == ("us-core@3.1.0", "3.1.0", 31)
    assert "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient" in guide["profiles"]
    assert "http://snomed.info/sct" in guide["not_checkable"]["code_systems"]
    assert [i["key"] for i in guide["not_checkable"]["invariants"]] == ["provenance-1"]


def test_the_list_shows_every_shipped_guide_and_those_brought(app: typer.Typer, tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    done = CliRunner().invoke(app, ["profiles", "list", "--package", str(package)])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 25
    assert lines[-1].startswith("example.guide@1.0.0")


def test_an_unknown_guide_ends_with_two(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["profiles", "list", "--guide", "us-core@9"])
    assert done.exit_code == 2
    assert "the nearest one here is us-core@" in done.stderr
