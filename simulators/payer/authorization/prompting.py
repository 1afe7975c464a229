"""Which pages an authorization request may and must show: prompt, max_age and id_token_hint (OIDC Core sections 3.1.2.1 and 3.1.2.6).

Leaves to others: the pages (interaction.py), the code that is sent back (granting.py).
"""

from __future__ import annotations

from dataclasses import replace

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from simulators.payer.authorization import scopes
from simulators.payer.authorization.answers import Asked
from simulators.payer.authorization.errors import OAuthError
from simulators.payer.authorization.id_token import subject_of
from simulators.payer.authorization.records import Client, Consent, fresh
from simulators.payer.authorization.server import Server
from simulators.payer.portals.sessions import Session
from simulators.payer.rules import rule

VALUES = frozenset({"none", "login", "consent", "select_account"})
GRANTED, PAGE = "granted", "page"


@rule
def must_sign_in(signed_in: bool, prompt: frozenset[str], age: float, max_age: int | None) -> bool:
    """prompt=login, prompt=select_account and an elapsed max_age ask for a fresh sign-in."""
    return not signed_in or bool(prompt & {"login", "select_account"}) or (max_age is not None and age > max_age)


@must_sign_in.fault("max-age-ignored", violates="OIDC-MAXAGE-01")
def any_age(signed_in: bool, prompt: frozenset[str], age: float, max_age: int | None) -> bool:
    """max_age does not ask a member again who signed in longer ago."""
    return not signed_in or "login" in prompt


@must_sign_in.fault("prompt-login-ignored", violates="OIDC-PROMPT-02", also=["OIDC-MAXAGE-01"])
def no_fresh_sign_in(signed_in: bool, prompt: frozenset[str], age: float, max_age: int | None) -> bool:
    """prompt=login does not ask a signed-in member again."""
    return not signed_in


@rule
def prompt_none_answer(signed_in: bool, more_to_prove: bool, settled: bool) -> str:
    """No page is shown: the error that says which one is needed, or GRANTED where the member decided before."""
    if not signed_in:
        return "login_required"
    if more_to_prove:
        return "interaction_required"
    return GRANTED if settled else "consent_required"


@prompt_none_answer.fault("prompt-none-shows-a-page", violates="OIDC-PROMPT-01")
def shows_page(signed_in: bool, more_to_prove: bool, settled: bool) -> str:
    """prompt=none leads to the login page."""
    return PAGE


def values_of(prompt: str | None) -> frozenset[str]:
    """The values of `prompt`; `none` stands alone, anything else is invalid_request."""
    found = frozenset((prompt or "").split())
    if not found <= VALUES or ("none" in found and len(found) > 1):
        raise OAuthError("prompt is none alone, or some of login, consent, select_account", error="invalid_request")
    return found


def hinted_subject(server: Server, hint: str | None) -> str:
    """The `sub` of an id_token_hint, which must be an id_token of this server; its time may be over. Empty without a hint."""
    if hint is None:
        return ""
    try:
        signed = jws.deserialize_compact(hint, server.keys.key_set(), algorithms=["RS256"])
        claims = orjson.loads(signed.payload)
        issuer, subject = claims["iss"], claims["sub"]
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as trouble:
        raise OAuthError("id_token_hint is not an id_token of this server", error="invalid_request") from trouble
    if issuer != server.issuer or not isinstance(subject, str):
        raise OAuthError("id_token_hint is not an id_token of this server", error="invalid_request")
    return subject


def is_hinted(server: Server, asked: Asked, username: str) -> bool:
    """Whether a member is the one the app expects, if it expects one."""
    return not asked.subject or subject_of(server.payer.faults, server.issuer, username) == asked.subject


def standing_consent(server: Server, asked: Asked, session: Session | None) -> Consent | None:
    """The member's last decision about this app as the consent of a new grant, where it stands and covers all that is asked now.

    Never for an app that anybody on the member's machine could pretend to be (RFC 8252 section 8.6).
    """
    if session is None or not identity_is_assured(asked.client, asked.redirect_uri):
        return None
    now, wanted = server.payer.clock.timestamp(), frozenset(scopes.split(asked.scope))
    about = [one for one in server.ledger.consents_of(session.subject) if one.client_id == asked.client.client_id]
    # Grants made from one decision share its instant: withdrawing any of them withdraws the decision.
    last = [one for one in about if one.granted_at == about[0].granted_at]
    for one in last:
        ends = [at for at in (one.expires_at, one.rights_until) if at is not None]
        if one.revoked_at is not None or any(now >= at for at in ends):
            return None
    for one in last:
        if wanted <= frozenset(scopes.split(one.scope)) and asked.launch in ("", one.patient):
            return replace(one, id=fresh(12), scope=asked.scope, auth_time=session.auth_time, last_access=None)
    return None


def identity_is_assured(client: Client, redirect_uri: str) -> bool:
    """A client with credentials of its own, or one whose address nobody else can listen on."""
    return client.type != "public" or redirect_uri.startswith("https://")
