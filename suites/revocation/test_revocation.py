"""Token revocation: RFC7009-REVOKE-*, CMS9115-REVOCATION (RFC 7009). The member's own way is in the portal chapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from suites.kit.app import App, Grant, basic
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import control, not_applicable

FreshGrant = Callable[..., Grant]
REFRESH = "refresh_token"


class Revocation:
    """The revocation endpoint as an app uses it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def __call__(self, app: App, token: str, *, auth: str = "", **fields: str) -> Answer:
        """Ask for a token's revocation with the registration's own authentication, or with none."""
        form: dict[str, str] = {"token": token, **fields}
        headers: dict[str, str] = {}
        kind = auth or {"public": "id", "confidential-symmetric": "basic"}.get(app.client.type, "assertion")
        if kind in ("id", "wrong"):
            form["client_id"] = app.client.client_id
        if kind == "basic":
            headers["Authorization"] = basic(app.client.client_id, app.client.client_secret)
        if kind == "wrong":
            form["client_secret"] = "not-the-secret"  # noqa: S105
        if not token:
            del form["token"]
        return app.http.post_form(self.endpoint, form, headers=headers)


@pytest.fixture(scope="module")
def revoke(smart_configuration: Mapping[str, Any], openid_configuration: Mapping[str, Any]) -> Revocation:
    """The revocation endpoint, where the server names one."""
    endpoint = smart_configuration.get("revocation_endpoint") or openid_configuration.get("revocation_endpoint")
    if not endpoint:
        not_applicable("the server names no revocation_endpoint")
    return Revocation(str(endpoint))


def reads(app: App, grant: Grant) -> int:
    """The status a read of the patient gets with the grant's access token."""
    return FhirClient(app.http, app.target.server.fhir_base, grant.access_token).read("Patient", grant.patient).status


@pytest.mark.requirement("RFC7009-REVOKE-01", "CMS9115-REVOCATION")
def test_revoked_access_token_stops_working(app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """An access token that was revoked is refused with 401."""
    grant = fresh_grant()
    control(reads(app, grant) == 200, "the token works before it is revoked")
    expect_status(revoke(app, grant.access_token), 200, "a revocation must be answered 200")
    answer = FhirClient(app.http, app.target.server.fhir_base, grant.access_token).read("Patient", grant.patient)
    expect_status(answer, 401, "a revoked access token must be refused")


@pytest.mark.requirement("RFC7009-REVOKE-02")
def test_revoked_refresh_token_stops_working(app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """A refresh token that was revoked is refused with invalid_grant."""
    first = fresh_grant()
    control(app.refresh(first.refresh_token).status == 200, "a refresh token that was not revoked is accepted")
    grant = fresh_grant()
    expect_status(revoke(app, grant.refresh_token, token_type_hint=REFRESH), 200, "a revocation must be answered 200")
    expect_oauth_error(app.refresh(grant.refresh_token), 400, "invalid_grant")


@pytest.mark.requirement("RFC7009-REVOKE-05")
def test_access_ends_with_its_refresh_token(app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """Revoking the refresh token ends the access token of the same grant."""
    grant = fresh_grant()
    control(reads(app, grant) == 200, "the access token works before")
    control(revoke(app, grant.refresh_token).status == 200, "the refresh token is revoked")
    answer = FhirClient(app.http, app.target.server.fhir_base, grant.access_token).read("Patient", grant.patient)
    expect_status(answer, 401, "the access token of a revoked grant should be refused")


@pytest.mark.requirement("RFC7009-REVOKE-03")
def test_unknown_token_is_answered_200(app: App, revoke: Revocation) -> None:
    """Revoking a token nobody knows is answered 200: the client wanted it gone, and it is."""
    expect_status(revoke(app, "a-token-nobody-ever-issued"), 200, "an unknown token must be answered 200")


@pytest.mark.requirement("RFC7009-REVOKE-03")
def test_revoking_twice_is_answered_200(app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """A token that is revoked already is answered 200 again."""
    grant = fresh_grant()
    control(revoke(app, grant.access_token).status == 200, "the first revocation is answered 200")
    expect_status(revoke(app, grant.access_token), 200, "a revoked token must be answered 200")


@pytest.mark.requirement("RFC7009-REVOKE-04")
def test_other_client_cannot_revoke(app: App, another_app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """A token another client asks to revoke goes on working."""
    grant = fresh_grant()
    control(reads(app, grant) == 200, "the token works before")
    revoke(another_app, grant.access_token)
    answer = FhirClient(app.http, app.target.server.fhir_base, grant.access_token).read("Patient", grant.patient)
    expect_status(answer, 200, "a client must not be able to revoke another client's token")
    control(revoke(app, grant.access_token).status == 200 and reads(app, grant) == 401, "its own client can revoke it")


@pytest.mark.requirement("RFC7009-REVOKE-06")
def test_confidential_client_authenticates_to_revoke(
    confidential_app: App, revoke: Revocation, fresh_grant: FreshGrant
) -> None:
    """A confidential client's revocation without its credentials is refused, and the token goes on working."""
    grant = fresh_grant(by=confidential_app)
    answer = revoke(confidential_app, grant.access_token, auth="id")
    expect_oauth_error(answer, (400, 401), "invalid_client")
    control(reads(confidential_app, grant) == 200, "the token still works")
    control(
        revoke(confidential_app, grant.access_token).status == 200, "with its credentials the revocation is accepted"
    )


@pytest.mark.requirement("RFC7009-REVOKE-07")
def test_missing_token_is_invalid_request(app: App, revoke: Revocation) -> None:
    """A revocation request without a token is refused with invalid_request."""
    control(revoke(app, "some-token").status == 200, "a complete request is answered 200")
    expect_oauth_error(revoke(app, ""), 400, "invalid_request")


@pytest.mark.requirement("RFC7009-REVOKE-08")
def test_wrong_hint_does_not_keep_a_token_alive(app: App, revoke: Revocation, fresh_grant: FreshGrant) -> None:
    """A token revoked under the wrong token_type_hint is dead all the same."""
    grant = fresh_grant()
    control(reads(app, grant) == 200, "the token works before")
    answer = revoke(app, grant.access_token, token_type_hint=REFRESH)
    if answer.status == 400:
        expect_oauth_error(answer, 400, "unsupported_token_type")
        return
    expect_status(answer, 200, "a revocation must be answered 200")
    read = FhirClient(app.http, app.target.server.fhir_base, grant.access_token).read("Patient", grant.patient)
    expect_status(read, 401, "the hint is only a hint: the token must be dead")


@pytest.mark.requirement("RFC7009-REVOKE-04")
def test_other_client_cannot_revoke_a_refresh_token(
    app: App, another_app: App, revoke: Revocation, fresh_grant: FreshGrant
) -> None:
    """A refresh token another client asks to revoke goes on working."""
    grant = fresh_grant()
    if "refresh_token" not in grant.body:
        not_applicable("no refresh token was granted")
    revoke(another_app, grant.refresh_token, token_type_hint=REFRESH)
    renewed = app.refresh(grant.refresh_token)
    expect_status(renewed, 200, "a client must not be able to revoke another client's refresh token")
    newest = str(renewed.object().get("refresh_token", grant.refresh_token))
    control(revoke(app, newest).status == 200 and app.refresh(newest).status == 400, "its own client can revoke it")
