"""Codes: decided by tables, left open where no table decides, asked of a server where there is one."""

from __future__ import annotations

import httpx
import pytest

from suites.profiles import Validator
from suites.profiles.engine.grammars import LANGUAGE, MIME_TYPE, is_ucum
from suites.profiles.facts import MEMBER, NOT_MEMBER
from suites.profiles.terminology_server import FAILURES, TerminologyServer
from tests.unit.profiles.good_resources import as_sent, good

VALUE_SET = "http://made.example/ValueSet/v"


def test_systems_no_table_holds_are_named_and_fail_nothing(validator: Validator):
    resource = good("blood-pressure")
    resource["code"]["coding"].append({"system": "http://snomed.info/sct", "code": "75367002"})
    report = validator.validate(as_sent(resource))
    assert report.valid
    assert {"http://snomed.info/sct", "http://loinc.org"} <= set(report.not_checked)
    assert report.not_checked["http://loinc.org"] == "Observation.code.coding[0]"


def test_a_code_a_complete_system_does_not_have_is_an_error_under_any_binding(validator: Validator):
    resource = good("blood-pressure")
    resource["category"].append(
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "nonsense"}]}
    )
    (issue,) = validator.validate(as_sent(resource)).errors()
    assert (issue.rule, issue.path) == ("code-unknown", "Observation.category[1].coding[0].code")


def test_a_display_of_another_code_is_a_warning(validator: Validator):
    resource = good("blood-pressure")
    resource["category"][0]["coding"][0]["display"] = "Laboratory"
    report = validator.validate(as_sent(resource))
    assert report.valid
    assert [(i.severity, i.rule) for i in report.issues] == [("warning", "display")]


def test_what_could_not_be_checked_is_told_each_time(validator: Validator):
    text = as_sent(good("blood-pressure"))
    assert validator.validate(text).not_checked == validator.validate(text).not_checked != {}


@pytest.mark.parametrize("tag", ["en", "en-US", "zh-Hant-TW", "de-CH-1996", "sl-rozaj-biske", "x-private"])
def test_language_tags(tag: str):
    assert LANGUAGE.fullmatch(tag)


@pytest.mark.parametrize("tag", ["", "e", "english-language-long", "en_US", "en--US", "123"])
def test_what_is_no_language_tag(tag: str):
    assert not LANGUAGE.fullmatch(tag)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("application/pdf", True),
        ("text/plain; charset=utf-8", True),
        ("image/*", True),
        ("pdf", False),
        ("a/b/c", False),
    ],
)
def test_mime_types(text: str, fine: bool):
    assert bool(MIME_TYPE.fullmatch(text)) is fine


def server(answer: httpx.Response | Exception) -> tuple[TerminologyServer, list[httpx.URL]]:
    """A terminology server that gives one answer to everything, and what it was asked."""
    asked: list[httpx.URL] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return TerminologyServer("https://tx.example/r4/", httpx.Client(transport=httpx.MockTransport(handle))), asked


def said(result: bool) -> httpx.Response:
    return httpx.Response(
        200, json={"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": result}]}
    )


@pytest.mark.parametrize(("result", "membership"), [(True, MEMBER), (False, NOT_MEMBER)])
def test_a_terminology_server_decides(result: bool, membership: object):
    terminology, asked = server(said(result))
    assert terminology.contains(VALUE_SET + "|1.0", "http://snomed.info/sct", "1", None) == membership
    assert asked[0].path == "/r4/ValueSet/$validate-code"
    assert dict(asked[0].params) == {
        "url": VALUE_SET,
        "valueSetVersion": "1.0",
        "system": "http://snomed.info/sct",
        "code": "1",
    }


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("down"),
    ],
)
def test_a_terminology_server_that_says_nothing_decides_nothing(answer: httpx.Response | Exception):
    terminology, _ = server(answer)
    assert terminology.contains(VALUE_SET, "http://snomed.info/sct", "1", None) is None


def test_a_terminology_server_that_is_down_is_not_asked_for_ever():
    terminology, asked = server(httpx.ConnectError("down"))
    for code in range(10):
        terminology.contains(VALUE_SET, "http://snomed.info/sct", str(code), None)
    assert len(asked) == FAILURES


@pytest.mark.parametrize(
    "code",
    [
        "mg",
        "mm[Hg]",
        "10*6/uL",
        "10^3",
        "/min",
        "{score}",
        "mg/dL",
        "m2",
        "kg/m2",
        "[in_i]",
        "%",
        "1",
        "mL/min/{1.73_m2}",
        "ug/(8.h)",
        "s-1",
        "Cel",
        "[pH]",
        "g%",
        "10*-3",
        "m[H2O]",
        "{#}/uL",
    ],
)
def test_units_have_the_form_of_ucum(code: str):
    assert is_ucum(code)


@pytest.mark.parametrize("code", ["", "mg dL", "not-a-code", "mg//dL", "mg/", "(mg", "mg)", "{open", "mg.", "é"])
def test_what_has_not_the_form_of_a_unit(code: str):
    assert not is_ucum(code)


def test_a_unit_that_is_none_of_ucum_is_a_warning(validator: Validator):
    resource = good("blood-pressure")
    del resource["meta"]
    resource["code"] = {"text": "something"}
    resource["component"][0]["valueQuantity"]["code"] = "not-a-code"
    report = validator.validate(as_sent(resource))
    assert report.valid
    assert [(i.severity, i.rule) for i in report.issues] == [("warning", "ucum")]
