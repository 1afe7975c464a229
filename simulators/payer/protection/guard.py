"""Around every request: another worker's changes are seen, the FHIR API's limit is counted, security headers are set.

Plain ASGI, because it is on the path of every read. Leaves to others: limits of single endpoints (they know the client).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulators.payer.authorization import disclosure
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Grant, Payer
from simulators.payer.errors import Unauthorized
from simulators.payer.protection import limits
from simulators.payer.rules import rule

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

# No form-action: a consent page's form ends in a redirect to the app's own address, which Chromium would refuse.
POLICY = b"default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"


@rule
def page_headers() -> tuple[tuple[bytes, bytes], ...]:
    """RFC 9700 section 4.16: no other site frames our pages; nothing leaks by referrer, cache or sniffing."""
    return (
        (b"content-security-policy", POLICY),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    )


@page_headers.fault("login-page-may-be-framed", violates="RFC9700-UI-01")
def framable() -> tuple[tuple[bytes, bytes], ...]:
    """Login and consent pages may be shown inside another site's frame."""
    return (
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    )


@page_headers.fault("pages-kept-by-caches", violates="RFC9700-UI-02")
def cached_pages() -> tuple[tuple[bytes, bytes], ...]:
    """Login and consent pages may be kept by caches."""
    kept = [(name, value) for name, value in page_headers.function() if name != b"cache-control"]
    return (*kept, (b"cache-control", b"public, max-age=3600"))


@page_headers.fault("login-page-tells-its-address", violates="RFC9700-UI-03")
def told_onwards() -> tuple[tuple[bytes, bytes], ...]:
    """Referrer-Policy lets other hosts know the whole address of a login page, the request in it."""
    kept = [(name, value) for name, value in page_headers.function() if name != b"referrer-policy"]
    return (*kept, (b"referrer-policy", b"unsafe-url"))


def middleware(payer: Payer, application: AsgiApp) -> AsgiApp:
    """Wrap the public application."""
    server = of(payer)
    endpoints, declared = payer.deployment.endpoints, payer.deployment.limits
    delay = payer.deployment.fhir.delay_milliseconds / 1000
    bases = tuple(base + "/" for base in (endpoints.fhir, endpoints.directory, endpoints.formulary) if base)

    async def guard(scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        server.refresh_for_request()
        path: str = scope["path"]
        if path.startswith(bases) and "/.well-known/" not in path:
            grant = _grant(server, scope["headers"])
            try:
                limits.take(
                    payer,
                    "fhir",
                    declared.requests,
                    declared.per_seconds,
                    grant.client_id if grant else "",
                    _address(scope),
                )
            except limits.TooMany as too_many:
                await _refuse(payer, too_many, send)
                return
            if delay:
                await asyncio.sleep(delay)
            link = disclosure.link_for(server, grant)
            await application(scope, receive, _with_header(send, link) if link else send)
            return
        await application(scope, receive, _with_page_headers(payer, send))

    return guard


def pages_only(payer: Payer, application: AsgiApp) -> AsgiApp:
    """Around the pages of another port: the security headers and nothing else."""

    async def guard(scope: AsgiScope, receive: Receive, send: Send) -> None:
        await application(scope, receive, _with_page_headers(payer, send))

    return guard


def _with_page_headers(payer: Payer, send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                names = {name for name, _ in headers}
                headers += [(name, value) for name, value in page_headers(payer.faults) if name not in names]
            message["headers"] = headers
        await send(message)

    return sending


def _grant(server: Server, headers: list[tuple[bytes, bytes]]) -> Grant | None:
    """What the bearer token grants; None when there is none that counts."""
    for name, value in headers:
        if name == b"authorization":
            grant = server.grants.get(value)
            if grant is not None:
                return grant
            try:
                return server.payer.authenticate(headers)
            except Unauthorized:
                return None
    return None


def _with_header(send: Send, header: tuple[bytes, bytes]) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return sending


def _address(scope: AsgiScope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


async def _refuse(payer: Payer, too_many: limits.TooMany, send: Send) -> None:
    status, extra = limits.answer_headers(payer.faults, too_many.seconds)
    content_type, body = limits.body_past_limit(payer.faults, too_many.seconds, True)
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"Retry-After"),
    ]
    headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
