"""What a breach of a shared expectation tells, word for word, and that it points at the answer it is about, not at the last one seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reports.model import Finding
from suites.kit import expectations
from suites.kit.http import Answer
from suites.kit.outcomes import (
    MOST_KINDS,
    Findings,
    NonConformance,
    describe,
    expect,
    judged,
    start_trail,
    trail,
)
from suites.kit.verdicts import Check, End, crashed, result
from tests.unit.suites.kit.test_expectations import ISSUE, answer, challenged

HERE = "https://payer.example/token"
JSON, FHIR = ("application/json",), "application/fhir+json"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [ISSUE]}


def told(act: Callable[[], object]) -> Finding:
    """The one finding of a breach; another exchange was looked at after the answer at hand."""
    start_trail().saw("main/7", "main/8")
    with pytest.raises(NonConformance) as raised:
        act()
    assert raised.value.cause == ""
    (finding,) = raised.value.findings
    return finding


def two_challenges() -> Answer:
    return answer(401, {}, "application/json", ("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "Digest"))


@pytest.mark.parametrize(
    ("act", "finding"),
    [
        (
            lambda: expectations.expect_json(answer(500)),
            Finding("the request must be answered", "status 200", f"500 to POST {HERE}"),
        ),
        (
            lambda: expectations.expect_media_type(answer(kind="text/html"), JSON),
            Finding(f"POST {HERE} must say what it sends", "Content-Type application/json", "text/html"),
        ),
        (
            lambda: expectations.expect_oauth_error(answer(200), 400, ("a", "b")),
            Finding("the request must be refused with a or b", "status 400", f"200 to POST {HERE}"),
        ),
        (
            lambda: expectations.expect_oauth_error(answer(400, {"error": "a"}, "text/html"), 400, "a"),
            Finding("an error of the token endpoint is JSON", "Content-Type application/json", "text/html"),
        ),
        (
            lambda: expectations.expect_oauth_error(answer(400, {}), 400, ("a", "b")),
            Finding("the refusal must carry its registered error code", "a or b", "no error member", "error"),
        ),
        (
            lambda: expectations.expect_operation_outcome(answer(404, OUTCOME, "text/html"), 404, "gone"),
            Finding("a FHIR error is an OperationOutcome", f"Content-Type {FHIR}", "text/html"),
        ),
        (
            lambda: expectations.expect_operation_outcome(answer(404, {"resourceType": "Bundle"}, FHIR), 404, "gone"),
            Finding("a FHIR error is an OperationOutcome whose issues have severity and code", "", "Bundle"),
        ),
        (
            lambda: expectations.expect_bearer_refusal(two_challenges(), "refused"),
            Finding("a 401 must carry a Bearer challenge", "WWW-Authenticate: Bearer …", "Basic; Digest"),
        ),
        (
            lambda: expectations.expect_bearer_refusal(challenged(""), "refused"),
            Finding("a 401 must carry a Bearer challenge", "WWW-Authenticate: Bearer …", "no WWW-Authenticate"),
        ),
        (
            lambda: expectations.expect_bearer_refusal(challenged('Bearer error="x"'), "refused", error=None),
            Finding("a request without any token gets a challenge without an error code", "", "x"),
        ),
        (
            lambda: expectations.expect_bearer_refusal(challenged('Bearer error="x"'), "refused"),
            Finding("the challenge must name the error", 'error="invalid_token"', 'Bearer error="x"'),
        ),
        (
            lambda: expectations.expect_cors(answer()),
            Finding(
                "a browser app of another origin must be allowed to read the answer",
                "Access-Control-Allow-Origin * or https://app.example.org, once",
                "no Access-Control-Allow-Origin",
            ),
        ),
    ],
    ids=lambda given: given.message[:40] if isinstance(given, Finding) else "",
)
def test_a_breach_is_told_word_for_word(act: Callable[[], object], finding: Finding) -> None:
    assert told(act) == Finding(finding.message, finding.expected, finding.found, finding.path, evidence=("main/7",))


def test_an_address_with_two_marks_is_cut_at_the_first() -> None:
    odd = Answer("GET", HERE + "?a=b?c", 500, (("Content-Type", "text/html"),), b"", "main/7")
    assert told(lambda: expectations.expect_status(odd, 200, "m")).found == f"500 to GET {HERE}"
    assert told(lambda: expectations.expect_media_type(odd, JSON)).message == f"GET {HERE} must say what it sends"


def test_what_was_looked_at_is_kept_as_evidence_also_when_all_is_well() -> None:
    start_trail()
    expectations.expect_media_type(answer(), JSON)
    assert trail().evidence == ["main/7"]


def test_a_finding_says_only_what_it_was_given() -> None:
    start_trail().saw("main/1", "main/2", "main/3")
    with pytest.raises(NonConformance) as raised:
        expect(False, "m")
    assert (raised.value.findings, raised.value.cause) == ((Finding("m", evidence=("main/3",)),), "")
    assert (NonConformance(Finding("m")).cause, trail().deadline) == ("", 0.0)
    found = Findings()
    found.add("m")
    assert found.merged() == [Finding("m")]
    assert describe(Finding("m")) == "m"


def test_findings_of_too_many_kinds_are_counted_together() -> None:
    start_trail()
    found = Findings()
    for number in range(MOST_KINDS + 3):
        found.add(f"m{number}", found=number)
    found.add("m0")
    merged = found.merged()
    assert len(merged) == MOST_KINDS + 1
    assert (merged[0].message, merged[0].count) == ("m0", 2)
    assert merged[MOST_KINDS - 1].message == f"m{MOST_KINDS - 1}"
    rest = merged[-1]
    assert (rest.message, rest.expected) == ("and breaches of further kinds, which are not told one by one", "")
    assert (rest.count, rest.found) == (3, str(MOST_KINDS))


def test_one_thing_judged_is_something_judged() -> None:
    start_trail()
    judged(1)
    assert trail().judged == 1


def test_a_crash_is_placed_where_it_happened_and_is_nobodys_cause() -> None:
    def deep() -> float:
        return 1 / len("")

    with pytest.raises(ZeroDivisionError) as raised:
        deep()
    line = raised.traceback[-1].lineno + 1
    assert crashed(raised.value).startswith(
        f"the check itself failed at test_what_expectations_tell.py:{line}: ZeroDivisionError: "
    )
    check = Check("c", "C.", "c", ("A",), "SHALL")
    assert result(check, [End("call", raised.value)], start_trail(), {}, 0.0).cause == ""
