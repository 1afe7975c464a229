"""The token endpoint: authorization_code, refresh_token and client_credentials (RFC 6749 sections 4.1.3, 4.4 and 6; SMART).

Dispatch is authlib's, by its grant classes; what each grant checks asks our rules, because authlib would take a plain or missing
challenge. Leaves to others: client authentication (clients.py), codes (codes.py), refresh tokens (refresh.py), the response (issuing.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import UnsupportedGrantTypeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import codes, cors, parameters, scopes
from simulators.payer.authorization.errors import (
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    OAuthError,
    UnsupportedGrantType,
    json_response,
    render,
)
from simulators.payer.authorization.issuing import issue
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Consent, fresh
from simulators.payer.authorization.refresh import RefreshGrant
from simulators.payer.authorization.requests import TokenRequest, client_for
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.protection import journal, limits
from simulators.payer.rules import rule


@rule
def grant_type_offered(grant_type: str, offered: Sequence[str]) -> bool:
    """Only the grants the server says it supports; never password, never implicit (RFC 9700 sections 2.1.2 and 2.4)."""
    return grant_type in offered


@grant_type_offered.fault("unknown-grant-type-as-code", violates="RFC6749-ERROR-04")
def any_grant_type(grant_type: str, offered: Sequence[str]) -> bool:
    """A grant_type nobody knows is not answered unsupported_grant_type."""
    return grant_type != "password" or grant_type in offered  # what is known and off stays off


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


# A refusal is known by its status, its error code and its being JSON, so whoever asks for one misses it under these faults.
EVERY_REFUSAL = (
    "RFC6749-CLIENT-AUTH-01",
    "RFC6749-CLIENT-AUTH-02",
    "RFC6749-CLIENT-AUTH-04",
    "RFC6749-CODE-01",
    "RFC6749-CODE-02",
    "RFC6749-CODE-03",
    "RFC6749-CODE-05",
    "RFC6749-ERROR-03",
    "RFC6749-ERROR-04",
    "RFC6749-ERROR-05",
    "RFC6749-ERROR-06",
    "RFC6749-PARAM-01",
    "RFC6749-REFRESH-01",
    "RFC7636-PKCE-01",
    "RFC7636-PKCE-02",
    "RFC7636-PKCE-03",
    "RFC9700-GRANTS-01",
    "SMART-STANDALONE-10",
    "SMART2-ASYMMETRIC-02",
    "SMART2-ASYMMETRIC-03",
    "SMART2-ASYMMETRIC-04",
    "SMART2-ASYMMETRIC-05",
)


@token_error.fault("token-errors-answered-200", violates="RFC6749-ERROR-01", also=(*EVERY_REFUSAL, "RFC6749-PARAM-02"))
def error_as_success(error: OAuthError) -> OAuthError:
    """Errors at the token endpoint come with status 200."""
    return OAuthError(error.description, error=error.error, status=200)


@token_error.fault(
    "invalid-grant-as-invalid-request",
    violates="RFC6749-ERROR-05",
    also=("RFC6749-REFRESH-01", "RFC9700-REFRESH-02", "RFC9700-REFRESH-03", "SMART-STANDALONE-18"),
)
def wrong_code(error: OAuthError) -> OAuthError:
    """A bad code or refresh token is answered invalid_request instead of invalid_grant."""
    if error.error == "invalid_grant":
        return OAuthError(error.description, error="invalid_request", status=400)
    return error


@token_error.fault("token-error-code-of-ones-own", violates="RFC6749-ERROR-01", also=EVERY_REFUSAL)
def own_code(error: OAuthError) -> OAuthError:
    """Errors at the token endpoint carry a code no specification has."""
    return OAuthError(error.description, error="ERR_1042", status=error.status)


@token_error.fault("missing-parameter-as-invalid-grant", violates="RFC6749-ERROR-06")
def missing_as_grant(error: OAuthError) -> OAuthError:
    """A token request without a required parameter is answered invalid_grant."""
    if error.error == "invalid_request" and error.description.endswith("is missing"):
        return InvalidGrant(error.description)
    return error


@token_error.fault("token-error-description-with-quotes", violates="RFC6749-ERROR-01")
def quoted(error: OAuthError) -> OAuthError:
    """error_description holds quotation marks and line ends, which RFC 6749 leaves out of it."""
    return OAuthError(f'"{error.description}"\n', error=error.error, status=error.status, challenge=error.challenge)


@rule
def token_methods() -> tuple[str, ...]:
    """RFC 6749 section 3.2: the token endpoint is used by POST."""
    return ("POST",)


@token_methods.fault("token-by-get", violates="RFC6749-TOKEN-01")
def by_get() -> tuple[str, ...]:
    """The token endpoint answers GET, with code and secrets in the address."""
    return ("POST", "GET")


@rule
def parameters_of_request(form: Parameters, address: Parameters) -> Parameters:
    """RFC 6749 section 2.3.1: parameters and credentials come in the body, never in the address."""
    return form


@parameters_of_request.fault("client-secret-in-the-address-accepted", violates="RFC6749-CLIENT-AUTH-04")
def address_too(form: Parameters, address: Parameters) -> Parameters:
    """client_id and client_secret in the query of the token endpoint authenticate the client."""
    return Parameters({**address.values, **form.values}, form.repeated)


@rule
def error_body_type() -> str:
    """RFC 6749 section 5.2: errors are application/json."""
    return "application/json"


@error_body_type.fault("token-error-as-html", violates="RFC6749-ERROR-01", also=EVERY_REFUSAL)
def html_errors() -> str:
    """Errors at the token endpoint are labelled text/html."""
    return "text/html"


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """RFC 6749 section 4.1.3 with PKCE."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server, faults, now = request.server, request.server.payer.faults, request.server.payer.clock.timestamp()
        self.request.client = client = client_for(request, "authorization_code")
        text = request.parameters.required("code")
        code = server.ledger.code(text)
        consent = server.ledger.consent(code.consent) if code else None
        if code is None or consent is None or not codes.code_of_client(faults, code, client.client_id):
            raise InvalidGrant("the code is not known, or belongs to another app")
        if not codes.may_redeem(faults, code, now):
            if code.redeemed_at is not None and codes.replay_ends_the_grant(faults):
                server.ledger.revoke_consent(code.consent, "code replayed", now)
                journal.of(server.payer).audit("server", "revoke", client_id=client.client_id, outcome="code replayed")
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


class BackendGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials for backend services: system scopes only, no refresh token (SMART Backend Services)."""

    def validate_token_request(self) -> None:
        request = cast(TokenRequest, self.request)
        server = request.server
        self.request.client = client = client_for(request, "client_credentials")
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
    form = await parameters.form(request, payer.faults, payer.deployment.limits.largest_body_bytes)
    return parameters_of_request(payer.faults, form, parameters.parse(request.scope["query_string"]))
