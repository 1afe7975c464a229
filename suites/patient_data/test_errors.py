"""Errors of the FHIR interface: FHIR-ERRORS-* (FHIR R4 http, status codes and OperationOutcome)."""

from __future__ import annotations

import re

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import expect_operation_outcome, expect_status, header_tokens
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, findings, judged

TRACES = re.compile(
    r"Traceback \(most recent|at [\w.$]+\([\w]+\.java:\d+\)|\bFile \"[^\"]+\", line \d+|\bSELECT\b.+\bFROM\b|Exception in thread"
)
ODD_PARAMETERS = (
    {"_lastUpdated": "gt-not-a-date"},
    {"_count": "minus"},
    {"date": "9999-99-99"},
    {"_id": "x" * 4000},
    {"code": "\x00"},
    {"_sort": "!!"},
)


def refusals(fhir: FhirClient, grant: Grant) -> dict[str, Answer]:
    """Requests that must be refused or not found, each wrong in its own way."""
    return {
        "an unknown id": fhir.read("Condition", "no-such-id-anywhere"),
        "an unknown type": fhir.search("Nonsense"),
        "an id with other characters": fhir.read("Patient", "a%20b%3Cscript%3E"),
        "an unknown operation": fhir.get("Patient/$no-such-operation"),
        "no token": fhir.with_token("").read("Patient", grant.patient),
    }


@pytest.mark.requirement("FHIR-ERRORS-01")
def test_errors_are_operation_outcomes(fhir: FhirClient, grant: Grant) -> None:
    """Five ways to be refused: each a 4xx with an OperationOutcome of severity and code."""
    control(fhir.read("Patient", grant.patient).status == 200, "the token reads the Patient")
    answers = refusals(fhir, grant)
    for what, answer in answers.items():
        expect_operation_outcome(answer, (400, 401, 403, 404, 405), f"{what} must be refused")
    judged(len(answers))


@pytest.mark.requirement("FHIR-ERRORS-02", "FHIR-ERRORS-01")
def test_errors_show_nothing_of_the_inside(fhir: FhirClient, grant: Grant) -> None:
    """No error shows a stack trace, a query or a file of the server."""
    answers = refusals(fhir, grant)
    judged(len(answers))
    with findings() as found:
        for what, answer in answers.items():
            shown = TRACES.search(answer.text)
            found.check(
                not shown,
                f"the answer to {what} must show nothing of the inside",
                found=shown[0] if shown else "",
                evidence=answer.evidence,
            )


@pytest.mark.requirement("FHIR-ERRORS-04")
def test_malformed_input_is_never_a_server_error(fhir: FhirClient, grant: Grant) -> None:
    """Odd parameters are refused with 400 or ignored; none is answered 5xx."""
    control(fhir.search("Observation", {"patient": grant.patient}).status == 200, "the plain search is answered")
    judged(len(ODD_PARAMETERS))
    with findings() as found:
        for odd in ODD_PARAMETERS:
            answer = fhir.search("Observation", {"patient": grant.patient, **odd})
            found.check(
                answer.status < 500,
                "odd input must not break the server",
                found=answer.status,
                path=str(odd)[:60],
                evidence=answer.evidence,
            )


@pytest.mark.requirement("FHIR-ERRORS-03")
def test_unsupported_method_is_405(fhir: FhirClient, grant: Grant) -> None:
    """A method the interface does not support on a resource is answered 405 with Allow, or refused with 403."""
    url = f"{fhir.base.rstrip('/')}/Patient/{grant.patient}"
    control(fhir.read("Patient", grant.patient).status == 200, "GET is supported")
    answer = fhir.http.send("DELETE", url, headers={"Accept": "application/fhir+json"}, token=fhir.token)
    expect_status(answer, (403, 405), "a method that is not supported must be refused")
    if answer.status == 405:
        expect(
            "get" in header_tokens(answer, "allow"),
            "a 405 must say what is allowed",
            expected="Allow with GET",
            found=answer.header("allow") or "no Allow",
            evidence=answer.evidence,
        )


@pytest.mark.requirement("FHIR-ERRORS-05")
def test_search_by_post_needs_a_form(fhir: FhirClient, grant: Grant) -> None:
    """_search with a body that is no form is refused with 415 or 400."""
    url = f"{fhir.base.rstrip('/')}/Observation/_search"
    good = fhir.http.post_form(
        url, {"patient": grant.patient}, headers={"Accept": "application/fhir+json"}, token=fhir.token
    )
    control(good.status == 200, "_search by form is answered", good.status)
    answer = fhir.http.send(
        "POST",
        url,
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
        body=b'{"patient": "x"}',
        token=fhir.token,
    )
    expect_status(answer, (400, 415), "a _search that is no form must be refused")
