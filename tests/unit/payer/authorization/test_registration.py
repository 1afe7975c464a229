"""Dynamic client registration and its management (RFC 7591, RFC 7592)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from joserfc.jwk import ECKey

from tests.unit.payer.authorization.signing import assertion, backend
from tests.unit.payer.running import CONTEXT, REDIRECT, App, Running


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


def register(at: Running, **changed: Any) -> httpx.Response:
    sent = {
        "client_name": "Diary", "redirect_uris": ["https://app.example/callback"], "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "token_endpoint_auth_method": "client_secret_basic", "scope": "launch/patient openid patient/*.read", **changed,
    }  # fmt: skip
    return httpx.post(
        at.at("register"), json={name: value for name, value in sent.items() if value is not None}, verify=CONTEXT
    )


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
    answer = httpx.post(at.at("register"), content=body, headers={"content-type": "application/json"}, verify=CONTEXT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_registration_is_managed_with_its_own_token(at: Running) -> None:
    mine, other = register(at).json(), register(at).json()
    headers = {"Authorization": f"Bearer {mine['registration_access_token']}"}
    address = mine["registration_client_uri"]
    assert httpx.get(address, headers=headers, verify=CONTEXT).json()["client_name"] == "Diary"
    assert httpx.get(other["registration_client_uri"], headers=headers, verify=CONTEXT).status_code == 401
    assert httpx.get(address, verify=CONTEXT).status_code == 401
    changed = {"client_id": mine["client_id"], "client_name": "Diary 2", "redirect_uris": ["https://app.example/two"]}
    assert httpx.put(address, headers=headers, json=changed, verify=CONTEXT).json()["redirect_uris"] == [
        "https://app.example/two"
    ]
    assert httpx.put(address, headers=headers, json={**changed, "client_id": "x"}, verify=CONTEXT).status_code == 400
    assert httpx.delete(address, headers=headers, verify=CONTEXT).status_code == 204
    assert httpx.get(address, headers=headers, verify=CONTEXT).status_code == 401
