"""id_tokens and JWT access tokens: their claims and their signatures (OIDC Core section 2, SMART sso-openid-connect, RFC 9068).

Leaves to others: who logged in (interaction.py), which keys (keys.py).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from simulators.payer.authorization.records import Consent
from simulators.payer.authorization.server import Server
from simulators.payer.rules import rule

LIFE = 3600.0
REGISTRY = JWSRegistry(algorithms=["RS256", "ES256", "none"])


@rule
def subject_of(issuer: str, username: str) -> str:
    """The `sub` of a person: stable, never reassigned, tells nothing (OIDC Core section 8)."""
    return hashlib.sha256(f"{issuer} {username}".encode()).hexdigest()[:32]


@subject_of.fault("everybody-has-the-same-subject", violates="OIDC-SUB-02")
def one_subject(issuer: str, username: str) -> str:
    """All members have the same sub."""
    return hashlib.sha256(issuer.encode()).hexdigest()[:32]


def half_hash(text: str) -> str:
    """OIDC Core section 3.1.3.6: at_hash for RS256."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("ascii")).digest()[:16]).rstrip(b"=").decode()


@dataclass(frozen=True)
class Login:
    """What an id_token tells: who logged in, at which app, when."""

    issuer: str
    subject: str
    client_id: str
    now: float
    nonce: str | None
    auth_time: float | None
    fhir_user: str | None
    at_hash: str


@rule
def id_token_claims(login: Login) -> dict[str, Any]:
    """OIDC Core section 2 and SMART: who logged in, for which app, when."""
    claims: dict[str, Any] = {
        "iss": login.issuer,
        "sub": login.subject,
        "aud": login.client_id,
        "iat": int(login.now),
        "exp": int(login.now + LIFE),
        "at_hash": login.at_hash,
    }
    if login.auth_time is not None:
        claims["auth_time"] = int(login.auth_time)
    if login.nonce is not None:
        claims["nonce"] = login.nonce
    if login.fhir_user is not None:
        claims["fhirUser"] = login.fhir_user
    return claims


def _spoiled(login: Login, name: str, value: Any) -> dict[str, Any]:
    """The claims with one of another value; None leaves it out."""
    claims = id_token_claims.function(login)
    if value is None:
        claims.pop(name, None)
    else:
        claims[name] = value
    return claims


@id_token_claims.fault("id-token-for-other-client", violates="OIDC-IDTOKEN-04")
def other_audience(login: Login) -> dict[str, Any]:
    """aud of the id_token names another app."""
    return _spoiled(login, "aud", "another-app")


@id_token_claims.fault("id-token-of-other-issuer", violates="OIDC-IDTOKEN-05")
def other_issuer(login: Login) -> dict[str, Any]:
    """iss of the id_token is not the issuer of the discovery document."""
    return _spoiled(login, "iss", login.issuer + "/")


@id_token_claims.fault("id-token-already-expired", violates="OIDC-IDTOKEN-06")
def expired(login: Login) -> dict[str, Any]:
    """exp of the id_token lies in the past when it is issued."""
    return _spoiled(login, "exp", int(login.now - LIFE))


@id_token_claims.fault("id-token-without-subject", violates="OIDC-IDTOKEN-01")
def nameless(login: Login) -> dict[str, Any]:
    """The id_token has no sub."""
    return _spoiled(login, "sub", None)


@id_token_claims.fault("nonce-not-returned", violates="OIDC-IDTOKEN-02")
def no_nonce(login: Login) -> dict[str, Any]:
    """The nonce of the request is missing from the id_token."""
    return _spoiled(login, "nonce", None)


@id_token_claims.fault("nonce-of-other-request", violates="OIDC-IDTOKEN-02")
def other_nonce(login: Login) -> dict[str, Any]:
    """The id_token carries a nonce nobody sent."""
    return _spoiled(login, "nonce", "n-0S6_WzA2Mj")


@id_token_claims.fault("fhir-user-missing", violates="OIDC-IDTOKEN-03", also=["SHM-SCOPE-OPENID-FHIRUSER"])
def no_fhir_user(login: Login) -> dict[str, Any]:
    """The scope fhirUser was granted, the id_token has no fhirUser."""
    return _spoiled(login, "fhirUser", None)


@id_token_claims.fault("fhir-user-of-nobody", violates="OIDC-IDTOKEN-03", also=["SHM-SCOPE-OPENID-FHIRUSER"])
def unreadable_fhir_user(login: Login) -> dict[str, Any]:
    """fhirUser names a resource that does not exist."""
    wrong = login.fhir_user and login.fhir_user.rsplit("/", 1)[0] + "/nobody"
    return _spoiled(login, "fhirUser", wrong)


@id_token_claims.fault(
    "subject-changes-with-every-login", violates="OIDC-SUB-01", also=["OIDC-REFRESH-01", "OIDC-USERINFO-01"]
)
def changing_subject(login: Login) -> dict[str, Any]:
    """The same person gets another sub each time."""
    return _spoiled(login, "sub", half_hash(f"{login.subject}{login.at_hash}"))


@id_token_claims.fault("auth-time-missing", violates="OIDC-AUTHTIME-01")
def no_auth_time(login: Login) -> dict[str, Any]:
    """max_age was asked, the id_token has no auth_time."""
    return _spoiled(login, "auth_time", None)


@id_token_claims.fault("id-token-of-refresh-for-somebody-else", violates="OIDC-REFRESH-01")
def other_on_refresh(login: Login) -> dict[str, Any]:
    """The id_token that comes with a refresh has another sub than the first."""
    return _spoiled(login, "sub", login.subject if login.nonce else login.subject[::-1])


@id_token_claims.fault("nonce-invented", violates="OIDC-IDTOKEN-02")
def invented_nonce(login: Login) -> dict[str, Any]:
    """The id_token of a request without nonce has one."""
    return _spoiled(login, "nonce", login.nonce or "0")


@id_token_claims.fault("auth-time-of-tomorrow", violates="OIDC-AUTHTIME-01")
def later_auth_time(login: Login) -> dict[str, Any]:
    """auth_time lies a day ahead, so that no session ever seems old."""
    return _spoiled(login, "auth_time", int((login.auth_time or login.now) + 86400))


@id_token_claims.fault("at-hash-of-other-token", violates="OIDC-IDTOKEN-07")
def other_token(login: Login) -> dict[str, Any]:
    """at_hash does not belong to the access token it came with."""
    return _spoiled(login, "at_hash", half_hash("another token"))


@rule
def sign_id_token(server: Server, claims: dict[str, Any]) -> str:
    """RS256 with the newest key, its kid in the header."""
    key, kid = server.keys.signing("RS256")
    return jwt.encode({"alg": "RS256", "kid": kid, "typ": "JWT"}, claims, key, registry=REGISTRY)


@sign_id_token.fault("id-token-unsigned", violates="OIDC-IDTOKEN-08")
def unsigned(server: Server, claims: dict[str, Any]) -> str:
    """The id_token has alg none and no signature."""
    return jwt.encode({"alg": "none", "typ": "JWT"}, claims, OctKey.import_key("none"), registry=REGISTRY)


@sign_id_token.fault("id-token-signature-broken", violates="OIDC-IDTOKEN-08")
def broken(server: Server, claims: dict[str, Any]) -> str:
    """The signature of the id_token does not verify."""
    head, payload, signature = sign_id_token.function(server, claims).split(".")
    return f"{head}.{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"


@sign_id_token.fault("id-token-key-not-published", violates="OIDC-IDTOKEN-08")
def unknown_key(server: Server, claims: dict[str, Any]) -> str:
    """The id_token names a key the JWKS does not have."""
    key, _ = server.keys.signing("RS256")
    return jwt.encode({"alg": "RS256", "kid": "rolled-over", "typ": "JWT"}, claims, key, registry=REGISTRY)


@sign_id_token.fault("id-token-signed-es256", violates="OIDC-IDTOKEN-09")
def other_algorithm(server: Server, claims: dict[str, Any]) -> str:
    """The id_token is signed ES256, which discovery does not list."""
    key, kid = server.keys.signing("ES256")
    return jwt.encode({"alg": "ES256", "kid": kid, "typ": "JWT"}, claims, key, registry=REGISTRY)


def fhir_user_url(server: Server, reference: str | None) -> str | None:
    """fhirUser as an absolute address below the FHIR base."""
    return f"{server.fhir_base}/{reference}" if reference else None


def id_token(server: Server, consent: Consent, scopes: frozenset[str], nonce: str | None, access_token: str) -> str:
    """The signed id_token of a token response."""
    fhir_user = fhir_user_url(server, consent.fhir_user) if scopes & {"fhirUser", "profile"} else None
    subject = subject_of(server.payer.faults, server.issuer, consent.subject)
    login = Login(
        server.issuer, subject, consent.client_id, server.payer.clock.timestamp(), nonce, consent.auth_time, fhir_user, half_hash(access_token)
    )  # fmt: skip
    claims = id_token_claims(server.payer.faults, login)
    return sign_id_token(server.payer.faults, server, claims)


def access_token_jwt(server: Server, claims: dict[str, Any]) -> str:
    """A JWT access token (RFC 9068): ES256, typ at+jwt."""
    key, kid = server.keys.signing("ES256")
    return jwt.encode({"alg": "ES256", "kid": kid, "typ": "at+jwt"}, claims, key, registry=REGISTRY)
