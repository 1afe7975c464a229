"""Tokens for a consent: what is issued, for how long, and the token response that hands it over (RFC 6749 section 5.1, SMART).

Leaves to others: whether anything is issued (token.py, refresh.py), id_tokens (id_token.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.payer.authorization import disclosure, id_token, scopes
from simulators.payer.authorization.records import Client, Consent, Token, digest, fresh
from simulators.payer.authorization.server import Server
from simulators.payer.rules import rule

DAY = 86_400.0


@rule
def refresh_token_issued(granted: frozenset[str], grants: Sequence[str]) -> bool:
    """SMART: a refresh token comes with offline_access or online_access, and only then."""
    return bool(granted & {"offline_access", "online_access"}) and "refresh_token" in grants


@refresh_token_issued.fault("offline-access-without-refresh-token", violates="SMART-STANDALONE-12")
def never_issued(granted: frozenset[str], grants: Sequence[str]) -> bool:
    """offline_access is granted, no refresh token comes."""
    return False


@refresh_token_issued.fault("refresh-token-nobody-asked-for", violates="SMART-STANDALONE-17")
def always_issued(granted: frozenset[str], grants: Sequence[str]) -> bool:
    """A refresh token comes although neither offline_access nor online_access was granted."""
    return True


@rule
def token_response(members: dict[str, Any]) -> dict[str, Any]:
    """RFC 6749 section 5.1 and SMART: access_token, token_type, scope, expires_in, and the launch context beside them."""
    return members


@token_response.fault("token-response-without-token-type", violates="SMART-STANDALONE-08", also=["SMART-STANDALONE-26"])
def without_token_type(members: dict[str, Any]) -> dict[str, Any]:
    """The token response has no token_type."""
    return {name: value for name, value in members.items() if name != "token_type"}


@token_response.fault("token-response-without-scope", violates="SMART-STANDALONE-08", also=["SMART-STANDALONE-26"])
def without_scope(members: dict[str, Any]) -> dict[str, Any]:
    """The token response has no scope."""
    return {name: value for name, value in members.items() if name != "scope"}


@token_response.fault("token-type-not-bearer", violates="SMART-STANDALONE-08", also=["SMART-STANDALONE-26"])
def other_token_type(members: dict[str, Any]) -> dict[str, Any]:
    """token_type is mac."""
    return {**members, "token_type": "mac"}


@token_response.fault("expires-in-as-text", violates="SMART-STANDALONE-08")
def expires_in_text(members: dict[str, Any]) -> dict[str, Any]:
    """expires_in is a string."""
    return {**members, "expires_in": str(members.get("expires_in", 1800))}


@token_response.fault("patient-missing-from-token-response", violates="SMART-STANDALONE-07")
def without_patient(members: dict[str, Any]) -> dict[str, Any]:
    """launch/patient was granted, the token response names no patient."""
    return {name: value for name, value in members.items() if name != "patient"}


@token_response.fault(
    "patient-as-reference-in-token-response",
    violates="SMART-STANDALONE-07",
    also=("SMART-STANDALONE-12", "SMART-STANDALONE-22", "SMART-STANDALONE-23"),
)
def patient_reference(members: dict[str, Any]) -> dict[str, Any]:
    """patient in the token response is Patient/id instead of the id."""
    return {**members, "patient": f"Patient/{members['patient']}"} if "patient" in members else members


@token_response.fault(
    "patient-of-somebody-else-in-token-response",
    violates="SMART-STANDALONE-07",
    also=[
        "SMART2-INTROSPECT-01",
        "SMART2-ASYMMETRIC-01",
        "SMART-STANDALONE-10",
        "SMART-STANDALONE-12",
        "SMART-STANDALONE-23",
        "SMART-STANDALONE-25",
        "RFC6750-BEARER-01",
        "SMART2-SCOPES-01",
    ],
)
def other_patient(members: dict[str, Any]) -> dict[str, Any]:
    """patient in the token response is not the member who signed in."""
    return {**members, "patient": f"{members['patient']}x"} if "patient" in members else members


@token_response.fault("id-token-missing", violates="OIDC-IDTOKEN-10")
def without_id_token(members: dict[str, Any]) -> dict[str, Any]:
    """openid was granted, no id_token comes."""
    return {name: value for name, value in members.items() if name != "id_token"}


@rule
def access_lifetime(minutes: int) -> float:
    """Access tokens are short-lived: what the deployment declares, an hour at most in SMART's advice."""
    return minutes * 60.0


@access_lifetime.fault("access-token-outlives-expires-in", violates="HEALTHSHARE-2.1.1-ACCESS-TOKEN-LIFETIME")
def outlives(minutes: int) -> float:
    """Access tokens work for a day, whatever expires_in says."""
    return DAY


@rule
def token_text() -> str:
    """RFC 6749 section 10.10: a token cannot be guessed."""
    return fresh()


@token_text.fault("tokens-can-be-guessed", violates="RFC6749-CODE-06")
def short_text() -> str:
    """Access and refresh tokens are eight characters long."""
    return fresh(6)


def issue(
    server: Server, client: Client, consent: Consent, granted: str, *, nonce: str | None, requested: str, refresh: bool,
    refresh_scope: str = "",
) -> dict[str, Any]:  # fmt: skip
    """New tokens for a consent, remembered, and the token response; a refresh token keeps `refresh_scope` where it differs."""
    faults, settings, now = server.payer.faults, server.settings, server.payer.clock.timestamp()
    lifetime, promised = access_lifetime(faults, settings.access_minutes), settings.access_minutes * 60
    held = frozenset(scopes.split(granted))
    expires_at = min(now + lifetime, consent.expires_at or now + lifetime)
    access_id, access_text = fresh(12), token_text(faults)
    if settings.access_token == "jwt":
        access_text = id_token.access_token_jwt(server, _claims(server, consent, granted, access_id, now, expires_at))
    tokens = [Token(digest(access_text), access_id, "access", consent.id, client.client_id, granted, now, expires_at)]
    members: dict[str, Any] = {
        "access_token": access_text,
        "token_type": "Bearer",
        "scope": scopes.scope_reported(faults, granted, requested),
    }
    if settings.optional_members:
        members["expires_in"] = max(1, min(promised, int((consent.expires_at or now + promised) - now)))
    kept = frozenset(scopes.split(refresh_scope)) or held
    if refresh and refresh_token_issued(faults, kept, settings.grants):
        refresh_text = token_text(faults)
        if settings.refresh_token == "jwt":
            refresh_text = id_token.access_token_jwt(server, {"iss": server.issuer, "jti": fresh(12), "typ": "refresh"})
        until = (
            now + settings.refresh_days * DAY if "offline_access" in kept else now + settings.access_minutes * 60 * 8
        )
        until = min(until, consent.expires_at or until)
        tokens.append(
            Token(
                digest(refresh_text),
                fresh(12),
                "refresh",
                consent.id,
                client.client_id,
                refresh_scope or granted,
                now,
                until,
            )
        )
        members["refresh_token"] = refresh_text
    server.ledger.add_tokens(*tokens)
    if consent.patient and scopes.about_one_person(held):
        members["patient"] = consent.patient
        if settings.optional_members:
            members["need_patient_banner"] = True
            members["smart_style_url"] = server.payer.url("/smart-style.json")
    if settings.smart != "1.0.0" and consent.acts_for and consent.fhir_user and settings.optional_members:
        reference = consent.fhir_user
        members["fhirContext"] = [
            {"reference": reference, "type": reference.split("/")[0]}
            if settings.smart == "2.2.0"
            else {"reference": reference}
        ]
    members |= disclosure.members_of(server, client, consent)
    if "openid" in held:
        members["id_token"] = id_token.id_token(server, consent, held, nonce, access_text)
    return token_response(faults, members)


def _claims(
    server: Server, consent: Consent, granted: str, token_id: str, now: float, expires_at: float
) -> dict[str, Any]:
    faults = server.payer.faults
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "aud": server.fhir_base,
        "sub": id_token.subject_of(faults, server.issuer, consent.subject) if consent.subject else consent.client_id,
        "client_id": consent.client_id,
        "iat": int(now),
        "exp": int(expires_at),
        "jti": token_id,
        "scope": granted,
    }
    if server.settings.member_claims and consent.patient:
        claims["patient"] = consent.patient
    return claims
