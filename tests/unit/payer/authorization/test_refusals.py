"""Bad input at the authorization and token endpoints: the RFC's error, never a redirect to an address nobody registered."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import httpx
import pytest

from simulators.payer.authorization import clients, codes, records
from simulators.payer.portals import people, sessions
from tests.unit.payer.running import CONTEXT, REDIRECT, App, Running, query_of, s256


@pytest.mark.parametrize(
    "spoiled",
    [
        {"client_id": "nobody"}, {"client_id": None}, {"redirect_uri": None}, {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": REDIRECT + "/more"}, {"redirect_uri": REDIRECT + "?x=1"}, {"redirect_uri": REDIRECT.upper()},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"}, {"redirect_uri": "http://127.0.0.1@evil.example/callback"},
        {"redirect_uri": "http://localhost:8765/callback"}, {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "//evil.example/callback"},
        {"redirect_uri": REDIRECT + "#f"}, {"redirect_uri": "https://127.0.0.1:8765/callback"}, {"redirect_uri": REDIRECT + "\n"},
    ],
)  # fmt: skip
def test_an_untrusted_client_or_address_ends_on_a_page(app: App, spoiled: dict[str, Any]) -> None:
    answer = app.authorize(**spoiled)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "evil.example" not in answer.text


def test_any_loopback_port_is_the_registered_address(app: App) -> None:
    assert app.authorize(redirect_uri="http://127.0.0.1:54321/callback").status_code == 303


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": "openid  openid"}, "invalid_scope"),
        ({"scope": 'openid "quoted"'}, "invalid_scope"),
        ({"scope": "system/*.read"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "whatever"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
    ],
)
def test_other_refusals_go_back_with_error_and_state(app: App, spoiled: dict[str, Any], error: str) -> None:
    answer = app.authorize(**spoiled)
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(REDIRECT)
    found = query_of(answer.headers["location"])
    assert found["error"] == error
    assert found["state"] == app.state
    assert "code" not in found


def test_a_missing_state_is_refused(app: App) -> None:
    assert query_of(app.authorize(state=None).headers["location"])["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["scope", "state", "response_type", "aud", "code_challenge"])
def test_a_repeated_parameter_is_refused_on_the_redirect(app: App, name: str) -> None:
    sent = app.request()
    answer = app.http.get(app.at.at("authorize"), params=[*sent.items(), (name, sent[name])])
    assert query_of(answer.headers["location"])["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_address_is_not_redirected(app: App, name: str) -> None:
    sent = app.request()
    answer = app.http.get(app.at.at("authorize"), params=[*sent.items(), (name, "https://evil.example/")])
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_unknown_parameters_are_ignored(app: App) -> None:
    assert app.authorize(grant_type="authorization_code", whatever="1").status_code == 303


def test_an_oversized_or_garbled_request_ends_on_a_page(app: App) -> None:
    assert app.http.post(app.at.at("authorize"), data=app.request(state="x" * 20_000)).status_code == 400
    assert app.http.post(app.at.at("authorize"), data=app.request(state="x" * 200_000)).status_code == 413
    assert app.http.get(app.at.at("authorize") + "?client_id=%ff%fe").status_code == 400
    assert app.http.post(app.at.at("authorize"), json=app.request()).status_code == 400
    assert app.http.put(app.at.at("authorize")).status_code == 405


# -- the token endpoint ----------------------------------------------------------------------------------------------------------


def error_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json", answer.text
    assert "no-store" in answer.headers["cache-control"]
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    ("changed", "want"),
    [
        ({"code": "nonsense"}, (400, "invalid_grant")),
        ({"code": None}, (400, "invalid_request")),
        ({"grant_type": None}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type")),
        ({"redirect_uri": None}, (400, "invalid_grant")),
        ({"redirect_uri": REDIRECT + "/other"}, (400, "invalid_grant")),
        ({"code_verifier": None}, (400, "invalid_grant")),
        ({"code_verifier": "x" * 50}, (400, "invalid_grant")),
        ({"code_verifier": "é" * 50}, (400, "invalid_grant")),
        ({"client_id": "nobody"}, (401, "invalid_client")),
        ({"client_id": "test-second"}, (400, "invalid_grant")),
    ],
)
def test_a_spoiled_exchange_is_refused_and_the_right_one_still_works(
    app: App, changed: dict[str, Any], want: tuple[int, str]
) -> None:
    code = app.code()
    assert error_of(app.redeem(code, **changed)) == want
    assert app.redeem(code).status_code == 200


def test_a_code_works_once_and_its_replay_ends_the_grant(app: App) -> None:
    code = app.code()
    tokens = app.redeem(code).json()
    assert error_of(app.redeem(code)) == (400, "invalid_grant")
    assert app.read(tokens["access_token"]).status_code == 401
    assert error_of(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_expires(at: Running, app: App) -> None:
    code = app.code()
    at.clock(advance=61)
    assert error_of(app.redeem(code)) == (400, "invalid_grant")


def test_the_challenge_is_no_verifier(app: App) -> None:
    assert error_of(app.redeem(app.code(), code_verifier=s256(app.verifier))) == (400, "invalid_grant")


def test_bodies_that_are_no_form_are_refused(at: Running) -> None:
    token = at.at("token")
    assert error_of(httpx.post(token, json={"grant_type": "authorization_code"}, verify=CONTEXT)) == (
        400,
        "invalid_request",
    )
    assert error_of(
        httpx.post(
            token,
            content=b"grant_type=x&grant_type=y",
            headers={"content-type": "application/x-www-form-urlencoded"},
            verify=CONTEXT,
        )
    ) == (400, "invalid_request")
    assert error_of(httpx.post(token, data={"code": "x" * 300_000}, verify=CONTEXT))[0] == 413
    assert (
        error_of(
            httpx.post(
                token, content=b"%ff=%fe", headers={"content-type": "application/x-www-form-urlencoded"}, verify=CONTEXT
            )
        )[0]
        == 400
    )
    assert error_of(httpx.post(token, verify=CONTEXT)) == (400, "invalid_request")
    refused = httpx.get(token, params={"grant_type": "authorization_code"}, verify=CONTEXT)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, OPTIONS")
    assert httpx.delete(token, verify=CONTEXT).status_code == 405


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic " + base64.b64encode(b":x").decode(), "Digest x=y",
     "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Basic " + base64.b64encode(b"test-confidential-symmetric:wrong").decode()],
)  # fmt: skip
def test_a_bad_basic_header_is_invalid_client_with_a_challenge(at: Running, header: str) -> None:
    answer = httpx.post(
        at.at("token"),
        data={"grant_type": "authorization_code", "code": "x"},
        headers={"Authorization": header},
        verify=CONTEXT,
    )
    assert error_of(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_two_client_authentication_methods_are_refused(at: Running) -> None:
    client = at.clients["confidential-symmetric"]
    sent = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_secret": client["client_secret"],
        "client_id": client["client_id"],
    }
    answer = httpx.post(at.at("token"), data=sent, auth=(client["client_id"], client["client_secret"]), verify=CONTEXT)
    assert error_of(answer) == (400, "invalid_request")


def test_a_confidential_client_does_not_go_without_its_secret(at: Running) -> None:
    app = App(at, "confidential-symmetric")
    code = app.code()
    bare = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": app.verifier,
        "client_id": app.client["client_id"],
    }
    assert error_of(httpx.post(at.at("token"), data=bare, verify=CONTEXT)) == (401, "invalid_client")
    assert error_of(httpx.post(at.at("token"), data={**bare, "client_secret": "wrong"}, verify=CONTEXT)) == (
        401,
        "invalid_client",
    )
    assert (
        httpx.post(
            at.at("token"), data={**bare, "client_secret": app.client["client_secret"]}, verify=CONTEXT
        ).status_code
        == 200
    )


# -- refresh ----------------------------------------------------------------------------------------------------------------------


def test_refresh_rotates_and_reuse_ends_the_family(app: App) -> None:
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["patient"] == "m1"
    assert error_of(app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert app.read(second["access_token"]).status_code == 401
    assert error_of(app.refresh(second["refresh_token"])) == (400, "invalid_grant")


def test_refresh_narrows_and_never_widens(app: App) -> None:
    first = app.tokens(scope="launch/patient offline_access patient/Observation.read")
    assert error_of(app.refresh(first["refresh_token"], scope="patient/*.read")) == (400, "invalid_scope")
    second = app.refresh(first["refresh_token"], scope="offline_access patient/Observation.read").json()
    assert second["scope"] == "offline_access patient/Observation.read"


def test_another_apps_refresh_token_is_refused(at: Running, app: App) -> None:
    token = app.tokens()["refresh_token"]
    assert error_of(App(at, "second").refresh(token)) == (400, "invalid_grant")
    assert app.refresh(token).status_code == 200


def test_refresh_ends_after_ninety_days(at: Running, app: App) -> None:
    token = app.tokens()["refresh_token"]
    at.clock(advance=91 * 86_400)
    assert error_of(app.refresh(token)) == (400, "invalid_grant")


# -- bearer tokens ----------------------------------------------------------------------------------------------------------------


def test_what_opens_the_api_and_what_does_not(at: Running, app: App) -> None:
    found = app.tokens()
    assert app.read(found["access_token"]).status_code == 200
    header, payload, _ = found["id_token"].split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + f".{payload}."
    for bad in (
        found["refresh_token"],
        found["id_token"],
        unsigned,
        "x" * 20_000,
        found["access_token"][:-1],
        f"{header}.{payload}.x",
    ):
        answer = app.read(bad)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    lower = httpx.get(
        f"{at.fhir}/Patient/m1", headers={"Authorization": f"bearer {found['access_token']}"}, verify=CONTEXT
    )
    assert lower.status_code == 200
    for header_value in (f"Token {found['access_token']}", found["access_token"], "Bearer"):
        assert (
            httpx.get(f"{at.fhir}/Patient/m1", headers={"Authorization": header_value}, verify=CONTEXT).status_code
            == 401
        )
    bare = httpx.get(f"{at.fhir}/Patient/m1", verify=CONTEXT)
    assert bare.status_code == 401
    assert "error=" not in bare.headers["www-authenticate"]
    assert (
        httpx.get(f"{at.fhir}/Patient/m1", params={"access_token": found["access_token"]}, verify=CONTEXT).status_code
        == 401
    )


def test_an_access_token_expires(at: Running, app: App) -> None:
    token = app.tokens()["access_token"]
    at.clock(advance=1790)
    assert app.read(token).status_code == 200
    at.clock(advance=20)
    assert app.read(token).status_code == 401


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[object, object]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert clients.secret_matches(frozenset(), records.digest("right"), "right")
    assert not clients.secret_matches(frozenset(), records.digest("right"), "wrong")
    assert codes.verifier_proves(frozenset(), codes.s256("v" * 43), "v" * 43)
    assert not people.password_is_right(frozenset(), "right", "wrong")
    assert not sessions.form_is_ours(frozenset(), "right", "wrong")
    assert len(compared) == 5
