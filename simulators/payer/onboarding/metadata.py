"""Client metadata: what an app says of itself at registration, checked before anything is kept (RFC 7591 section 2).

The same checks for the form and for dynamic registration, so that both ask the same of every app. Leaves to others: the protocol
(authorization/registration.py), the pages (portals/developer.py), the review (review.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from simulators.payer.authorization import scopes
from simulators.payer.authorization.records import Client
from simulators.payer.deployment import Deployment
from simulators.payer.rules import rule

AUTH_METHOD_TYPES = {
    "none": "public",
    "client_secret_basic": "confidential-symmetric",
    "client_secret_post": "confidential-symmetric",
    "private_key_jwt": "confidential-asymmetric",
}
CUSTOM_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/.*")  # RFC 8252 section 7.1: a reversed domain name
LOOPBACK_HOSTS = (
    "127.0.0.1",
    "::1",
    "localhost",
)  # RFC 8252 section 8.3 advises against the name, and forbids it nowhere
LONGEST = 2000


class BadMetadata(Exception):
    """Registration is refused (RFC 7591 section 3.2.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


@rule
def redirect_uri_acceptable(uri: str) -> bool:
    """https, loopback over http, or an app's own scheme; no fragment, no wildcard, no user part (RFC 9700 section 2.1, RFC 8252)."""
    if len(uri) > LONGEST or "#" in uri or "*" in uri or re.search(r"[\s\x00-\x1f\\]", uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.username or parts.password:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in LOOPBACK_HOSTS
    return CUSTOM_SCHEME.fullmatch(uri) is not None


@redirect_uri_acceptable.fault("redirect-uri-with-fragment-registered", violates="RFC7591-DCR-02")
def fragment(uri: str) -> bool:
    """A redirect_uri with a fragment is registered."""
    return redirect_uri_acceptable.function(uri.partition("#")[0])


@redirect_uri_acceptable.fault("redirect-uri-over-plain-http-registered", violates="RFC7591-DCR-02")
def plain_http(uri: str) -> bool:
    """A redirect_uri over plain http to a host on the network is registered."""
    return uri.startswith("http://") or redirect_uri_acceptable.function(uri)


@redirect_uri_acceptable.fault("javascript-redirect-uri-registered", violates="RFC7591-DCR-02")
def any_scheme(uri: str) -> bool:
    """A redirect_uri of the scheme javascript is registered."""
    return ":" in uri


@dataclass(frozen=True)
class Registration:
    """Checked metadata of one app."""

    name: str
    type: str
    auth_method: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    contact: str = ""
    policy_uri: str = ""
    logo_uri: str = ""
    launch_uri: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""


def checked(document: dict[str, Any], deployment: Deployment, faults: frozenset[str]) -> Registration:
    """RFC 7591 client metadata as a registration; BadMetadata says what is wrong."""
    method = _text(document, "token_endpoint_auth_method") or "client_secret_basic"
    kind = AUTH_METHOD_TYPES.get(method)
    grants = tuple(_texts(document, "grant_types", ["authorization_code"]))
    if kind == "confidential-asymmetric" and grants == ("client_credentials",):
        kind = "backend-service"
    server = deployment.authorization
    if kind is None or kind not in server.client_types:
        raise BadMetadata("invalid_client_metadata", f"token_endpoint_auth_method {method!r} is not offered here")
    if (
        not grants
        or not set(grants) <= set(server.grants)
        or ("client_credentials" in grants and kind != "backend-service")
    ):
        raise BadMetadata("invalid_client_metadata", "grant_types are not those offered for this kind of client")
    responses = _texts(document, "response_types", ["code"] if "authorization_code" in grants else [])
    if responses != (["code"] if "authorization_code" in grants else []):
        raise BadMetadata(
            "invalid_client_metadata", 'response_types must be ["code"] with the authorization_code grant, else empty'
        )
    redirects = tuple(_texts(document, "redirect_uris", []))
    if ("authorization_code" in grants) != bool(redirects):
        raise BadMetadata(
            "invalid_redirect_uri", "redirect_uris are needed with the authorization_code grant, and only there"
        )
    for uri in redirects:
        if not redirect_uri_acceptable(faults, uri):
            raise BadMetadata(
                "invalid_redirect_uri",
                f"{uri[:100]!r} is not an https, loopback or app-scheme address without fragment",
            )
    contacts = _texts(document, "contacts", [])
    return Registration(
        name=_text(document, "client_name") or "App without a name", type=kind, auth_method=method, redirect_uris=redirects,
        grant_types=grants, scopes=registered_scopes(_text(document, "scope"), deployment, kind), contact=contacts[0] if contacts else "",
        policy_uri=_web_address(document, "policy_uri"), logo_uri=_web_address(document, "logo_uri"),
        launch_uri=_web_address(document, "initiate_login_uri"), **_keys(document, kind),
    )  # fmt: skip


def registered_scopes(text: str, deployment: Deployment, kind: str) -> tuple[str, ...]:
    """The scopes an app may ask for later: those named, of those offered; all that fit its kind when it names none."""
    server = deployment.authorization
    offered = (*server.scopes, *(one.scope for one in server.sensitive_scopes))
    fitting = [one for one in offered if one.startswith("system/") == (kind == "backend-service")]
    if not text:
        return tuple(fitting)
    named = [
        one
        for one in scopes.split(text)
        if scopes.scope_offered(frozenset(), one, fitting, server.scope_versions) == one
    ]
    if not named:
        raise BadMetadata("invalid_client_metadata", "none of the scopes named is offered here")
    return tuple(named)


def client_of(registration: Registration, client_id: str, **more: Any) -> Client:
    """The record of a registered app."""
    names = (
        "name",
        "type",
        "auth_method",
        "redirect_uris",
        "grant_types",
        "scopes",
        "contact",
        "policy_uri",
        "logo_uri",
        "launch_uri",
        "jwks",
        "jwks_uri",
    )
    return Client(client_id=client_id, **{name: getattr(registration, name) for name in names}, **more)


def _keys(document: dict[str, Any], kind: str) -> dict[str, Any]:
    jwks, address = document.get("jwks"), _text(document, "jwks_uri")
    if jwks is not None and address:
        raise BadMetadata("invalid_client_metadata", "jwks and jwks_uri exclude each other")
    if kind in ("confidential-asymmetric", "backend-service") and jwks is None and not address:
        raise BadMetadata("invalid_client_metadata", "private_key_jwt needs jwks or jwks_uri")
    if address and not _fetchable(address):
        raise BadMetadata("invalid_client_metadata", "jwks_uri must be an https address, or http on loopback")
    if jwks is not None:
        try:
            found = KeySet.import_key_set(jwks)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as trouble:
            raise BadMetadata("invalid_client_metadata", "jwks is not a JSON Web Key Set") from trouble
        if any(key.key_type == "oct" or key.is_private for key in found.keys):
            raise BadMetadata("invalid_client_metadata", "jwks must hold public keys only")
    return {"jwks": jwks, "jwks_uri": address}


def _fetchable(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS))


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST:
        raise BadMetadata("invalid_client_metadata", f"{name} must be a string of at most {LONGEST} characters")
    return value.strip()


def _texts(document: dict[str, Any], name: str, default: Sequence[str]) -> list[str]:
    value = document.get(name, list(default))
    if not isinstance(value, list) or len(value) > 20 or not all(isinstance(one, str) for one in value):
        raise BadMetadata(
            "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata",
            f"{name} must be a list of strings",
        )
    return value


def _web_address(document: dict[str, Any], name: str) -> str:
    value = _text(document, name)
    if value and not re.fullmatch(r"https?://[^\s<>\"']+", value):
        raise BadMetadata("invalid_client_metadata", f"{name} must be a web address")
    return value
