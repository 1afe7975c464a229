"""Token introspection (RFC 7662, SMART App Launch 2.0 section on introspection). Clients only; nothing but active=false of a bad token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import access, cors, id_token, parameters
from simulators.payer.authorization.clients import authenticate_client
from simulators.payer.authorization.errors import InvalidClient, InvalidRequest, OAuthError, json_response, render
from simulators.payer.authorization.records import Consent, Token, digest
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.rules import rule


@rule
def may_introspect(authenticated: bool) -> bool:
    """RFC 7662 section 2.1: who asks must authenticate."""
    return authenticated


@may_introspect.fault("introspection-open-to-anyone", violates="RFC7662-INTROSPECT-02")
def anyone(authenticated: bool) -> bool:
    """Introspection answers without authentication."""
    return True


@rule
def answer_of_live(members: dict[str, Any]) -> dict[str, Any]:
    """What is told of a live token: active, scope, client_id, exp, and the launch context."""
    return members


@answer_of_live.fault("introspection-without-patient", violates="SMART2-INTROSPECT-01")
def no_patient(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection leaves the patient out."""
    return {name: value for name, value in members.items() if name != "patient"}


@answer_of_live.fault("introspection-without-client-id", violates="SMART2-INTROSPECT-01")
def no_client(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection leaves client_id out."""
    return {name: value for name, value in members.items() if name != "client_id"}


@answer_of_live.fault("introspection-of-live-token-inactive", violates="SMART2-INTROSPECT-01")
def inactive(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection calls a live token inactive."""
    return {"active": False}


@answer_of_live.fault("introspection-with-other-scope", violates="SMART2-INTROSPECT-01")
def other_scope(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection reports another scope than was granted."""
    return {**members, "scope": "openid"}


@answer_of_live.fault("introspection-active-as-a-word", violates="RFC7662-INTROSPECT-03", also=["SMART2-INTROSPECT-01"])
def active_as_text(members: dict[str, Any]) -> dict[str, Any]:
    """active is the word "true", not a boolean."""
    return {**members, "active": "true"}


@rule
def told_as_live(live: bool, expired: bool, used: bool) -> bool:
    """RFC 7662 section 2.2: active means issued here, not revoked, not expired, not replaced."""
    return live and not used


@told_as_live.fault("introspection-of-revoked-token-active", violates="RFC7662-INTROSPECT-01")
def revoked_too(live: bool, expired: bool, used: bool) -> bool:
    """Introspection calls a revoked token active."""
    return not expired and not used


@told_as_live.fault("introspection-of-expired-token-active", violates="RFC7662-INTROSPECT-01")
def expired_too(live: bool, expired: bool, used: bool) -> bool:
    """Introspection calls an expired token active."""
    return (live or expired) and not used


@rule
def answer_of_dead(members: dict[str, Any]) -> dict[str, Any]:
    """RFC 7662 section 2.2: of a token that is not live nothing is told but that."""
    return {"active": False}


@answer_of_dead.fault("introspection-of-dead-token-active", violates="RFC7662-INTROSPECT-01")
def still_active(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection calls any string an active token."""
    return {**members, "active": True}


@answer_of_dead.fault("introspection-tells-of-dead-token", violates="RFC7662-INTROSPECT-01")
def tells(members: dict[str, Any]) -> dict[str, Any]:
    """Introspection of a dead token tells whose it was."""
    return {"error": "token_expired", **members, "client_id": members.get("client_id", "unknown"), "active": False}


def _members(server: Server, token: Token, consent: Consent) -> dict[str, Any]:
    members: dict[str, Any] = {
        "active": True,
        "scope": token.scope,
        "client_id": token.client_id,
        "token_type": "Bearer",
        "exp": int(token.expires_at),
        "iat": int(token.issued_at),
        "iss": server.issuer,
    }
    if consent.patient:
        members["patient"] = consent.patient
    if consent.subject:
        members["sub"] = id_token.subject_of(server.payer.faults, server.issuer, consent.subject)
        if consent.fhir_user:
            members["fhirUser"] = id_token.fhir_user_url(server, consent.fhir_user)
    return members


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The introspection endpoint, where the deployment has one."""
    path, server = payer.deployment.endpoints.introspect, of(payer)

    async def introspect(request: Request) -> Response:
        server.refresh()
        headers = cors.headers(payer, request)
        try:
            form = await parameters.form(request, payer.faults, payer.deployment.limits.largest_body_bytes)
            caller = ""
            try:
                client = authenticate_client(server, request.headers.get("authorization"), form)
                caller = client.client_id if client.type != "public" else ""
            except (InvalidClient, InvalidRequest):
                if not may_introspect(payer.faults, False):
                    raise
            if not may_introspect(payer.faults, bool(caller)):
                raise InvalidClient("a client with credentials is needed", basic=True)
            return json_response(_answer(server, form.required("token"), caller), 200, headers)
        except OAuthError as error:
            return render(error, headers)

    return [Route(path, introspect, methods=["POST"])] if path else []


def _answer(server: Server, text: str, caller: str) -> dict[str, Any]:
    faults, now = server.payer.faults, server.payer.clock.timestamp()
    token = server.ledger.token(digest(text))
    consent = server.ledger.consent(token.consent) if token else None
    if token is None or consent is None:
        return answer_of_dead(faults, {})
    members = _members(server, token, consent)
    client = server.client(token.client_id)
    live = access.token_is_live(
        frozenset(), access.Presented(token, consent, client.status if client else "revoked"), now
    )
    used_up = token.used_at is not None or client is None or client.status != "active"
    # Tokens of another app are none of the caller's business (RFC 7662 section 4).
    if not told_as_live(faults, live, now >= token.expires_at, used_up) or (
        caller and token.client_id != caller and not _resource_server(server, caller)
    ):
        return answer_of_dead(faults, members)
    return answer_of_live(faults, members)


def _resource_server(server: Server, caller: str) -> bool:
    client = server.client(caller)
    return client is not None and client.type == "backend-service"
