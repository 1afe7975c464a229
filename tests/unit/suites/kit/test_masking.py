"""Nothing secret reaches a file, whatever the way it takes; everything else stays as sent."""

from __future__ import annotations

import json
from urllib.parse import quote_plus, urlencode

from hypothesis import given
from hypothesis import strategies as st

from suites.kit.masking import Masker, placeholder

SECRET = "S3cret-value/with+odd=chars&more"


def test_tokens_of_an_answer_are_masked_wherever_they_come_back() -> None:
    masker = Masker()
    body = masker.body(b'{"access_token":"tok-123456","scope":"openid"}', "application/json")
    assert body == f'{{"access_token":"{placeholder("access_token", "tok-123456")}","scope":"openid"}}'
    assert "tok-123456" not in masker.headers([("Authorization", "Bearer tok-123456")])[0][1]
    assert "tok-123456" not in masker.url("https://payer.example/fhir?access_token=tok-123456")
    assert "tok-123456" not in masker.text("the answer quoted tok-123456 in a message")


def test_the_same_secret_has_the_same_placeholder_and_another_has_another() -> None:
    assert placeholder("code", "one") == placeholder("code", "one")
    assert placeholder("code", "one") != placeholder("code", "two")


def test_error_codes_are_no_secrets() -> None:
    outcome = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}'
    assert Masker().body(outcome, "application/fhir+json") == outcome.decode()


def test_form_bodies_keep_their_order_and_lose_their_secrets() -> None:
    form = urlencode(
        [("grant_type", "authorization_code"), ("code", "c0de-c0de"), ("state", "kept"), ("client_secret", SECRET)]
    )
    shown = Masker().form(form)
    assert shown.startswith("grant_type=authorization_code&code=<code:")
    assert "state=kept" in shown
    assert SECRET not in shown
    assert quote_plus(SECRET) not in shown


def test_cookies_and_basic_credentials_are_masked_with_names_and_schemes_kept() -> None:
    shown = dict(
        Masker().headers([("Set-Cookie", "session=abc123; HttpOnly; SameSite=Lax"), ("Authorization", "Basic YTpi")])
    )
    assert shown["Set-Cookie"].startswith("session=<cookie:")
    assert shown["Set-Cookie"].endswith("; HttpOnly; SameSite=Lax")
    assert shown["Authorization"].startswith("Basic <basic:")


def test_people_are_masked_in_foreign_runs_and_the_other_bytes_kept() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"family": "Rossi", "given": ["Anna", "B"]}],
        "birthDate": "1980-02-29",
        "address": [{"line": ["1 Main St"], "city": "Springfield", "state": "CA"}],
        "identifier": [{"system": "urn:x", "value": "MRN-77"}],
    }
    sent = json.dumps(patient, indent=1)
    shown = Masker(mask_people=True).body(sent.encode(), "application/fhir+json")
    for value in ("Rossi", "Anna", "1980-02-29", "1 Main St", "Springfield", "MRN-77"):
        assert value not in shown
    assert '"state": "CA"' in shown
    assert '"system": "urn:x"' in shown
    assert Masker(mask_people=False).body(sent.encode(), "application/fhir+json") == sent


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=8, max_size=60))
def test_a_learnt_secret_never_survives_in_url_form_or_text(secret: str) -> None:
    masker = Masker()
    masker.learn("client_secret", secret)
    for text in (f"before {secret} after", urlencode({"x": secret}), json.dumps({"x": secret})):
        assert secret not in masker.text(text).replace(placeholder("client_secret", secret), "")


@given(
    st.text(alphabet='AB-._ "\\%é', min_size=4, max_size=24),
    st.text(alphabet='AB-._ "\\%é', max_size=30),
    st.text(alphabet='AB-._ "\\%é', max_size=30),
)
def test_a_secret_is_found_wherever_it_stands_in_a_text(secret: str, before: str, after: str) -> None:
    """Values are searched for by what they are made of, and each kind is found inside longer words too."""
    masker = Masker()
    masker.learn("access_token", secret)
    shown = masker.text(before + secret + after)
    assert secret not in shown.replace(placeholder("access_token", secret), "\0")


def test_a_person_is_masked_in_every_body_after_the_first() -> None:
    masker = Masker(mask_people=True)
    patient = {"resourceType": "Patient", "name": [{"family": "Rossi", "given": ['An"na']}], "birthDate": "1980-02-29"}
    masker.body(json.dumps(patient).encode(), "application/fhir+json")
    shown = masker.text(json.dumps({"said": ["Rossi", 'An"na', "1980-02-29"], "kept": "Ross"}))
    for value in ("Rossi", "1980-02-29", json.dumps('An"na')):
        assert value not in shown
    assert '"Ross"' in shown
