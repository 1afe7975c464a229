"""Bearer tokens at the FHIR API: from the header of a request to what its bearer may do (RFC 6750).

A verified token is kept until it expires or anything is revoked anywhere, because looking it up costs more than the search it
admits. Leaves to others: what the grant reaches (fhir/).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.payer.authorization import assertions, clients, scopes
from simulators.payer.authorization.errors import InvalidClient
from simulators.payer.authorization.records import Consent, Token, digest
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Grant, Payer, RawHeaders
from simulators.payer.errors import Unauthorized
from simulators.payer.rules import rule

WRITE_ACCESS_EVERY = 5.0  # seconds between two notes of one app's last access
LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Presented:
    """One presented token with what is remembered of it."""

    token: Token
    consent: Consent
    client_status: str


@rule
def token_is_live(found: Presented, now: float) -> bool:
    """A token is good until it expires or is revoked, while its consent stands and its app is served."""
    token, consent = found.token, found.consent
    return (
        now < token.expires_at
        and token.revoked_at is None
        and consent.revoked_at is None
        and (consent.expires_at is None or now < consent.expires_at)
        and (consent.rights_until is None or now < consent.rights_until)
    )


@token_is_live.fault("expired-access-token-accepted", violates="SMART-STANDALONE-14")
def expired(found: Presented, now: float) -> bool:
    """An access token is served after it expired."""
    return found.token.revoked_at is None and found.consent.revoked_at is None


@token_is_live.fault(
    "revoked-access-token-accepted",
    violates="RFC7009-REVOKE-01",
    also=["CMS9115-REVOCATION", "RFC7009-REVOKE-05", "RFC7009-REVOKE-08"],
)
def revoked(found: Presented, now: float) -> bool:
    """An access token is served after it was revoked."""
    return now < found.token.expires_at


@token_is_live.fault("access-outlives-the-members-consent", violates="CMS9115-REVOCATION")
def consent_ignored(found: Presented, now: float) -> bool:
    """The member takes an app's access back, and the app's token goes on working."""
    return now < found.token.expires_at and (
        found.token.revoked_at is None or found.token.revoked_at == found.consent.revoked_at
    )


@token_is_live.fault("access-token-dies-early", violates="SMART-STANDALONE-27")
def dies_early(found: Presented, now: float) -> bool:
    """An access token is refused when half of expires_in has gone by."""
    half = found.token.issued_at + (found.token.expires_at - found.token.issued_at) / 2
    return now < half and token_is_live.function(found, now)


@token_is_live.fault(
    "tokens-of-offline-apps-refused",
    violates="SMART-STANDALONE-23",
    also=[
        "SHM-BEARER-01",
        "SMART2-ASYMMETRIC-01",
        "SMART-STANDALONE-10",
        "SMART-STANDALONE-12",
        "OIDC-IDTOKEN-03",
        "OIDC-USERINFO-01",
    ],
)
def offline_refused(found: Presented, now: float) -> bool:
    """The access token of an app that was granted offline_access is refused from the start."""
    return "offline_access" not in found.token.scope.split() and token_is_live.function(found, now)


@token_is_live.fault("right-to-represent-never-ends", violates="HEALTHSHARE-2.1.1-RESOURCE-OWNER")
def rights_ignored(found: Presented, now: float) -> bool:
    """A parent's token goes on reading the child's record after the child came of age."""
    return now < found.token.expires_at and found.token.revoked_at is None and found.consent.revoked_at is None


@rule
def kind_is_access(kind: str) -> bool:
    """Only access tokens open the API."""
    return kind == "access"


@kind_is_access.fault("refresh-token-opens-the-api", violates="SMART-STANDALONE-19")
def any_kind(kind: str) -> bool:
    """A refresh token is accepted as a bearer token."""
    return True


@rule
def stand_in(server: Server, text: str) -> str | None:
    """The id of the consent behind a token that is not in our books: none, ever."""
    return None


@stand_in.fault("id-token-opens-the-api", violates="SMART-STANDALONE-19")
def id_token_as_access(server: Server, text: str) -> str | None:
    """An id_token is accepted as a bearer token."""
    return _latest_consent(server, text, signed=True)


@stand_in.fault("unsigned-token-opens-the-api", violates="SMART-STANDALONE-20", also=["RFC6750-BEARER-01"])
def unsigned_as_access(server: Server, text: str) -> str | None:
    """A JWT the bearer wrote, with alg none, is accepted as a bearer token."""
    return _latest_consent(server, text, signed=False)


@rule
def bearer_of(header: bytes | None) -> str | None:
    """RFC 6750 section 2.1: the scheme is Bearer, in any case; None when the request carries none."""
    if header is None:
        return None
    scheme, _, token = header.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
        return ""
    return token


@bearer_of.fault("any-scheme-taken-as-bearer", violates="RFC6750-BEARER-03")
def any_scheme(header: bytes | None) -> str | None:
    """A token behind another scheme than Bearer is accepted."""
    return None if header is None else header.decode("latin-1").rpartition(" ")[2]


@bearer_of.fault("bearer-scheme-case-sensitive", violates="RFC6750-BEARER-04")
def case_sensitive(header: bytes | None) -> str | None:
    """`bearer` in lower case is refused, although schemes know no case."""
    if header is not None and not header.startswith(b"Bearer "):
        return ""
    return bearer_of.function(header)


@rule
def refusal(text: str, error: str) -> Unauthorized:
    """RFC 6750 section 3.1: 401 with WWW-Authenticate, invalid_token when a token was sent."""
    return Unauthorized(text, error=error)


@refusal.fault(
    "missing-token-answered-403",
    violates="RFC6750-BEARER-01",
    also=[
        "USCORE-SEC-04",
        "RFC6750-BEARER-02",
        "RFC6750-BEARER-03",
        "RFC6750-BEARER-06",
        "SMART-STANDALONE-14",
        "SMART-STANDALONE-19",
        "SMART-STANDALONE-20",
    ],
)
def forbidden(text: str, error: str) -> Unauthorized:
    """A request without a good token is answered 403."""
    wrong = Unauthorized(text, error=error)
    wrong.status = 403
    return wrong


@refusal.fault(
    "bearer-refusal-without-challenge",
    violates="RFC6750-BEARER-05",
    also=(
        "SMART-STANDALONE-14",
        "SMART-STANDALONE-19",
        "SMART-STANDALONE-20",
    ),  # the error code travels in the challenge
)
def no_challenge(text: str, error: str) -> Unauthorized:
    """401 comes without WWW-Authenticate."""
    wrong = Unauthorized(text, error=error)
    wrong.headers = ()
    return wrong


@refusal.fault(
    "bad-token-answered-500",
    violates="RFC6750-BEARER-01",
    also=(
        "RFC6750-BEARER-03",
        "RFC6750-BEARER-06",
        "SMART-STANDALONE-14",
        "SMART-STANDALONE-19",
        "SMART-STANDALONE-20",
    ),
)
def crash(text: str, error: str) -> Unauthorized:
    """A request with an unknown token is answered 500."""
    wrong = Unauthorized(text, error=error)
    if error:
        wrong.status = 500
    return wrong


def authenticate(payer: Payer, headers: RawHeaders) -> Grant:
    """What the bearer of a request may do; raises Unauthorized."""
    server = of(payer)
    server.refresh_for_request()
    faults = payer.faults
    sent = [value for name, value in headers if name == b"authorization"]
    now = payer.clock.timestamp()
    if len(sent) == 1 and not faults:
        known = server.grants.get(sent[0])
        if known is not None and now < known.expires_at:
            _note_access(server, known, now)
            return known
    text = bearer_of(faults, sent[0] if len(sent) == 1 else None if not sent else b"")
    if text is None:
        raise refusal(faults, "an access token is needed: Authorization: Bearer …", "")
    grant = server.grants[sent[0]] = verified(server, text, now)
    _note_access(server, grant, now)
    return grant


def verified(server: Server, text: str, now: float) -> Grant:
    """The grant of a presented token, from the records."""
    faults = server.payer.faults
    token = server.ledger.token(digest(text))
    if token is None and (consent_id := stand_in(faults, server, text)):
        token = Token(digest(text), "stand-in", "access", consent_id, "", "", now, now + 600)
    consent = server.ledger.consent(token.consent) if token else None
    client = server.client(consent.client_id) if consent else None
    if token is None or consent is None or client is None or not kind_is_access(faults, token.kind):
        raise refusal(faults, "the access token is not known", "invalid_token")
    if not clients.client_is_served(faults, client.status):
        raise refusal(faults, f"the app is {client.status} by the payer", "invalid_token")
    if not token_is_live(faults, Presented(token, consent, client.status), now):
        raise refusal(faults, "the access token has expired or was revoked", "invalid_token")
    return as_grant(token, consent)


def as_grant(token: Token, consent: Consent) -> Grant:
    """Records of a live token as what its bearer may do."""
    granted = token.scope or consent.scope
    ends = [at for at in (token.expires_at, consent.expires_at, consent.rights_until) if at is not None]
    return Grant(
        token_id=token.id,
        client_id=consent.client_id,
        subject=consent.subject,
        patient=consent.patient,
        fhir_user=consent.fhir_user,
        scopes=scopes.parsed(granted),
        expires_at=min(ends),
        acts_for=consent.acts_for,
        relationship=consent.relationship,
        all_scopes=frozenset(scopes.split(granted)),
        consent_id=consent.id,
        sensitive=frozenset(consent.sensitive.split()),
    )


def _note_access(server: Server, grant: Grant, now: float) -> None:
    last = server.touched.get(grant.consent_id)
    if last is None or abs(now - last) > WRITE_ACCESS_EVERY:
        server.touched[grant.consent_id] = now
        server.ledger.touched(grant.consent_id, now)


def _latest_consent(server: Server, text: str, *, signed: bool) -> str | None:
    try:
        header, claims = assertions.parts(text)
    except InvalidClient:
        return None
    if (header.get("alg") == "none") == signed:
        return None
    row = server.payer.database.one(
        "SELECT id FROM consents WHERE revoked_at IS NULL AND (client_id = ? OR ? = '') ORDER BY granted_at DESC LIMIT 1",
        (str(claims.get("aud", "")) if signed else "", "given" if signed else ""),
    )
    return str(row[0]) if row else None
