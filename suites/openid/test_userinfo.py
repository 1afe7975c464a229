"""Userinfo, where offered: OIDC-USERINFO-* (OpenID Connect Core section 5.3)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import expect_json, expect_status
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.target import Member
from suites.protocol import challenges, jwt, scopes


@pytest.fixture
def userinfo(openid_configuration: dict[str, Any], app: App) -> str:
    """The userinfo endpoint, where the server names one."""
    if "userinfo_endpoint" not in openid_configuration:
        not_applicable("the server names no userinfo_endpoint")
    if "openid" not in scopes.split(app.client.scopes):
        not_applicable("the client is not registered for openid")
    return str(openid_configuration["userinfo_endpoint"])


@pytest.mark.requirement("OIDC-USERINFO-01")
def test_userinfo_is_of_the_same_person(http: Http, userinfo: str, grant: Grant) -> None:
    """Userinfo's sub equals the id_token's."""
    body = expect_json(http.get(userinfo, token=grant.access_token))
    sub = jwt.read(grant.id_token).claims.get("sub")
    control(sub, "the id_token has a sub")
    expect(
        body.get("sub") == sub,
        "sub must equal the id_token's",
        expected=sub,
        found=body.get("sub", "nothing"),
        path="sub",
    )


@pytest.mark.requirement("OIDC-USERINFO-01")
def test_userinfo_by_post(http: Http, userinfo: str, grant: Grant) -> None:
    """Userinfo answers POST as well as GET."""
    expect_json(http.send("POST", userinfo, token=grant.access_token))


@pytest.mark.requirement("OIDC-USERINFO-02")
@pytest.mark.parametrize("token", ["", "an-invented-token"], ids=["no-token", "invented-token"])
def test_userinfo_needs_a_token(http: Http, userinfo: str, grant: Grant, token: str) -> None:
    """Without a valid access token userinfo is refused with 401 and a Bearer challenge."""
    control(http.get(userinfo, token=grant.access_token).status == 200, "with the token userinfo is answered")
    answer = http.get(userinfo, token=token)
    expect_status(answer, 401, "userinfo must be refused without a valid token")
    expect(
        challenges.bearer(answer.all("www-authenticate")) is not None,
        "the 401 must carry a Bearer challenge",
        found=answer.all("www-authenticate"),
        evidence=answer.evidence,
    )


@pytest.mark.requirement("OIDC-USERINFO-03")
def test_userinfo_needs_openid(http: Http, userinfo: str, grant: Grant, app: App, member: Member) -> None:
    """A token that was granted no openid is refused at userinfo with 401 or 403."""
    control(http.get(userinfo, token=grant.access_token).status == 200, "with openid userinfo is answered")
    without = app.grant(member, "launch/patient patient/Patient.read")
    control("openid" not in scopes.split(without.scope), "openid was not granted", without.scope)
    expect_status(http.get(userinfo, token=without.access_token), (401, 403), "a token without openid must be refused")
