"""References: form, type, aggregation, and target profiles of targets inside the document."""

from __future__ import annotations

from typing import Any

import pytest

from suites.profiles.engine.engine import Engine
from suites.profiles.engine.references import named_type
from tests.unit.profiles.made_profiles import CANONICAL, TypeRef, WithProfiles, element, judged, profile


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("Patient/1", "Patient"),
        ("https://a.example/fhir/Patient/1/_history/2", "Patient"),
        ("Patient/1#part", "Patient"),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", None),
        ("Patient/", None),
        ("#x", None),
        ("nonsense", None),
    ],
)
def test_a_reference_names_its_type_where_it_spells_it(reference: str, name: str | None):
    assert named_type(reference) == name


def observation(**subject: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": subject}


@pytest.mark.parametrize(
    ("modes", "reference", "contained", "errors"),
    [
        (("contained",), "#p", True, []),
        (("contained",), "Patient/1", False, [("reference-aggregation", "Observation.subject")]),
        (("referenced",), "Patient/1", False, []),
        (("referenced", "bundled"), "#p", True, [("reference-aggregation", "Observation.subject")]),
    ],
)
def test_aggregation_says_where_a_target_may_be(
    modes: tuple[str, ...], reference: str, contained: bool, errors: list[tuple[str, str]]
):
    target = TypeRef("Reference", targets=("http://hl7.org/fhir/StructureDefinition/Patient",), aggregation=modes)
    made = profile("aggregated", "Observation", element("Observation.subject", max=1, types=(target,)))
    resource = observation(reference=reference)
    if contained:
        resource["contained"] = [{"resourceType": "Patient", "id": "p"}]
    assert judged([made], resource) == errors


def test_a_target_that_does_not_conform_is_a_warning_at_the_reference():
    named = profile("named", "Patient", element("Patient.name", min=1))
    made = profile(
        "subject",
        "Observation",
        element("Observation.subject", max=1, types=(TypeRef("Reference", targets=(CANONICAL + "named",)),)),
    )

    def warnings(patient: dict[str, Any]) -> list[tuple[str, str, str]]:
        resource = observation(reference="#p") | {"contained": [{"resourceType": "Patient", "id": "p", **patient}]}
        run = Engine(WithProfiles([made, named])).judge.document(resource, [made.url])
        return [(issue.severity, issue.rule, issue.path) for issue in run.findings.issues]

    assert warnings({"name": [{"family": "A"}]}) == []
    assert warnings({}) == [("warning", "reference-target-profile", "Observation.subject")]


def test_reference_type_is_taken_where_the_reference_does_not_spell_it():
    made = profile("any", "Observation")
    coverage = observation(reference="urn:uuid:c757873d-ec9a-4326-a141-556f43239520", type="Coverage")
    assert judged([made], coverage) == [("reference-type", "Observation.subject")]
    assert judged([made], observation(reference="urn:uuid:c757873d-ec9a-4326-a141-556f43239520", type="Patient")) == []
