"""The test apps a target file lists: one of each client type the deployment knows, and a second one to tell apart.

Redirect addresses are loopback, any port (RFC 8252 section 7.3). Secrets and keys are made afresh for each running payer.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import ECKey

from simulators.payer.authorization import keys
from simulators.payer.authorization.records import Client, digest, fresh
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer

REDIRECT = "http://127.0.0.1/callback"
# All but the first app are registered for more than this payer grants, so that what is granted can be told from what was asked.
OVERREACH = ("patient/*.write", "patient/*.*", "patient/Observation.cruds", "made-up-scope")


def register(payer: Payer) -> list[dict[str, Any]]:
    """Register the test apps; their `[[client]]` entries, secrets included."""
    types = payer.deployment.authorization.client_types
    wanted: list[tuple[str, str]] = [(kind, kind) for kind in types if kind != "backend-service"]
    wanted.append(("second", "public" if "public" in types else "confidential-symmetric"))
    if "backend-service" in types:
        wanted.append(("backend-service", "backend-service"))
    entries = [_register(payer, name, kind) for name, kind in wanted]
    ledger = of(payer).ledger
    kept = [client for entry in entries if (client := ledger.client(entry["client_id"]))]

    def register_again() -> None:
        for client in kept:
            ledger.save_client(client)

    payer.on_reset.append(register_again)  # a reset leaves the target file good
    return entries


def add(payer: Payer, fields: dict[str, Any]) -> dict[str, Any]:
    """Register an app named by `name`, `type`, `redirect_uris` and `scopes`; nothing is reviewed."""
    offered = payer.deployment.authorization
    kind, redirects = fields.get("type", "public"), fields.get("redirect_uris", [REDIRECT])
    wanted = fields.get("scopes") or " ".join(offered.scopes)
    if kind not in offered.client_types or not isinstance(redirects, list) or not isinstance(wanted, str):
        raise ValueError(f"type is one of {', '.join(offered.client_types)}; redirect_uris is a list, scopes a string")
    secret = fresh(24) if kind == "confidential-symmetric" else ""
    client = Client(
        client_id=fresh(9), name=str(fields.get("name", "App")), type=kind, redirect_uris=tuple(map(str, redirects)),
        scopes=tuple(wanted.split()), secret_digest=digest(secret) if secret else "", jwks=fields.get("jwks"),
        jwks_uri=str(fields.get("jwks_uri", "")), created_at=payer.clock.timestamp(),
        grant_types=("client_credentials",) if kind == "backend-service" else ("authorization_code", "refresh_token"),
    )  # fmt: skip
    of(payer).ledger.save_client(client)
    answer = {"client_id": client.client_id, "name": client.name, "type": kind}
    return {**answer, "client_secret": secret} if secret else answer


def _register(payer: Payer, name: str, kind: str) -> dict[str, Any]:
    server, backend = of(payer), kind == "backend-service"
    offered = payer.deployment.authorization
    all_scopes = (*offered.scopes, *(one.scope for one in offered.sensitive_scopes))
    scopes = tuple(one for one in all_scopes if one.startswith("system/") == backend)
    entry: dict[str, Any] = {
        "name": name,
        "title": f"Test app ({name})",
        "type": "confidential-asymmetric" if backend else kind,
        "client_id": f"test-{name}",
        "redirect_uri": "http://127.0.0.1:8765/callback",
        "scopes": " ".join(one for one in scopes if asked_by_default(one, scopes)),
    }
    secret, jwks = "", None
    if kind == "confidential-symmetric":
        secret = entry["client_secret"] = fresh(24)
    elif kind in ("confidential-asymmetric", "backend-service"):
        path, jwks = _key_file(payer, name)
        entry["private_key_file"] = str(path)
    server.ledger.save_client(
        Client(
            client_id=entry["client_id"], name=entry["title"], type=kind, redirect_uris=() if backend else (REDIRECT,), scopes=scopes if name == "public" or backend else (*scopes, *OVERREACH),
            grant_types=("client_credentials",) if backend else ("authorization_code", "refresh_token"),
            secret_digest=digest(secret) if secret else "", jwks=jwks, company="Conformance tests", contact="tests@app.example",
            description="Registered for conformance tests.", policy_uri="https://app.example/privacy", created_at=payer.clock.timestamp(),
            attestations={"security": "self-assessment", "public-policy": "yes", "no-sale": "yes"},
        )
    )  # fmt: skip
    return entry


def asked_by_default(scope: str, registered: tuple[str, ...]) -> bool:
    """The scopes a test app asks for unless a check says otherwise: one version of each, no online access beside offline."""
    if scope in ("online_access", "profile") or scope.startswith("user/"):
        return False
    level, _, rest = scope.partition("/")
    if scope == "launch":
        return False
    return not (rest.endswith(".rs") and f"{level}/{rest.removesuffix('.rs')}.read" in registered)


def _key_file(payer: Payer, name: str) -> tuple[Path, dict[str, Any]]:
    key = ECKey.generate_key("P-384", private=True)
    kid = key.thumbprint()[:16]
    extra = {"kid": kid, "alg": "ES384", "use": "sig"}
    folder = keys.folder_of(payer.database) or _passing_folder(payer)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.jwk.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps({**key.as_dict(private=True), **extra}))
    return path, {"keys": [{**key.as_dict(private=False), **extra}]}


def _passing_folder(payer: Payer) -> Path:
    """Where a payer in memory keeps its test apps' keys; gone when it ends."""
    kept: tempfile.TemporaryDirectory[str] | None = payer.parts.get("key_folder")
    if kept is None:
        kept = payer.parts["key_folder"] = tempfile.TemporaryDirectory(prefix="patient-access-keys-")
    return Path(kept.name)
