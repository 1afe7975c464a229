"""Slices: every kind of discriminator, every rule, order, re-slices and default slices, on profiles made for the test."""

from __future__ import annotations

from typing import Any

import pytest

from suites.profiles.facts import Binding, Structure
from tests.unit.profiles.made_profiles import CANONICAL, Slicing, TypeRef, element, judged, profile

SYSTEM = "http://made.example/system"


def slicing(kind: str, path: str, rules: str = "open", ordered: bool = False) -> Slicing:
    return Slicing(((kind, path),), rules, ordered)


def patient(*identifiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": list(identifiers), **more}


def identifiers(rules: str = "open", ordered: bool = False) -> Structure:
    """Identifiers sliced by system: one `a` required, at most one `b`."""
    return profile(
        "identifiers",
        "Patient",
        element("Patient.identifier", slicing=slicing("value", "system", rules, ordered)),
        element("Patient.identifier:a", min=1, max=1),
        element("Patient.identifier:a.system", min=1, max=1, fixed=("uri", SYSTEM + "/a")),
        element("Patient.identifier:a.value", min=1, max=1),
        element("Patient.identifier:b", min=0, max=1),
        element("Patient.identifier:b.system", min=1, max=1, fixed=("uri", SYSTEM + "/b")),
    )


A, B, C = ({"system": f"{SYSTEM}/{name}", "value": name} for name in "abc")


@pytest.mark.parametrize(
    ("rules", "ordered", "resource", "errors"),
    [
        ("open", False, patient(A), []),
        ("open", False, patient(C, B, A), []),
        ("open", False, patient(B), [("slice-min", "Patient")]),
        ("open", False, patient(A, A), [("slice-max", "Patient")]),
        ("open", False, patient({"system": SYSTEM + "/a"}), [("cardinality-min", "Patient.identifier[0]")]),
        ("closed", False, patient(A, B), []),
        ("closed", False, patient(A, C), [("slice-closed", "Patient.identifier[1]")]),
        ("openAtEnd", False, patient(A, C), []),
        ("openAtEnd", False, patient(C, A), [("slice-order", "Patient.identifier[1]")]),
        ("open", True, patient(A, C, B), []),
        ("open", True, patient(B, A), [("slice-order", "Patient.identifier[1]")]),
    ],
)
def test_slices_by_value(rules: str, ordered: bool, resource: dict[str, Any], errors: list[tuple[str, str]]):
    assert judged([identifiers(rules, ordered)], resource) == errors


def test_a_missing_slice_says_why_the_others_did_not_match():
    from suites.profiles.engine.engine import Engine
    from tests.unit.profiles.made_profiles import WithProfiles

    made = identifiers()
    run = Engine(WithProfiles([made])).judge.document(patient(C), [made.url])
    (issue,) = run.findings.issues
    assert "[0] did not match because" in issue.message
    assert SYSTEM + "/a" in (issue.expected or "")


def test_slices_by_pattern_of_a_concept():
    made = profile(
        "coded",
        "Observation",
        element("Observation.category", slicing=slicing("pattern", "$this")),
        element(
            "Observation.category:lab",
            min=1,
            pattern=("CodeableConcept", {"coding": [{"system": SYSTEM, "code": "lab"}]}),
        ),
    )
    good = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "category": [{"coding": [{"system": SYSTEM, "code": "lab", "display": "Lab"}]}],
    }
    assert judged([made], good) == []
    assert judged([made], {**good, "category": [{"coding": [{"system": SYSTEM, "code": "other"}]}]}) == [
        ("slice-min", "Observation")
    ]


def test_slices_by_type_of_a_choice():
    made = profile(
        "typed",
        "Observation",
        element("Observation.value[x]", slicing=slicing("type", "$this")),
        element("Observation.value[x]:valueQuantity", max=1, types=(TypeRef("Quantity"),)),
        element("Observation.value[x]:valueQuantity.unit", min=1, max=1),
    )
    good = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": {"value": 1, "unit": "mg"},
    }
    assert judged([made], good) == []
    assert judged([made], {**good, "valueQuantity": {"value": 1}}) == [
        ("cardinality-min", "Observation.value.ofType(Quantity)")
    ]
    text = {name: held for name, held in good.items() if name != "valueQuantity"} | {"valueString": "x"}
    assert judged([made], text) == []


def test_slices_by_existence():
    made = profile(
        "present",
        "Patient",
        element("Patient.telecom", slicing=slicing("exists", "period")),
        element("Patient.telecom:dated", min=1, max=1),
        element("Patient.telecom:dated.period", min=1, max=1),
    )
    assert judged([made], patient(A, telecom=[{"system": "phone", "value": "1", "period": {"start": "2026"}}])) == []
    assert judged([made], patient(A, telecom=[{"system": "phone", "value": "1"}])) == [("slice-min", "Patient")]


def test_slices_by_profile_and_by_type_through_references_in_the_bundle():
    named = profile("named", "Patient", element("Patient.name", min=1))
    made = profile(
        "pointing",
        "List",
        element("List.entry", slicing=Slicing((("profile", "item.resolve()"),), "open")),
        element("List.entry:named", min=1),
        element("List.entry:named.item", min=1, max=1, types=(TypeRef("Reference", targets=(CANONICAL + "named",)),)),
    )

    def bundle(target: dict[str, Any]) -> dict[str, Any]:
        listed = {
            "resourceType": "List",
            "id": "l",
            "meta": {"profile": [made.url]},
            "status": "current",
            "mode": "working",
            "entry": [{"item": {"reference": "Patient/p"}}],
        }
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"fullUrl": "http://a.example/fhir/List/l", "resource": listed},
                {
                    "fullUrl": "http://a.example/fhir/Patient/p",
                    "resource": {"resourceType": "Patient", "id": "p", **target},
                },
            ],
        }

    some = profile("some", "Bundle")
    assert judged([some, made, named], bundle({"name": [{"family": "A"}]})) == []
    assert judged([some, made, named], bundle({"gender": "other"})) == [("slice-min", "Bundle.entry[0].resource")]


def test_slices_by_required_binding():
    made = profile(
        "bound",
        "Patient",
        element("Patient.telecom", slicing=slicing("value", "use")),
        element("Patient.telecom:any", min=1),
        element(
            "Patient.telecom:any.use",
            min=1,
            max=1,
            binding=Binding("required", "http://hl7.org/fhir/ValueSet/contact-point-use"),
        ),
    )
    assert judged([made], patient(A, telecom=[{"system": "phone", "value": "1", "use": "home"}])) == []
    assert judged([made], patient(A, telecom=[{"system": "phone", "value": "1"}])) == [("slice-min", "Patient")]


def test_re_slices_and_the_default_slice():
    made = profile(
        "deep",
        "Patient",
        element("Patient.identifier", slicing=slicing("value", "use")),
        element("Patient.identifier:o", min=1, slicing=slicing("value", "system")),
        element("Patient.identifier:o.use", min=1, max=1, fixed=("code", "official")),
        element("Patient.identifier:o/x", min=1, max=1),
        element("Patient.identifier:o/x.system", min=1, max=1, fixed=("uri", SYSTEM)),
        element("Patient.identifier:@default", min=0),
        element("Patient.identifier:@default.value", min=1, max=1),
    )
    official = {"use": "official", "system": SYSTEM, "value": "1"}
    assert judged([made], patient(official, {"value": "2"})) == []
    assert judged([made], patient({**official, "system": SYSTEM + "/other"})) == [("slice-min", "Patient")]
    assert judged([made], patient(official, {"system": SYSTEM})) == [("cardinality-min", "Patient.identifier[1]")]


def test_a_profile_that_refers_to_itself_is_judged_in_bounded_time():
    made = profile(
        "loop", "Patient", element("Patient.contained", types=(TypeRef("Patient", profiles=(CANONICAL + "loop",)),))
    )
    inner = {"resourceType": "Patient", "id": "x", "link": [{"other": {"reference": "#"}, "type": "refer"}]}
    assert judged([made], {"resourceType": "Patient", "contained": [inner]}) == []


def test_resource_types_inside_may_be_narrowed():
    made = profile("only-patients", "Bundle", element("Bundle.entry.resource", max=1, types=(TypeRef("Patient"),)))
    entry = {"resource": {"resourceType": "Basic", "code": {"text": "x"}}}
    assert judged([made], {"resourceType": "Bundle", "type": "collection", "entry": [entry]}) == [
        ("type", "Bundle.entry[0].resource")
    ]


def test_bounds_and_patterns_of_single_values():
    made = profile(
        "bounds",
        "Patient",
        element("Patient.birthDate", max=1, min_value=("date", "1900-01-01"), max_value=("date", "2026-12-31")),
        element("Patient.multipleBirth[x]", max=1, types=(TypeRef("integer"),), max_value=("integer", 9)),
        element(
            "Patient.maritalStatus", max=1, pattern=("CodeableConcept", {"coding": [{"system": SYSTEM, "code": "m"}]})
        ),
    )
    assert judged([made], patient(A, birthDate="1899-12-31")) == [("min-value", "Patient.birthDate")]
    assert judged([made], patient(A, birthDate="2027-01-01")) == [("max-value", "Patient.birthDate")]
    assert judged([made], patient(A, multipleBirthInteger=10)) == [
        ("max-value", "Patient.multipleBirth.ofType(integer)")
    ]
    assert judged([made], patient(A, multipleBirthBoolean=True)) == [("type", "Patient.multipleBirth.ofType(boolean)")]
    assert judged([made], patient(A, maritalStatus={"coding": [{"system": SYSTEM, "code": "x"}]})) == [
        ("pattern", "Patient.maritalStatus")
    ]


def test_contained_resources_are_told_apart_by_their_type():
    made = profile(
        "inside",
        "MedicationRequest",
        element("MedicationRequest.contained", slicing=slicing("type", "$this")),
        element("MedicationRequest.contained:med", min=1, max=1, types=(TypeRef("Medication"),)),
        element("MedicationRequest.contained:med.status", min=1, max=1),
    )
    request = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medicationReference": {"reference": "#m"},
    }
    medication = {"resourceType": "Medication", "id": "m", "status": "active"}
    assert judged([made], request | {"contained": [medication]}) == []
    assert ("cardinality-min", "MedicationRequest.contained[0]") in judged(
        [made], request | {"contained": [{"resourceType": "Medication", "id": "m"}]}
    )
    assert ("slice-min", "MedicationRequest") in judged(
        [made], request | {"medicationReference": {"reference": "Medication/m"}}
    )


def test_entries_are_told_apart_by_the_type_of_their_resource():
    made = profile(
        "two",
        "Bundle",
        element("Bundle.entry", slicing=slicing("type", "resource", rules="closed")),
        element("Bundle.entry:patient", min=1, max=1),
        element("Bundle.entry:patient.resource", min=1, max=1, types=(TypeRef("Patient"),)),
    )
    assert (
        judged(
            [made],
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]},
        )
        == []
    )
    other = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "resource": {
                    "resourceType": "Flag",
                    "status": "active",
                    "code": {"text": "x"},
                    "subject": {"reference": "Patient/1"},
                }
            }
        ],
    }
    assert judged([made], other) == [("slice-closed", "Bundle.entry[0]"), ("slice-min", "Bundle")]


def test_a_choice_may_be_named_by_its_type():
    made = profile(
        "short",
        "Observation",
        element("Observation.valueQuantity", min=1, max=1),
        element("Observation.valueQuantity.code", min=1, max=1),
    )
    base = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert judged([made], base | {"valueQuantity": {"code": "mg", "system": "http://unitsofmeasure.org"}}) == []
    assert judged([made], base | {"valueQuantity": {"value": 1}}) == [
        ("cardinality-min", "Observation.value.ofType(Quantity)")
    ]
    assert judged([made], base) == [("cardinality-min", "Observation")]


def test_a_value_that_conforms_to_none_of_several_profiles_says_what_is_wrong_with_the_nearest():
    from suites.profiles.engine.engine import Engine
    from tests.unit.profiles.made_profiles import WithProfiles

    system = profile(
        "system", "Identifier", element("Identifier.system", min=1, max=1), element("Identifier.value", min=1, max=1)
    )
    period = profile("period", "Identifier", element("Identifier.period", min=1, max=1))
    types = (TypeRef("Identifier", profiles=(system.url, period.url)),)
    made = profile("either", "Patient", element("Patient.identifier", types=types))
    assert (
        judged([made, system, period], patient({"system": SYSTEM, "value": "1"}, {"period": {"start": "2026"}})) == []
    )
    run = Engine(WithProfiles([made, system, period])).judge.document(patient({"use": "usual"}), [made.url])
    (issue,) = run.findings.issues
    assert (issue.rule, issue.path) == ("profile-none", "Patient.identifier[0]")
    assert (
        f"nearest is {period.url}, but Patient.identifier[0]: Identifier.period: at least 1 required" in issue.message
    )
