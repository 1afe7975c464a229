"""Answers as they leave: content type, validators, compression, HEAD, CORS (FHIR R4 http; RFC 9110).

Leaves to others: what the body is.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

import brotli

from simulators.payer.errors import FhirError
from simulators.payer.fhir.requests import Parameters, Request, Send
from simulators.payer.rules import rule

FHIR_JSON = b"application/fhir+json;charset=utf-8"
_JSON_TYPES = frozenset(
    ("application/fhir+json", "application/json", "text/json", "application/json+fhir", "application/*", "*/*")
)
_JSON_FORMATS = frozenset(
    ("json", "application/json", "application/fhir+json", "text/json", "application/fhir json", "application/json+fhir")
)
_WORTH_COMPRESSING = 1_400


@dataclass(slots=True)
class Response:
    """What is sent; the content type is the FHIR one unless another is given."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b""
    pieces: Iterator[bytes] | None = None  # a body too large to hold, made while it is sent
    resources: int = 0  # how many are delivered, for the usage log


@rule
def content_type_of_resources() -> bytes:
    """Resources and Bundles are application/fhir+json."""
    return FHIR_JSON


@content_type_of_resources.fault("content-type-is-text-html", violates="FHIR-CONNEG-01")
def html() -> bytes:
    """Resources come as text/html."""
    return b"text/html;charset=utf-8"


@content_type_of_resources.fault("content-type-is-plain-json", violates="FHIR-CONNEG-01")
def plain_json() -> bytes:
    """Resources come as application/json although application/fhir+json was asked for."""
    return b"application/json"


@rule
def format_served(accept: str, asked: str) -> bool:
    """JSON is served; XML, Turtle and anything else is refused with 406. `_format` wins over Accept."""
    if asked:
        return asked.split(";")[0].strip().lower() in _JSON_FORMATS
    if not accept:
        return True
    for part in accept.lower().split(","):
        kind, *options = (piece.strip() for piece in part.split(";"))
        if any(option.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for option in options):
            continue
        versions = [option.partition("=")[2].strip('" ') for option in options if option.startswith("fhirversion")]
        if kind in _JSON_TYPES and all(version.startswith("4.0") for version in versions):
            return True
    return False


@format_served.fault("xml-is-answered-with-json", violates="FHIR-CONNEG-02")
def anything(accept: str, asked: str) -> bool:
    """A client that accepts XML only is sent JSON."""
    return True


@format_served.fault("accept-json-is-refused", violates="FHIR-CONNEG-01")
def fhir_json_refused(accept: str, asked: str) -> bool:
    """A client that accepts application/fhir+json is answered 406."""
    return "fhir+json" not in accept and format_served.function(accept, asked)


@format_served.fault("format-parameter-is-ignored", violates="FHIR-CONNEG-03")
def format_ignored(accept: str, asked: str) -> bool:
    """`_format` changes nothing: only Accept is looked at."""
    return format_served.function(accept, "")


def require_format(active: frozenset[str], request: Request, parameters: Parameters) -> None:
    """Refuse a representation this server does not have."""
    accept = request.header(b"accept")
    asked = next((value for name, value in parameters if name == "_format"), "")
    if not asked and accept in ("", "*/*", "application/fhir+json") and not active:
        return
    if not format_served(active, accept, asked):
        raise FhirError(406, "not-supported", f"only application/fhir+json is served, not {asked or accept}")


def validators(version: int, updated: int) -> tuple[tuple[bytes, bytes], ...]:
    """ETag and Last-Modified of one version."""
    return ((b"etag", b'W/"%d"' % version), (b"last-modified", http_date(updated)))


def http_date(milliseconds: int) -> bytes:
    """An instant as HTTP writes it."""
    return _http_date(milliseconds // 1000)


@lru_cache(maxsize=4096)
def _http_date(seconds: int) -> bytes:
    return formatdate(seconds, usegmt=True).encode()


@rule
def unchanged_since(request: Request, version: int, updated: int) -> bool:
    """Whether the client's copy is still good: If-None-Match decides, else If-Modified-Since."""
    tags = request.header(b"if-none-match")
    if tags:
        return tags.strip() == "*" or f'"{version}"' in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since = request.header(b"if-modified-since")
    if since:
        try:
            return updated // 1000 <= int(parsedate_to_datetime(since).timestamp())
        except (ValueError, OverflowError):
            return False
    return False


@unchanged_since.fault("not-modified-for-every-copy", violates="FHIR-READ-02")
def always_unchanged(request: Request, version: int, updated: int) -> bool:
    """A conditional read is answered 304 although the client's copy is of another version."""
    return bool(request.header(b"if-none-match") or request.header(b"if-modified-since"))


async def _send_pieces(request: Request, response: Response, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if request.method != "HEAD":
        for piece in response.pieces or ():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_response(request: Request, response: Response, send: Send, active: frozenset[str]) -> None:
    """Put one answer on the wire."""
    body = response.body
    headers = [(b"content-type", response.content_type or content_type_of_resources(active)), *response.headers]
    if len(body) > _WORTH_COMPRESSING:
        encodings = request.headers.get(b"accept-encoding")
        if encodings:
            if b"br" in encodings:
                body = brotli.compress(body, quality=3)
                headers.append((b"content-encoding", b"br"))
            elif b"gzip" in encodings:
                body = gzip.compress(body, 3, mtime=0)
                headers.append((b"content-encoding", b"gzip"))
    if response.pieces is not None:
        await _send_pieces(request, response, headers, send)
        return
    headers.append((b"vary", b"accept, accept-encoding, authorization, origin"))
    if b"origin" in request.headers:
        headers += (
            (b"access-control-allow-origin", b"*"),
            (
                b"access-control-expose-headers",
                b"etag, last-modified, location, content-location, retry-after, www-authenticate",
            ),
        )
    if response.status in (204, 304) or not body:
        headers = [header for header in headers if header[0] != b"content-type"]
        body = b""
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
