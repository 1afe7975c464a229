"""Refusals of the authorization server and the one place that renders them (RFC 6749 sections 4.1.2.1 and 5.2).

OAuthError                     .status .error .description -> JSON, or the redirect at the authorization endpoint
  InvalidRequest InvalidClient InvalidGrant UnauthorizedClient UnsupportedGrantType InvalidScope AccessDenied …
PageError                      nothing may be redirected: a page that says why
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """A refusal with a registered error code."""

    def __init__(self, description: str, *, error: str, status: int = 400, challenge: str = "") -> None:
        super().__init__(description)
        self.error, self.status, self.description, self.challenge = error, status, description, challenge

    def body(self) -> dict[str, Any]:
        """The members of the error response."""
        return {"error": self.error, "error_description": self.description}


class InvalidRequest(OAuthError):
    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description, error="invalid_request", status=status)


class InvalidClient(OAuthError):
    """Client authentication failed; a client that tried HTTP Basic is told the scheme (RFC 6749 section 5.2)."""

    def __init__(self, description: str, *, basic: bool = False) -> None:
        super().__init__(
            description,
            error="invalid_client",
            status=401,
            challenge='Basic realm="token", charset="UTF-8"' if basic else "",
        )


class InvalidGrant(OAuthError):
    def __init__(self, description: str) -> None:
        super().__init__(description, error="invalid_grant")


class UnauthorizedClient(OAuthError):
    def __init__(self, description: str) -> None:
        super().__init__(description, error="unauthorized_client")


class UnsupportedGrantType(OAuthError):
    def __init__(self, description: str) -> None:
        super().__init__(description, error="unsupported_grant_type")


class InvalidScope(OAuthError):
    def __init__(self, description: str) -> None:
        super().__init__(description, error="invalid_scope")


class PageError(Exception):
    """The authorization request cannot be answered by a redirect: the client or its address is not trusted."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    return Response(orjson.dumps(body), status, {**NO_STORE, **(headers or {})}, "application/json")


def render(error: OAuthError, headers: dict[str, str] | None = None) -> Response:
    """The JSON error response."""
    extra = dict(headers or {})
    if error.challenge:
        extra["WWW-Authenticate"] = error.challenge
    return json_response(error.body(), error.status, extra)
