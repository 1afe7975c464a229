"""Parameters of OAuth requests, read strictly: form encoding only, nothing repeated, nothing oversized (RFC 6749 section 3).

Leaves to others: what each parameter means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from simulators.payer.authorization.errors import InvalidRequest
from simulators.payer.rules import rule

LONGEST_VALUE = 16_384  # a signed assertion with a chain fits; a megabyte of state does not
MOST_PARAMETERS = 64
KNOWN = frozenset(
    [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "aud",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "ui_locales",
        "launch",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "token",
        "token_type_hint",
    ]
)
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Parameters:
    """Single values, and the names that came more than once."""

    values: Mapping[str, str]
    repeated: frozenset[str]

    def get(self, name: str) -> str | None:
        """The value; RFC 6749 section 3.1: a parameter without a value counts as left out."""
        return self.values.get(name) or None

    def required(self, name: str) -> str:
        """The value, or invalid_request naming the parameter."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing")
        return value


def parse(raw: bytes) -> Parameters:
    """Form-encoded bytes as parameters; anything that is not UTF-8 text in that encoding is invalid_request."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except (UnicodeDecodeError, ValueError) as trouble:
        raise InvalidRequest("the parameters are not form-encoded UTF-8 of a reasonable number") from trouble
    values: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if len(name) > 128 or len(value) > LONGEST_VALUE:
            raise InvalidRequest(f"parameter {name[:40]!r} is too long")
        if CONTROL_CHARACTERS.search(value):
            raise InvalidRequest(f"parameter {name[:40]!r} holds control characters")
        if name in values:
            repeated.add(name)
        values.setdefault(name, value)
    return Parameters(values, frozenset(repeated))


@rule
def repeated_parameters(parameters: Parameters) -> frozenset[str]:
    """RFC 6749 section 3.1: parameters must not be included more than once; the names to refuse."""
    return parameters.repeated


@repeated_parameters.fault("repeated-parameter-accepted", violates="RFC6749-PARAM-01")
def ignore_repetition(parameters: Parameters) -> frozenset[str]:
    """A parameter sent twice is not refused; the first value counts."""
    return frozenset()


@repeated_parameters.fault("unknown-parameter-refused", violates="RFC6749-PARAM-03")
def refuse_unknown(parameters: Parameters) -> frozenset[str]:
    """A request with a parameter the server does not know is refused."""
    return parameters.repeated | (parameters.values.keys() - KNOWN)


@rule
def token_request_content_type(content_type: str) -> bool:
    """RFC 6749 section 4.1.3: the token request is form-encoded."""
    return content_type.split(";")[0].strip().lower() == "application/x-www-form-urlencoded"


@token_request_content_type.fault("token-request-with-charset-refused", violates="RFC6749-TOKEN-02")
def without_charset(content_type: str) -> bool:
    """A token request labelled application/x-www-form-urlencoded;charset=UTF-8 is refused."""
    return content_type == "application/x-www-form-urlencoded"


@token_request_content_type.fault("token-request-of-any-content-type-accepted", violates="RFC6749-PARAM-02")
def any_content_type(content_type: str) -> bool:
    """A token request labelled text/plain is read as if it were a form."""
    return True


async def form(request: Request, faults: frozenset[str], largest: int) -> Parameters:
    """The body of a POST as parameters: form-encoded, bounded, nothing repeated."""
    if not token_request_content_type(faults, request.headers.get("content-type", "")):
        raise InvalidRequest("the body must be application/x-www-form-urlencoded")
    parameters = parse(await body(request, largest))
    if repeated := repeated_parameters(faults, parameters):
        raise InvalidRequest(f"{', '.join(sorted(repeated))} must not be repeated")
    return parameters


async def body(request: Request, largest: int) -> bytes:
    """The bytes of the body, refused as soon as they pass `largest`."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > largest:
            raise InvalidRequest(f"the body is larger than {largest} bytes", status=413)
        pieces.append(piece)
    return b"".join(pieces)
