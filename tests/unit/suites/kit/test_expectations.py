"""What the shared expectations accept and refuse: the exact status, the exact code, the content type, and what they say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from suites.kit import expectations
from suites.kit.http import Answer
from suites.kit.outcomes import NonConformance, start_trail, trail

URL = "https://payer.example/token"


def answer(status: int = 200, body: object = None, kind: str = "application/json", *headers: tuple[str, str]) -> Answer:
    """An answer as it came; a body that is no text is sent as JSON."""
    data = body if isinstance(body, str) else json.dumps({} if body is None else body)
    typed = (("Content-Type", kind),) if kind else ()
    return Answer("POST", URL + "?a=b", status, (*typed, *headers), data.encode(), "main/7")


def refusal(act: Callable[[], object]) -> NonConformance:
    """The breach something raises."""
    start_trail()
    with pytest.raises(NonConformance) as raised:
        act()
    return raised.value


def test_a_status_must_be_the_one_wanted() -> None:
    start_trail()
    expectations.expect_status(answer(400), 400, "refused")
    expectations.expect_status(answer(404), (403, 404), "hidden")
    assert trail().evidence == ["main/7"]
    wrong = refusal(lambda: expectations.expect_status(answer(401), 400, "it must be refused", cause="a proxy"))
    (finding,) = wrong.findings
    assert (finding.message, finding.expected, finding.found) == (
        "it must be refused",
        "status 400",
        f"401 to POST {URL}",
    )
    assert (finding.evidence, wrong.cause) == (("main/7",), "a proxy")
    several = refusal(lambda: expectations.expect_status(answer(500), (403, 404), "hidden"))
    assert several.findings[0].expected == "status 403 or 404"


def test_a_content_type_must_be_one_of_those_allowed() -> None:
    expectations.expect_media_type(answer(kind="Application/JSON; charset=utf-8"), ("text/html", "application/json"))
    (finding,) = refusal(
        lambda: expectations.expect_media_type(answer(kind="text/html"), ("application/json",))
    ).findings
    assert (finding.expected, finding.found) == ("Content-Type application/json", "text/html")
    assert finding.message == f"POST {URL} must say what it sends"
    assert finding.evidence == ("main/7",)
    (finding,) = refusal(lambda: expectations.expect_media_type(answer(kind=""), ("a/b", "c/d"), "said")).findings
    assert (finding.message, finding.expected, finding.found) == ("said", "Content-Type a/b or c/d", "no Content-Type")


def test_json_needs_status_content_type_and_an_object() -> None:
    assert expectations.expect_json(answer(body={"a": 1})) == {"a": 1}
    assert expectations.expect_json(answer(201, {"a": 1}, "application/fhir+json"), 201, expectations.FHIR_JSON) == {
        "a": 1
    }
    assert "status 200" in str(refusal(lambda: expectations.expect_json(answer(500))))
    assert "Content-Type" in str(refusal(lambda: expectations.expect_json(answer(kind="text/plain"))))
    assert "JSON object" in str(refusal(lambda: expectations.expect_json(answer(body=[]))))
    assert "no JSON" in str(refusal(lambda: expectations.expect_json(answer(body="<html>"))))


def test_an_oauth_error_needs_its_status_its_code_and_json() -> None:
    expectations.expect_oauth_error(answer(400, {"error": "invalid_grant"}), 400, "invalid_grant")
    expectations.expect_oauth_error(
        answer(401, {"error": "invalid_client"}), (400, 401), ("invalid_grant", "invalid_client")
    )
    refused = [
        (answer(200, {"error": "invalid_grant"}), "the request must be refused with invalid_grant"),
        (answer(400, {"error": "invalid_request"}), "registered error code"),
        (answer(400, {}), "no error member"),
        (answer(400, {"error": "invalid_grant"}, "text/html"), "an error of the token endpoint is JSON"),
        (answer(400, "invalid_grant"), "no JSON"),
    ]
    for given, said in refused:
        assert said in str(refusal(lambda given=given: expectations.expect_oauth_error(given, 400, "invalid_grant")))
    wrong = refusal(lambda: expectations.expect_oauth_error(answer(400, {"error": "x"}), 400, ("a", "b")))
    (finding,) = wrong.findings
    assert (finding.expected, finding.found, finding.path, finding.evidence) == ("a or b", "x", "error", ("main/7",))


ISSUE = {"severity": "error", "code": "not-found"}


@pytest.mark.parametrize(
    "outcome",
    [
        {},
        {"resourceType": "OperationOutcome"},
        {"resourceType": "OperationOutcome", "issue": []},
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
        {"resourceType": "OperationOutcome", "issue": [{"code": "invalid"}]},
        {"resourceType": "OperationOutcome", "issue": [ISSUE, {}]},
        {"resourceType": "OperationOutcome", "issue": ["error"]},
        {"resourceType": "OperationOutcome", "issue": ISSUE},
        {"resourceType": "Bundle", "issue": [ISSUE]},
    ],
)
def test_an_operation_outcome_needs_issues_with_severity_and_code(outcome: dict[str, Any]) -> None:
    given = answer(404, outcome, "application/fhir+json")
    said = str(refusal(lambda: expectations.expect_operation_outcome(given, 404, "it is not there")))
    assert "OperationOutcome whose issues have severity and code" in said
    assert f"found {outcome.get('resourceType', 'no resourceType')}" in said


def test_an_operation_outcome_needs_its_status_and_content_type() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [ISSUE]}
    good = answer(404, outcome, "application/fhir+json")
    assert expectations.expect_operation_outcome(good, 404, "it is not there") == outcome
    assert "it is not there" in str(
        refusal(lambda: expectations.expect_operation_outcome(good, 410, "it is not there"))
    )
    plain = answer(404, outcome, "application/json")
    assert "a FHIR error" in str(refusal(lambda: expectations.expect_operation_outcome(plain, 404, "it is not there")))


def challenged(value: str, status: int = 401) -> Answer:
    """A refusal with a challenge; none where the value is empty."""
    return answer(status, {}, "application/json", *([("WWW-Authenticate", value)] if value else []))


def test_a_bearer_refusal_needs_401_and_its_error_in_the_challenge() -> None:
    good = challenged('Bearer realm="fhir", error="invalid_token"')
    expectations.expect_bearer_refusal(good, "an expired token is refused")
    assert "an expired token is refused" in str(
        refusal(lambda: expectations.expect_bearer_refusal(challenged("Bearer", 403), "an expired token is refused"))
    )
    assert "must carry a Bearer challenge" in str(
        refusal(lambda: expectations.expect_bearer_refusal(challenged(""), "x"))
    )
    assert "must carry a Bearer challenge" in str(
        refusal(lambda: expectations.expect_bearer_refusal(challenged('Basic realm="x"'), "x"))
    )
    other = refusal(lambda: expectations.expect_bearer_refusal(challenged('Bearer error="invalid_request"'), "x"))
    assert other.findings[0].expected == 'error="invalid_token"'
    assert other.findings[0].found == 'Bearer error="invalid_request"'


def test_a_request_without_any_token_gets_a_challenge_without_an_error() -> None:
    expectations.expect_bearer_refusal(challenged('Bearer realm="fhir"'), "no token", error=None)
    said = refusal(
        lambda: expectations.expect_bearer_refusal(challenged('Bearer error="invalid_token"'), "x", error=None)
    )
    assert "without an error code" in str(said)
    assert said.findings[0].found == "invalid_token"


def test_header_tokens_come_from_all_lines_in_lower_case() -> None:
    given = answer(200, {}, "application/json", ("Vary", "Origin, Accept"), ("vary", " , ACCEPT-Language"))
    assert expectations.header_tokens(given, "Vary") == {"origin", "accept", "accept-language"}


@pytest.mark.parametrize("values", [("*",), (expectations.CORS_ORIGIN,)])
def test_an_app_of_another_origin_may_read(values: tuple[str, ...]) -> None:
    start_trail()
    expectations.expect_cors(answer(200, {}, "", *(("Access-Control-Allow-Origin", one) for one in values)))
    assert trail().evidence == ["main/7"]


@pytest.mark.parametrize("values", [(), ("https://other.example",), ("*", "*"), ("null",)])
def test_an_app_of_another_origin_may_not_read(values: tuple[str, ...]) -> None:
    given = answer(200, {}, "", *(("Access-Control-Allow-Origin", one) for one in values))
    (finding,) = refusal(lambda: expectations.expect_cors(given)).findings
    assert finding.found == (", ".join(values) or "no Access-Control-Allow-Origin")
    assert finding.expected == f"Access-Control-Allow-Origin * or {expectations.CORS_ORIGIN}, once"
