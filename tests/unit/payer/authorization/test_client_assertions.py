"""Clients that prove themselves by a signed assertion: who may, what it must say, once (RFC 7523, SMART)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from simulators.payer.authorization.assertions import TYPE
from tests.unit.payer.authorization.signing import assertion, backend
from tests.unit.payer.running import CONTEXT, REDIRECT, App, Running

REGISTRY = JWSRegistry(algorithms=["RS256", "RS384", "ES384", "none", "HS256"])


def test_a_backend_service_reads_by_its_key(at: Running) -> None:
    answer = backend(at, assertion(at, at.clients["backend-service"]))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["scope"] == "system/*.read"
    assert "refresh_token" not in found
    assert "patient" not in found
    bundle = httpx.get(
        f"{at.fhir}/Patient", headers={"Authorization": f"Bearer {found['access_token']}"}, verify=CONTEXT
    )
    assert bundle.status_code == 200


def test_an_app_with_a_key_launches(at: Running) -> None:
    app = App(at, "confidential-asymmetric")
    code = app.code()
    sent = {"client_assertion_type": TYPE, "client_assertion": assertion(at, app.client), "client_id": None}
    answer = httpx.post(
        at.at("token"),
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": app.verifier,
              **{name: value for name, value in sent.items() if value}}, verify=CONTEXT)  # fmt: skip
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
