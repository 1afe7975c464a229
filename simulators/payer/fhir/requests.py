"""A FHIR request as it came in: path, parameters and the headers that matter, decoded strictly.

What cannot be decoded is refused here, before anything is looked up: a path or query that is too long, percent-encoding that is
none, bytes that are no UTF-8, a search body of the wrong content type.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from simulators.payer.context import RawHeaders
from simulators.payer.errors import FhirError
from simulators.payer.rules import rule

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Parameters = tuple[tuple[str, str], ...]

LONGEST_URL = 16_384
MOST_PARAMETERS = 200
LARGEST_SEARCH_BODY = 65_536
SLOWEST_BODY = 20  # seconds
FORM = "application/x-www-form-urlencoded"
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Request:
    """One request under a FHIR base."""

    method: str
    path: str  # below the base, decoded, without the leading slash
    query: str  # as it came
    headers: Mapping[bytes, bytes]
    raw_headers: tuple[tuple[bytes, bytes], ...]

    def header(self, name: bytes) -> str:
        """A header's value, or an empty text."""
        return self.headers.get(name, b"").decode("latin-1")


def read_request(scope: AsgiScope, base: str) -> Request:
    """The request, or a refusal that says what could not be read."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    raw_headers = scope["headers"]
    if len(raw_path) + len(query) > LONGEST_URL:
        raise FhirError(
            414, "too-long", f"the address is longer than {LONGEST_URL} bytes; search by POST to _search instead"
        )
    path = raw_path.split(b"?", 1)[0][len(base) + 1 :]
    return Request(
        scope["method"],
        decoded(path.decode("latin-1"), "path") if path else "",
        query.decode("latin-1"),
        dict(raw_headers),
        raw_headers,
    )


def unread(scope: AsgiScope) -> Request:
    """What is known of a request that could not be read: enough to answer it."""
    return Request(scope["method"], "", "", dict(scope["headers"]), scope["headers"])


def decoded(text: str, where: str) -> str:
    """A percent-encoded text as UTF-8, or a refusal."""
    if "%" not in text and text.isascii() and text.isprintable():
        return text
    if _BROKEN_ESCAPE.search(text):
        raise FhirError(400, "invalid", f"{where}: a % is not followed by two hexadecimal digits", expression=(where,))
    try:
        found = unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError as error:
        raise FhirError(400, "invalid", f"{where}: the bytes are not UTF-8", expression=(where,)) from error
    if _CONTROL.search(found):
        raise FhirError(400, "invalid", f"{where}: control characters are not allowed", expression=(where,))
    return found


@lru_cache(maxsize=4096)
def parameters_of(query: str) -> Parameters:
    """Names and values of a query string or form body, in order."""
    if not query:
        return ()
    parts = [part for part in query.split("&") if part]
    if len(parts) > MOST_PARAMETERS:
        raise FhirError(
            400, "too-costly", f"{len(parts)} parameters are more than the {MOST_PARAMETERS} this server reads"
        )
    found = []
    for part in parts:
        name, _, value = part.partition("=")
        name = decoded(name.replace("+", " "), "query")
        found.append((name, decoded(value.replace("+", " "), name or "query")))
    return tuple(found)


@rule
def token_of_address(query: str) -> str:
    """RFC 9700 section 4.3.2: no token is taken from the address."""
    return ""


@token_of_address.fault("token-in-the-address-accepted", violates="RFC6750-BEARER-02", also=["RFC6750-BEARER-06"])
def from_address(query: str) -> str:
    """An access token in the query of the address opens the API, whatever the header says."""
    return next((value for name, value in parse_qsl(query) if name == "access_token"), "")


def with_token_of_address(faults: frozenset[str], headers: RawHeaders, query: str) -> RawHeaders:
    """The headers of a request, with the token of its address where one counts."""
    token = token_of_address(faults, query) if query else ""
    if not token:
        return headers
    rest = [(name, value) for name, value in headers if name != b"authorization"]
    return [*rest, (b"authorization", b"Bearer " + token.encode())]


@rule
def form_accepted(content_type: str, has_body: bool) -> bool:
    """_search by POST takes a form; 415 for anything else."""
    return content_type == FORM or (not has_body and not content_type)


@form_accepted.fault("search-takes-any-content-type", violates="FHIR-ERRORS-05")
def anything_is_a_form(content_type: str, has_body: bool) -> bool:
    """_search by POST reads a body of any content type as a form."""
    return True


@rule
def form_of_the_search(body: str) -> str:
    """_search by POST is done with the parameters of its form."""
    return body


@form_of_the_search.fault("search-by-post-forgets-its-form", violates="FHIR-SEARCH-02")
def no_form(body: str) -> str:
    """_search by POST answers as if its form were empty."""
    return ""


async def _whole_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LARGEST_SEARCH_BODY:
            raise FhirError(413, "too-long", f"the body is larger than {LARGEST_SEARCH_BODY} bytes")
        if not message.get("more_body"):
            return bytes(body)


async def form_body(active: frozenset[str], request: Request, receive: Receive) -> str:
    """The form body of a search by POST; 415 where it is something else, 413 where it is too large."""
    content_type = request.header(b"content-type").split(";")[0].strip().lower()
    announced = request.header(b"content-length")
    if announced.isdigit() and int(announced[:20]) > LARGEST_SEARCH_BODY:  # not waited for
        raise FhirError(413, "too-long", f"the body is larger than {LARGEST_SEARCH_BODY} bytes")
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            body = await _whole_body(receive)
    except TimeoutError:
        raise FhirError(408, "timeout", f"the body did not come within {SLOWEST_BODY} seconds") from None
    if not form_accepted(active, content_type, bool(body)):
        raise FhirError(
            415, "not-supported", f"_search takes {FORM}, not {content_type or 'a body without a content type'}"
        )
    return form_of_the_search(active, body.decode("latin-1"))
