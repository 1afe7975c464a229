"""Signed client assertions, private_key_jwt (RFC 7523, SMART App Launch "client-confidential-asymmetric").

RS384 or ES384, typ JWT, iss = sub = client_id, aud = token endpoint, at most five minutes, each jti once. The client's keys come
inline or from its jwks_uri, fetched with bounds and kept five minutes. Leaves to others: which clients may (clients.py).
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

from simulators.payer.authorization.errors import InvalidClient
from simulators.payer.authorization.records import Client
from simulators.payer.rules import rule

if TYPE_CHECKING:
    from simulators.payer.authorization.server import Server

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS384", "ES384"]
LEEWAY = 30.0  # seconds the two clocks may differ
LONGEST_LIFE = 300.0
KEPT_SECONDS = 300.0
LARGEST_JWKS = 65_536


def parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact JWS, unverified; InvalidClient when it is none."""
    pieces = assertion.split(".")
    try:
        if len(pieces) != 3:
            raise ValueError
        header, claims = (orjson.loads(urlsafe_b64decode(piece.encode("ascii"))) for piece in pieces[:2])
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError) as trouble:
        raise InvalidClient("the client assertion is not a signed JWT") from trouble
    return header, claims


def claimed_client(assertion: str) -> str:
    """Who an assertion says it is from, unverified."""
    subject = parts(assertion)[1].get("sub")
    if not isinstance(subject, str) or not subject:
        raise InvalidClient("the client assertion has no sub")
    return subject


@rule
def signature_proves(assertion: str, header: dict[str, Any], keys: KeySet) -> bool:
    """The signature verifies under a registered key, with RS384 or ES384 and nothing else."""
    try:
        jws.deserialize_compact(assertion, keys, algorithms=ALGORITHMS)
    except (
        JoseError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
    ):  # a header whose members are of no type a JWS has
        return False
    return True


@signature_proves.fault(
    "unsigned-client-assertion-accepted", violates="SMART2-ASYMMETRIC-01", also=["SMART2-ASYMMETRIC-05"]
)
def unsigned(assertion: str, header: dict[str, Any], keys: KeySet) -> bool:
    """An assertion with alg none is taken as proof of the client."""
    return header.get("alg") == "none" or signature_proves.function(assertion, header, keys)


@signature_proves.fault(
    "client-assertion-signature-not-checked", violates="SMART2-ASYMMETRIC-01", also=["SMART2-ASYMMETRIC-05"]
)
def unchecked(assertion: str, header: dict[str, Any], keys: KeySet) -> bool:
    """An assertion signed with a key nobody registered is accepted."""
    return True


@rule
def audience_is_us(audience: object, token_endpoint: str) -> bool:
    """The assertion was made for this token endpoint."""
    return token_endpoint in (audience if isinstance(audience, list) else [audience])


@audience_is_us.fault("client-assertion-for-other-server-accepted", violates="SMART2-ASYMMETRIC-02")
def any_audience(audience: object, token_endpoint: str) -> bool:
    """An assertion made for another server's token endpoint is accepted."""
    return True


@rule
def in_time(claims: dict[str, Any], now: float) -> bool:
    """Not expired, not from the future, at most five minutes to live."""
    expires, start = claims.get("exp"), claims.get("nbf", claims.get("iat", now))
    if not isinstance(expires, int | float) or not isinstance(start, int | float):
        return False
    return bool(now - LEEWAY < expires <= now + LONGEST_LIFE + LEEWAY and start <= now + LEEWAY)


@in_time.fault("expired-client-assertion-accepted", violates="SMART2-ASYMMETRIC-03")
def any_time(claims: dict[str, Any], now: float) -> bool:
    """An assertion that expired is accepted."""
    return _number(claims.get("exp"))


@in_time.fault("client-assertion-of-a-day-accepted", violates="SMART2-ASYMMETRIC-03")
def long_life(claims: dict[str, Any], now: float) -> bool:
    """An assertion with a day to live is accepted."""
    return _number(claims.get("exp")) and bool(claims["exp"] > now - LEEWAY)


@rule
def first_use(first: bool) -> bool:
    """A jti is good once."""
    return first


@first_use.fault("client-assertion-replay-accepted", violates="SMART2-ASYMMETRIC-04")
def every_use(first: bool) -> bool:
    """The same assertion, with the same jti, is accepted again."""
    return True


@rule
def issuer_is_subject(claims: dict[str, Any], client_id: str) -> bool:
    """iss and sub both name the client."""
    return bool(claims.get("iss") == claims.get("sub") == client_id)


@issuer_is_subject.fault("client-assertion-of-other-issuer-accepted", violates="SMART2-ASYMMETRIC-02")
def any_issuer(claims: dict[str, Any], client_id: str) -> bool:
    """An assertion whose iss names another client is accepted."""
    return bool(claims.get("sub") == client_id)


def proves(server: Server, client: Client, assertion: str) -> bool:
    """Whether the assertion proves this client, and is remembered as used."""
    faults, now = server.payer.faults, server.payer.clock.timestamp()
    header, claims = parts(assertion)
    keys = registered_keys(server, client)
    identifier = claims.get("jti")
    if keys is None or not isinstance(identifier, str) or not 0 < len(identifier) <= 512:
        return False
    if not (
        signature_proves(faults, assertion, header, keys)
        and issuer_is_subject(faults, claims, client.client_id)
        and audience_is_us(faults, claims.get("aud"), server.endpoint("token"))
        and in_time(faults, claims, now)
    ):
        return False
    first = server.ledger.first_use(f"{client.client_id} {identifier}", float(claims["exp"]) + LEEWAY, now)
    return first_use(faults, first)


def registered_keys(server: Server, client: Client) -> KeySet | None:
    """The client's public keys, inline or from its jwks_uri; None when there are none to be had."""
    document = client.jwks
    if document is None and client.jwks_uri:
        document = fetched(server, client.jwks_uri)
    try:
        return KeySet.import_key_set(document) if document else None  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None


def fetched(server: Server, address: str) -> dict[str, Any] | None:
    """A JWKS document by its address: two seconds, 64 KiB, no redirects; kept for five minutes."""
    now = server.payer.clock.timestamp()
    kept = server.fetched_keys.get(address)
    if kept and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    document: dict[str, Any] | None = None
    try:
        with httpx.Client(timeout=2.0, trust_env=False) as http, http.stream("GET", address) as answer:
            content = b""
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > LARGEST_JWKS:
                    return None
        found = orjson.loads(content) if answer.status_code == 200 else None
        document = found if isinstance(found, dict) else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        document = None
    if document is not None:
        server.fetched_keys[address] = (now, document)
    return document


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
