"""Codes, verifiers and refresh tokens are bound for every kind of client, not only for the one an interface is usually tried with.

RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.6, RFC 9700 section 2.1.1. A server may keep its rules for public clients and forget
them for the others, or the other way round.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suites.kit.app import App, Attempt, Grant
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.target import Member
from suites.protocol import pkce

FreshCode = Callable[..., Attempt]
FreshGrant = Callable[..., Grant]
KINDS = {
    "public": "public_app",
    "secret": "confidential_app",
    "key": "asymmetric_app",
}


@pytest.fixture(params=list(KINDS))
def client(request: pytest.FixtureRequest) -> App:
    """The app at each of its registrations in turn."""
    app: App = request.getfixturevalue(KINDS[request.param])
    return app


def exchanged(client: App, fresh_code: FreshCode) -> None:
    """The control: the client exchanges a code of its own."""
    answer = client.redeem(fresh_code(by=client))
    control(answer.status == 200, "an unspoiled exchange is accepted", answer.status)


@pytest.mark.requirement("RFC6749-CODE-01")
def test_replayed_code_is_refused(client: App, fresh_code: FreshCode) -> None:
    """A code already exchanged is refused with invalid_grant, whatever kind of client presents it."""
    attempt = fresh_code(by=client)
    control(client.redeem(attempt).status == 200, "a fresh code is exchanged")
    expect_oauth_error(client.redeem(attempt), 400, "invalid_grant")


@pytest.mark.requirement("RFC7636-PKCE-01")
def test_wrong_verifier_is_refused(client: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """A wrong code_verifier is refused with invalid_grant, also where the client proves itself."""
    exchanged(client, fresh_code)
    spoiled = client.redeem(fresh_code(by=client), change={"code_verifier": pkce.new_verifier(client.rng)})
    expect_oauth_error(spoiled, 400, "invalid_grant")


@pytest.mark.requirement("RFC7636-PKCE-02")
def test_missing_verifier_is_refused(client: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """A code with a challenge is not exchanged without code_verifier, also where the client proves itself."""
    exchanged(client, fresh_code)
    spoiled = client.redeem(fresh_code(by=client), drop=["code_verifier"])
    expect_oauth_error(spoiled, 400, ("invalid_grant", "invalid_request"))


@pytest.mark.requirement("SMART2-PKCE-02")
def test_request_without_challenge_is_refused(
    client: App, fresh_code: FreshCode, member: Member, requires_pkce: None
) -> None:
    """SMART 2 requires PKCE of every client: a request without code_challenge gets no code."""
    fresh_code(by=client)
    landing = client.authorize(member, may_refuse=True, drop=["code_challenge", "code_challenge_method"]).landing
    expect(not landing.value("code"), "a request without code_challenge must get no code", found=landing.described)
    expect(
        landing.error == "invalid_request" or 400 <= landing.status < 500,
        "a request without code_challenge must be refused with invalid_request",
        found=landing.described,
    )


@pytest.mark.requirement("RFC6749-CODE-05")
def test_other_redirect_uri_is_refused(client: App, fresh_code: FreshCode) -> None:
    """A token request with another redirect_uri is refused with invalid_grant, whatever kind of client sends it."""
    exchanged(client, fresh_code)
    spoiled = client.redeem(fresh_code(by=client), change={"redirect_uri": client.client.redirect_uri + "/other"})
    expect_oauth_error(spoiled, 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-CODE-02")
def test_code_of_another_kind_of_client_is_refused(
    client: App, fresh_code: FreshCode, public_app: App, confidential_app: App
) -> None:
    """A code issued to one registration is refused to a registration of another kind that proves itself."""
    owner = confidential_app if client.client.public else public_app
    exchanged(client, fresh_code)
    expect_oauth_error(client.redeem(fresh_code(by=owner)), 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-REFRESH-01")
def test_refresh_token_of_another_kind_of_client_is_refused(
    client: App, fresh_grant: FreshGrant, public_app: App, confidential_app: App
) -> None:
    """A refresh token of one registration is refused to a registration of another kind that proves itself."""
    owner = confidential_app if client.client.public else public_app
    grant, own = fresh_grant(by=owner), fresh_grant(by=client)
    if "refresh_token" not in grant.body or "refresh_token" not in own.body:
        not_applicable("the two registrations do not both receive refresh tokens")
    expect_oauth_error(client.refresh(grant.refresh_token), 400, "invalid_grant")
    control(client.refresh(own.refresh_token).status == 200, "the client refreshes with a token of its own")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_refresh_needs_the_credentials(asymmetric_app: App, fresh_grant: FreshGrant) -> None:
    """The refresh token of a client with a key pair is refused without its assertion."""
    grant = fresh_grant(by=asymmetric_app)
    if "refresh_token" not in grant.body:
        not_applicable("the client receives no refresh token")
    expect_oauth_error(asymmetric_app.refresh(grant.refresh_token, auth="id"), (400, 401), "invalid_client")
    control(asymmetric_app.refresh(grant.refresh_token).status == 200, "with its assertion it is accepted")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_two_clients_in_one_request_are_refused(confidential_app: App, public_app: App, fresh_code: FreshCode) -> None:
    """HTTP Basic of one client beside the client_id of another is refused: nobody can say whose request it is."""
    exchanged(confidential_app, fresh_code)
    attempt = fresh_code(by=confidential_app)
    answer = confidential_app.redeem(attempt, auth="basic", change={"client_id": public_app.client.client_id})
    expect_oauth_error(answer, (400, 401), ("invalid_request", "invalid_client", "invalid_grant"))


@pytest.mark.requirement("RFC6749-TOKEN-02")
def test_form_with_charset_is_read(client: App, fresh_code: FreshCode) -> None:
    """application/x-www-form-urlencoded;charset=UTF-8 is the same media type."""
    control(client.redeem(fresh_code(by=client)).status == 200, "the same request without a charset is accepted")
    kind = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    expect_status(
        client.redeem(fresh_code(by=client), headers=kind), 200, "a token request with a charset parameter must be read"
    )
