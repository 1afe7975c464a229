"""Must-support coverage: which elements, slices and extensions were seen, and in which resource."""

from __future__ import annotations

from suites.profiles import Validator
from suites.profiles.must_support import Coverage
from tests.unit.profiles.good_resources import US_CORE, good

PROFILE = US_CORE + "us-core-patient"


def seen(coverage: Coverage) -> dict[str, list[str]]:
    (profile,) = coverage.as_json()
    assert profile["profile"] == PROFILE
    return {element["element"]: element["seen_in"] for element in profile["elements"]}


def test_elements_slices_and_extensions_are_seen_with_their_witnesses(validator: Validator):
    coverage = Coverage(validator.engine)
    coverage.add(good("patient"), [PROFILE])
    found = seen(coverage)
    assert found["Patient.identifier.system"] == ["Patient/p1"]
    assert found["Patient.extension:race"] == ["Patient/p1"]
    assert found["Patient.extension:ethnicity"] == []
    assert found["Patient.address.city"] == ["Patient/p1"]


def test_an_element_only_another_resource_shows_is_seen_there(validator: Validator):
    coverage = Coverage(validator.engine)
    coverage.add({"resourceType": "Patient", "id": "bare"}, [PROFILE])
    assert set(map(tuple, seen(coverage).values())) == {()}
    coverage.add(good("patient"), [PROFILE])
    assert seen(coverage)["Patient.birthDate"] == ["Patient/p1"]


def test_coverage_of_several_processes_adds_up(validator: Validator):
    one, other = Coverage(validator.engine), Coverage(validator.engine)
    one.add({"resourceType": "Patient", "id": "bare", "gender": "male"}, [PROFILE])
    other.add(good("patient"), [PROFILE])
    one.merge(other.take())
    (profile,) = one.as_json()
    assert profile["resources"] == 2
    assert seen(one)["Patient.gender"] == ["Patient/bare", "Patient/p1"]


def test_slices_told_apart_by_pattern_are_seen(validator: Validator):
    coverage = Coverage(validator.engine)
    url = "http://hl7.org/fhir/StructureDefinition/bp"
    coverage.add(good("blood-pressure"), [url])
    (profile,) = coverage.as_json()
    found = {element["element"]: element["seen_in"] for element in profile["elements"]}
    assert found["Observation.component:SystolicBP.value[x]"] == ["Observation/bp1"]
