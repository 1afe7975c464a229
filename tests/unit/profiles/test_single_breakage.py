"""Any single breakage of a good resource is told where it is, and nothing else is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from suites.profiles import Validator
from tests.unit.profiles.good_resources import GOOD, as_sent

VALIDATOR = Validator(guides=["us-core@3.1.1", "carin-bb@2.0.0"])
Steps = tuple[str | int, ...]
CHOICES = {
    "valueQuantity": "value.ofType(Quantity)",
    "effectiveDateTime": "effective.ofType(dateTime)",
    "reportedBoolean": "reported.ofType(boolean)",
}
CHOICES |= {
    "medicationReference": "medication.ofType(Reference)",
    "valueCoding": "value.ofType(Coding)",
    "valueString": "value.ofType(string)",
    "valueCode": "value.ofType(code)",
}
TELLS_APART = {
    "url",
    "system",
    "code",
    "coding",
    "category",
    "component",
    "extension",
    "meta",
    "contained",
    "fullUrl",
    "type",
    "resourceType",
    "id",
    "text",
    "reference",
    "repeat",
}
"""Names by which slices, resources and extensions are told apart: breaking these breaks more than one rule, rightly."""


def nodes(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    if steps:
        yield steps, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, held in inner:
        yield from nodes(held, (*steps, step))


def path_of(resource: dict[str, Any], steps: Steps) -> str:
    path = resource["resourceType"]
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else "." + CHOICES.get(step, step)
    return path


def at(resource: Any, steps: Steps) -> Any:
    for step in steps:
        resource = resource[step]
    return resource


def errors(resource: dict[str, Any]) -> set[str]:
    return {issue.path for issue in VALIDATOR.validate(as_sent(resource)).errors()}


PLAIN = [
    (name, steps) for name, resource in GOOD.items() for steps, _ in nodes(resource) if not TELLS_APART & set(steps)
]
LEAVES = [(name, steps) for name, steps in PLAIN if not isinstance(at(GOOD[name], steps), dict | list)]
OBJECTS = [
    (name, steps)
    for name, resource in GOOD.items()
    for steps, value in nodes(resource)
    if isinstance(value, dict) and "contained" not in steps
]
DATES = [
    (name, steps)
    for name, steps in LEAVES
    if str(steps[-1]) in ("birthDate", "start", "end", "effectiveDateTime", "authoredOn")
]
CODES = [
    (name, steps)
    for name, steps in LEAVES
    if str(steps[-1]) in ("gender", "use", "status", "intent", "periodUnit", "mode")
]
REFERENCES = [
    (name, (*steps, "reference"))
    for name, resource in GOOD.items()
    for steps, value in nodes(resource)
    if isinstance(value, dict) and "reference" in value and not str(value["reference"]).startswith("#")
]
REQUIRED = [
    ("patient", ("name",)), ("patient", ("gender",)), ("patient", ("identifier", 0, "system")), ("patient", ("communication", 0, "language")),
    ("blood-pressure", ("subject",)), ("blood-pressure", ("category",)), ("coverage", ("payor",)), ("coverage", ("relationship",)),
    ("coverage", ("class", 0, "value")), ("medication-request", ("intent",)), ("medication-request", ("subject",)), ("medication-request", ("status",)),
    ("searchset", ("type",)), ("searchset", ("link", 0, "url")), ("searchset", ("entry", 0, "resource", "gender")),
]  # fmt: skip
WRONG_JSON = [5, True, "text", {"value": "x"}, ["x"]]


@given(st.sampled_from(LEAVES), st.sampled_from([{"x": "y"}, [["x"]], []]))
@settings(max_examples=300, deadline=None)
def test_a_value_of_a_wrong_json_type_is_told_at_its_path(place: tuple[str, Steps], wrong: Any):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])[steps[-1]] = wrong
    assert errors(resource) == {path_of(resource, steps)}


@given(
    st.sampled_from(OBJECTS), st.sampled_from(["nickname", "Status", "text2", "valuable"]), st.sampled_from(WRONG_JSON)
)
@settings(max_examples=300, deadline=None)
def test_an_extra_property_is_told_at_the_object_that_has_it(place: tuple[str, Steps], extra: str, value: Any):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps)[extra] = value
    assert errors(resource) == {path_of(resource, steps)}


@given(
    st.sampled_from(DATES),
    st.sampled_from(["2024-02-30", "2024-13-01", "24-01-01", "2024-1-1", "01/02/2024", "soon", "0000-01-01"]),
)
@settings(max_examples=60, deadline=None)
def test_a_broken_date_is_told_at_its_path(place: tuple[str, Steps], wrong: str):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])[steps[-1]] = wrong
    assert errors(resource) == {path_of(resource, steps)}


@given(st.sampled_from(CODES), st.sampled_from(["not-a-code", "HOME", "x y"]))
@settings(max_examples=60, deadline=None)
def test_a_wrong_code_is_told_at_its_path(place: tuple[str, Steps], wrong: str):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])[steps[-1]] = wrong
    assert path_of(resource, steps) in errors(resource)
    assert all(path_of(resource, steps).startswith(path) for path in errors(resource))


@given(
    st.sampled_from(REFERENCES),
    st.sampled_from(["Slot/1", "https://payer.example/fhir/Slot/1", "Substance/1/_history/2"]),
)
@settings(max_examples=60, deadline=None)
def test_a_reference_to_a_wrong_type_is_told_at_the_reference(place: tuple[str, Steps], wrong: str):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])["reference"] = wrong
    assert errors(resource) == {path_of(resource, steps[:-1])}


@given(st.sampled_from(REQUIRED))
@settings(max_examples=60, deadline=None)
def test_a_required_element_that_is_missing_is_told_at_its_parent(place: tuple[str, Steps]):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    del at(resource, steps[:-1])[steps[-1]]
    assert path_of(resource, steps[:-1]) in errors(resource)
    assert len(errors(resource)) == 1


@given(st.sampled_from(LEAVES), st.sampled_from([None, "", {}]))
@settings(max_examples=150, deadline=None)
def test_a_value_that_is_none_is_told_at_its_path(place: tuple[str, Steps], nothing: Any):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])[steps[-1]] = nothing
    assert errors(resource) == {path_of(resource, steps)}


@given(
    st.sampled_from([(name, steps) for name, resource in GOOD.items() for steps, _ in nodes(resource)]),
    st.sampled_from(
        [None, "", {}, [], [None], [{}], 5, True, "x", {"value": "x"}, [["a"]], {"extension": [{"url": 5}]}]
    ),
)
@settings(max_examples=500, deadline=None)
def test_no_breakage_makes_the_validator_fail(place: tuple[str, Steps], value: Any):
    name, steps = place
    resource = copy.deepcopy(GOOD[name])
    at(resource, steps[:-1])[steps[-1]] = value
    report = VALIDATOR.validate(as_sent(resource))
    assert "not-judged" not in {issue.rule for issue in report.issues}
