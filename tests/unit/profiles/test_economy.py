"""What judging saves itself: answers remembered, invariants in Python, no work for the garbage collector."""

from __future__ import annotations

import gc
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles import Validator
from suites.profiles.engine.engine import Engine
from suites.profiles.engine.native_invariants import NPI_CHECK_DIGIT, npi_check_digit
from suites.profiles.engine.run import Run
from suites.profiles.facts import Constraint
from suites.profiles.fhirpath import compile_invariant
from tests.unit.profiles.good_resources import GOOD, PATIENT, as_sent
from tests.unit.profiles.made_profiles import WithProfiles, element, profile

_NPI = compile_invariant(NPI_CHECK_DIGIT)


def test_a_document_goes_without_the_garbage_collector(validator: Validator):
    documents = [as_sent(resource) for resource in GOOD.values()]
    for document in documents:
        validator.validate(document)
    gc.collect()
    gc.disable()
    try:
        for document in documents:
            validator.validate(document)
        assert not gc.isenabled()
        assert gc.collect() == 0
    finally:
        gc.enable()
    validator.validate(as_sent(PATIENT))
    assert gc.isenabled()


@given(st.text("0123456789", min_size=8, max_size=12) | st.text(max_size=11) | st.just("1234567893"))
def test_the_check_digit_in_python_is_that_of_the_guide(number: str):
    identifier = {"value": number}
    run = Run.__new__(Run)
    assert npi_check_digit(identifier, run) == (_NPI.holds(identifier) is True)


def test_the_check_digit_tells_a_good_number_from_a_slip():
    run = Run.__new__(Run)
    assert npi_check_digit({"value": "1234567893"}, run)
    assert not npi_check_digit({"value": "1234567894"}, run)
    assert not npi_check_digit({}, run)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_answer_that_was_remembered_is_the_answer(validator: Validator, times: int):
    """Concepts alike but for one part: each keeps its own verdict however often they were met before."""
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for _ in range(times):
        for code, extra, fine in (
            ("active", {}, True),
            ("nonsense", {}, False),
            ("active", {"text": ""}, False),
            ("active", {"text": "on"}, True),
        ):
            condition = {
                "resourceType": "Condition",
                "subject": {"reference": "Patient/1"},
                "clinicalStatus": {"coding": [{"system": system, "code": code}], **extra},
            }
            assert validator.validate(json.dumps(condition)).valid is fine, (code, extra)


@pytest.mark.parametrize("expression", ["%resource.onset.exists()", "%context.exists() and %resource.onset.exists()"])
def test_a_concept_is_not_remembered_under_an_invariant_that_looks_around(expression: str):
    """The same concept is fine in one resource and not in the next, whichever comes first."""
    rule = Constraint("made-1", "error", expression)
    made = profile("severity", "Condition", element("Condition.severity", constraints=(rule,)))
    engine = Engine(WithProfiles([made]))

    def broken(condition: dict[str, object]) -> bool:
        found = engine.judge.document({"resourceType": "Condition", **condition}, [made.url]).findings.issues
        return any(issue.rule == "made-1" for issue in found)

    concept = {"coding": [{"system": "http://snomed.info/sct", "code": "255604002"}]}
    subject = {"reference": "Patient/1"}
    for _ in range(2):
        assert not broken({"subject": subject, "severity": concept, "onsetDateTime": "2026-01-01"})
        assert broken({"subject": subject, "severity": concept})


def test_whole_numbers_and_truth_values_are_not_taken_for_each_other(validator: Validator):
    def holds(value: str) -> bool:
        return validator.validate(f'{{"resourceType": "Patient", "multipleBirthInteger": {value}}}').valid

    def active(value: str) -> bool:
        return validator.validate(f'{{"resourceType": "Patient", "active": {value}}}').valid

    assert [holds("1"), holds("true"), holds("1"), holds("1.0")] == [True, False, True, False]
    assert [active("true"), active("1"), active("true"), active('"true"')] == [True, False, True, False]


def test_a_coding_without_its_code_decides_nothing_where_the_value_set_has_gaps():
    profile = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Inpatient-Institutional"
    validator = Validator(guides=["carin-bb@1.1.0"])

    def found(product: dict[str, object]) -> tuple[list[str], bool]:
        eob = {
            "resourceType": "ExplanationOfBenefit",
            "meta": {"profile": [profile]},
            "item": [{"sequence": 1, "productOrService": product}],
        }
        report = validator.validate(json.dumps(eob))
        told = [issue.rule for issue in report.errors() if issue.path.endswith("item[0].productOrService")]
        return told, bool(report.not_checked)

    assert found({"coding": [{"system": "http://www.cms.gov/hcpcs"}]}) == ([], True)
    assert found({"text": "a service"}) == (["binding-required"], False)


def test_errors_beyond_the_limit_are_not_remembered_as_good(validator: Validator):
    """A concept first met when no more findings are listed is still wrong in the next document."""
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    wrong = {"coding": [{"system": system, "code": "never-heard-of"}]}
    flood = {"resourceType": "Patient", **{f"x{n}": 1 for n in range(1_200)}, "maritalStatus": wrong, "gender": "x-new"}
    assert validator.validate(json.dumps(flood)).issues[-1].rule == "too-many-findings"
    for part in ({"maritalStatus": wrong}, {"gender": "x-new"}):
        assert not validator.validate(json.dumps({"resourceType": "Patient", **part})).valid, part


def test_dollars_are_a_currency_and_what_is_not_listed_stays_open(validator: Validator):
    def asked(currency: str) -> tuple[bool, list[str]]:
        invoice = {"resourceType": "Invoice", "status": "draft", "totalNet": {"value": 1, "currency": currency}}
        report = validator.validate(json.dumps(invoice))
        return report.valid, list(report.not_checked)

    assert asked("USD") == (True, [])
    assert asked("XYZ") == (True, ["urn:iso:std:iso:4217"])
