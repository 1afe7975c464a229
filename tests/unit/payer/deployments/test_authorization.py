"""The authorization server of each deployment does what its file states, as an app sees it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.unit.payer.deployments.conftest import Walker
from tests.unit.payer.running import CONTEXT, REDIRECT, Running, query_of

CAPABILITY = {
    "public": "client-public",
    "confidential-symmetric": "client-confidential-symmetric",
    "confidential-asymmetric": "client-confidential-asymmetric",
}


def reaches_the_sign_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and "error" not in query_of(answer.headers["location"])


def refused(answer: httpx.Response) -> bool:
    """An error on a page or sent to the app."""
    return answer.status_code == 400 or "error" in query_of(answer.headers.get("location", ""))


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_discovery_speaks_the_version_of_smart(
    at: Running, smart: dict[str, Any], documentation: dict[str, Any]
) -> None:
    version = at.payer.deployment.authorization.smart
    assert documentation["authorization"]["smart_app_launch"] == version
    assert ("permission-v2" in smart["capabilities"]) == ("v2" in at.payer.deployment.authorization.scope_versions)
    assert version == "1.0.0" or "S256" in smart["code_challenge_methods_supported"]


def test_the_grants_stated_work_and_no_other(at: Running, smart: dict[str, Any], app: Walker) -> None:
    stated = at.payer.deployment.authorization.grants
    assert set(smart.get("grant_types_supported", stated)) == set(stated)
    for grant in ("authorization_code", "refresh_token", "client_credentials", "password"):
        answer = app.token_request(grant_type=grant, scope="system/*.read")
        assert (answer.json()["error"] == "unsupported_grant_type") == (grant not in stated), grant


def test_the_kinds_of_client_stated_are_told_and_registered(at: Running, smart: dict[str, Any]) -> None:
    stated = at.payer.deployment.authorization.client_types
    told = {one for one in CAPABILITY.values() if one in smart["capabilities"]}
    assert told == {CAPABILITY[kind] for kind in stated if kind in CAPABILITY}
    assert set(stated) == {name for name in at.clients if name != "second"}


def test_a_secret_travels_as_stated(at: Running, smart: dict[str, Any]) -> None:
    if "confidential-symmetric" not in at.clients:
        return
    app, stated = Walker(at, "confidential-symmetric"), at.payer.deployment.authorization.secret_by
    told = {
        one.removeprefix("client_secret_") for one in smart["token_endpoint_auth_methods_supported"] if "secret" in one
    }
    assert told == set(stated)
    names = {"client_id": app.client["client_id"], "client_secret": app.client["client_secret"]}
    sent = {"grant_type": "authorization_code", "code": "none", "redirect_uri": REDIRECT}
    by_post = httpx.post(at.at("token"), data=sent | names, verify=CONTEXT).json()["error"]
    assert by_post == ("invalid_grant" if "post" in stated else "invalid_client")
    assert app.token_request(**sent).json()["error"] == ("invalid_grant" if "basic" in stated else "invalid_client")


def test_a_challenge_is_required_where_it_is_said(at: Running, app: Walker) -> None:
    stated = at.payer.deployment.authorization.pkce
    confidential = next(name for name in ("confidential-symmetric", "public") if name in at.clients)
    without = Walker(at, confidential).authorize(code_challenge=None, code_challenge_method=None)
    assert refused(without) == (stated == "required")
    assert reaches_the_sign_in(app.authorize())
    assert refused(app.authorize(code_challenge_method="plain"))


def test_state_and_audience_are_required_where_it_is_said(at: Running, app: Walker) -> None:
    stated = at.payer.deployment.authorization
    assert refused(app.authorize(state=None)) == (stated.state == "required")
    assert refused(app.authorize(aud=None)) == (stated.aud == "required")
    assert refused(app.authorize(aud="https://other.example/fhir"))


def test_the_request_may_come_by_post_where_it_is_said(at: Running, app: Walker, smart: dict[str, Any]) -> None:
    stated = at.payer.deployment.authorization.authorize_by_post
    answer = app.http.post(at.at("authorize"), data=app.request())
    assert (answer.status_code == 303) == stated
    assert stated or answer.status_code == 405
    assert ("authorize-post" in smart["capabilities"]) == stated


def test_the_redirect_is_as_stated(at: Running, app: Walker, openid: dict[str, Any]) -> None:
    stated = at.payer.deployment.authorization
    answer = app.decide(app.sign_in())
    assert answer.status_code == stated.redirect_status
    found = query_of(answer.headers["location"])
    assert ("iss" in found) == stated.issuer_parameter
    assert openid.get("authorization_response_iss_parameter_supported", False) == stated.issuer_parameter
    assert urlsplit(answer.headers["location"]).path == urlsplit(REDIRECT).path


def test_the_scopes_stated_are_told_and_no_other_is_granted(at: Running, app: Walker, smart: dict[str, Any]) -> None:
    stated = at.payer.deployment.authorization
    sensitive = {one.scope for one in stated.sensitive_scopes}
    assert set(smart["scopes_supported"]) == set(stated.scopes) | sensitive
    granted = set(app.tokens(scope=f"{app.client['scopes']} patient/Banana.read")["scope"].split())
    assert granted
    assert "patient/Banana.read" not in granted


def test_the_scope_versions_are_as_stated(at: Running) -> None:
    stated = at.payer.deployment.authorization.scope_versions
    for version, scope in (("v1", "patient/Observation.read"), ("v2", "patient/Observation.rs")):
        app = Walker(at)
        wanted = version in stated
        first = app.authorize(scope=scope)
        assert reaches_the_sign_in(first) == wanted, version
        if wanted:
            answer = app.decide(app.sign_in(scope=scope))
            assert scope in app.redeem(query_of(answer.headers["location"])["code"]).json()["scope"].split()
        else:
            assert query_of(first.headers["location"])["error"] == "invalid_scope"


def test_sensitive_records_have_a_scope_where_it_is_said(at: Running, app: Walker) -> None:
    stated = at.payer.deployment.authorization.sensitive_scopes
    asked = f"{app.client['scopes']} sensitivity/substance-use"
    granted = app.tokens(scope=asked)["scope"].split()
    assert ("sensitivity/substance-use" in granted) == bool(stated)


def test_tokens_are_of_the_kind_stated(at: Running, app: Walker) -> None:
    stated, tokens = at.payer.deployment.authorization, app.tokens()
    assert (tokens["access_token"].count(".") == 2) == (stated.access_token == "jwt")
    if stated.access_token == "jwt":
        assert ("patient" in claims(tokens["access_token"])) == stated.member_claims
    assert tokens.get("refresh_token", "").count(".") == (2 if stated.refresh_token == "jwt" else 0)
    assert ({"expires_in", "need_patient_banner"} <= tokens.keys()) == stated.optional_members


def test_access_ends_after_the_minutes_stated(at: Running, app: Walker) -> None:
    minutes, token = at.payer.deployment.authorization.access_minutes, app.tokens()["access_token"]
    at.clock(advance=minutes * 60 - 30)
    assert app.read(token).status_code == 200
    at.clock(advance=60)
    assert app.read(token).status_code == 401


def test_refresh_rotates_and_ends_as_stated(at: Running, app: Walker) -> None:
    stated = at.payer.deployment.authorization
    token = app.tokens().get("refresh_token")
    assert (token is not None) == ("offline_access" in stated.scopes)
    if token is None:
        return
    at.clock(advance=stated.refresh_days * 86_400 - 3600)
    answer = app.refresh(token)
    assert answer.status_code == 200
    assert (answer.json().get("refresh_token", token) != token) == stated.rotate_refresh
    at.clock(reset=True)
    late = Walker(at)
    token = late.tokens()["refresh_token"]
    at.clock(advance=stated.refresh_days * 86_400 + 60)
    assert late.refresh(token).json()["error"] == "invalid_grant"


def test_a_code_lives_as_long_as_stated(at: Running, app: Walker) -> None:
    seconds = at.payer.deployment.authorization.code_seconds
    issued = app.code()
    at.clock(advance=seconds - 10)
    assert app.redeem(issued).status_code == 200
    late = Walker(at)
    issued = late.code()
    at.clock(advance=seconds + 5)
    assert late.redeem(issued).json()["error"] == "invalid_grant"


def test_an_app_is_opened_by_the_payer_where_it_is_said(at: Running, smart: dict[str, Any]) -> None:
    stated = at.payer.deployment.authorization.ehr_launch
    assert ("launch-ehr" in smart["capabilities"]) == stated
    assert ("launch" in smart["scopes_supported"]) == stated
