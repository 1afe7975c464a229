"""What is to be tried: faults as the control interface tells them, deployments and variants as their files do."""

from __future__ import annotations

from pathlib import Path

import pytest

from suites.kit import catalogue as requirements
from suites.proving import catalogue
from suites.proving.catalogue import BadCatalogueOfFaults, UnknownName

KNOWN = "RFC6749-CODE-01"


def told(**changed: object) -> dict[str, object]:
    return {
        "id": "replay",
        "rule": "authorization.codes.may_redeem",
        "violates": KNOWN,
        "also": [],
        "on": "reference",
        "text": "x.",
    } | changed


def test_faults_are_read_as_told() -> None:
    (found,) = catalogue.from_control({"catalogue": [told(also=["FHIR-SEARCH-01"])]})
    assert (found.id, found.broken, found.on) == ("replay", {KNOWN, "FHIR-SEARCH-01"}, "reference")


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([told(), told()], "two faults are called 'replay'"),
        ([told(violates="")], "violates no requirement"),
        ([told(violates="RFC6749-CODE-1")], "did you mean"),
        ([told(also=["NOBODY-KNOWS"])], "'NOBODY-KNOWS', which is no requirement"),
        ([], "declares no faults"),
    ],
)
def test_faults_that_prove_nothing_are_refused(faults: list[object], said: str) -> None:
    with pytest.raises(BadCatalogueOfFaults, match=said):
        catalogue.from_control({"catalogue": faults})


def test_a_prefix_takes_all_it_begins_and_an_exact_id_only_itself() -> None:
    declared = catalogue.from_control({"catalogue": [told(id="code"), told(id="code-late"), told(id="token")]})
    assert [one.id for one in catalogue.chosen(declared, ["code-"])] == ["code-late"]
    assert [one.id for one in catalogue.chosen(declared, ["code"])] == ["code"]
    assert len(catalogue.chosen(declared, [])) == 3


def test_an_unknown_fault_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown fault 'cod-replay'; did you mean 'code-replay'"):
        catalogue.matching("cod-replay", ["token-late", "code-replay"])


def test_the_payers_deployments_and_variants_are_found_with_the_guides_of_their_data() -> None:
    known = catalogue.systems()
    assert known["reference"].kind == "reference"
    assert sum(one.kind == "deployment" for one in known.values()) == 6
    assert sum(one.kind == "variant" for one in known.values()) >= 10
    assert "us-core@6.1.0" in known["current"].guides
    with pytest.raises(UnknownName, match="did you mean 'odd-paths'"):
        catalogue.named(["odd-path"], known)


def test_a_system_without_guides_of_its_own_has_the_references_data(tmp_path: Path) -> None:
    (tmp_path / "variants").mkdir()
    (tmp_path / "deployments").mkdir()
    (tmp_path / "variants" / "odd.toml").write_text('name = "odd"\nabout = "Odd."\n', encoding="utf-8")
    odd = catalogue.systems(tmp_path)["odd"]
    assert (odd.guides, odd.about) == (catalogue.REFERENCE_GUIDES, "Odd.")


@pytest.mark.parametrize(
    ("rule", "violates", "number"),
    [
        ("authorization.codes.may_redeem", KNOWN, 0),
        ("fhir.search.x", "FHIR-SEARCH-01", 1),
        ("fhir.served.x", "CARIN-PROFILE-01", 2),
        ("fhir.privacy.x", "USCORE-SEC-01", 3),
        ("portals.people.x", "CONNEX-V.B.1", 4),
        ("fhir.served.x", "PLANNET-CONTENT-01", 4),
    ],
)
def test_every_fault_has_an_area(rule: str, violates: str, number: int) -> None:
    assert catalogue.area(rule, violates) == catalogue.AREAS[number]


def test_requirements_of_this_test_are_known() -> None:
    assert KNOWN in requirements.load()
