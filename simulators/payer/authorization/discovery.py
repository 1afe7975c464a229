"""Discovery documents: smart-configuration, OpenID Connect and OAuth server metadata (SMART App Launch, OIDC Discovery, RFC 8414).

Everything in them is computed from the deployment, so that nothing is advertised that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulators.payer.authorization import cors, keys
from simulators.payer.authorization.server import Server, of
from simulators.payer.context import Payer
from simulators.payer.rules import rule

WELL_KNOWN_SMART = "/.well-known/smart-configuration"


def token_auth_methods(server: Server) -> list[str]:
    """How clients of this deployment prove themselves at the token endpoint."""
    settings = server.settings
    methods = [
        f"client_secret_{one}" for one in settings.secret_by if "confidential-symmetric" in settings.client_types
    ]
    if {"confidential-asymmetric", "backend-service"} & set(settings.client_types):
        methods.append("private_key_jwt")
    return methods


def challenge_methods(server: Server) -> list[str]:
    """S256 alone, where PKCE is known at all; `plain` never."""
    return [] if server.settings.pkce == "absent" else ["S256"]


def capabilities(server: Server) -> list[str]:
    """The SMART capabilities this deployment has, in the names of the version it claims."""
    settings, scopes, modern = server.settings, server.settings.scopes, server.settings.smart != "1.0.0"
    named = {
        "launch-ehr": settings.ehr_launch,
        "launch-standalone": True,
        "authorize-post": modern and settings.authorize_by_post,
        "client-public": "public" in settings.client_types,
        "client-confidential-symmetric": "confidential-symmetric" in settings.client_types,
        "client-confidential-asymmetric": modern and "confidential-asymmetric" in settings.client_types,
        "sso-openid-connect": "openid" in scopes,
        "context-banner": settings.ehr_launch and settings.optional_members,
        "context-style": settings.ehr_launch and settings.optional_members,
        "context-ehr-patient": settings.ehr_launch,
        "context-standalone-patient": "launch/patient" in scopes,
        "permission-offline": "offline_access" in scopes,
        "permission-online": modern and "online_access" in scopes,
        "permission-patient": any(one.startswith("patient/") for one in scopes),
        "permission-user": any(one.startswith("user/") for one in scopes),
        "permission-v1": modern and "v1" in settings.scope_versions,
        "permission-v2": modern and "v2" in settings.scope_versions,
    }
    return [name for name, held in named.items() if held]


def _common(server: Server) -> dict[str, Any]:
    optional = {
        "introspection_endpoint": server.endpoint("introspect"),
        "revocation_endpoint": server.endpoint("revoke"),
        "registration_endpoint": server.endpoint("register") if server.payer.deployment.onboarding.dynamic else "",
    }
    settings = server.settings
    document: dict[str, Any] = {
        "authorization_endpoint": server.endpoint("authorize"),
        "token_endpoint": server.endpoint("token"),
        "token_endpoint_auth_methods_supported": token_auth_methods(server)
        + (["none"] if "public" in settings.client_types else []),
        "scopes_supported": [*settings.scopes, *(one.scope for one in settings.sensitive_scopes)],
        "response_types_supported": ["code"],
        "grant_types_supported": list(settings.grants),
        "code_challenge_methods_supported": challenge_methods(server),
        **{name: address for name, address in optional.items() if address},
    }
    if "private_key_jwt" in document["token_endpoint_auth_methods_supported"]:
        document["token_endpoint_auth_signing_alg_values_supported"] = ["RS384", "ES384"]
    return document


@rule
def smart_configuration(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """SMART App Launch: what an app needs to begin, at [base]/.well-known/smart-configuration."""
    document = {**identity, **common, "capabilities": capabilities}
    if management:
        document["management_endpoint"] = management
    return document


@smart_configuration.fault("smart-configuration-without-token-endpoint", violates="SMART-DISCOVERY-01")
def without_token_endpoint(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """smart-configuration does not name the token endpoint."""
    document = smart_configuration.function(common, capabilities, identity, management)
    del document["token_endpoint"]
    return document


@smart_configuration.fault(
    "smart-configuration-without-capabilities", violates="SMART-DISCOVERY-01", also=["SMART-DISCOVERY-03"]
)
def without_capabilities(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """smart-configuration has no capabilities."""
    document = smart_configuration.function(common, capabilities, identity, management)
    del document["capabilities"]
    return document


@smart_configuration.fault("smart-configuration-with-relative-endpoints", violates="SMART-DISCOVERY-01")
def relative_endpoints(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """smart-configuration gives paths where absolute addresses belong."""
    document = smart_configuration.function(common, capabilities, identity, management)
    for name in ("authorization_endpoint", "token_endpoint"):
        document[name] = "/" + document[name].split("/", 3)[3]
    return document


@smart_configuration.fault("smart-capability-standalone-not-listed", violates="SMART-DISCOVERY-03")
def not_listed(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """launch-standalone and context-standalone-patient are missing from the capabilities."""
    kept = [one for one in capabilities if "standalone" not in one]
    return smart_configuration.function(common, kept, identity, management)


@smart_configuration.fault("plain-challenge-advertised", violates="SMART2-PKCE-01", also=("RFC8414-METADATA-02",))
def plain_advertised(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """code_challenge_methods_supported lists plain."""
    document = smart_configuration.function(common, capabilities, identity, management)
    return {**document, "code_challenge_methods_supported": ["plain", "S256"]}


@smart_configuration.fault("smart-configuration-without-grant-types", violates="SMART2-CONFIG-01")
def without_grant_types(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """smart-configuration of a SMART 2 server does not list grant_types_supported."""
    document = smart_configuration.function(common, capabilities, identity, management)
    del document["grant_types_supported"]
    return document


@smart_configuration.fault("smart-configuration-without-issuer", violates="SMART2-CONFIG-01")
def without_issuer(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """sso-openid-connect is listed, issuer and jwks_uri are not given."""
    return smart_configuration.function(common, capabilities, {}, management)


@smart_configuration.fault("endpoint-with-a-fragment", violates="SMART-DISCOVERY-07")
def fragment(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """The introspection endpoint in smart-configuration has a fragment."""
    document = smart_configuration.function(common, capabilities, identity, management)
    return {
        **document,
        "introspection_endpoint": f"{document.get('introspection_endpoint', document['token_endpoint'])}#part",
    }


@smart_configuration.fault("advertised-endpoint-not-there", violates="SMART-DISCOVERY-08")
def gone(common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str) -> dict[str, Any]:
    """smart-configuration names a management endpoint that is not there."""
    document = smart_configuration.function(common, capabilities, identity, management)
    return {**document, "management_endpoint": f"{document['token_endpoint']}/gone"}


@smart_configuration.fault("challenge-methods-not-listed", violates="SMART2-CONFIG-02")
def no_methods(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """smart-configuration of a SMART 2 server has no code_challenge_methods_supported."""
    document = smart_configuration.function(common, capabilities, identity, management)
    return {name: value for name, value in document.items() if name != "code_challenge_methods_supported"}


@smart_configuration.fault("scopes-of-carin-not-listed", violates="CARIN-SCOPES-01")
def few_scopes(
    common: dict[str, Any], capabilities: list[str], identity: dict[str, str], management: str
) -> dict[str, Any]:
    """scopes_supported lists neither fhirUser nor any scope for claims."""
    document = smart_configuration.function(common, capabilities, identity, management)
    return {**document, "scopes_supported": ["openid", "launch/patient", "patient/Patient.read"]}


@rule
def openid_configuration(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """OpenID Connect Discovery section 3: the issuer is exactly the address the document was found under."""
    document = {
        "issuer": issuer,
        **common,
        "jwks_uri": jwks_uri,
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "at_hash",
            "fhirUser",
            "profile",
            "name",
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "es"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": from_issuer,
    }
    return {**document, "userinfo_endpoint": userinfo} if userinfo else document


@openid_configuration.fault(
    "issuer-differs-from-its-address", violates="OIDC-DISCOVERY-02", also=["RFC8414-METADATA-01"]
)
def other_issuer(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """The issuer in openid-configuration has a slash more than the address it was found under."""
    return openid_configuration.function(common, issuer + "/", jwks_uri, userinfo, from_issuer)


@openid_configuration.fault(
    "openid-configuration-without-rs256", violates="OIDC-DISCOVERY-01", also=("OIDC-IDTOKEN-09",)
)
def without_rs256(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """id_token_signing_alg_values_supported does not list RS256."""
    document = openid_configuration.function(common, issuer, jwks_uri, userinfo, from_issuer)
    return {**document, "id_token_signing_alg_values_supported": ["ES256"]}


@openid_configuration.fault("openid-configuration-without-jwks", violates="OIDC-DISCOVERY-01")
def without_jwks(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """openid-configuration has no jwks_uri."""
    document = openid_configuration.function(common, issuer, jwks_uri, userinfo, from_issuer)
    del document["jwks_uri"]
    return document


@openid_configuration.fault("openid-configuration-without-subject-types", violates="OIDC-DISCOVERY-01")
def without_subject_types(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """openid-configuration has no subject_types_supported."""
    document = openid_configuration.function(common, issuer, jwks_uri, userinfo, from_issuer)
    del document["subject_types_supported"]
    return document


@openid_configuration.fault("metadata-disagrees-with-smart-configuration", violates="RFC8414-METADATA-01")
def disagreeing(common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool) -> dict[str, Any]:
    """openid-configuration and smart-configuration name different token endpoints."""
    document = openid_configuration.function(common, issuer, jwks_uri, userinfo, from_issuer)
    return {**document, "token_endpoint": document["token_endpoint"] + "/v1"}


@openid_configuration.fault("metadata-lists-other-authentication-methods", violates="RFC8414-METADATA-02")
def other_methods(
    common: dict[str, Any], issuer: str, jwks_uri: str, userinfo: str, from_issuer: bool
) -> dict[str, Any]:
    """openid-configuration lists other client authentication methods than smart-configuration."""
    document = openid_configuration.function(common, issuer, jwks_uri, userinfo, from_issuer)
    return {**document, "token_endpoint_auth_methods_supported": ["client_secret_jwt"]}


@rule
def discovery_content_type() -> str:
    """Discovery documents are application/json."""
    return "application/json"


@discovery_content_type.fault(
    "smart-configuration-served-as-html", violates="SMART-DISCOVERY-04", also=["OIDC-DISCOVERY-04"]
)
def as_html() -> str:
    """Discovery documents are labelled text/html."""
    return "text/html; charset=utf-8"


@rule
def discovery_is_open(authorized: bool) -> bool:
    """Discovery needs no token."""
    return True


@discovery_is_open.fault("smart-configuration-behind-login", violates="SMART-DISCOVERY-05", also=["OIDC-DISCOVERY-04"])
def needs_token(authorized: bool) -> bool:
    """Discovery is refused without an access token."""
    return authorized


def _document(server: Server, which: str) -> dict[str, Any]:
    faults, common = server.payer.faults, _common(server)
    if which == "smart":
        openid = "openid" in server.settings.scopes
        identity = {"issuer": server.issuer, "jwks_uri": server.endpoint("jwks")} if openid else {}
        portal = server.endpoint("member") if server.payer.deployment.portals.member else ""
        return smart_configuration(faults, common, capabilities(server), identity, f"{portal}/apps" if portal else "")
    return openid_configuration(
        faults,
        common,
        server.issuer,
        server.endpoint("jwks"),
        server.endpoint("userinfo"),
        server.settings.issuer_parameter,
    )


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Where the documents are found."""
    server, kept = of(payer), dict[str, tuple[object, bytes]]()

    def answer(request: Request, which: str) -> Response:
        server.refresh()
        faults = payer.faults
        if not discovery_is_open(faults, "authorization" in request.headers):
            return Response(b'{"error":"login required"}', 401, {"WWW-Authenticate": "Bearer"}, "application/json")
        stamp = (faults, payer.public_url)
        if kept.get(which, (None,))[0] != stamp:
            kept[which] = (stamp, orjson.dumps(_document(server, which)))
        headers = {"Cache-Control": "max-age=60", **cors.headers(payer, request)}
        return Response(kept[which][1], 200, headers, discovery_content_type(faults))

    async def smart(request: Request) -> Response:
        return answer(request, "smart")

    async def openid(request: Request) -> Response:
        return answer(request, "openid")

    async def jwks(request: Request) -> Response:
        server.refresh()
        body = orjson.dumps(keys.published_keys(payer.faults, server.keys.public()))
        return Response(body, 200, {"Cache-Control": "max-age=60", **cors.headers(payer, request)}, "application/json")

    async def style(request: Request) -> Response:
        colours = {
            "color_background": "#ffffff",
            "color_error": "#b3261e",
            "color_highlight": "#0b5cad",
            "color_text": "#1b1f23",
        }
        return Response(orjson.dumps(colours), 200, {"Cache-Control": "max-age=3600"}, "application/json")

    endpoints = payer.deployment.endpoints
    bases = [base for base in (endpoints.fhir, endpoints.directory, endpoints.formulary) if base]
    found: list[BaseRoute] = [Route(base + WELL_KNOWN_SMART, smart, methods=["GET"]) for base in dict.fromkeys(bases)]
    found.append(Route(f"{endpoints.issuer}/.well-known/openid-configuration", openid, methods=["GET"]))
    # RFC 8414 section 3: the well-known part goes before the path of the issuer.
    found.append(Route(f"/.well-known/oauth-authorization-server{endpoints.issuer}", openid, methods=["GET"]))
    if endpoints.issuer != endpoints.fhir:
        found.append(Route(f"{endpoints.fhir}/.well-known/openid-configuration", openid, methods=["GET"]))
    found.append(Route(endpoints.jwks, jwks, methods=["GET"]))
    found.append(Route("/smart-style.json", style, methods=["GET"]))
    return found
