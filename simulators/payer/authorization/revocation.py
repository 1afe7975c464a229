"""Token revocation (RFC 7009): 200 for any token of the client, known or not; a refresh token takes its access tokens with it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import cors, parameters
from simulators.payer.authorization.clients import authenticate_client
from simulators.payer.authorization.errors import NO_STORE, InvalidClient, OAuthError, render
from simulators.payer.authorization.records import Client, Token, digest
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.protection import journal
from simulators.payer.rules import rule


@rule
def status_for(known: bool) -> int:
    """RFC 7009 section 2.2: 200 whether or not the token is known."""
    return 200


@status_for.fault("revoking-unknown-token-refused", violates="RFC7009-REVOKE-03")
def refuse_unknown(known: bool) -> int:
    """Revoking a token the server does not know is answered 400."""
    return 200 if known else 400


@rule
def may_revoke(token: Token, client_id: str) -> bool:
    """RFC 7009 section 2.1: a client revokes its own tokens."""
    return token.client_id == client_id


@may_revoke.fault("token-revoked-by-other-client", violates="RFC7009-REVOKE-04")
def by_anyone(token: Token, client_id: str) -> bool:
    """One client revokes the token of another."""
    return True


@rule
def takes_effect(kind: str) -> bool:
    """A revoked token stops working."""
    return True


@takes_effect.fault(
    "revocation-without-effect",
    violates="RFC7009-REVOKE-01",
    also=("RFC7009-REVOKE-02", "RFC7009-REVOKE-05", "RFC7009-REVOKE-08"),
)
def no_effect(kind: str) -> bool:
    """Revocation is answered 200 and the token goes on working."""
    return False


@rule
def access_ends_with_refresh() -> bool:
    """RFC 7009 section 2.1: revoking the refresh token should end the access tokens of the same grant."""
    return True


@access_ends_with_refresh.fault("access-survives-refresh-revocation", violates="RFC7009-REVOKE-05")
def access_survives() -> bool:
    """The refresh token is revoked, the access token it came with goes on working."""
    return False


@rule
def revoker_must_prove() -> bool:
    """RFC 7009 section 2.1: the client authenticates as at the token endpoint."""
    return True


@revoker_must_prove.fault("revocation-without-authentication", violates="RFC7009-REVOKE-06")
def unproved() -> bool:
    """A confidential client's token is revoked for whoever says its client_id."""
    return False


@rule
def nothing_to_revoke_status() -> int:
    """RFC 7009 section 2.1: token is required."""
    return 400


@nothing_to_revoke_status.fault("revocation-without-token-answered-200", violates="RFC7009-REVOKE-07")
def fine() -> int:
    """A revocation request without a token is answered 200."""
    return 200


@rule
def found_under_hint(kind: str, hint: str) -> bool:
    """RFC 7009 section 2.1: token_type_hint is a hint; the token is looked for among the other kinds too."""
    return True


@found_under_hint.fault("revocation-believes-the-hint", violates="RFC7009-REVOKE-08")
def only_as_hinted(kind: str, hint: str) -> bool:
    """An access token revoked under the hint refresh_token is answered 200 and lives on."""
    return not hint or hint.startswith(kind)


def _client(server: Server, request: Request, form: parameters.Parameters) -> Client:
    try:
        return authenticate_client(server, request.headers.get("authorization"), form)
    except InvalidClient:
        named = server.client(form.get("client_id") or "")
        if named is None or revoker_must_prove(server.payer.faults):
            raise
        return named


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The revocation endpoint, where the deployment has one."""
    path, server = payer.deployment.endpoints.revoke, of(payer)

    async def revoke(request: Request) -> Response:
        server.refresh()
        headers = cors.headers(payer, request)
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "POST")
        try:
            form = await parameters.form(request, payer.faults, payer.deployment.limits.largest_body_bytes)
            client = _client(server, request, form)
            if not form.get("token") and nothing_to_revoke_status(payer.faults) == 200:
                return Response(b"", 200, {**NO_STORE, **headers})
            token = server.ledger.token(digest(form.required("token")))
            if (
                token is not None
                and found_under_hint(payer.faults, token.kind, form.get("token_type_hint") or "")
                and may_revoke(payer.faults, token, client.client_id)
                and takes_effect(payer.faults, token.kind)
            ):
                now = payer.clock.timestamp()
                if token.kind == "refresh" and access_ends_with_refresh(payer.faults):
                    server.ledger.revoke_consent(token.consent, "app", now)
                else:
                    server.ledger.revoke_token(token, now)
                journal.of(payer).audit("app", "revoke", client_id=client.client_id, outcome=f"{token.kind} token")
            return Response(b"", status_for(payer.faults, token is not None), {**NO_STORE, **headers})
        except OAuthError as error:
            return render(error, headers)

    return [Route(path, revoke, methods=["POST", "OPTIONS"])] if path else []
