"""Clients with keys, backend services, dynamic registration, introspection, revocation, CORS, JWT access tokens."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry

from simulators.payer.authorization.assertions import TYPE
from simulators.payer.authorization.server import of
from simulators.payer.deployment import load
from tests.unit.payer.running import REDIRECT, App, Running, running

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
    return httpx.post(at.at("token"), data={name: value for name, value in sent.items() if value is not None})


def test_a_backend_service_reads_by_its_key(at: Running) -> None:
    answer = backend(at, assertion(at, at.clients["backend-service"]))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["scope"] == "system/*.read"
    assert "refresh_token" not in found
    assert "patient" not in found
    bundle = httpx.get(f"{at.fhir}/Patient", headers={"Authorization": f"Bearer {found['access_token']}"})
    assert bundle.status_code == 200


def test_an_app_with_a_key_launches(at: Running) -> None:
    app = App(at, "confidential-asymmetric")
    code = app.code()
    sent = {"client_assertion_type": TYPE, "client_assertion": assertion(at, app.client), "client_id": None}
    answer = httpx.post(
        at.at("token"),
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": app.verifier,
              **{name: value for name, value in sent.items() if value}},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["patient"] == "m1"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example/token"}, {"aud": None}, {"iss": "another"}, {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"jti": None}, {"jti": ""},
        {"jti": "x" * 600}, {"nbf": 9_999_999_999}, {"iat": 9_999_999_999}, {"exp": 99_999_999_999},
    ],
)  # fmt: skip
def test_a_spoiled_assertion_proves_nothing(at: Running, changed: dict[str, Any]) -> None:
    answer = backend(at, assertion(at, at.clients["backend-service"], **changed))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_assertion_signed_otherwise_proves_nothing(at: Running) -> None:
    client = at.clients["backend-service"]
    other = ECKey.generate_key("P-384", private=True)
    for text in (
        assertion(at, client, key=other),
        assertion(at, client, header={"alg": "RS384"}, key=RSAKey.generate_key(2048, private=True)),
        assertion(at, client)[:-4] + "AAAA",
        assertion(at, client).rsplit(".", 1)[0] + ".",
        "a.b.c", "x" * 10_000, "e30.e30.", "",
    ):  # fmt: skip
        answer = backend(at, text or None)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), text[:60]


def test_an_assertion_works_once(at: Running) -> None:
    text = assertion(at, at.clients["backend-service"])
    assert backend(at, text).status_code == 200
    assert backend(at, text).json()["error"] == "invalid_client"


def test_a_backend_service_gets_system_scopes_only(at: Running) -> None:
    client = at.clients["backend-service"]
    assert backend(at, assertion(at, client), scope="patient/*.read").json()["error"] == "invalid_scope"
    assert (
        backend(at, assertion(at, client), grant_type="authorization_code", code="x").json()["error"]
        == "unauthorized_client"
    )


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A key published at an address, and the file of its private part."""
    key = ECKey.generate_key("P-384", private=True)
    extra = {"kid": "k1", "alg": "ES384", "use": "sig"}
    private = tmp_path / "key.json"
    private.write_bytes(orjson.dumps({**key.as_dict(private=True), **extra}))
    document = orjson.dumps({"keys": [{**key.as_dict(private=False), **extra}]})

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, format: str, *values: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks", private
    server.shutdown()


# -- dynamic registration --------------------------------------------------------------------------------------------------------


def register(at: Running, **changed: Any) -> httpx.Response:
    sent = {
        "client_name": "Diary", "redirect_uris": ["https://app.example/callback"], "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "token_endpoint_auth_method": "client_secret_basic", "scope": "launch/patient openid patient/*.read", **changed,
    }  # fmt: skip
    return httpx.post(at.at("register"), json={name: value for name, value in sent.items() if value is not None})


def test_an_app_registers_itself_and_launches(at: Running) -> None:
    answer = register(at, redirect_uris=[REDIRECT])
    assert answer.status_code == 201
    found = answer.json()
    assert found["redirect_uris"] == [REDIRECT]
    assert found["client_secret_expires_at"] == 0
    at.clients["own"] = {
        "client_id": found["client_id"],
        "client_secret": found["client_secret"],
        "scopes": found["scope"],
    }
    assert App(at, "own").tokens()["patient"] == "m1"


def test_a_backend_service_registers_with_the_address_of_its_keys(at: Running, published: tuple[str, Path]) -> None:
    address, private = published
    answer = register(at, redirect_uris=None, response_types=None, grant_types=["client_credentials"], token_endpoint_auth_method="private_key_jwt",
                      jwks_uri=address, scope="system/*.rs")  # fmt: skip
    assert answer.status_code == 201, answer.text
    client = {"client_id": answer.json()["client_id"], "private_key_file": str(private)}
    assert backend(at, assertion(at, client), scope="system/Patient.rs").json()["scope"] == "system/Patient.rs"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/cb#f"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://user:pw@app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://[bad/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://localhost.evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": "no"}}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "file:///etc/passwd"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://10.0.0.1/jwks"}, "invalid_client_metadata"),
        ({"scope": "nothing/known"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"policy_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"software_statement": "x.y.z"}, "unapproved_software_statement"),
    ],
)  # fmt: skip
def test_bad_metadata_is_refused(at: Running, changed: dict[str, Any], error: str) -> None:
    answer = register(at, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_metadata_are_refused(at: Running, body: bytes) -> None:
    answer = httpx.post(at.at("register"), content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_registration_is_managed_with_its_own_token(at: Running) -> None:
    mine, other = register(at).json(), register(at).json()
    headers = {"Authorization": f"Bearer {mine['registration_access_token']}"}
    address = mine["registration_client_uri"]
    assert httpx.get(address, headers=headers).json()["client_name"] == "Diary"
    assert httpx.get(other["registration_client_uri"], headers=headers).status_code == 401
    assert httpx.get(address).status_code == 401
    changed = {"client_id": mine["client_id"], "client_name": "Diary 2", "redirect_uris": ["https://app.example/two"]}
    assert httpx.put(address, headers=headers, json=changed).json()["redirect_uris"] == ["https://app.example/two"]
    assert httpx.put(address, headers=headers, json={**changed, "client_id": "x"}).status_code == 400
    assert httpx.delete(address, headers=headers).status_code == 204
    assert httpx.get(address, headers=headers).status_code == 401


# -- introspection and revocation -------------------------------------------------------------------------------------------------


def introspect(at: Running, token: str, client: str = "confidential-symmetric") -> httpx.Response:
    known = at.clients[client]
    return httpx.post(at.at("introspect"), data={"token": token}, auth=(known["client_id"], known["client_secret"]))


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
    bare = httpx.post(at.at("introspect"), data={"token": tokens["access_token"]})
    assert bare.status_code == 401
    assert (
        httpx.post(at.at("introspect"), data={"token": tokens["access_token"], "client_id": "test-public"}).status_code
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
    assert httpx.post(at.at("introspect"), data=sent).json()["active"] is True


def test_revocation_ends_the_token_and_with_refresh_the_grant(at: Running, app: App) -> None:
    def revoke(token: str, client: str = "test-public") -> int:
        return httpx.post(at.at("revoke"), data={"token": token, "client_id": client}).status_code

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
    assert httpx.post(at.at("revoke"), data={"client_id": "test-public"}).json()["error"] == "invalid_request"
    assert httpx.post(at.at("revoke"), data={"token": "x"}).status_code == 401


def test_browser_apps_may_read_what_they_need(at: Running) -> None:
    origin = {"Origin": "https://app.example"}
    for address in (f"{at.fhir}/.well-known/smart-configuration", at.at("jwks"), f"{at.fhir}/metadata"):
        assert httpx.get(address, headers=origin).headers["access-control-allow-origin"] in ("*", origin["Origin"]), (
            address
        )
    preflight = httpx.options(
        at.at("token"),
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    assert preflight.status_code in (200, 204)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-origin" not in httpx.get(at.at("authorize"), headers=origin).headers


def test_jwt_access_tokens_carry_the_member_and_verify(folder: Path) -> None:
    with running(folder, "healthshare") as at:
        app = App(at, "confidential-symmetric")
        scope = "openid fhirUser launch/patient offline_access patient/*.read sensitivity/substance-use"
        found = app.tokens(scope=scope)
        keys = KeySet.import_key_set(httpx.get(at.at("jwks")).json())
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


def test_ten_thousand_guesses_lock_the_account_and_cost_nothing_else(folder: Path) -> None:
    chosen = load("reference")
    with running(folder, replace(chosen, limits=replace(chosen.limits, logins=1_000_000))) as at:
        app = App(at)
        page = app.next_page(app.authorize())
        for _ in range(5):
            assert app.post(page, username="member1", password="guess").status_code == 401
        locked = app.post(page, username="member1", password="correct horse battery staple")
        assert locked.status_code == 401
        assert "Too many wrong attempts" in locked.text
        other = App(at)
        assert (
            other.post(
                other.next_page(other.authorize()), username="member2", password="correct horse battery staple"
            ).status_code
            == 303
        )
        from simulators.payer.portals import people

        for number in range(10_000):
            people.failed(at.payer, f"guess{number % 50}")
        assert len(at.payer.database.query("SELECT name FROM failures")) <= 60
        at.clock(advance=16 * 60)
        again = App(at)
        assert (
            again.post(
                again.next_page(again.authorize()), username="member1", password="correct horse battery staple"
            ).status_code
            == 303
        )


def test_state_survives_a_restart_and_keys_are_the_owners_alone(folder: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "payer.sqlite")
    with running(folder, database=database) as at:
        tokens = App(at, "confidential-symmetric").tokens()
        client = at.clients["confidential-symmetric"]
        port = at.url.rsplit(":", 1)[1]
    (file,) = (tmp_path / "payer.keys").glob("signing-keys.json")
    assert file.stat().st_mode & 0o777 == 0o600
    with running(folder, database=database) as at:
        answer = httpx.get(f"{at.fhir}/Patient/m1", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert answer.status_code == 200
        keys = KeySet.import_key_set(httpx.get(at.at("jwks")).json())
        assert jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims["aud"] == client["client_id"]
        assert not at.url.endswith(port)


def test_one_workers_revocation_counts_in_another(folder: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "payer.sqlite")
    with running(folder, database=database) as one, running(folder, database=database) as other:
        app = App(one)
        token = app.tokens()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers).status_code == 200
        row = one.payer.database.one("SELECT consent FROM tokens WHERE digest IS NOT NULL ORDER BY issued_at DESC")
        assert row is not None
        of(one.payer).ledger.revoke_consent(row[0], "member", one.payer.clock.timestamp())
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers).status_code == 401
        one.faults("revoked-access-token-accepted")
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers).status_code == 200


def test_what_nobody_can_use_is_dropped_and_the_rest_is_kept(at: Running, app: App) -> None:
    tokens = app.tokens()
    ledger = of(at.payer).ledger
    ledger.drop_expired(at.payer.clock.timestamp() - 86_400)
    assert app.read(tokens["access_token"]).status_code == 200
    ledger.drop_expired(at.payer.clock.timestamp() + 100 * 86_400)
    assert ledger.database.query("SELECT digest FROM tokens") == []
    assert ledger.database.query("SELECT digest FROM codes") == []
