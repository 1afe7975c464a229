"""JSON Web Tokens taken apart and put together, spoiled on purpose where a check needs it (RFC 7515, 7519, 7523).

Reading is done by hand so that what a server sent is judged as sent; signatures are verified and made by joserfc.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "HS256",
    "HS384",
    "HS512",
]
Key = RSAKey | ECKey | OctKey


class NotAJwt(ValueError):
    """A string that is no compact JWS with JSON header and payload; the message says which part is wrong."""


@dataclass(frozen=True)
class Jwt:
    """A compact JWS as sent: header and claims read, signature untouched."""

    compact: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Base64url without padding, strictly: no padding, no other alphabet."""
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(compact: str) -> Jwt:
    """Take a JWT apart without trusting it."""
    parts = compact.split(".")
    if len(parts) != 3:
        raise NotAJwt(f"a JWT has three parts joined by dots, this has {len(parts)}")
    decoded: list[dict[str, Any]] = []
    for name, part in zip(("header", "payload"), parts, strict=False):
        try:
            value = json.loads(from_b64url(part))
        except ValueError as wrong:
            raise NotAJwt(f"the {name} is not base64url-encoded JSON: {wrong}") from None
        if not isinstance(value, dict):
            raise NotAJwt(f"the {name} is a JSON {type(value).__name__}, not an object")
        decoded.append(value)
    try:
        signature = from_b64url(parts[2])
    except ValueError as wrong:
        raise NotAJwt(f"the signature is not base64url: {wrong}") from None
    return Jwt(compact, decoded[0], decoded[1], signature)


def verifies(token: Jwt, jwks: Mapping[str, Any]) -> str:
    """Empty when the signature verifies against one key of a JWK Set, else why it does not."""
    algorithm = token.header.get("alg")
    if not isinstance(algorithm, str) or algorithm == "none" or algorithm.startswith("HS"):
        return f"alg {algorithm!r} cannot be verified with a public key set"
    kid = token.header.get("kid")
    keys = [key for key in jwks.get("keys", []) if isinstance(key, dict)]
    candidates = [key for key in keys if kid is None or key.get("kid") == kid]
    if not candidates:
        return f"kid {kid!r} is not among the keys {[key.get('kid') for key in keys]}"
    reasons: list[str] = []
    for key in candidates:
        try:
            imported = KeySet.import_key_set({"keys": [key]}).keys[0]
            jws.deserialize_compact(token.compact, imported, algorithms=[algorithm])
        except (JoseError, ValueError, TypeError, KeyError) as wrong:
            reasons.append(f"{key.get('kid')}: {type(wrong).__name__} {wrong}".strip())
            continue
        return ""
    return "; ".join(reasons)


def sign(claims: Mapping[str, Any], key: Key, algorithm: str, **header: Any) -> str:
    """A signed compact JWT."""
    protected = {"alg": algorithm, "typ": "JWT", **header}
    payload = json.dumps(dict(claims), separators=(",", ":"))
    return jws.serialize_compact(protected, payload, key, algorithms=[algorithm])


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """A JWT with alg none and an empty signature (RFC 7519 section 6): nobody may accept it."""
    parts = ({"alg": "none", "typ": "JWT", **header}, dict(claims))
    return ".".join(b64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts) + "."


def half_hash(value: str, algorithm: str) -> str:
    """at_hash or c_hash of a value: left half of its digest (OpenID Connect Core section 3.1.3.6)."""
    digest = hashlib.new(f"sha{algorithm[-3:]}", value.encode("ascii")).digest()
    return b64url(digest[: len(digest) // 2])


def signed_with_secret(claims: Mapping[str, Any], secret: bytes, **header: Any) -> str:
    """An HS256 JWT under any bytes as secret, a public key among them: the confusion RFC 8725 section 2.1 warns of."""
    parts = ({"alg": "HS256", "typ": "JWT", **header}, dict(claims))
    signed = ".".join(b64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{signed}.{b64url(hmac.new(secret, signed.encode('ascii'), hashlib.sha256).digest())}"
