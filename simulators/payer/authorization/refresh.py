"""Refresh tokens: bound to their client, rotated, and a reused one ends its family (RFC 6749 section 6, RFC 9700 section 4.14).

Leaves to others: what a refresh yields (issuing.py).
"""

from __future__ import annotations

from typing import Any, cast

from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from simulators.payer.authorization import scopes
from simulators.payer.authorization.errors import InvalidGrant, InvalidScope
from simulators.payer.authorization.issuing import issue
from simulators.payer.authorization.records import Token, digest
from simulators.payer.authorization.requests import TokenRequest, client_for
from simulators.payer.protection import journal
from simulators.payer.rules import rule


@rule
def refresh_rotates(deployment_rotates: bool, client_type: str) -> bool:
    """RFC 9700 section 2.2.2: refresh tokens of public clients rotate."""
    return deployment_rotates or client_type == "public"


@refresh_rotates.fault("refresh-token-not-rotated", violates="RFC9700-REFRESH-01")
def never_rotates(deployment_rotates: bool, client_type: str) -> bool:
    """A public client keeps the same refresh token for ever."""
    return False


@rule
def refresh_is_good(token: Token, ends: float, now: float) -> bool:
    """A refresh token is neither used, revoked nor expired; `ends`: when it, the consent or a right to act ends."""
    return token.used_at is None and token.revoked_at is None and now < ends


@refresh_is_good.fault("rotated-refresh-token-accepted", violates="RFC9700-REFRESH-02")
def reuse(token: Token, ends: float, now: float) -> bool:
    """A refresh token that was rotated away works again."""
    return token.revoked_at is None and now < ends


@refresh_is_good.fault("expired-refresh-token-accepted", violates="SMART-STANDALONE-18")
def refresh_for_ever(token: Token, ends: float, now: float) -> bool:
    """A refresh token works after its time, and after the time the member allowed."""
    return token.used_at is None and token.revoked_at is None


@refresh_is_good.fault("revoked-refresh-token-accepted", violates="RFC7009-REVOKE-02")
def refresh_after_revocation(token: Token, ends: float, now: float) -> bool:
    """A refresh token works after it was revoked."""
    return token.used_at is None and now < ends


@rule
def reuse_ends_the_grant() -> bool:
    """RFC 9700 section 4.14.2: when a rotated refresh token comes back, its whole family is revoked."""
    return True


@reuse_ends_the_grant.fault("refresh-reuse-leaves-family-alive", violates="RFC9700-REFRESH-03")
def family_survives() -> bool:
    """A used refresh token comes back and is refused, but the newer tokens of its family go on working."""
    return False


@rule
def refresh_of_client(token: Token, client_id: str) -> bool:
    """RFC 6749 section 6: a refresh token belongs to the client it was issued to."""
    return token.client_id == client_id


@refresh_of_client.fault("refresh-token-of-other-client-accepted", violates="RFC6749-REFRESH-01")
def refresh_by_anyone(token: Token, client_id: str) -> bool:
    """One client uses the refresh token of another."""
    return True


@rule
def refreshed_scope(asked: str, granted: str) -> str:
    """RFC 6749 section 6: what the refresh asks for; all that was granted when it names nothing."""
    return asked or granted


@refreshed_scope.fault("refresh-subset-ignored", violates="RFC6749-REFRESH-02")
def all_again(asked: str, granted: str) -> str:
    """A refresh that asks for less receives all that was granted."""
    return granted


@rule
def scope_of_next_refresh(asked: str, granted: str) -> str:
    """RFC 6749 section 6: a new refresh token has the scope of the one it replaces."""
    return granted


@scope_of_next_refresh.fault("narrowed-refresh-narrows-for-ever", violates="RFC6749-REFRESH-03")
def narrowed(asked: str, granted: str) -> str:
    """After a refresh for less, the new refresh token never gives more than that again."""
    return asked or granted


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """RFC 6749 section 6 with rotation and reuse detection (RFC 9700 section 4.14)."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server, faults, now = request.server, request.server.payer.faults, request.server.payer.clock.timestamp()
        self.request.client = client = client_for(request, "refresh_token")
        token = server.ledger.token(digest(request.parameters.required("refresh_token")))
        if token is None or token.kind != "refresh" or not refresh_of_client(faults, token, client.client_id):
            raise InvalidGrant("the refresh token is not known, or belongs to another app")
        consent = server.ledger.consent(token.consent)
        limits = [token.expires_at, consent.expires_at, consent.rights_until] if consent else []
        ends = min((at for at in limits if at is not None), default=now)
        if consent is None or not refresh_is_good(faults, token, ends, now):
            if token.used_at is not None and reuse_ends_the_grant(faults):
                server.ledger.revoke_consent(token.consent, "refresh token reused", now)
                journal.of(server.payer).audit(
                    "server", "revoke", client_id=client.client_id, outcome="refresh token reused"
                )
            raise InvalidGrant("the refresh token was used or revoked, or its time is over")
        granted, asked = scopes.split(token.scope), scopes.split(request.parameters.get("scope") or "")
        if asked and not scopes.narrower_on_refresh(faults, asked, granted):
            raise InvalidScope("a refresh may ask for less than was granted, not for more")
        if refresh_rotates(faults, server.settings.rotate_refresh, client.type):
            if not server.ledger.use_refresh(token, now) and token.used_at is None:
                raise InvalidGrant("the refresh token was used by another request")
            self.rotated = True
        self.request.refresh_token, self.request.credential = token, consent
        self.request.scope = refreshed_scope(faults, " ".join(asked), token.scope)
        self.next_scope = scope_of_next_refresh(faults, " ".join(asked), token.scope)

    rotated = False
    next_scope = ""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        granted = self.request.scope
        body = issue(
            self.request.server,
            self.request.client,
            self.request.credential,
            granted,
            nonce=None,
            requested=granted,
            refresh=self.rotated,
            refresh_scope=self.next_scope,
        )
        return 200, body, []
