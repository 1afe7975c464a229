"""Answers on the wire when something is refused; raised anywhere, rendered in one place a protocol.

ProtocolError              .status .headers
  FhirError                -> OperationOutcome (fhir/outcomes.py)
  ...                      OAuth errors live with the authorization server
"""

from __future__ import annotations

from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]


class ProtocolError(Exception):
    """A refusal with a status and headers of its own."""

    def __init__(self, status: int, text: str, *, headers: Headers = ()) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = tuple(headers)


class FhirError(ProtocolError):
    """A refusal the FHIR API renders as an OperationOutcome.

    `code` is from the issue-type value set; `expression` names the parameter or element that was wrong.
    """

    def __init__(
        self, status: int, code: str, text: str, *, expression: Sequence[str] = (), headers: Headers = ()
    ) -> None:
        super().__init__(status, text, headers=headers)
        self.code = code
        self.expression = tuple(expression)


class Unauthorized(FhirError):
    """No token, or one that is not good any more (RFC 6750 section 3.1): 401 with WWW-Authenticate.

    `error` is empty when the request carried no token at all: the challenge then names no error.
    """

    def __init__(self, text: str, *, error: str = "invalid_token", realm: str = "fhir") -> None:
        challenge = f'Bearer realm="{realm}"'
        if error:
            challenge += f', error="{error}", error_description="{text}"'
        super().__init__(401, "login", text, headers=((b"www-authenticate", challenge.encode("latin-1", "replace")),))


class Forbidden(FhirError):
    """A good token that does not reach this (RFC 6750 section 3.1): 403 insufficient_scope."""

    def __init__(self, text: str, *, realm: str = "fhir") -> None:
        challenge = f'Bearer realm="{realm}", error="insufficient_scope"'
        super().__init__(403, "forbidden", text, headers=((b"www-authenticate", challenge.encode()),))
