"""Dynamic client registration and its management (RFC 7591, RFC 7592), where the deployment offers it.

Leaves to others: what metadata is acceptable (onboarding/metadata.py), the form for people (portals/developer.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import access, cors, parameters
from simulators.payer.authorization.errors import InvalidRequest, json_response
from simulators.payer.authorization.records import Client, digest, fresh, same
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.onboarding import metadata
from simulators.payer.onboarding.metadata import BadMetadata
from simulators.payer.protection import journal, limits
from simulators.payer.rules import rule


@rule
def registration_answer(client: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """RFC 7591 section 3.2.1: 201 with the client_id and the metadata as registered."""
    return 201, client


@registration_answer.fault("registration-answered-200", violates="RFC7591-DCR-01")
def ok_only(client: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A registration is answered 200."""
    return 200, client


@registration_answer.fault("registration-without-metadata", violates="RFC7591-DCR-01")
def id_only(client: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A registration is answered with the client_id alone; what was registered is not told."""
    return 201, {"client_id": client["client_id"]}


@registration_answer.fault("registration-tells-other-redirect-uri", violates="RFC7591-DCR-01")
def other_redirect(client: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The answer names another redirect_uri than was registered."""
    return 201, {**client, "redirect_uris": [f"{uri}/" for uri in client.get("redirect_uris", [])]}


@rule
def registration_refusal(error: BadMetadata) -> tuple[int, dict[str, str]]:
    """RFC 7591 section 3.2.2: 400 with invalid_redirect_uri or invalid_client_metadata."""
    return 400, {"error": error.error, "error_description": error.description}


@registration_refusal.fault("registration-error-of-ones-own", violates="RFC7591-DCR-02")
def own_error(error: BadMetadata) -> tuple[int, dict[str, str]]:
    """A bad registration is answered with an error code no specification has."""
    return 400, {"error": "bad_registration"}


@registration_refusal.fault("bad-registration-answered-500", violates="RFC7591-DCR-02")
def crash(error: BadMetadata) -> tuple[int, dict[str, str]]:
    """A bad registration is answered 500."""
    return 500, {"error": "server_error"}


@rule
def may_manage(client: Client, token: str) -> bool:
    """RFC 7592 section 2: a registration is read and changed with its own access token."""
    return bool(client.registration_digest) and same(client.registration_digest, digest(token))


@may_manage.fault("registration-managed-with-any-token", violates="RFC7592-MANAGE-01")
def any_token(client: Client, token: str) -> bool:
    """One app reads and changes the registration of another."""
    return bool(token)


@rule
def new_client_id() -> str:
    """RFC 7591 section 3.2.1: a client_id of its own for every registration."""
    return fresh(12)


@new_client_id.fault("registrations-share-a-client-id", violates="HEALTHSHARE-2.1.1-CLIENT-ID")
def shared_id() -> str:
    """Every app that registers is given the same client_id."""
    return "registered-app"


@rule
def deletion_takes_effect() -> bool:
    """RFC 7592 section 2.3: a deleted registration is gone, and so is what it was granted."""
    return True


@deletion_takes_effect.fault("deleted-registration-lives-on", violates="RFC7592-MANAGE-02")
def kept_on() -> bool:
    """A registration is answered as deleted and goes on being served."""
    return False


def told(server: Server, client: Client, *, secret: str = "", management_token: str = "") -> dict[str, Any]:
    """A registration as its app is told of it."""
    members: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": client.auth_method,
        "scope": " ".join(client.scopes),
        "contacts": [client.contact] if client.contact else [],
    }
    for name in ("policy_uri", "logo_uri", "jwks_uri", "jwks"):
        if getattr(client, name):
            members[name] = getattr(client, name)
    if secret:
        members.update(client_secret=secret, client_secret_expires_at=0)
    if management_token:
        members["registration_access_token"] = management_token
        members["registration_client_uri"] = f"{server.endpoint('register')}/{client.client_id}"
    return members


def _document(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as trouble:
        raise BadMetadata("invalid_client_metadata", "the body is not JSON") from trouble
    if not isinstance(found, dict):
        raise BadMetadata("invalid_client_metadata", "the body is not a JSON object")
    if "software_statement" in found:
        raise BadMetadata("unapproved_software_statement", "software statements are not accepted here")
    return found


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The registration endpoint and, below it, each registration."""
    path, server, largest = payer.deployment.endpoints.register, of(payer), payer.deployment.limits.largest_body_bytes

    async def read(request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise BadMetadata("invalid_client_metadata", "the body must be application/json")
        try:
            return _document(await parameters.body(request, largest))
        except InvalidRequest as too_large:
            raise BadMetadata("invalid_client_metadata", too_large.description) from too_large

    def refuse(error: BadMetadata, headers: dict[str, str]) -> Response:
        status, body = registration_refusal(payer.faults, error)
        return json_response(body, status, headers)

    async def register(request: Request) -> Response:
        server.refresh()
        headers, declared = cors.headers(payer, request), payer.deployment.limits
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "POST")
        address = request.client.host if request.client else "unknown"
        try:
            limits.take(payer, "register", declared.registrations, declared.registrations_per_seconds, "", address)
            asked = metadata.checked(await read(request), payer.deployment, payer.faults)
        except BadMetadata as error:
            return refuse(error, headers)
        except limits.TooMany as too_many:
            return limits.oauth_answer(payer, too_many, headers)
        secret = fresh() if asked.type == "confidential-symmetric" else ""
        token = fresh()
        client = metadata.client_of(
            asked,
            new_client_id(payer.faults),
            secret_digest=digest(secret) if secret else "",
            registration_digest=digest(token),
            created_at=payer.clock.timestamp(),
        )
        server.ledger.save_client(client)
        journal.of(payer).audit("app", "register", client_id=client.client_id, name=client.name)
        status, body = registration_answer(payer.faults, told(server, client, secret=secret, management_token=token))
        return json_response(body, status, headers)

    async def manage(request: Request) -> Response:
        server.refresh()
        headers = cors.headers(payer, request)
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "GET, PUT, DELETE")
        client = server.ledger.client(request.path_params["client_id"])
        sent = request.headers.get("authorization")
        token = access.bearer_of(frozenset(), sent.encode("latin-1", "replace") if sent else None)
        if client is None or not token or not may_manage(payer.faults, client, token):
            challenge = {"WWW-Authenticate": 'Bearer realm="registration", error="invalid_token"'}
            return json_response({"error": "invalid_token"}, 401, {**headers, **challenge})
        if request.method == "DELETE":
            if deletion_takes_effect(payer.faults):
                for consent in server.ledger.consents_for(client.client_id):
                    server.ledger.revoke_consent(consent.id, "app", payer.clock.timestamp())
                server.ledger.delete_client(client.client_id)
            journal.of(payer).audit("app", "delete registration", client_id=client.client_id)
            return Response(b"", 204, {**headers, "Cache-Control": "no-store"})
        if request.method == "PUT":
            try:
                document = await read(request)
                if document.get("client_id") != client.client_id:
                    raise BadMetadata("invalid_client_metadata", "client_id must be that of the registration")
                asked = metadata.checked(document, payer.deployment, payer.faults)
                if asked.type != client.type:
                    raise BadMetadata("invalid_client_metadata", "the kind of client cannot change; register anew")
            except BadMetadata as error:
                return refuse(error, headers)
            changed = metadata.client_of(asked, client.client_id)
            kept = (
                "status",
                "secret_digest",
                "registration_digest",
                "owner",
                "company",
                "description",
                "attestations",
                "history",
                "created_at",
            )
            client = replace(changed, **{name: getattr(client, name) for name in kept})
            server.ledger.save_client(client)
            journal.of(payer).audit("app", "change registration", client_id=client.client_id)
        return json_response(told(server, client, management_token=token), 200, headers)

    if not path or not payer.deployment.onboarding.dynamic:
        return []
    return [
        Route(path, register, methods=["POST", "OPTIONS"]),
        Route(f"{path}/{{client_id}}", manage, methods=["GET", "PUT", "DELETE", "OPTIONS"]),
    ]
