"""Token introspection: SMART2-INTROSPECT-01, RFC7662-INTROSPECT-* (RFC 7662, SMART App Launch 2.0 token introspection)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from suites.kit.app import App, Grant, basic
from suites.kit.clock import TargetClock
from suites.kit.expectations import expect_json, expect_oauth_error
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, findings, not_applicable
from suites.protocol import jwt, scopes

FreshGrant = Callable[..., Grant]
CLOCK_LEEWAY = 600  # seconds the two clocks may differ


class Introspection:
    """The introspection endpoint as a confidential client uses it."""

    def __init__(self, endpoint: str, asker: App) -> None:
        self.endpoint, self.asker = endpoint, asker

    def __call__(self, token: str, *, authenticated: bool = True, secret: str = "", bearer: str = "") -> Answer:
        """Ask what a token is."""
        client = self.asker.client
        headers = {"Authorization": basic(client.client_id, secret or client.client_secret)} if authenticated else {}
        form = {"token": token} if token else {}
        return self.asker.http.post_form(self.endpoint, form, headers=headers, token=bearer)


@pytest.fixture(scope="module")
def introspect(confidential_app: App, smart_configuration: Mapping[str, Any]) -> Introspection:
    """The introspection endpoint, where the server names one."""
    endpoint = smart_configuration.get("introspection_endpoint")
    if not endpoint:
        not_applicable("the server names no introspection_endpoint")
    return Introspection(str(endpoint), confidential_app)


@pytest.fixture
def confidential_grant(confidential_app: App, member: Any) -> Grant:
    """Tokens of the client that asks, only read with."""
    return confidential_app.grant(member)


@pytest.fixture
def live(introspect: Introspection, confidential_grant: Grant) -> dict[str, Any]:
    """What is told of a live token."""
    return expect_json(introspect(confidential_grant.access_token))


@pytest.mark.requirement("RFC7662-INTROSPECT-03")
def test_answer_is_json_with_boolean_active(introspect: Introspection, confidential_grant: Grant) -> None:
    """An introspection answers 200 with a JSON object whose active is true or false, not a word."""
    body = expect_json(introspect(confidential_grant.access_token))
    expect(
        isinstance(body.get("active"), bool),
        "active must be a boolean",
        found=body.get("active", "nothing"),
        path="active",
    )


@pytest.mark.requirement("SMART2-INTROSPECT-01")
def test_live_token_is_active(introspect: Introspection, confidential_grant: Grant, confidential_app: App) -> None:
    """A live access token is active, with its client_id and the scope that was granted."""
    body = introspect(confidential_grant.access_token).object()
    with findings() as found:
        found.check(body.get("active") is True, "a live token must be active", found=body.get("active"), path="active")
        client_id = confidential_app.client.client_id
        found.check(
            body.get("client_id") == client_id,
            "client_id must be the token's client",
            expected=client_id,
            found=body.get("client_id", "nothing"),
            path="client_id",
        )
        told, granted = set(scopes.split(str(body.get("scope", "")))), set(scopes.split(confidential_grant.scope))
        found.check(
            told == granted,
            "scope must be what was granted",
            expected=" ".join(sorted(granted)),
            found=" ".join(sorted(told)),
            path="scope",
        )


@pytest.mark.requirement("SMART2-INTROSPECT-01")
def test_live_token_has_its_expiry(introspect: Introspection, confidential_grant: Grant) -> None:
    """exp is a number in the future and agrees with expires_in."""
    body = introspect(confidential_grant.access_token).object()
    control(body.get("active") is True, "the token is active", body.get("active"))
    exp = body.get("exp")
    expect(
        isinstance(exp, int) and exp > time.time() - CLOCK_LEEWAY,
        "exp must be a time in the future",
        found=exp,
        path="exp",
    )
    assert isinstance(exp, int)
    lifetime = confidential_grant.body.get("expires_in")
    if isinstance(lifetime, int):
        expect(
            exp <= time.time() + lifetime + CLOCK_LEEWAY,
            "exp must agree with expires_in",
            expected=f"within {lifetime} s",
            found=exp,
            path="exp",
        )


@pytest.mark.requirement("SMART2-INTROSPECT-01")
def test_live_token_has_its_launch_context(introspect: Introspection, confidential_grant: Grant) -> None:
    """The patient in context is told, equal to the token response."""
    body = introspect(confidential_grant.access_token).object()
    control(body.get("active") is True, "the token is active", body.get("active"))
    expect(
        body.get("patient") == confidential_grant.patient,
        "patient must be the one of the launch",
        expected=confidential_grant.patient,
        found=body.get("patient", "nothing"),
        path="patient",
    )


@pytest.mark.requirement("SMART2-INTROSPECT-01")
def test_live_token_names_its_person(introspect: Introspection, confidential_grant: Grant) -> None:
    """iss and sub equal those of the id_token that came with the token."""
    if "id_token" not in confidential_grant.body:
        not_applicable("no id_token was granted")
    claims = jwt.read(confidential_grant.id_token).claims
    body = introspect(confidential_grant.access_token).object()
    control(body.get("active") is True, "the token is active", body.get("active"))
    with findings() as found:
        for name in ("iss", "sub"):
            found.check(
                body.get(name) == claims.get(name),
                f"{name} must equal the id_token's",
                expected=claims.get(name),
                found=body.get(name, "nothing"),
                path=name,
            )


@pytest.mark.requirement("RFC7662-INTROSPECT-01")
@pytest.mark.parametrize(
    "token", ["no-token-of-yours", "a.b.c", "%00", "x" * 3000], ids=["invented", "like-a-jwt", "odd", "long"]
)
def test_dead_token_is_only_inactive(introspect: Introspection, live: dict[str, Any], token: str) -> None:
    """Of a token that is not live nothing is told but active: false."""
    control(live.get("active") is True, "a live token is active", live.get("active"))
    body = expect_json(introspect(token))
    expect(body == {"active": False}, "nothing but active: false may be told", expected='{"active": false}', found=body)


@pytest.mark.requirement("RFC7662-INTROSPECT-01")
def test_rotated_refresh_token_is_inactive(
    introspect: Introspection, confidential_app: App, fresh_grant: FreshGrant
) -> None:
    """A refresh token that was replaced is inactive, and nothing more is told of it."""
    grant = fresh_grant(by=confidential_app)
    renewed = confidential_app.refresh(grant.refresh_token)
    control(renewed.status == 200, "the refresh token is accepted once", renewed.status)
    if renewed.object().get("refresh_token") in (None, grant.refresh_token):
        not_applicable("refresh tokens of this client do not rotate")
    body = expect_json(introspect(grant.refresh_token))
    expect(body == {"active": False}, "nothing but active: false may be told", found=body)


@pytest.mark.requirement("RFC7662-INTROSPECT-02")
def test_introspection_needs_authentication(
    introspect: Introspection, confidential_grant: Grant, live: dict[str, Any]
) -> None:
    """Without credentials nothing is told of a live token."""
    control(live.get("active") is True, "with credentials a live token is active", live.get("active"))
    answer = introspect(confidential_grant.access_token, authenticated=False)
    expect_oauth_error(answer, (400, 401), ("invalid_client", "invalid_request", "invalid_token"))


@pytest.mark.requirement("RFC7662-INTROSPECT-02")
def test_introspection_needs_the_right_secret(
    introspect: Introspection, confidential_grant: Grant, live: dict[str, Any]
) -> None:
    """With a wrong secret nothing is told of a live token."""
    control(live.get("active") is True, "with credentials a live token is active", live.get("active"))
    wrong = "not-the-secret-of-this-client"
    expect_oauth_error(introspect(confidential_grant.access_token, secret=wrong), 401, "invalid_client")


@pytest.mark.requirement("RFC6749-ERROR-06")
def test_missing_token_is_invalid_request(introspect: Introspection, live: dict[str, Any]) -> None:
    """An introspection request without a token is refused with invalid_request."""
    control(live.get("active") is True, "a complete request is answered", live.get("active"))
    expect_oauth_error(introspect(""), 400, "invalid_request")


@pytest.mark.requirement("RFC7662-INTROSPECT-01")
def test_revoked_token_is_inactive(
    introspect: Introspection, confidential_app: App, fresh_grant: FreshGrant, smart_configuration: Mapping[str, Any]
) -> None:
    """An access token that was revoked is inactive, and nothing more is told of it."""
    endpoint = smart_configuration.get("revocation_endpoint")
    if not endpoint:
        not_applicable("the server names no revocation_endpoint")
    grant = fresh_grant(by=confidential_app)
    control(introspect(grant.access_token).object().get("active") is True, "the token is active before")
    client = confidential_app.client
    header = {"Authorization": basic(client.client_id, client.client_secret)}
    revoked = confidential_app.http.post_form(str(endpoint), {"token": grant.access_token}, headers=header)
    control(revoked.status == 200, "the revocation is answered 200", revoked.status)
    body = expect_json(introspect(grant.access_token))
    expect(body == {"active": False}, "a revoked token must be inactive", expected='{"active": false}', found=body)


@pytest.mark.requirement("RFC7662-INTROSPECT-01")
@pytest.mark.exclusive("moves the target's clock")
def test_expired_token_is_inactive(
    introspect: Introspection, confidential_app: App, fresh_grant: FreshGrant, target_clock: TargetClock
) -> None:
    """An access token is inactive once expires_in has gone by, and nothing more is told of it."""
    grant = fresh_grant(by=confidential_app)
    lifetime = grant.body.get("expires_in")
    if not isinstance(lifetime, int | float):
        not_applicable("the token response does not say expires_in")
    control(introspect(grant.access_token).object().get("active") is True, "the token is active before")
    target_clock.pass_by(int(lifetime) + 60)
    body = expect_json(introspect(grant.access_token))
    expect(body == {"active": False}, "an expired token must be inactive", expected='{"active": false}', found=body)


@pytest.mark.requirement("RFC7662-INTROSPECT-02")
def test_public_client_id_is_no_credential(
    introspect: Introspection, public_app: App, confidential_grant: Grant, live: dict[str, Any]
) -> None:
    """The client_id of a public client, which everybody can read, does not open introspection."""
    control(live.get("active") is True, "with credentials a live token is active", live.get("active"))
    form = {"token": confidential_grant.access_token, "client_id": public_app.client.client_id}
    answer = introspect.asker.http.post_form(introspect.endpoint, form)
    if answer.status == 200:
        expect(
            answer.object() == {"active": False},
            "nothing may be told to a public client",
            expected="401, or active: false",
            found=answer.object(),
            evidence=answer.evidence,
        )
        return
    expect_oauth_error(answer, (400, 401, 403), ("invalid_client", "invalid_request", "unauthorized_client"))
