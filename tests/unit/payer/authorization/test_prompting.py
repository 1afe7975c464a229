"""prompt, max_age and id_token_hint: which pages come, and which error when none may (OIDC Core sections 3.1.2.1 and 3.1.2.6)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.unit.payer.running import CONTEXT, PASSWORD, App, Running, query_of


def back(answer: httpx.Response) -> dict[str, str]:
    """What came back to the app."""
    assert answer.status_code == 302, (answer.status_code, answer.text[:300])
    return query_of(answer.headers["location"])


def claims(at: Running, id_token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(httpx.get(at.at("jwks"), verify=CONTEXT).json())
    return dict(jwt.decode(id_token, keys, algorithms=["RS256"]).claims)


def asks_password(page: httpx.Response) -> bool:
    return 'name="password"' in page.text


@pytest.fixture
def confidential(at: Running) -> App:
    """An app whose identity is assured, in a browser of its own."""
    return App(at, "confidential-symmetric")


def test_none_without_a_session_is_login_required(app: App) -> None:
    found = back(app.authorize(prompt="none"))
    assert (found["error"], found["state"]) == ("login_required", app.state)


def test_none_before_any_decision_is_consent_required(app: App) -> None:
    app.sign_in()
    assert back(app.authorize(prompt="none"))["error"] == "consent_required"


def test_none_after_the_decision_is_granted_without_a_page(at: Running, confidential: App) -> None:
    first = confidential.tokens()
    again = confidential.redeem(back(confidential.authorize(prompt="none", nonce="n-2"))["code"]).json()
    assert (again["patient"], again["scope"]) == (first["patient"], first["scope"])
    one, other = claims(at, first["id_token"]), claims(at, again["id_token"])
    assert (other["sub"], other["nonce"]) == (one["sub"], "n-2")
    assert confidential.read(again["access_token"]).status_code == 200


def test_a_public_app_on_the_members_machine_asks_each_time(app: App) -> None:
    app.tokens()
    assert back(app.authorize(prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize("end", ["withdrawn", "over", "narrower"])
def test_a_decision_that_does_not_stand_is_asked_again(at: Running, confidential: App, end: str) -> None:
    if end == "narrower":
        confidential.tokens(fields={"category": ["clinical", "demographics"]})
    else:
        held = confidential.tokens()
    if end == "withdrawn":
        confidential.http.post(
            at.at("revoke"), data={"token": held["refresh_token"]},
            auth=(confidential.client["client_id"], confidential.client["client_secret"]),
        ).raise_for_status()  # fmt: skip
    if end == "over":
        at.clock(advance=400 * 86_400)
        confidential.sign_in()
    assert back(confidential.authorize(prompt="none"))["error"] == "consent_required"


def test_login_and_select_account_and_an_elapsed_max_age_ask_a_signed_in_member(at: Running, app: App) -> None:
    app.sign_in()
    assert not asks_password(app.next_page(app.authorize()))
    assert not asks_password(app.next_page(app.authorize(max_age="600", prompt="consent")))
    assert asks_password(app.next_page(app.authorize(prompt="login")))
    assert asks_password(app.next_page(app.authorize(prompt="select_account")))
    assert asks_password(app.next_page(app.authorize(max_age="0")))
    at.clock(advance=601)
    assert asks_password(app.next_page(app.authorize(max_age="600")))
    assert back(app.authorize(max_age="600", prompt="none"))["error"] == "login_required"


def test_auth_time_is_the_time_of_the_sign_in(at: Running, app: App) -> None:
    before = claims(at, app.tokens()["id_token"])
    at.clock(advance=300)
    assert claims(at, app.tokens()["id_token"])["auth_time"] == before["auth_time"]
    assert claims(at, app.tokens(prompt="login")["id_token"])["auth_time"] >= before["auth_time"] + 300


def test_a_hint_of_the_signed_in_member_is_taken(confidential: App) -> None:
    hint = confidential.tokens()["id_token"]
    assert "code" in back(confidential.authorize(prompt="none", id_token_hint=hint))


def test_a_hint_of_somebody_else_is_login_required(at: Running, confidential: App) -> None:
    hint = App(at).tokens("member2")["id_token"]
    confidential.tokens("member1")
    assert back(confidential.authorize(prompt="none", id_token_hint=hint))["error"] == "login_required"
    page = confidential.next_page(confidential.authorize(id_token_hint=hint))
    assert asks_password(page)
    refused = confidential.post(page, username="member1", password=PASSWORD)
    assert back(refused)["error"] == "login_required"
    page = confidential.next_page(confidential.authorize(id_token_hint=hint))
    assert confidential.post(page, username="member2", password=PASSWORD).status_code == 303


def forged(at: Running, app: App) -> list[str]:
    """Hints nobody here signed."""
    real = app.tokens()["id_token"]
    head, payload, signature = real.split(".")
    stranger = RSAKey.generate_key(2048)
    other = jwt.encode({"alg": "RS256"}, claims(at, real), stranger)
    unsigned = f"eyJhbGciOiJub25lIn0.{payload}."
    return [
        "x",
        "a.b.c",
        f"{head}.{payload}.{signature[::-1]}",
        other,
        unsigned,
        f"{payload}.{head}.{signature}",
        "." * 50,
    ]


def test_a_forged_hint_is_refused(at: Running, app: App) -> None:
    for hint in forged(at, app):
        assert back(app.authorize(id_token_hint=hint))["error"] == "invalid_request"


@pytest.mark.parametrize("mode", ["fragment", "form_post", "query.jwt", "nonsense"])
def test_only_the_announced_response_mode_is_served(app: App, mode: str) -> None:
    assert back(app.authorize(response_mode=mode))["error"] == "invalid_request"
    assert app.authorize(response_mode="query").status_code == 303
