"""UserInfo (OIDC Core section 5.3): claims about the person behind an access token with the openid scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import access, cors, id_token
from simulators.payer.authorization.errors import json_response
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.errors import Unauthorized
from simulators.payer.rules import rule


@rule
def userinfo_claims(subject: str, claims: dict[str, Any]) -> dict[str, Any]:
    """sub equals the sub of the id_token."""
    return {"sub": subject, **claims}


@userinfo_claims.fault("userinfo-subject-differs", violates="OIDC-USERINFO-01")
def other_subject(subject: str, claims: dict[str, Any]) -> dict[str, Any]:
    """sub of UserInfo is not the sub of the id_token."""
    return {"sub": subject[::-1], **claims}


@rule
def userinfo_needs_token(good: bool) -> bool:
    """OIDC Core section 5.3.1: UserInfo is a protected resource."""
    return good


@userinfo_needs_token.fault("userinfo-without-token", violates="OIDC-USERINFO-02")
def open_userinfo(good: bool) -> bool:
    """UserInfo answers 200 to a request without a token."""
    return True


@rule
def userinfo_needs_openid(scopes: frozenset[str]) -> bool:
    """OIDC Core section 5.3: UserInfo is for tokens of an OpenID Connect request, those with the openid scope."""
    return "openid" in scopes


@userinfo_needs_openid.fault("userinfo-of-token-without-openid", violates="OIDC-USERINFO-03")
def any_scope(scopes: frozenset[str]) -> bool:
    """UserInfo tells who signed in to an app that was not granted openid."""
    return True


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The UserInfo endpoint, where the deployment has one."""
    path, server = payer.deployment.endpoints.userinfo, of(payer)

    async def userinfo(request: Request) -> Response:
        server.refresh()
        headers = cors.headers(payer, request)
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "GET, POST")
        try:
            grant = access.authenticate(payer, request.scope["headers"])
        except Unauthorized as refused:
            if userinfo_needs_token(payer.faults, False):
                return json_response(userinfo_claims(payer.faults, "anonymous", {}), 200, headers)
            extra = {name.decode(): value.decode("latin-1") for name, value in refused.headers}
            return json_response(
                {"error": "invalid_token", "error_description": refused.text}, refused.status, {**headers, **extra}
            )
        if not userinfo_needs_openid(payer.faults, grant.all_scopes):
            extra = {"WWW-Authenticate": 'Bearer realm="fhir", error="insufficient_scope", scope="openid"'}
            return json_response({"error": "insufficient_scope"}, 403, {**headers, **extra})
        claims: dict[str, Any] = {}
        if grant.all_scopes & {"fhirUser", "profile"}:
            claims["fhirUser"] = id_token.fhir_user_url(server, grant.fhir_user)
        return json_response(
            userinfo_claims(payer.faults, id_token.subject_of(payer.faults, server.issuer, grant.subject), claims),
            200,
            headers,
        )

    return [Route(path, userinfo, methods=["GET", "POST", "OPTIONS"])] if path else []
