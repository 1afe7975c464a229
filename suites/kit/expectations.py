"""Expectations many checks share: exact status and code, media type, error bodies. Each names what was expected and what came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from suites.kit.http import Answer
from suites.kit.outcomes import expect, trail
from suites.protocol import challenges

FHIR_JSON = ("application/fhir+json",)
JSON = ("application/json",)
CORS_ORIGIN = "https://app.example.org"  # a browser app's origin, sent where CORS is judged


def statuses(status: int | Iterable[int]) -> tuple[int, ...]:
    """One status or several as a tuple."""
    return (status,) if isinstance(status, int) else tuple(status)


def expect_status(answer: Answer, status: int | Iterable[int], message: str, cause: str = "") -> None:
    """The exact status, or one of the few the specification allows."""
    trail().saw(answer.evidence)
    wanted = statuses(status)
    expect(
        answer.status in wanted,
        message,
        expected="status " + " or ".join(map(str, wanted)),
        found=f"{answer.status} to {answer.method} {answer.url.partition('?')[0]}",
        evidence=answer.evidence,
        cause=cause,
    )


def expect_media_type(answer: Answer, allowed: Iterable[str], message: str = "") -> None:
    """The content type, parameters aside."""
    trail().saw(answer.evidence)
    allowed = tuple(allowed)
    expect(
        answer.media_type in allowed,
        message or f"{answer.method} {answer.url.partition('?')[0]} must say what it sends",
        expected="Content-Type " + " or ".join(allowed),
        found=answer.header("content-type") or "no Content-Type",
        evidence=answer.evidence,
    )


def expect_json(answer: Answer, status: int = 200, media: Iterable[str] = JSON) -> dict[str, Any]:
    """A JSON object with the status and content type it must have."""
    expect_status(answer, status, "the request must be answered")
    expect_media_type(answer, media)
    return answer.object()


def expect_oauth_error(answer: Answer, status: int | Iterable[int], error: str | Iterable[str]) -> None:
    """An error of the token endpoint: exact status, registered code, in JSON (RFC 6749 section 5.2)."""
    wanted = (error,) if isinstance(error, str) else tuple(error)
    expect_status(answer, status, f"the request must be refused with {' or '.join(wanted)}")
    expect_media_type(answer, JSON, "an error of the token endpoint is JSON")
    found = answer.object().get("error")
    expect(
        found in wanted,
        "the refusal must carry its registered error code",
        expected=" or ".join(wanted),
        found=found if found is not None else "no error member",
        path="error",
        evidence=answer.evidence,
    )


def expect_operation_outcome(answer: Answer, status: int | Iterable[int], message: str) -> dict[str, Any]:
    """A FHIR error: exact status and an OperationOutcome with an issue of severity and code."""
    expect_status(answer, status, message)
    expect_media_type(answer, FHIR_JSON, "a FHIR error is an OperationOutcome")
    outcome = answer.object()
    issues = outcome.get("issue") or [{}]
    expect(
        outcome.get("resourceType") == "OperationOutcome"
        and all(isinstance(one, dict) and one.get("severity") and one.get("code") for one in issues),
        "a FHIR error is an OperationOutcome whose issues have severity and code",
        found=outcome.get("resourceType", "no resourceType"),
        evidence=answer.evidence,
    )
    return outcome


def expect_bearer_refusal(answer: Answer, message: str, error: str | None = "invalid_token") -> None:
    """A resource server's refusal of a token: 401 and a Bearer challenge with its error (RFC 6750 section 3)."""
    expect_status(answer, 401, message)
    challenge = challenges.bearer(answer.all("www-authenticate"))
    expect(
        challenge is not None,
        "a 401 must carry a Bearer challenge",
        expected="WWW-Authenticate: Bearer …",
        found="; ".join(answer.all("www-authenticate")) or "no WWW-Authenticate",
        evidence=answer.evidence,
    )
    assert challenge is not None
    if error is None:
        expect(
            "error" not in challenge.parameters,
            "a request without any token gets a challenge without an error code",
            found=challenge.parameters.get("error", ""),
            evidence=answer.evidence,
        )
    else:
        expect(
            challenge.parameters.get("error") == error,
            "the challenge must name the error",
            expected=f'error="{error}"',
            found="; ".join(answer.all("www-authenticate")),
            evidence=answer.evidence,
        )


def header_tokens(answer: Answer, name: str) -> set[str]:
    """The comma-separated members of a header, all its lines together, in lower case."""
    return {token.strip().lower() for value in answer.all(name) for token in value.split(",") if token.strip()}


def expect_cors(answer: Answer, origin: str = CORS_ORIGIN) -> None:
    """A browser app of another origin may read this answer (Fetch standard, CORS protocol)."""
    trail().saw(answer.evidence)
    got = answer.all("access-control-allow-origin")
    expect(
        got in (["*"], [origin]),
        "a browser app of another origin must be allowed to read the answer",
        expected=f"Access-Control-Allow-Origin * or {origin}, once",
        found=", ".join(got) or "no Access-Control-Allow-Origin",
        evidence=answer.evidence,
    )
