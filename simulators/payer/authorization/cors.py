"""Cross-origin answers for apps in a browser: discovery, token, userinfo, FHIR (SMART App Launch 2.2 section on CORS).

Origins of registered redirect addresses and loopback are answered by name, all others by `*` without credentials: tokens travel in
headers, never in cookies. Pages for people (login, consent, portals) are never shared.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from simulators.payer.context import Payer
from simulators.payer.rules import rule


@rule
def shared_with(origin: str | None) -> dict[str, str]:
    """SMART 2.2: a server for browser apps lets them read its answers."""
    if not origin:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Location, ETag, Last-Modified, Location, Retry-After, WWW-Authenticate",
        "Vary": "Origin",
    }


@shared_with.fault("browser-apps-shut-out", violates="SMART2-CORS-01")
def shut_out(origin: str | None) -> dict[str, str]:
    """No Access-Control-Allow-Origin, so an app in a browser cannot read the answer."""
    return {}


@shared_with.fault("other-origin-allowed", violates="SMART2-CORS-01")
def other_origin(origin: str | None) -> dict[str, str]:
    """Access-Control-Allow-Origin names an origin that did not ask."""
    return {"Access-Control-Allow-Origin": "https://portal.payer.example"}


@rule
def preflight_headers(method: str) -> dict[str, str]:
    """What a preflight allows: the method, and the headers FHIR and OAuth clients send."""
    return {
        "Access-Control-Allow-Methods": f"{method}, OPTIONS",
        "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, Prefer, X-Request-Id",
        "Access-Control-Max-Age": "600",
    }


@preflight_headers.fault("preflight-without-authorization-header", violates="SMART2-CORS-02")
def no_authorization(method: str) -> dict[str, str]:
    """The preflight does not allow the Authorization header."""
    return {**preflight_headers.function(method), "Access-Control-Allow-Headers": "Content-Type"}


def headers(payer: Payer, request: Request) -> dict[str, str]:
    """CORS headers of an answer."""
    return shared_with(payer.faults, request.headers.get("origin"))


def preflight(payer: Payer, request: Request, methods: str) -> Response:
    """The answer to a preflight."""
    return Response(status_code=204, headers={**headers(payer, request), **preflight_headers(payer.faults, methods)})
