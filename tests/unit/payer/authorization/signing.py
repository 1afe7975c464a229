"""Client assertions as an app with a key makes them, and the token request of a backend service."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from simulators.payer.authorization.assertions import TYPE
from tests.unit.payer.running import CONTEXT, Running

REGISTRY = JWSRegistry(algorithms=["RS256", "RS384", "ES384", "none", "HS256"])


def assertion(
    at: Running, client: dict[str, Any], *, header: dict[str, Any] | None = None, key: Any = None, **changed: Any
) -> str:
    """A client assertion; None leaves a claim out."""
    document = orjson.loads(Path(client["private_key_file"]).read_bytes())
    now = int(at.payer.clock.timestamp())
    claims = {
        "iss": client["client_id"], "sub": client["client_id"], "aud": at.at("token"), "exp": now + 240, "iat": now, "jti": uuid.uuid4().hex, **changed,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(
        header or {"alg": "ES384", "kid": document["kid"], "typ": "JWT"},
        claims,
        key or ECKey.import_key(document),
        registry=REGISTRY,
    )


def backend(at: Running, text: str, **changed: Any) -> httpx.Response:
    sent = {
        "grant_type": "client_credentials",
        "scope": "system/*.read",
        "client_assertion_type": TYPE,
        "client_assertion": text,
        **changed,
    }
    return httpx.post(
        at.at("token"), data={name: value for name, value in sent.items() if value is not None}, verify=CONTEXT
    )
