"""One way of breaking each kind of rule: it is told under its rule, at its path, and nothing else is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from suites.profiles import Validator
from tests.unit.profiles.good_resources import CARIN, GOOD, US_CORE, as_sent, good

Edit = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Case:
    """A breakage, the rule it breaks and where that is told."""

    resource: str
    rule: str
    path: str
    edit: Edit

    def __str__(self) -> str:
        return f"{self.resource}:{self.rule}:{self.path}"


def put(path: list[Any], value: Any) -> Edit:
    def edit(resource: dict[str, Any]) -> None:
        here: Any = resource
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = value

    return edit


def drop(*path: Any) -> Edit:
    def edit(resource: dict[str, Any]) -> None:
        here: Any = resource
        for step in path[:-1]:
            here = here[step]
        del here[path[-1]]

    return edit


def more(path: list[Any], value: Any) -> Edit:
    def edit(resource: dict[str, Any]) -> None:
        here: Any = resource
        for step in path:
            here = here[step]
        here.append(value)

    return edit


RACE = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2028-9"}
CASES = [
    # properties and JSON types
    Case("patient", "unknown-property", "Patient.name[0]", put(["name", 0, "nickname"], "A")),
    Case("patient", "json-type", "Patient.name", put(["name"], {"family": "A"})),
    Case("patient", "json-type", "Patient.gender", put(["gender"], ["female"])),
    Case("patient", "json-type", "Patient.active", put(["active"], "true")),
    Case("patient", "json-type", "Patient.name[0]", put(["name", 0], "Ada")),
    Case("patient", "array-empty", "Patient.telecom", put(["telecom"], [])),
    Case("patient", "object-empty", "Patient.address[0].period", put(["address", 0, "period"], {})),
    Case("patient", "ele-1", "Patient.maritalStatus", put(["maritalStatus"], {"id": "a"})),
    Case("patient", "null", "Patient.name[0].given[1]", put(["name", 0, "given", 1], None)),
    Case("patient", "json-type", "Patient.birthDate", put(["birthDate"], None)),
    Case("patient", "choice-repeated", "Patient", lambda r: r.update(deceasedBoolean=False, deceasedDateTime="2026")),
    # primitives and their siblings
    Case("patient", "date", "Patient.birthDate", put(["birthDate"], "2023-02-29")),
    Case("patient", "id", "Patient.id", put(["id"], "has space")),
    Case("patient", "positiveInt", "Patient.telecom[0].rank", put(["telecom", 0, "rank"], 0)),
    Case("patient", "primitive-empty", "Patient.name[0].family", put(["name", 0, "family"], "")),
    Case("patient", "json-type", "Patient.birthDate", put(["_birthDate"], "x")),
    Case("patient", "unknown-property", "Patient.birthDate", put(["_birthDate"], {"value": "x", "id": "a"})),
    # cardinality
    Case("patient", "cardinality-min", "Patient", drop("identifier")),
    Case("patient", "cardinality-min", "Patient.identifier[0]", drop("identifier", 0, "value")),
    Case("blood-pressure", "cardinality-min", "Observation", drop("status")),
    Case("coverage", "cardinality-max", "Coverage", more(["payor"], {"reference": "Organization/o2"})),
    # bindings and code systems
    Case("patient", "binding-required", "Patient.gender", put(["gender"], "woman")),
    Case("patient", "binding-required", "Patient.telecom[0].system", put(["telecom", 0, "system"], "pigeon")),
    Case("coverage", "binding-required", "Coverage.relationship", put(["relationship", "coding", 0, "system"], "http://other.example")),
    Case("coverage", "binding-required", "Coverage.relationship", put(["relationship"], {"text": "self"})),
    Case("medication-request", "binding-required", "MedicationRequest.intent", put(["intent"], "wish")),
    # fixed values and slices
    Case("blood-pressure", "fixed", "Observation.component[0].value.ofType(Quantity).code", put(["component", 0, "valueQuantity", "code"], "kPa")),
    Case("blood-pressure", "slice-min", "Observation", put(["category", 0, "coding", 0, "system"], "http://other.example")),
    Case("blood-pressure", "slice-min", "Observation", drop("component", 1)),
    Case("patient", "slice-max", "Patient", more(["extension"], {"url": US_CORE + "us-core-birthsex", "valueCode": "M"})),
    # extensions
    Case("patient", "extension-type", "Patient.extension[1]", put(["extension", 1], {"url": US_CORE + "us-core-birthsex", "valueString": "F"})),
    Case("patient", "binding-required", "Patient.extension[1].value.ofType(code)", put(["extension", 1, "valueCode"], "Q")),
    Case("patient", "extension-context", "Patient.name[0]", put(["name", 0, "extension"], [{"url": US_CORE + "us-core-birthsex", "valueCode": "F"}])),
    Case("patient", "extension-unknown", "Patient.extension[1]", put(["extension", 1, "url"], US_CORE + "us-core-birthsexx")),
    Case("patient", "extension-url", "Patient.extension[1]", put(["extension", 1, "url"], "birthsex")),
    Case("patient", "slice-min", "Patient.extension[0]", drop("extension", 0, "extension", 1)),
    Case("patient", "ext-1", "Patient.extension[0]", put(["extension", 0, "valueString"], "both")),
    # references
    Case("blood-pressure", "reference-type", "Observation.subject", put(["subject", "reference"], "Coverage/c1")),
    Case("coverage", "reference-type", "Coverage.beneficiary", put(["beneficiary", "reference"], "https://payer.example/fhir/Organization/o1")),
    Case("blood-pressure", "ref-1", "Observation.subject", put(["subject", "reference"], "#nobody")),
    Case("blood-pressure", "reference-invalid", "Observation.subject", put(["subject", "reference"], "not a reference")),
    # contained resources, narrative, invariants
    Case("medication-request", "dom-3", "MedicationRequest.contained[0]", put(["medicationReference", "reference"], "Medication/m")),
    Case("medication-request", "resource-type", "MedicationRequest.contained[0]", put(["contained", 0, "resourceType"], "Zebra")),
    Case("medication-request", "unknown-property", "MedicationRequest.contained[0]", put(["contained", 0, "stripes"], 1)),
    Case("patient", "xhtml-element", "Patient.text.div", put(["text", "div"], '<div xmlns="http://www.w3.org/1999/xhtml">a<script>1</script></div>')),
    Case("patient", "per-1", "Patient.name[0].period", put(["name", 0, "period", "end"], "1999-01-01")),
    Case("blood-pressure", "vs-1", "Observation.effective.ofType(dateTime)", put(["effectiveDateTime"], "2026")),
    Case("coverage", "coverage-meta-profile-version", "Coverage", put(["meta", "profile", 0], CARIN + "C4BB-Coverage")),
    # Bundles
    Case("searchset", "bundle-full-url-id", "Bundle.entry[0]", put(["entry", 0, "fullUrl"], "https://payer.example/fhir/Patient/other")),
    Case("searchset", "bundle-full-url", "Bundle.entry[0]", put(["entry", 0, "fullUrl"], "/Patient/p1")),
    Case("searchset", "bundle-search-id", "Bundle.entry[0].resource", lambda r: [drop("entry", 0, "resource", "id")(r), drop("entry", 0, "fullUrl")(r)]),
    Case("searchset", "date", "Bundle.entry[0].resource.birthDate", put(["entry", 0, "resource", "birthDate"], "soon")),
    Case("searchset", "bdl-1", "Bundle", put(["type"], "collection")),
]  # fmt: skip
ALSO = {"bdl-1": {"bdl-2"}, "slice-min": {"cardinality-min"}, "ext-1": {"cardinality-max"}}
"""Rules that one breakage breaks beside the one named, and rightly."""


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_resources_are_valid(validator: Validator, name: str):
    report = validator.validate(as_sent(good(name)))
    assert report.valid
    assert [issue.rule for issue in report.issues] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_breakage_is_told_at_its_path_and_nothing_else_is(validator: Validator, case: Case):
    resource = good(case.resource)
    case.edit(resource)
    report = validator.validate(as_sent(resource))
    errors = {(issue.rule, issue.path) for issue in report.errors()}
    assert (case.rule, case.path) in errors
    assert {rule for rule, _ in errors} <= {case.rule} | ALSO.get(case.rule, set())
    assert not report.valid


def test_an_issue_says_where_in_the_text_it_is(validator: Validator):
    resource = good("patient")
    resource["birthDate"] = "soon"
    text = as_sent(resource).replace('"birthDate"', '\n  "birthDate"')
    (issue,) = validator.validate(text).located()
    assert (issue.line, text.split("\n")[1][(issue.column or 0) - 1 :][:6]) == (2, '"soon"')


def test_equal_findings_are_folded(validator: Validator):
    resource = good("patient")
    resource["meta"]["profile"] *= 2
    resource["birthDate"] = "soon"
    assert len(validator.validate(as_sent(resource)).errors()) == 1


def test_profiles_are_those_claimed_asked_for_and_those_of_vital_signs(validator: Validator):
    resource = good("blood-pressure")
    del resource["meta"]
    assert validator.validate(as_sent(resource)).profiles == ("http://hl7.org/fhir/StructureDefinition/bp",)
    asked = validator.validate(as_sent(good("coverage")), profiles=[CARIN + "C4BB-Coverage"])
    assert asked.profiles == (CARIN + "C4BB-Coverage|2.0.0", CARIN + "C4BB-Coverage")


def test_a_profile_nobody_has_is_not_checked(validator: Validator):
    resource = good("patient")
    resource["meta"]["profile"] = ["http://elsewhere.example/StructureDefinition/none"]
    report = validator.validate(as_sent(resource))
    assert report.valid
    assert "http://elsewhere.example/StructureDefinition/none" in report.not_checked


def test_a_profile_of_another_type_is_an_error(validator: Validator):
    resource = good("coverage")
    resource["meta"]["profile"] = [US_CORE + "us-core-patient"]
    assert "profile-type" in {issue.rule for issue in validator.validate(as_sent(resource)).errors()}


def test_guides_give_a_type_its_profile_only_when_asked_to():
    bare = {"resourceType": "Practitioner", "id": "x"}
    assert Validator(guides=["us-core@3.1.1"]).validate(bare).valid
    report = Validator(guides=["us-core@3.1.1"], assume_profiles=True).validate(bare)
    assert report.profiles == (US_CORE + "us-core-practitioner",)
    assert not report.valid


def test_a_canonical_fragment_is_a_contained_resource(validator: Validator):
    value_set = {"resourceType": "ValueSet", "id": "vs", "status": "draft"}
    item = {"linkId": "1", "type": "choice", "text": "x", "answerValueSet": "#vs"}
    resource = {"resourceType": "Questionnaire", "status": "draft", "contained": [value_set], "item": [item]}
    assert validator.validate(resource).valid
    resource["item"] = [item | {"answerValueSet": "#other"}, {**item, "linkId": "2"}]
    (issue,) = validator.validate(resource).errors()
    assert (issue.rule, issue.path) == ("canonical-fragment", "Questionnaire.item[0].answerValueSet")
