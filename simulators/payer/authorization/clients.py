"""Client authentication at the token, introspection and revocation endpoints (RFC 6749 section 2.3, SMART App Launch).

One method a request; the one the client registered for. Secrets are compared in constant time, an unknown client costs as much as a
known one. Leaves to others: signed assertions (assertions.py), what the client may then do (token.py).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from simulators.payer.authorization import assertions
from simulators.payer.authorization.errors import InvalidClient, InvalidRequest
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.authorization.records import Client, digest, same
from simulators.payer.rules import rule

if TYPE_CHECKING:
    from simulators.payer.authorization.server import Server

NOBODY = digest("nobody has this secret")
METHODS = {
    "public": ("none",),
    "confidential-symmetric": ("client_secret_basic", "client_secret_post"),
    "confidential-asymmetric": ("private_key_jwt",),
    "backend-service": ("private_key_jwt",),
}


@dataclass(frozen=True)
class Credentials:
    """What a request says about who sends it."""

    method: str  # none | client_secret_basic | client_secret_post | private_key_jwt
    client_id: str
    secret: str = ""
    assertion: str = ""


def basic_credentials(header: str) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: client id and secret, each form-encoded, then HTTP Basic."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("the Authorization header must use the Basic scheme", basic=True)
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as trouble:
        raise InvalidClient("the Basic credentials are not base64 of UTF-8 text", basic=True) from trouble
    name, colon, secret = text.partition(":")
    if not colon or not name:
        raise InvalidClient("the Basic credentials are not client_id:client_secret", basic=True)
    return unquote_plus(name), unquote_plus(secret)


@rule
def one_method(header: bool, secret: bool, assertion: bool) -> bool:
    """RFC 6749 section 2.3: a client must not use more than one authentication method in a request."""
    return header + secret + assertion <= 1


@one_method.fault("two-client-authentication-methods-accepted", violates="RFC6749-CLIENT-AUTH-01")
def several_methods(header: bool, secret: bool, assertion: bool) -> bool:
    """A request with the secret in the header and in the body is served."""
    return True


@rule
def secret_matches(stored_digest: str, sent: str) -> bool:
    """The secret is the registered one."""
    return same(stored_digest, digest(sent))


@secret_matches.fault("wrong-client-secret-accepted", violates="RFC6749-CLIENT-AUTH-02")
def any_secret(stored_digest: str, sent: str) -> bool:
    """A confidential client is served whatever secret it sends."""
    return True


@rule
def method_allowed(client: Client, method: str, secret_by: tuple[str, ...]) -> bool:
    """A client authenticates the way it registered; a confidential one never goes without."""
    if method.startswith("client_secret_") and method.removeprefix("client_secret_") not in secret_by:
        return False
    return method == client.auth_method if client.auth_method else method in METHODS[client.type]


@method_allowed.fault("confidential-client-without-secret-accepted", violates="RFC6749-CLIENT-AUTH-02")
def no_secret_needed(client: Client, method: str, secret_by: tuple[str, ...]) -> bool:
    """A confidential client that sends its client_id alone is served as if it were public."""
    return True if method == "none" else method_allowed.function(client, method, secret_by)


@method_allowed.fault("basic-client-authentication-refused", violates="RFC6749-CLIENT-AUTH-03")
def post_only(client: Client, method: str, secret_by: tuple[str, ...]) -> bool:
    """HTTP Basic with the right secret is refused, although RFC 6749 requires it of every server that issues secrets."""
    return method != "client_secret_basic" and method_allowed.function(client, method, secret_by)


@rule
def refusal_of_client(description: str, tried_basic: bool) -> InvalidClient:
    """RFC 6749 section 5.2: invalid_client with 401, and WWW-Authenticate when the client used the header."""
    return InvalidClient(description, basic=tried_basic)


# What is refused with another error than it should be is refused wrongly, whatever it was that had to be refused.
REFUSED = (
    "RFC6749-CLIENT-AUTH-01",
    "RFC6749-CLIENT-AUTH-02",
    "RFC6749-ERROR-03",
    "SMART-STANDALONE-10",
    "SMART2-ASYMMETRIC-02",
    "SMART2-ASYMMETRIC-03",
    "SMART2-ASYMMETRIC-04",
    "SMART2-ASYMMETRIC-05",
)


@refusal_of_client.fault("client-refusal-as-invalid-request", violates="RFC6749-ERROR-01", also=REFUSED)
def vague_refusal(description: str, tried_basic: bool) -> InvalidClient:
    """Failed client authentication is answered 400 invalid_request."""
    error = InvalidClient(description)
    error.error, error.status = "invalid_request", 400
    return error


@refusal_of_client.fault("client-refusal-without-challenge", violates="RFC6749-ERROR-03")
def no_challenge(description: str, tried_basic: bool) -> InvalidClient:
    """Failed Basic authentication is answered 401 without WWW-Authenticate."""
    return InvalidClient(description)


@refusal_of_client.fault("client-refusal-as-server-error", violates="RFC6749-ERROR-01", also=REFUSED)
def crash_on_client(description: str, tried_basic: bool) -> InvalidClient:
    """Failed client authentication is answered 500."""
    error = InvalidClient(description)
    error.error, error.status = "server_error", 500
    return error


@rule
def client_of_unnamed(of_code: str) -> str:
    """RFC 6749 section 3.2.1: a client that does not authenticate names itself; nothing else says who it is."""
    return ""


@client_of_unnamed.fault("unnamed-client-served", violates="SMART-STANDALONE-10")
def who_the_code_was_for(of_code: str) -> str:
    """A token request without client_id is served as if it came from the app the code was issued to."""
    return of_code


@rule
def client_is_served(status: str) -> bool:
    """A suspended, denied or revoked app gets nothing (42 CFR 431.60(e), the payer's published suspension rules)."""
    return status == "active"


@client_is_served.fault("suspended-app-still-served", violates="CONNEX-V.A.5")
def always_served(status: str) -> bool:
    """An app suspended by the payer goes on getting tokens and data."""
    return True


def credentials(faults: frozenset[str], header: str | None, form: Parameters, of_code: str = "") -> Credentials:
    """What a request says about who sends it; two methods at once are refused. `of_code`: whom its code was issued to."""
    assertion, secret = form.get("client_assertion"), form.get("client_secret")
    if not one_method(faults, header is not None, secret is not None, assertion is not None):
        raise InvalidRequest("one client authentication method a request, not several")
    if header is not None:
        name, sent = basic_credentials(header)
        if form.get("client_id") not in (None, name):
            raise InvalidRequest("client_id differs from the one in the Authorization header")
        return Credentials("client_secret_basic", name, sent)
    if assertion is not None:
        if form.get("client_assertion_type") != assertions.TYPE:
            raise InvalidRequest(f"client_assertion_type must be {assertions.TYPE}")
        return Credentials("private_key_jwt", assertions.claimed_client(assertion), assertion=assertion)
    name = form.get("client_id") or client_of_unnamed(faults, of_code)
    if not name:
        raise InvalidClient("no client authentication: client_id is missing")
    return Credentials("client_secret_post", name, secret) if secret is not None else Credentials("none", name)


def authenticate_client(server: Server, header: str | None, form: Parameters) -> Client:
    """The client a request comes from, proved; raises InvalidClient with nothing that tells why a guess failed."""
    faults = server.payer.faults
    code = server.ledger.code(form.get("code") or "") if not form.get("client_id") else None
    sent = credentials(faults, header, form, code.client_id if code else "")
    basic = sent.method == "client_secret_basic"
    client = server.client(sent.client_id)
    if sent.method.startswith("client_secret_"):
        matches = secret_matches(
            faults, client.secret_digest if client and client.secret_digest else NOBODY, sent.secret
        )
        known = client is not None and matches
    elif sent.method == "private_key_jwt":
        known = client is not None and assertions.proves(server, client, sent.assertion)
    else:
        known = client is not None
    if client is None or not known or not method_allowed(faults, client, sent.method, server.settings.secret_by):
        raise refusal_of_client(faults, "client authentication failed", basic)
    if not client_is_served(faults, client.status):
        raise refusal_of_client(faults, f"this app is {client.status} by the payer", basic)
    return client
