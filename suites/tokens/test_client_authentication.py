"""Client authentication at the token endpoint: RFC6749-CLIENT-AUTH-*, SMART-STANDALONE-10 (RFC 6749 section 2.3, SMART)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import App, Attempt, basic
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, not_applicable
from suites.protocol import challenges, urls

FreshCode = Callable[..., Attempt]
WRONG = "not-the-secret-of-this-client"


def accepted(app: App, fresh_code: FreshCode) -> None:
    """The control: the registration's own way is accepted."""
    answer = app.redeem(fresh_code(by=app))
    control(answer.status == 200, "the right credentials are accepted", answer.status)


def expect_invalid_client(answer: Answer) -> None:
    """invalid_client with 401, or 400 where no header was used (RFC 6749 section 5.2)."""
    expect_oauth_error(answer, (400, 401), "invalid_client")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-03")
def test_basic_is_accepted(confidential_app: App, fresh_code: FreshCode) -> None:
    """A confidential client with HTTP Basic is served."""
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="basic")
    expect_status(answer, 200, "HTTP Basic with the right secret must be accepted")


@pytest.mark.requirement("SMART-STANDALONE-10")
def test_public_client_names_itself_in_the_body(public_app: App, fresh_code: FreshCode) -> None:
    """A public client is served with client_id in the body and no credentials."""
    answer = public_app.redeem(fresh_code(by=public_app), auth="id")
    expect_status(answer, 200, "a public client must be served by its client_id")


@pytest.mark.requirement("SMART-STANDALONE-10")
def test_public_client_without_client_id_is_refused(public_app: App, fresh_code: FreshCode) -> None:
    """A token request that says nothing of its client is refused."""
    accepted(public_app, fresh_code)
    answer = public_app.redeem(fresh_code(by=public_app), auth="none")
    expect_oauth_error(answer, (400, 401), ("invalid_client", "invalid_request"))


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_wrong_secret_is_refused(confidential_app: App, fresh_code: FreshCode) -> None:
    """A wrong secret by HTTP Basic is refused with 401 invalid_client."""
    accepted(confidential_app, fresh_code)
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="basic", secret=WRONG)
    expect_oauth_error(answer, 401, "invalid_client")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_wrong_secret_in_body_is_refused(
    confidential_app: App, fresh_code: FreshCode, smart_configuration: dict[str, Any]
) -> None:
    """A wrong secret in the body is refused with invalid_client."""
    _post_offered(smart_configuration)
    control(
        confidential_app.redeem(fresh_code(by=confidential_app), auth="post").status == 200,
        "the right secret in the body is accepted",
    )
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="post", secret=WRONG)
    expect_invalid_client(answer)


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_secret_is_compared_exactly(confidential_app: App, fresh_code: FreshCode) -> None:
    """The secret with a character more, or in another case, is refused."""
    accepted(confidential_app, fresh_code)
    secret = confidential_app.client.client_secret
    for wrong in (secret + "x", secret.swapcase()):
        answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="basic", secret=wrong)
        expect_oauth_error(answer, 401, "invalid_client")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_missing_secret_is_refused(confidential_app: App, fresh_code: FreshCode) -> None:
    """A confidential client that sends its client_id alone is refused with invalid_client."""
    accepted(confidential_app, fresh_code)
    expect_invalid_client(confidential_app.redeem(fresh_code(by=confidential_app), auth="id"))


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_empty_secret_is_refused(confidential_app: App, fresh_code: FreshCode) -> None:
    """An empty secret is no secret."""
    accepted(confidential_app, fresh_code)
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="basic", secret="")
    expect_oauth_error(answer, (400, 401), ("invalid_client", "invalid_request"))


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_unknown_client_is_refused(confidential_app: App, fresh_code: FreshCode) -> None:
    """A client_id nobody registered is refused with invalid_client."""
    accepted(confidential_app, fresh_code)
    header = {"Authorization": basic("nobody-registered-this", "some-secret-of-nobody")}
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="none", headers=header)
    expect_oauth_error(answer, 401, "invalid_client")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-01")
def test_two_methods_at_once_are_refused(
    confidential_app: App, fresh_code: FreshCode, smart_configuration: dict[str, Any]
) -> None:
    """The secret in the header and in the body of one request is refused."""
    accepted(confidential_app, fresh_code)
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="both")
    expect_oauth_error(answer, (400, 401), ("invalid_request", "invalid_client"))


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-04")
def test_secret_in_the_uri_is_refused(confidential_app: App, fresh_code: FreshCode) -> None:
    """Client credentials in the query of the token endpoint do not authenticate."""
    accepted(confidential_app, fresh_code)
    attempt = fresh_code(by=confidential_app)
    form = {
        "grant_type": "authorization_code",
        "code": attempt.code,
        "redirect_uri": attempt.request.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    credentials = {
        "client_id": confidential_app.client.client_id,
        "client_secret": confidential_app.client.client_secret,
    }
    url = urls.with_query(confidential_app.token_endpoint, credentials.items())
    expect_oauth_error(confidential_app.http.post_form(url, form), (400, 401), ("invalid_client", "invalid_request"))


@pytest.mark.requirement("RFC6749-ERROR-03")
def test_failed_basic_names_its_scheme(confidential_app: App, fresh_code: FreshCode) -> None:
    """A failed HTTP Basic authentication is answered 401 with WWW-Authenticate: Basic."""
    accepted(confidential_app, fresh_code)
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="basic", secret=WRONG)
    control(answer.status == 401, "a wrong secret by HTTP Basic is answered 401", answer.status)
    schemes = {one.scheme for header in answer.all("www-authenticate") for one in challenges.read(header)}
    expect(
        "basic" in schemes,
        "the 401 must name the Basic scheme",
        found=sorted(schemes) or "no WWW-Authenticate",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("RFC8414-METADATA-02")
def test_advertised_methods_are_accepted(
    confidential_app: App, fresh_code: FreshCode, smart_configuration: dict[str, Any]
) -> None:
    """client_secret_post is accepted where it is advertised, refused or unadvertised where it is not."""
    methods = smart_configuration.get("token_endpoint_auth_methods_supported")
    if methods is None:
        not_applicable("token_endpoint_auth_methods_supported is not published")
    accepted(confidential_app, fresh_code)
    answer = confidential_app.redeem(fresh_code(by=confidential_app), auth="post")
    offered = "client_secret_post" in methods
    expect(
        (answer.status == 200) == offered,
        "client_secret_post must be accepted exactly where it is advertised",
        expected=f"{'200' if offered else 'a refusal'}, as {sorted(methods)} says",
        found=answer.status,
        evidence=answer.evidence,
    )


def _post_offered(smart_configuration: dict[str, Any]) -> None:
    methods = smart_configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if "client_secret_post" not in methods:
        not_applicable("the server does not offer client_secret_post")
