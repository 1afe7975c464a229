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
from simulators.payer.fhir.negotiation import encoding_for, json_accepted, json_asked
from simulators.payer.fhir.requests import Parameters, Request, Send
from simulators.payer.rules import rule

FHIR_JSON = b"application/fhir+json;charset=utf-8"
_WORTH_COMPRESSING = 1_400
# A member's data may be kept by the app that asked, asked for anew each time, and by nobody between.
_ALWAYS = ((b"vary", b"accept, accept-encoding, authorization, origin"), (b"cache-control", b"private, no-cache"))
_CROSS_ORIGIN = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"etag, last-modified, location, content-location, link, retry-after, www-authenticate, x-progress, expires",
    ),
)


@dataclass(slots=True)
class Response:
    """What is sent; the content type is the FHIR one unless another is given."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b""
    pieces: Iterator[bytes] | None = None  # a body too large to hold, made while it is sent
    resources: int = 0  # how many are delivered, for the usage log
    of_type: str = ""  # what was searched, where the address does not tell


@rule
def content_type_of_resources() -> bytes:
    """Resources and Bundles are application/fhir+json."""
    return FHIR_JSON


@content_type_of_resources.fault(
    "content-type-is-text-html", violates="FHIR-CONNEG-01", also=["FHIR-CONNEG-03", "FHIR-EVERYTHING-01"]
)
def html() -> bytes:
    """Resources come as text/html."""
    return b"text/html;charset=utf-8"


@content_type_of_resources.fault("content-type-is-plain-json", violates="FHIR-CONNEG-01", also=["FHIR-CONNEG-03"])
def plain_json() -> bytes:
    """Resources come as application/json although application/fhir+json was asked for."""
    return b"application/json"


@rule
def format_served(accept: str, asked: str) -> bool:
    """JSON is served; XML, Turtle and anything else is refused with 406. `_format` wins over Accept."""
    return json_asked(asked) if asked else json_accepted(accept)


@format_served.fault("xml-is-answered-with-json", violates="FHIR-CONNEG-02", also=["FHIR-CONNEG-03"])
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
        return _names(tags, version)
    since = _instant(request.header(b"if-modified-since"))
    return since is not None and updated // 1000 <= since


def require_unchanged(request: Request, version: int, updated: int) -> None:
    """If-Match and If-Unmodified-Since: 412 where the resource is not what the client believes (RFC 9110 section 13.1).

    FHIR's version tags are weak and compared by the version they name (FHIR R4 http, 3.1.0.5).
    """
    tags = request.header(b"if-match")
    if tags:
        if not _names(tags, version):
            raise FhirError(412, "conflict", f"If-Match: the current version is {version}", expression=("If-Match",))
        return
    since = _instant(request.header(b"if-unmodified-since"))
    if since is not None and updated // 1000 > since:
        raise FhirError(
            412, "conflict", "If-Unmodified-Since: the resource has changed since", expression=("If-Unmodified-Since",)
        )


def _names(tags: str, version: int) -> bool:
    """Whether a list of entity tags names a version, or any (`*`)."""
    return tags.strip() == "*" or f'"{version}"' in [tag.strip().removeprefix("W/") for tag in tags.split(",")]


def _instant(text: str) -> int | None:
    """An HTTP date in seconds; None where it is none, which counts as not sent."""
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else None
    except (ValueError, TypeError, OverflowError):
        return None


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
        encoding = encoding_for(encodings) if encodings else b""
        if encoding:
            body = brotli.compress(body, quality=3) if encoding == b"br" else gzip.compress(body, 3, mtime=0)
            headers.append((b"content-encoding", encoding))
    headers += _ALWAYS
    if b"origin" in request.headers:
        headers += _CROSS_ORIGIN
    if response.pieces is not None:
        await _send_pieces(request, response, headers, send)
        return
    if response.status in (204, 304) or not body:
        headers = [header for header in headers if header[0] != b"content-type"]
        body = b""
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
