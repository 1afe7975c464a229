"""The token endpoint: authorization_code, refresh_token and client_credentials (RFC 6749 sections 4.1.3, 4.4 and 6; SMART).

Dispatch is authlib's, by its grant classes; what each grant checks asks our rules, because authlib would take a plain or missing
challenge. Leaves to others: client authentication (clients.py), codes (codes.py), id_tokens (id_token.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import UnsupportedGrantTypeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import codes, cors, id_token, parameters, scopes
from simulators.payer.authorization.clients import authenticate_client
from simulators.payer.authorization.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    OAuthError,
    UnauthorizedClient,
    UnsupportedGrantType,
    json_response,
    render,
)
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client, Consent, Token, digest, fresh
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.protection import limits
from simulators.payer.rules import rule

DAY = 86_400.0


# -- rules ----------------------------------------------------------------------------------------------------------------------


@rule
def grant_type_offered(grant_type: str, offered: Sequence[str]) -> bool:
    """Only the grants the server says it supports; never password, never implicit (RFC 9700 sections 2.1.2 and 2.4)."""
    return grant_type in offered


@grant_type_offered.fault("unknown-grant-type-as-code", violates="RFC6749-ERROR-04")
def any_grant_type(grant_type: str, offered: Sequence[str]) -> bool:
    """A grant_type nobody knows is not answered unsupported_grant_type."""
    return True


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
def refresh_rotates(deployment_rotates: bool, client_type: str) -> bool:
    """RFC 9700 section 2.2.2: refresh tokens of public clients rotate."""
    return deployment_rotates or client_type == "public"


@refresh_rotates.fault("refresh-token-not-rotated", violates="RFC9700-REFRESH-01")
def never_rotates(deployment_rotates: bool, client_type: str) -> bool:
    """A public client keeps the same refresh token for ever."""
    return False


@rule
def refresh_is_good(token: Token, now: float) -> bool:
    """A refresh token is neither used, revoked nor expired."""
    return token.used_at is None and token.revoked_at is None and now < token.expires_at


@refresh_is_good.fault("rotated-refresh-token-accepted", violates="RFC9700-REFRESH-02")
def reuse(token: Token, now: float) -> bool:
    """A refresh token that was rotated away works again."""
    return token.revoked_at is None and now < token.expires_at


@refresh_is_good.fault("expired-refresh-token-accepted", violates="SMART-STANDALONE-18")
def refresh_for_ever(token: Token, now: float) -> bool:
    """A refresh token works after its time."""
    return token.used_at is None and token.revoked_at is None


@refresh_is_good.fault("revoked-refresh-token-accepted", violates="RFC7009-REVOKE-02")
def refresh_after_revocation(token: Token, now: float) -> bool:
    """A refresh token works after it was revoked."""
    return token.used_at is None and now < token.expires_at


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
def token_response(members: dict[str, Any]) -> dict[str, Any]:
    """RFC 6749 section 5.1 and SMART: access_token, token_type, scope, expires_in, and the launch context beside them."""
    return members


@token_response.fault("token-response-without-token-type", violates="SMART-STANDALONE-08")
def without_token_type(members: dict[str, Any]) -> dict[str, Any]:
    """The token response has no token_type."""
    return {name: value for name, value in members.items() if name != "token_type"}


@token_response.fault("token-response-without-scope", violates="SMART-STANDALONE-08")
def without_scope(members: dict[str, Any]) -> dict[str, Any]:
    """The token response has no scope."""
    return {name: value for name, value in members.items() if name != "scope"}


@token_response.fault("token-type-not-bearer", violates="SMART-STANDALONE-08")
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


@token_response.fault("patient-as-reference-in-token-response", violates="SMART-STANDALONE-07")
def patient_reference(members: dict[str, Any]) -> dict[str, Any]:
    """patient in the token response is Patient/id instead of the id."""
    return {**members, "patient": f"Patient/{members['patient']}"} if "patient" in members else members


@token_response.fault("id-token-missing", violates="OIDC-IDTOKEN-10")
def without_id_token(members: dict[str, Any]) -> dict[str, Any]:
    """openid was granted, no id_token comes."""
    return {name: value for name, value in members.items() if name != "id_token"}


@rule
def token_headers() -> dict[str, str]:
    """RFC 6749 section 5.1: nothing that holds a token is cached."""
    return {"Cache-Control": "no-store", "Pragma": "no-cache"}


@token_headers.fault("token-response-may-be-cached", violates="SMART-STANDALONE-09")
def cacheable() -> dict[str, str]:
    """The token response has neither Cache-Control: no-store nor Pragma: no-cache."""
    return {"Cache-Control": "private", "Pragma": ""}


@rule
def token_error(error: OAuthError) -> OAuthError:
    """RFC 6749 section 5.2: 400 or 401, a registered code, JSON."""
    return error


@token_error.fault("token-errors-answered-200", violates="RFC6749-ERROR-01")
def error_as_success(error: OAuthError) -> OAuthError:
    """Errors at the token endpoint come with status 200."""
    return OAuthError(error.description, error=error.error, status=200)


@token_error.fault("invalid-grant-as-invalid-request", violates="RFC6749-ERROR-05")
def wrong_code(error: OAuthError) -> OAuthError:
    """A bad code or refresh token is answered invalid_request instead of invalid_grant."""
    if error.error == "invalid_grant":
        return OAuthError(error.description, error="invalid_request", status=400)
    return error


@token_error.fault("token-error-code-of-ones-own", violates="RFC6749-ERROR-01")
def own_code(error: OAuthError) -> OAuthError:
    """Errors at the token endpoint carry a code no specification has."""
    return OAuthError(error.description, error="ERR_1042", status=error.status)


@rule
def token_methods() -> tuple[str, ...]:
    """RFC 6749 section 3.2: the token endpoint is used by POST."""
    return ("POST",)


@token_methods.fault("token-by-get", violates="RFC6749-TOKEN-01")
def by_get() -> tuple[str, ...]:
    """The token endpoint answers GET, with code and secrets in the address."""
    return ("POST", "GET")


@rule
def error_body_type() -> str:
    """RFC 6749 section 5.2: errors are application/json."""
    return "application/json"


@error_body_type.fault("token-error-as-html", violates="RFC6749-ERROR-01")
def html_errors() -> str:
    """Errors at the token endpoint are labelled text/html."""
    return "text/html"


@rule
def access_lifetime(minutes: int) -> float:
    """Access tokens are short-lived: what the deployment declares, an hour at most in SMART's advice."""
    return minutes * 60.0


@access_lifetime.fault("access-token-outlives-expires-in", violates="HEALTHSHARE-2.1.1-ACCESS-TOKEN-LIFETIME")
def outlives(minutes: int) -> float:
    """Access tokens work for a day, whatever expires_in says."""
    return DAY


# -- issuing ----------------------------------------------------------------------------------------------------------------------


def issue(
    server: Server, client: Client, consent: Consent, granted: str, *, nonce: str | None, requested: str, refresh: bool
) -> dict[str, Any]:
    """New tokens for a consent, remembered, and the token response that hands them over."""
    faults, settings, now = server.payer.faults, server.settings, server.payer.clock.timestamp()
    lifetime, promised = access_lifetime(faults, settings.access_minutes), settings.access_minutes * 60
    held = frozenset(scopes.split(granted))
    expires_at = min(now + lifetime, consent.expires_at or now + lifetime)
    access_id, access_text = fresh(12), fresh()
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
    if refresh and refresh_token_issued(faults, held, settings.grants):
        refresh_text = fresh()
        if settings.refresh_token == "jwt":
            refresh_text = id_token.access_token_jwt(server, {"iss": server.issuer, "jti": fresh(12), "typ": "refresh"})
        until = (
            now + settings.refresh_days * DAY if "offline_access" in held else now + settings.access_minutes * 60 * 8
        )
        until = min(until, consent.expires_at or until)
        tokens.append(
            Token(digest(refresh_text), fresh(12), "refresh", consent.id, client.client_id, granted, now, until)
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
    if "openid" in held:
        members["id_token"] = id_token.id_token(server, consent, held, nonce, access_text)
    return token_response(faults, members)


def _claims(
    server: Server, consent: Consent, granted: str, token_id: str, now: float, expires_at: float
) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "aud": server.fhir_base,
        "sub": id_token.subject_of(server.issuer, consent.subject) if consent.subject else consent.client_id,
        "client_id": consent.client_id,
        "iat": int(now),
        "exp": int(expires_at),
        "jti": token_id,
        "scope": granted,
    }
    if server.settings.member_claims and consent.patient:
        claims["patient"] = consent.patient
    return claims


# -- grants ----------------------------------------------------------------------------------------------------------------------


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """One token request in authlib's terms, with what ours needs beside it."""

    def __init__(self, server: Server, parameters: Parameters, authorization: str | None) -> None:
        super().__init__("POST", server.endpoint("token"))
        self.server, self.parameters, self.authorization = server, parameters, authorization
        self.payload = Payload(parameters)

    @property
    def form(self) -> dict[str, str]:
        """The form as authlib's dispatch reads it."""
        return dict(self.parameters.values)


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters as authlib reads them."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        return dict(self.parameters.values)

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [value] for name, value in self.parameters.values.items()}


def _client_for(request: TokenRequest, grant_type: str) -> Client:
    client = authenticate_client(request.server, request.authorization, request.parameters)
    limits.token_request(request.server.payer, client.client_id)
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"this app is not registered for {grant_type}")
    return client


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """RFC 6749 section 4.1.3 with PKCE."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server, faults, now = request.server, request.server.payer.faults, request.server.payer.clock.timestamp()
        self.request.client = client = _client_for(request, "authorization_code")
        text = request.parameters.required("code")
        code = server.ledger.code(text)
        consent = server.ledger.consent(code.consent) if code else None
        if code is None or consent is None or not codes.code_of_client(faults, code, client.client_id):
            raise InvalidGrant("the code is not known, or belongs to another app")
        if not codes.may_redeem(faults, code, now):
            if code.redeemed_at is not None and codes.replay_ends_the_grant(faults):
                server.ledger.revoke_consent(code.consent, "code replayed", now)
            raise InvalidGrant("the code was used before or has expired")
        if not codes.redirect_uri_repeated(faults, code, request.parameters.get("redirect_uri")):
            raise InvalidGrant("redirect_uri is not the one of the authorization request")
        if not codes.verifier_proves(faults, code.challenge, request.parameters.get("code_verifier")):
            raise InvalidGrant("code_verifier does not fit the code_challenge")
        first = server.ledger.redeem(code, now)
        if not first and not codes.may_redeem(faults, replace(code, redeemed_at=now), now):
            raise InvalidGrant("the code was used before")
        if consent.revoked_at is not None and codes.replay_ends_the_grant(faults):
            raise InvalidGrant("the member has withdrawn this grant")
        self.request.authorization_code, self.request.credential = code, consent

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        code, consent = self.request.authorization_code, self.request.credential
        body = issue(
            self.request.server, self.request.client, consent, code.scope, nonce=code.nonce, requested=code.requested,
            refresh="refresh_token" in self.request.client.grant_types,
        )  # fmt: skip
        return 200, body, []


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """RFC 6749 section 6 with rotation and reuse detection (RFC 9700 section 4.14)."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server, faults, now = request.server, request.server.payer.faults, request.server.payer.clock.timestamp()
        self.request.client = client = _client_for(request, "refresh_token")
        token = server.ledger.token(digest(request.parameters.required("refresh_token")))
        if token is None or token.kind != "refresh" or not refresh_of_client(faults, token, client.client_id):
            raise InvalidGrant("the refresh token is not known, or belongs to another app")
        consent = server.ledger.consent(token.consent)
        if consent is None or not refresh_is_good(faults, token, now):
            if token.used_at is not None and reuse_ends_the_grant(faults):
                server.ledger.revoke_consent(token.consent, "refresh token reused", now)
            raise InvalidGrant("the refresh token was used, revoked or has expired")
        if consent.expires_at is not None and now >= consent.expires_at:
            raise InvalidGrant("the time the member allowed is over")
        if consent.rights_until is not None and now >= consent.rights_until:
            raise InvalidGrant("the right to act for this member has ended")
        granted, asked = scopes.split(token.scope), scopes.split(request.parameters.get("scope") or "")
        if asked and not scopes.narrower_on_refresh(faults, asked, granted):
            raise InvalidScope("a refresh may ask for less than was granted, not for more")
        if refresh_rotates(faults, server.settings.rotate_refresh, client.type):
            if not server.ledger.use_refresh(token, now) and token.used_at is None:
                raise InvalidGrant("the refresh token was used by another request")
            self.rotated = True
        self.request.refresh_token, self.request.credential = token, consent
        self.request.scope = " ".join(asked) if asked else token.scope

    rotated = False

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
        )
        return 200, body, []


class BackendGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials for backend services: system scopes only, no refresh token (SMART Backend Services)."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server = request.server
        self.request.client = client = _client_for(request, "client_credentials")
        asked = request.parameters.required("scope")
        granted = [
            one
            for one in scopes.grantable(server.payer.faults, asked, client.scopes, server.payer.deployment)
            if one.startswith("system/")
        ]
        if not granted:
            raise InvalidScope("no system scope among those asked for is registered for this client")
        self.request.scope = " ".join(granted)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        server, client, now = self.request.server, self.request.client, self.request.server.payer.clock.timestamp()
        consent = Consent(
            fresh(12),
            client.client_id,
            "",
            None,
            None,
            None,
            None,
            None,
            self.request.scope,
            "",
            now,
            now + server.settings.access_minutes * 60,
        )
        server.ledger.add_consent(consent)
        body = issue(
            server, client, consent, self.request.scope, nonce=None, requested=self.request.scope, refresh=False
        )
        return 200, body, []


GRANTS = {"authorization_code": CodeGrant, "refresh_token": RefreshGrant, "client_credentials": BackendGrant}


class Dispatch(AuthorizationServer):  # type: ignore[misc]
    """authlib's registry of grants, filled from the deployment."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        for name in server.settings.grants:
            self.register_grant(GRANTS[name])

    def answer(self, request: TokenRequest) -> dict[str, Any]:
        """The token response, or an OAuthError."""
        grant_type = request.parameters.required("grant_type")
        server = request.server
        if not grant_type_offered(server.payer.faults, grant_type, server.settings.grants):
            raise UnsupportedGrantType("this server does not offer that grant_type")
        try:
            grant = self.get_token_grant(request)
        except UnsupportedGrantTypeError:
            request.parameters = Parameters(
                {**request.parameters.values, "grant_type": "authorization_code"}, frozenset()
            )
            grant = CodeGrant(request, self)
        grant.validate_token_request()
        return cast("dict[str, Any]", grant.create_token_response()[1])


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """The token endpoint."""
    server = of(payer)
    dispatch = Dispatch(server)

    async def token(request: Request) -> Response:
        server.refresh()
        faults = payer.faults
        headers = cors.headers(payer, request)
        if request.method == "OPTIONS":
            return cors.preflight(payer, request, "POST")
        try:
            if request.method not in token_methods(faults):
                error = InvalidRequest("the token endpoint is used by POST", status=405)
                return render(error, {**headers, "Allow": "POST, OPTIONS"})
            sent = await _parameters(request, payer)
            token_request = TokenRequest(server, sent, request.headers.get("authorization"))
            # An assertion may need the client's keys from elsewhere: wait for them beside the loop, not on it.
            answer = (
                await run_in_threadpool(dispatch.answer, token_request)
                if sent.get("client_assertion")
                else dispatch.answer(token_request)
            )
            return json_response(answer, 200, {**token_headers(faults), **headers})
        except OAuthError as error:
            response = render(token_error(faults, error), headers)
            response.headers["content-type"] = error_body_type(faults)
            return response
        except limits.TooMany as too_many:
            return limits.oauth_answer(payer, too_many, headers)

    return [
        Route(payer.deployment.endpoints.token, token, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    ]


async def _parameters(request: Request, payer: Payer) -> Parameters:
    if request.method == "GET":
        return parameters.parse(request.scope["query_string"])
    return await parameters.form(request, payer.faults, payer.deployment.limits.largest_body_bytes)
