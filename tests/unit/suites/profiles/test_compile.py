"""From packages to tables and back: snapshots made, differences stored, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suites.profiles.compile import compile_file
from suites.profiles.facts import Structure
from suites.profiles.registry import Registry
from tests.unit.suites.profiles.packages import CANONICAL, definition, extension, profile, write_package


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FHIR_PACKAGE_CACHE", str(tmp_path / "fhir-packages"))


def compiled(tmp_path: Path, *definitions: dict[str, Any], **facts: Any) -> Registry:
    return Registry([], [write_package(tmp_path, list(definitions), **facts)])


def structure(registry: Registry, name: str) -> Structure:
    found = registry.structure(f"{CANONICAL}/StructureDefinition/{name}")
    assert found is not None
    return found


def element(found: Structure, element_id: str) -> Any:
    return next(e for e in found.elements if e.id == element_id)


def test_a_differential_is_laid_over_its_base(tmp_path: Path) -> None:
    registry = compiled(
        tmp_path,
        profile(
            "member",
            "Patient",
            [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1, "mustSupport": True}],
        ),
    )
    made, base = structure(registry, "member"), registry.structure("Patient")
    assert base is not None
    assert [e.id for e in made.elements] == [e.id for e in base.elements]
    birth_date = element(made, "Patient.birthDate")
    assert (birth_date.min, birth_date.max, birth_date.must_support) == (1, 1, True)
    assert (birth_date.base_path, birth_date.base_min) == ("Patient.birthDate", 0)
    assert element(made, "Patient.active") == element(base, "Patient.active")


def test_a_data_type_is_unrolled_where_the_differential_steps_into_it(tmp_path: Path) -> None:
    registry = compiled(
        tmp_path, profile("named", "Patient", [{"id": "Patient.name.family", "path": "Patient.name.family", "min": 1}])
    )
    made = structure(registry, "named")
    ids = [e.id for e in made.elements]
    assert ids[ids.index("Patient.name") :][:4] == [
        "Patient.name",
        "Patient.name.id",
        "Patient.name.extension",
        "Patient.name.use",
    ]
    assert element(made, "Patient.name.family").min == 1
    assert element(made, "Patient.name.family").base_path == "HumanName.family"
    assert element(made, "Patient.name.use").binding.strength == "required"


def test_slices_and_their_slices_stand_after_what_they_slice(tmp_path: Path) -> None:
    by_system = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    registry = compiled(
        tmp_path,
        profile(
            "numbered",
            "Patient",
            [
                {"id": "Patient.identifier", "path": "Patient.identifier", "slicing": by_system, "min": 1},
                {
                    "id": "Patient.identifier:plan",
                    "path": "Patient.identifier",
                    "sliceName": "plan",
                    "min": 1,
                    "max": "1",
                },
                {
                    "id": "Patient.identifier:plan.system",
                    "path": "Patient.identifier.system",
                    "min": 1,
                    "fixedUri": "urn:plan",
                },
                {
                    "id": "Patient.identifier:plan/old",
                    "path": "Patient.identifier",
                    "sliceName": "plan/old",
                    "max": "1",
                },
                {"id": "Patient.identifier:card", "path": "Patient.identifier", "sliceName": "card"},
            ],
        ),
    )
    made = structure(registry, "numbered")
    slices = [e.id for e in made.elements if e.path == "Patient.identifier"]
    assert slices == [
        "Patient.identifier",
        "Patient.identifier:plan",
        "Patient.identifier:plan/old",
        "Patient.identifier:card",
    ]
    assert element(made, "Patient.identifier").slicing.discriminators == (("value", "system"),)
    plan = element(made, "Patient.identifier:plan")
    assert (plan.slice_name, plan.min, plan.max, plan.slicing) == ("plan", 1, 1, None)
    assert element(made, "Patient.identifier:plan.system").fixed == ("uri", "urn:plan")
    assert element(made, "Patient.identifier:card").min == 0


def test_a_choice_named_by_its_type_becomes_a_slice_and_narrows_the_choice(tmp_path: Path) -> None:
    registry = compiled(
        tmp_path,
        profile(
            "weighed",
            "Observation",
            [{"id": "Observation.valueQuantity", "path": "Observation.valueQuantity", "min": 1}],
        ),
    )
    made = structure(registry, "weighed")
    choice = element(made, "Observation.value[x]")
    assert [t.code for t in choice.types] == ["Quantity"]
    assert (choice.min, choice.slicing.rules) == (1, "closed")
    assert [t.code for t in element(made, "Observation.value[x]:valueQuantity").types] == ["Quantity"]


def test_extension_slices_are_told_apart_by_url_without_saying_so(tmp_path: Path) -> None:
    url = f"{CANONICAL}/StructureDefinition/tribe"
    registry = compiled(
        tmp_path,
        extension(
            "tribe",
            [
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
                {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]},
            ],
            context=[{"type": "element", "expression": "Patient"}],
        ),
        profile(
            "tribal",
            "Patient",
            [
                {
                    "id": "Patient.extension:tribe",
                    "path": "Patient.extension",
                    "sliceName": "tribe",
                    "min": 1,
                    "type": [{"code": "Extension", "profile": [url]}],
                }
            ],
        ),
    )
    found = registry.extension(url)
    assert found is not None
    assert [(c.kind, c.expression) for c in found.contexts] == [("element", "Patient")]
    assert element(found, "Extension.value[x]").types[0].code == "string"
    made = structure(registry, "tribal")
    assert element(made, "Patient.extension").slicing.discriminators == (("value", "url"),)
    assert element(made, "Patient.extension:tribe").types[0].profiles == (url,)


def test_content_by_reference_is_unrolled_as_its_type_defines_it(tmp_path: Path) -> None:
    path = "Questionnaire.item.item.linkId"
    registry = compiled(
        tmp_path,
        profile(
            "nested",
            "Questionnaire",
            [
                {"id": "Questionnaire.item.linkId", "path": "Questionnaire.item.linkId", "maxLength": 9},
                {"id": path, "path": path, "maxLength": 5},
            ],
        ),
    )
    made = structure(registry, "nested")
    assert element(made, "Questionnaire.item.linkId").max_length == 9
    assert element(made, path).max_length == 5
    assert element(made, "Questionnaire.item.item.text").types[0].code == "string"


def test_invariants_are_added_to_those_of_the_base(tmp_path: Path) -> None:
    rule = {
        "key": "own-1",
        "severity": "warning",
        "human": "prose that must not be carried",
        "expression": "name.exists()",
    }
    registry = compiled(
        tmp_path, profile("ruled", "Patient", [{"id": "Patient", "path": "Patient", "constraint": [rule]}])
    )
    keys = {c.key: c for c in element(structure(registry, "ruled"), "Patient").constraints}
    assert {"dom-2", "dom-6", "own-1"} <= keys.keys()
    assert keys["own-1"].severity == "warning"
    assert keys["dom-6"].best_practice


def test_a_profile_on_a_profile_of_the_same_package(tmp_path: Path) -> None:
    registry = compiled(
        tmp_path,
        profile(
            "second",
            "Patient",
            [{"id": "Patient.name", "path": "Patient.name", "max": "1"}],
            base=f"{CANONICAL}/StructureDefinition/first",
        ),
        profile("first", "Patient", [{"id": "Patient.name", "path": "Patient.name", "min": 1}]),
    )
    name = element(structure(registry, "second"), "Patient.name")
    assert (name.min, name.max) == (1, 1)


@pytest.mark.parametrize(
    ("base", "differential", "said"),
    [
        (
            "http://elsewhere.example/StructureDefinition/x",
            [],
            "its base http://elsewhere.example/StructureDefinition/x is not at hand",
        ),
        (f"{CANONICAL}/StructureDefinition/odd", [], "needs its own to make one"),
        (
            None,
            [{"id": "Patient.shoeSize", "path": "Patient.shoeSize", "min": 1}],
            r"names Patient\.shoeSize, which its base lacks",
        ),
    ],
)
def test_a_snapshot_that_cannot_be_made_is_refused_by_name(
    tmp_path: Path, base: str | None, differential: list[dict[str, Any]], said: str
) -> None:
    import re

    good = profile("good", "Patient", [])
    made = compile_file(write_package(tmp_path, [profile("odd", "Patient", differential, base=base), good]))
    assert len(made.refused) == 1
    assert f"{CANONICAL}/StructureDefinition/odd" in made.refused[0]
    assert re.search(said, made.refused[0])
    assert made.counts["profiles"] == 1, "the rest of the package is compiled"


def test_profiles_that_derive_from_each_other_are_refused_with_the_circle(tmp_path: Path) -> None:
    url = f"{CANONICAL}/StructureDefinition"
    made = compile_file(
        write_package(
            tmp_path, [profile("a", "Patient", [], base=f"{url}/b"), profile("b", "Patient", [], base=f"{url}/a")]
        )
    )
    assert len(made.refused) == 2
    assert f"{url}/a -> {url}/b -> {url}/a" in made.refused[0]


def test_profiles_with_snapshots_that_derive_from_each_other_are_read_all_the_same(tmp_path: Path) -> None:
    url = f"{CANONICAL}/StructureDefinition"

    def circular(name: str, base: str) -> dict[str, Any]:
        base_element = {"path": "Patient", "min": 0, "max": "*"}
        elements = [
            {"id": "Patient", "path": "Patient", "min": 0, "max": "*", "base": base_element},
            {"id": "Patient.name", "path": "Patient.name", "min": 1, "max": "2", "type": [{"code": "HumanName"}]},
        ]
        return profile(name, "Patient", [], base=f"{url}/{base}") | {"snapshot": {"element": elements}}

    registry = compiled(tmp_path, circular("self", "self"), circular("a", "b"), circular("b", "c"), circular("c", "b"))
    for name in ("self", "a", "b", "c"):
        found = element(structure(registry, name), "Patient.name")
        assert (found.min, found.max, found.types[0].code) == (1, 2, "HumanName")


def test_a_url_with_a_quote_in_it_is_still_found(tmp_path: Path) -> None:
    url = 'http://guide.example/"odd"\\\n'
    registry = compiled(tmp_path, definition("ValueSet", "odd", compose={"include": []}) | {"url": url})
    assert registry.value_set(url) is not None


def test_a_definition_that_makes_no_sense_is_left_out_and_named(tmp_path: Path) -> None:
    broken = [
        profile("broken", "Patient", []) | {"snapshot": {"element": [{"min": "many"}]}},
        definition("ValueSet", "broken", compose={"include": 3}),
        definition("CodeSystem", "broken", content="complete", concept=[{"display": "no code"}]),
        definition("SearchParameter", "broken", code="a", base=["Patient"], component=[{}]),
        definition("CapabilityStatement", "broken", rest=[{"resource": [{}]}]),
    ]
    made = compile_file(write_package(tmp_path, [*broken, definition("ValueSet", "good")]))
    assert [(r.partition(": ")[0], r.partition("not a ")[2].partition(" ")[0]) for r in made.refused] == [
        (d["url"], d["resourceType"]) for d in (broken[0], broken[2], broken[1], broken[3], broken[4])
    ]
    assert made.counts["value_sets"] == 1


def test_value_sets_that_import_one_another_a_thousand_deep_end(tmp_path: Path) -> None:
    def importing(number: int) -> dict[str, Any]:
        return definition(
            "ValueSet", f"v{number}", compose={"include": [{"valueSet": [f"{CANONICAL}/ValueSet/v{number + 1}"]}]}
        )

    made = compile_file(write_package(tmp_path, [importing(n) for n in range(3000)]))
    assert made.counts["value_sets"] == 3000
    assert not made.refused


def test_search_parameters_and_capabilities(tmp_path: Path) -> None:
    shall = [{"url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation", "valueCode": "SHALL"}]
    combination = {
        "url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination",
        "extension": [*shall, {"url": "required", "valueString": "code"}, {"url": "required", "valueString": "date"}],
    }
    resource = {
        "type": "Observation",
        "extension": [*shall, combination],
        "supportedProfile": [f"{CANONICAL}/StructureDefinition/o"],
        "_supportedProfile": [{"extension": shall}],
        "interaction": [{"code": "read", "extension": shall}, {"code": "update"}],
        "searchInclude": ["Observation:subject"],
        "searchParam": [{"name": "code", "type": "token", "extension": shall}],
    }
    registry = compiled(
        tmp_path,
        definition("CapabilityStatement", "server", rest=[{"mode": "server", "resource": [resource]}]),
        definition(
            "SearchParameter", "code", code="code", type="token", base=["Observation"], expression="Observation.code"
        ),
    )
    capability = registry.capability("example.guide@1.0.0")
    assert capability is not None
    observation = capability.resources["Observation"]
    assert observation.expectation == "SHALL"
    assert observation.profiles == ((f"{CANONICAL}/StructureDefinition/o", "SHALL"),)
    assert observation.interactions == (("read", "SHALL"), ("update", None))
    assert observation.combinations == ((("code", "date"), "SHALL"),)
    assert observation.includes == (("Observation:subject", None),)
    assert (observation.search_parameters[0].name, observation.search_parameters[0].expectation) == ("code", "SHALL")
    parameters = {p.code: p for p in registry.search_parameters("Observation")}
    assert parameters["code"].guide == "example.guide@1.0.0"
    assert parameters["_id"].guide == "r4@4.0.1"
