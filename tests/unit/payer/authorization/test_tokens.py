"""Tokens once issued: introspection, revocation, what browsers may read, JWTs, sensitive scopes."""

from __future__ import annotations

from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from simulators.payer.authorization.assertions import TYPE
from tests.unit.payer.authorization.signing import assertion
from tests.unit.payer.running import CONTEXT, App, Running, running


def introspect(at: Running, token: str, client: str = "confidential-symmetric") -> httpx.Response:
    known = at.clients[client]
    return httpx.post(
        at.at("introspect"), data={"token": token}, auth=(known["client_id"], known["client_secret"]), verify=CONTEXT
    )


def test_introspection_tells_the_owner_and_nobody_else(at: Running) -> None:
    app = App(at, "confidential-symmetric")
    tokens = app.tokens()
    found = introspect(at, tokens["access_token"]).json()
    assert found["active"] is True
    assert found["client_id"] == app.client["client_id"]
    assert set(found["scope"].split()) == set(tokens["scope"].split())
    assert found["patient"] == "m1"
    assert found["exp"] > at.payer.clock.timestamp()
    assert introspect(at, "nonsense").json() == {"active": False}
    assert introspect(at, App(at).tokens()["access_token"]).json() == {"active": False}
    bare = httpx.post(at.at("introspect"), data={"token": tokens["access_token"]}, verify=CONTEXT)
    assert bare.status_code == 401
    assert (
        httpx.post(
            at.at("introspect"), data={"token": tokens["access_token"], "client_id": "test-public"}, verify=CONTEXT
        ).status_code
        == 401
    )
    at.clock(advance=3600)
    assert introspect(at, tokens["access_token"]).json() == {"active": False}


def test_a_resource_server_may_introspect_any_token(at: Running) -> None:
    token = App(at).tokens()["access_token"]
    sent = {
        "token": token,
        "client_assertion_type": TYPE,
        "client_assertion": assertion(at, at.clients["backend-service"]),
    }
    assert httpx.post(at.at("introspect"), data=sent, verify=CONTEXT).json()["active"] is True


def test_revocation_ends_the_token_and_with_refresh_the_grant(at: Running, app: App) -> None:
    def revoke(token: str, client: str = "test-public") -> int:
        return httpx.post(at.at("revoke"), data={"token": token, "client_id": client}, verify=CONTEXT).status_code

    first = app.tokens()
    assert revoke(first["access_token"], "test-second") == 200
    assert app.read(first["access_token"]).status_code == 200
    assert revoke(first["access_token"]) == 200
    assert app.read(first["access_token"]).status_code == 401
    second = app.refresh(first["refresh_token"]).json()
    assert revoke(second["refresh_token"]) == 200
    assert app.read(second["access_token"]).status_code == 401
    assert app.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert revoke("unknown") == 200
    assert (
        httpx.post(at.at("revoke"), data={"client_id": "test-public"}, verify=CONTEXT).json()["error"]
        == "invalid_request"
    )
    assert httpx.post(at.at("revoke"), data={"token": "x"}, verify=CONTEXT).status_code == 401


def test_browser_apps_may_read_what_they_need(at: Running) -> None:
    origin = {"Origin": "https://app.example"}
    for address in (f"{at.fhir}/.well-known/smart-configuration", at.at("jwks"), f"{at.fhir}/metadata"):
        assert httpx.get(address, headers=origin, verify=CONTEXT).headers["access-control-allow-origin"] in (
            "*",
            origin["Origin"],
        ), address
    preflight = httpx.options(
        at.at("token"),
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    assert preflight.status_code in (200, 204)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-origin" not in httpx.get(at.at("authorize"), headers=origin, verify=CONTEXT).headers


def test_jwt_access_tokens_carry_the_member_and_verify(folder: Path) -> None:
    with running(folder, "healthshare") as at:
        app = App(at, "confidential-symmetric")
        scope = "openid fhirUser launch/patient offline_access patient/*.read sensitivity/substance-use"
        found = app.tokens(scope=scope)
        keys = KeySet.import_key_set(httpx.get(at.at("jwks"), verify=CONTEXT).json())
        token = jwt.decode(found["access_token"], keys, algorithms=["ES256"])
        assert token.header["typ"] == "at+jwt"
        assert token.claims["patient"] == found["patient"] == "m1"
        assert token.claims["exp"] - token.claims["iat"] == 1800
        assert "sensitivity/substance-use" in token.claims["scope"].split()
        assert app.read(found["access_token"]).status_code == 200
        head, payload, signature = found["access_token"].split(".")
        assert app.read(f"{head}.{payload}.{signature[::-1]}").status_code == 401


def test_a_sensitive_scope_needs_its_tick(folder: Path) -> None:
    with running(folder, "healthshare") as at:
        found = App(at, "confidential-symmetric").tokens(
            scope="launch/patient patient/*.read sensitivity/substance-use",
            fields={"category": ["claims", "clinical", "demographics"]},
        )
        assert "sensitivity/substance-use" not in found["scope"].split()
        page = App(at, "confidential-symmetric").sign_in(scope="launch/patient patient/*.read")
        assert 'value="substance-use"' not in page.text
