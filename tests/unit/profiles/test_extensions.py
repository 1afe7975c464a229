"""Extensions: contexts of use, nested extensions, modifiers, and those nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from suites.profiles import Validator
from tests.unit.profiles.good_resources import US_CORE

CORE = "http://hl7.org/fhir/StructureDefinition/"


def errors(validator: Validator, resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(issue.rule, issue.path) for issue in validator.validate(resource).errors()]


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **more}


@pytest.mark.parametrize(
    "resource",
    [
        patient(birthDate="1980-01-01", _birthDate={"extension": [{"url": CORE + "patient-birthTime", "valueDateTime": "1980-01-01T01:02:03Z"}]}),
        patient(_birthDate={"extension": [{"url": CORE + "data-absent-reason", "valueCode": "unknown"}]}),
        patient(name=[{"family": "A", "_family": {"extension": [{"url": CORE + "humanname-own-name", "valueString": "B"}]}}]),
        patient(extension=[{"url": "http://elsewhere.example/x", "valueString": "a"}]),
        patient(extension=[{"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.x", "valueString": "a"}]),
        {"resourceType": "Questionnaire", "status": "draft", "item": [{"linkId": "1", "type": "group", "item": [
            {"linkId": "2", "type": "display", "text": "x", "extension": [{"url": CORE + "questionnaire-hidden", "valueBoolean": True}]}]}]},
    ],
)  # fmt: skip
def test_extensions_where_they_belong_pass(validator: Validator, resource: dict[str, Any]):
    assert errors(validator, resource) == []


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (patient(extension=[{"url": CORE + "patient-birthTime", "valueDateTime": "1980"}]), ("extension-context", "Patient")),
        (patient(modifierExtension=[{"url": US_CORE + "us-core-birthsex", "valueCode": "F"}]), ("extension-modifier", "Patient.modifierExtension[0]")),
        (patient(extension=[{"url": CORE + "data-absent-reason"}]), ("extension-value", "Patient.extension[0]")),
        ({"resourceType": "Questionnaire", "status": "draft", "item": [{"linkId": "1", "type": "display", "text": "x", "extension": [{"url": CORE + "questionnaire-unit", "valueCoding": {"code": "mg"}}]}]},
         ("extension-context", "Questionnaire.item[0]")),
        (patient(extension=[{"valueString": "x"}]), ("cardinality-min", "Patient.extension[0]")),
        (patient(extension=[{"url": US_CORE + "us-core-race", "extension": [{"url": "text", "valueString": "x"}, {"url": "texts", "valueString": "x"}]}]),
         ("extension-nested-unknown", "Patient.extension[0].extension[1]")),
        (patient(extension=[{"url": CORE + "data-absent-reason", "valueCode": "unknown", "extension": [{"url": "http://a.example/a", "valueString": "x"}]}]), ("ext-1", "Patient.extension[0]")),
    ],
)  # fmt: skip
def test_extensions_where_they_do_not_belong_are_told(
    validator: Validator, resource: dict[str, Any], found: tuple[str, str]
):
    assert found in errors(validator, resource)


def test_a_modifier_extension_nobody_knows_is_a_warning(validator: Validator):
    report = validator.validate(
        patient(modifierExtension=[{"url": "http://elsewhere.example/m", "valueBoolean": True}])
    )
    assert report.valid
    assert [(i.severity, i.rule) for i in report.issues] == [("warning", "modifier-extension-unknown")]
