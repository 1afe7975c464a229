"""A whole launch over real sockets: what comes back, to whom, and what it opens."""

from __future__ import annotations

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.unit.payer.running import CONTEXT, EVERYTHING, App, Running, query_of


def test_a_public_app_gets_tokens_and_reads_the_member(at: Running, app: App) -> None:
    found = app.tokens()
    assert found["token_type"] == "Bearer"
    assert found["expires_in"] == 1800
    assert found["patient"] == "m1"
    assert "offline_access" in found["scope"].split()
    assert app.read(found["access_token"]).json()["id"] == "m1"
    assert app.read(found["access_token"], "Patient/m2").status_code == 404


@pytest.mark.parametrize("client", ["confidential-symmetric", "second"])
def test_other_apps_get_theirs(at: Running, client: str) -> None:
    app = App(at, client)
    found = app.tokens()
    assert app.read(found["access_token"]).status_code == 200
    assert app.refresh(found["refresh_token"]).status_code == 200


def test_the_redirect_carries_state_code_and_issuer(at: Running, app: App) -> None:
    state = "å !*'();:@&=+$,/?#[]%<>\" and spaces"
    answer = app.decide(app.sign_in(state=state))
    found = query_of(answer.headers["location"])
    assert found["state"] == state
    assert found["iss"] == at.url
    assert found["code"]


def test_the_id_token_verifies_and_says_who(at: Running, app: App) -> None:
    found = app.tokens()
    keys = KeySet.import_key_set(httpx.get(at.at("jwks"), verify=CONTEXT).json())
    token = jwt.decode(found["id_token"], keys, algorithms=["RS256"])
    assert token.claims["iss"] == at.url
    assert token.claims["aud"] == app.client["client_id"]
    assert token.claims["nonce"] == "n-1"
    assert token.claims["fhirUser"] == f"{at.fhir}/Patient/m1"
    userinfo = httpx.get(
        at.at("userinfo"), headers={"Authorization": f"Bearer {found['access_token']}"}, verify=CONTEXT
    ).json()
    assert userinfo["sub"] == token.claims["sub"]


def test_a_member_who_declines_sends_access_denied(at: Running, app: App) -> None:
    answer = app.decide(app.sign_in(), "deny")
    found = query_of(answer.headers["location"])
    assert found["error"] == "access_denied"
    assert found["state"] == app.state
    assert "code" not in found


def test_an_unticked_scope_is_not_granted(at: Running, app: App) -> None:
    scope = "launch/patient patient/Patient.read patient/Observation.read"
    found = app.tokens(scope=scope, fields={"scope": ["patient/Patient.read"]})
    assert found["scope"] == "launch/patient patient/Patient.read"
    assert app.read(found["access_token"], "Observation?patient=m1").status_code == 403


def test_a_category_kept_back_is_not_granted(at: Running, app: App) -> None:
    found = app.tokens(fields={"category": [one for one in EVERYTHING if one != "claims"]})
    scopes = found["scope"].split()
    assert "patient/*.read" not in scopes
    assert "patient/Observation.read" in scopes
    assert "patient/ExplanationOfBenefit.read" not in scopes
    assert app.read(found["access_token"], "ExplanationOfBenefit?patient=m1").status_code == 403


def test_a_granular_scope_is_granted_with_its_constraint(at: Running, app: App) -> None:
    category = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    found = app.tokens(scope=f"launch/patient patient/Observation.rs?category={category}")
    assert f"patient/Observation.rs?category={category}" in found["scope"].split()
    bundle = app.read(found["access_token"], "Observation?patient=m1").json()
    codes = {
        coding["code"] for entry in bundle["entry"] for one in entry["resource"]["category"] for coding in one["coding"]
    }
    assert codes == {"laboratory"}


def test_writing_is_never_granted(at: Running, app: App) -> None:
    assert (
        app.tokens(scope="launch/patient patient/Observation.cruds")["scope"] == "launch/patient patient/Observation.rs"
    )


def test_substance_use_records_come_only_when_ticked(at: Running) -> None:
    with_it, without = App(at), App(at, "second")
    assert "substance-use" not in without.tokens(fields={"category": ["claims", "clinical", "demographics"]})["scope"]
    assert at.payer.database.one(
        "SELECT sensitive FROM consents WHERE client_id = 'test-second' ORDER BY granted_at DESC"
    ) == ("",)
    with_it.tokens()
    assert at.payer.database.one(
        "SELECT sensitive FROM consents WHERE client_id = 'test-public' ORDER BY granted_at DESC"
    ) == ("substance-use",)


def test_a_parent_may_choose_the_child_and_nobody_else(at: Running, app: App) -> None:
    page = app.sign_in()
    assert "Cleo Alvarez" in page.text
    refused = app.decide(page, person="m2")
    assert refused.status_code == 403
    found = app.tokens(fields={"person": "m3"})
    assert found["patient"] == "m3"
    assert app.read(found["access_token"], "Patient/m3").status_code == 200
    assert app.read(found["access_token"], "Patient/m1").status_code == 404


def test_a_parents_right_ends_when_the_child_is_of_age(at: Running, app: App) -> None:
    found = app.tokens(fields={"person": "m3"})
    at.clock(freeze="2030-03-03T12:00:00-08:00")
    assert app.refresh(found["refresh_token"]).json()["error"] == "invalid_grant"  # ninety days are over long since
    later = app.tokens(fields={"person": "m3"})
    assert app.read(later["access_token"], "Patient/m3").status_code == 200
    at.clock(freeze="2030-03-04T00:00:01-08:00")
    assert app.read(later["access_token"], "Patient/m3").status_code == 401
    assert "Cleo Alvarez" not in App(at).sign_in().text


def test_only_a_public_client_without_offline_access_gets_no_refresh_token(at: Running, app: App) -> None:
    assert "refresh_token" not in app.tokens(scope="openid fhirUser launch/patient patient/*.read")


def test_the_authorization_request_may_come_by_post(at: Running, app: App) -> None:
    answer = app.http.post(at.at("authorize"), data=app.request())
    assert answer.status_code == 303
    assert "Sign in" in app.http.get(answer.headers["location"]).text


def test_keys_roll_over_and_older_tokens_still_verify(at: Running, app: App) -> None:
    before = app.tokens()["id_token"]
    kid = httpx.post(f"{at.control}/keys/rotate", verify=CONTEXT).json()["kid"]
    after = App(at).tokens()["id_token"]
    keys = KeySet.import_key_set(httpx.get(at.at("jwks"), verify=CONTEXT).json())
    assert jwt.decode(after, keys, algorithms=["RS256"]).header["kid"] == kid
    assert jwt.decode(before, keys, algorithms=["RS256"]).claims["aud"] == app.client["client_id"]


def test_a_reset_forgets_tokens_and_keeps_the_test_apps(at: Running, app: App) -> None:
    found = app.tokens()
    httpx.post(f"{at.control}/reset", verify=CONTEXT).raise_for_status()
    assert app.read(found["access_token"]).status_code == 401
    assert App(at).tokens()["patient"] == "m1"


def test_records_under_part_2_come_with_their_notice_and_the_consent(at: Running, app: App) -> None:
    found = app.tokens()
    told = found["part2_disclosure"]
    assert "42 CFR part 2 prohibits" in told["statement"]
    assert app.client["title"] in told["scope_of_consent"]
    headers = {"Authorization": f"Bearer {found['access_token']}"}
    assert (
        told["consent"] in httpx.get(f"{at.fhir}/Condition?patient=m1", headers=headers, verify=CONTEXT).headers["link"]
    )
    consent = httpx.get(told["consent"], headers=headers, verify=CONTEXT)
    assert consent.headers["content-type"] == "application/fhir+json"
    body = consent.json()
    assert (body["resourceType"], body["patient"]) == ("Consent", {"reference": "Patient/m1"})
    assert [one["code"] for one in body["provision"]["securityLabel"]] == ["R", "42CFRPart2"]
    assert body["provision"]["actor"][0]["reference"] == {"display": app.client["title"]}
    again = app.refresh(found["refresh_token"]).json()
    assert again["part2_disclosure"] == told
    assert httpx.get(told["consent"], verify=CONTEXT).status_code == 401


def test_without_such_records_there_is_nothing_to_account_for(at: Running, app: App) -> None:
    found = app.tokens(fields={"category": ["claims", "clinical", "demographics"]})
    headers = {"Authorization": f"Bearer {found['access_token']}"}
    assert "part2_disclosure" not in found
    assert "link" not in httpx.get(f"{at.fhir}/Condition?patient=m1", headers=headers, verify=CONTEXT).headers
    assert httpx.get(f"{at.at('authorize')}/consent", headers=headers, verify=CONTEXT).status_code == 404
