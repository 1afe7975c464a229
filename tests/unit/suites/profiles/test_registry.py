"""The one door to the facts: names, orders of look-up, packages a user brings, laziness."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from suites.profiles.facts import Element
from suites.profiles.guides import GuideName, UnknownGuide, parse_guide
from suites.profiles.registry import Registry, version_matches
from suites.profiles.tables import BadTable, Table
from tests.unit.suites.profiles.packages import CANONICAL, definition, profile, write_package

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FHIR_PACKAGE_CACHE", str(tmp_path / "fhir-packages"))


@pytest.mark.parametrize("text", ["us-core@3.1.1", "hl7.fhir.us.core@3.1.1", "hl7.fhir.us.core#3.1.1"])
def test_a_guide_goes_by_its_short_name_or_its_package(text: str) -> None:
    assert parse_guide(text) == GuideName("hl7.fhir.us.core", "3.1.1")
    assert str(parse_guide(text)) == "us-core@3.1.1"


@pytest.mark.parametrize("text", ["us-core", "@1.0", "us-core@", "", "../x@1"])
def test_what_names_no_guide_is_refused(text: str) -> None:
    with pytest.raises(UnknownGuide, match="does not name a guide"):
        parse_guide(text)


def test_an_unknown_version_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownGuide, match=r"us-core@3\.1\.9 is not among the guides at hand; the nearest one here is us-core@3\.1\.1"
    ):
        Registry(["us-core@3.1.9"])


def test_the_base_is_always_there() -> None:
    registry = Registry()
    patient = registry.structure("Patient")
    assert patient is not None
    assert patient is registry.structure("Patient"), "made once"
    assert patient is registry.structure("http://hl7.org/fhir/StructureDefinition/Patient")
    assert registry.structure("http://hl7.org/fhir/StructureDefinition/Patient|4.0") is patient
    assert [e.path for e in patient.elements[:3]] == ["Patient", "Patient.id", "Patient.meta"]
    assert registry.structure("Nonsense") is None
    assert registry.extension("http://hl7.org/fhir/StructureDefinition/patient-birthPlace") is not None
    assert registry.extension("http://hl7.org/fhir/StructureDefinition/Patient") is None
    gender = registry.value_set("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")
    assert gender is not None
    assert [bool(gender.contains(None, code)) for code in ("female", "f")] == [True, False]


def test_an_element_of_a_profile_knows_what_its_guide_adds() -> None:
    patient = Registry(["us-core@3.1.1"]).structure(f"{US_CORE}/us-core-patient")
    assert patient is not None
    by_id: dict[str, Element] = {e.id: e for e in patient.elements}
    race = by_id["Patient.extension:race"]
    assert (race.path, race.slice_name, race.max) == ("Patient.extension", "race", 1)
    assert race.types[0].profiles == (f"{US_CORE}/us-core-race",)
    assert by_id["Patient.identifier.system"].min == 1
    assert by_id["Patient.identifier.system"].base_path == "Identifier.system"
    gender = by_id["Patient.gender"].binding
    assert gender is not None
    assert (gender.strength, gender.value_set) == ("required", "http://hl7.org/fhir/ValueSet/administrative-gender")
    assert {c.key for c in by_id["Patient.name"].constraints} == {"ele-1", "us-core-8"}


def test_two_versions_of_a_guide_are_kept_apart() -> None:
    registry = Registry(["us-core@3.1.1", "us-core@6.1.0"])
    url = f"{US_CORE}/us-core-patient"
    versions = [s.version for v in (None, "3.1.1", "6.1.0", "6.1") if (s := registry.structure(url, v)) is not None]
    assert versions == ["3.1.1", "3.1.1", "6.1.0", "6.1.0"]
    assert len(registry.profiles("us-core@3.1.1")) == 30


def test_a_guide_brings_the_guides_it_depends_on() -> None:
    registry = Registry(["formulary@2.0.1"])
    names = [tables.name.short for tables in registry.guides]
    assert names[0] == "formulary@2.0.1"
    assert {"plan-net@1.1.0", "hrex@1.0.0", "us-core@3.1.1"} <= set(names)


def test_hl7_terminology_comes_before_the_copy_in_the_core_package() -> None:
    system = Registry().code_system("http://terminology.hl7.org/CodeSystem/v3-ActCode")
    assert system is not None
    assert (system.guide, system.complete) == ("terminology@5.3.0", True)
    assert system.display("AMB") == "ambulatory"
    snomed = Registry().code_system("http://snomed.info/sct")
    assert snomed is None or not snomed.complete


def test_search_parameters_of_a_guide_and_of_the_base() -> None:
    registry = Registry(["us-core@3.1.1"])
    of_guide = {p.code: p for p in registry.search_parameters("Patient", "us-core@3.1.1")}
    assert of_guide["birthdate"].type == "date"
    everything = {p.code: p.guide for p in registry.search_parameters("Patient")}
    assert (everything["birthdate"], everything["_lastUpdated"]) == ("us-core@3.1.1", "r4@4.0.1")


def test_the_capability_of_us_core() -> None:
    capability = Registry(["us-core@3.1.1"]).capability("us-core@3.1.1")
    assert capability is not None
    observation = capability.resources["Observation"]
    assert (("patient", "category", "date"), "SHALL") in observation.combinations
    assert ("read", "SHALL") in observation.interactions
    assert "Provenance:target" in {what for what, _ in observation.revincludes}
    patient = {s.name: s.expectation for s in capability.resources["Patient"].search_parameters}
    assert patient["identifier"] == "SHALL"


def test_a_package_given_counts_before_what_is_shipped(tmp_path: Path) -> None:
    url = f"{US_CORE}/us-core-patient"
    package = write_package(
        tmp_path, [profile("p", "Patient", []) | {"url": url, "name": "Mine"}], name="hl7.fhir.us.core", version="3.1.1"
    )
    for guides in ([], ["us-core@3.1.1"], ["carin-bb@2.0.0"]):
        found = Registry(guides, [package]).structure(url)
        assert found is not None
        assert found.name == "Mine"


def test_packages_that_depend_on_each_other_may_come_in_any_order(tmp_path: Path) -> None:
    base = write_package(
        tmp_path,
        [profile("first", "Patient", [{"id": "Patient.name", "path": "Patient.name", "min": 1}])],
        name="example.base",
    )
    first = f"{CANONICAL}/StructureDefinition/first"
    second = write_package(
        tmp_path,
        [profile("second", "Patient", [{"id": "Patient.name", "path": "Patient.name", "max": "1"}], base=first)],
        name="example.second",
        dependencies={"example.base": "1.0.0"},
    )
    found = Registry([], [second, base]).structure(f"{CANONICAL}/StructureDefinition/second")
    assert found is not None
    name = next(e for e in found.elements if e.id == "Patient.name")
    assert (name.min, name.max) == (1, 1)


def test_a_compiled_package_is_kept_and_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    assert Registry([], [package]).profiles()
    monkeypatch.setattr("suites.profiles.brought.compile_package", lambda *_: pytest.fail("compiled again"))
    assert Registry([], [package]).profiles()


def test_without_a_writable_cache_a_package_still_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(blocked / "cache"))
    package = write_package(tmp_path, [profile("p", "Patient", [])])
    assert [h.name for h in Registry([], [package]).profiles()] == ["p"]


def test_a_guide_is_found_in_the_fhir_package_cache(tmp_path: Path) -> None:
    package = write_package(tmp_path, [profile("cached", "Patient", []), definition("ValueSet", "v")])
    unpacked = tmp_path / "fhir-packages" / "example.guide#1.0.0"
    with tarfile.open(package) as archive:
        archive.extractall(unpacked, filter="data")
    registry = Registry(["example.guide@1.0.0"])
    assert [h.name for h in registry.profiles("example.guide@1.0.0")] == ["cached"]
    manifest = unpacked / "package" / "package.json"
    about = json.loads(manifest.read_text())
    assert about["name"] == "example.guide"


def test_a_damaged_package_in_the_fhir_package_cache_is_not_a_guide(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fhir-packages" / "damaged.guide#1.0.0" / "package"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{")
    with pytest.raises(UnknownGuide, match="not among the guides at hand"):
        Registry(["damaged.guide@1.0.0"])
    assert "package.json is not JSON" in capsys.readouterr().err


def test_a_table_that_was_cut_short_says_so(tmp_path: Path) -> None:
    whole = (Path(Registry().core.folder) / "search_parameters.json").read_bytes()
    cut = tmp_path / "search_parameters.json"
    cut.write_bytes(whole[:5000])
    with pytest.raises(BadTable, match="compile it again"):
        list(Table(cut))
    assert list(Table(tmp_path / "absent.json")) == []


def test_versions_match_by_their_beginning() -> None:
    assert version_matches("4.0.1", "4.0")
    assert version_matches("4.0.1", "4.0.1")
    assert not version_matches("4.0.1", "4.0.10")
    assert not version_matches("14.0.1", "4")
    assert not version_matches(None, "4")
