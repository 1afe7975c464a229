"""OperationOutcome: every refusal of the FHIR API in one form (FHIR R4 http, RESTful error handling)."""

from __future__ import annotations

import orjson

from simulators.payer.errors import FhirError, ProtocolError
from simulators.payer.rules import rule

_CODES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 406: "not-supported", 408: "timeout", 409: "conflict",
    410: "deleted", 412: "conflict", 413: "too-long", 414: "too-long", 415: "not-supported", 422: "processing", 429: "throttled", 431: "too-long",
    500: "exception", 503: "transient",
}  # fmt: skip
# What a refusal is about where it names no parameter: the part of the request, in the manner of FHIR R4's `http.` paths.
_ABOUT = {
    401: "http.authorization", 403: "http.authorization", 404: "http.path", 405: "http.method", 406: "http.accept", 408: "http.body", 410: "http.path",
    413: "http.body", 414: "http.url", 415: "http.content-type", 429: "http.authorization", 431: "http.headers",
}  # fmt: skip


def of(error: ProtocolError) -> bytes:
    """The body that says why."""
    issue: dict[str, object] = {
        "severity": "error",
        "code": error.code if isinstance(error, FhirError) else _CODES.get(error.status, "processing"),
        "details": {"text": error.text},
        "diagnostics": error.text,
    }
    expression = error.expression if isinstance(error, FhirError) else ()
    issue["expression"] = list(expression) or [_ABOUT.get(error.status, "http")]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})


@rule
def refusal_as_told(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """(status, content type, body) of a refusal: the status it has, as an OperationOutcome."""
    return error.status, b"application/fhir+json;charset=utf-8", body


@refusal_as_told.fault("errors-are-plain-text", violates="FHIR-ERRORS-01")
def plain_text(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """An error comes as plain text instead of an OperationOutcome."""
    return error.status, b"text/plain;charset=utf-8", error.text.encode()


@refusal_as_told.fault("errors-are-answered-200", violates="FHIR-ERRORS-01", also=["FHIR-ERRORS-03", "FHIR-ERRORS-05"])
def answered_ok(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """A refused request is answered 200 with the OperationOutcome as if it were the result."""
    return (
        200 if error.status in (400, 404, 405, 406, 410) else error.status,
        b"application/fhir+json;charset=utf-8",
        body,
    )


@refusal_as_told.fault(
    "errors-are-answered-500", violates="FHIR-ERRORS-01", also=["FHIR-ERRORS-03", "FHIR-ERRORS-04", "FHIR-ERRORS-05"]
)
def answered_internal(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """A wrong request is answered 500 as if the server had failed."""
    return 500 if error.status in (400, 404, 405) else error.status, b"application/fhir+json;charset=utf-8", body


@refusal_as_told.fault("malformed-input-crashes-the-server", violates="FHIR-ERRORS-04")
def malformed_crashes(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """Malformed input is answered 500."""
    return 500 if error.status == 400 else error.status, b"application/fhir+json;charset=utf-8", body


@refusal_as_told.fault("error-shows-a-stack-trace", violates="FHIR-ERRORS-02")
def stack_trace(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """An error tells where in the server's program it arose."""
    trace = f'Traceback (most recent call last):\n  File "/srv/payer/fhir/api.py", line 118, in answer\nFhirError: {error.text}'
    told = {"severity": "error", "code": "exception", "diagnostics": trace}
    return (
        error.status,
        b"application/fhir+json;charset=utf-8",
        orjson.dumps({"resourceType": "OperationOutcome", "issue": [told]}),
    )


@refusal_as_told.fault("error-issue-has-no-code", violates="FHIR-ERRORS-01")
def codeless(error: ProtocolError, body: bytes) -> tuple[int, bytes, bytes]:
    """The OperationOutcome of an error has an issue without its required code."""
    told = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": error.text}]}
    return error.status, b"application/fhir+json;charset=utf-8", orjson.dumps(told)
