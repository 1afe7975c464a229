"""Token requests and their errors: RFC6749-TOKEN-01, RFC6749-PARAM-*, RFC6749-ERROR-*, RFC9700-GRANTS-01 (RFC 6749 sections 3.2, 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from suites.kit.app import App, Attempt
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, findings, not_permitted
from suites.kit.target import Member, Target
from suites.protocol import urls

FreshCode = Callable[..., Attempt]
REGISTERED = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)


def form_of(app: App, attempt: Attempt) -> dict[str, str]:
    """The fields of a correct code exchange of a public client."""
    return {
        "grant_type": "authorization_code",
        "code": attempt.code,
        "redirect_uri": attempt.request.redirect_uri,
        "code_verifier": attempt.verifier,
        "client_id": app.client.client_id,
    }


def still_redeemable(app: App, fresh_code: FreshCode) -> None:
    """The control: an unspoiled request is accepted."""
    answer = app.redeem(fresh_code())
    control(answer.status == 200, "the unspoiled token request is accepted", answer.status)


@pytest.mark.requirement("RFC6749-TOKEN-01")
def test_get_is_refused(app: App, fresh_code: FreshCode) -> None:
    """A token request by GET, with everything in the address, hands out nothing."""
    attempt = fresh_code()
    url = urls.with_query(app.token_endpoint, form_of(app, attempt).items())
    answer = app.http.get(url)
    expect_status(answer, (400, 401, 404, 405), "the token endpoint must refuse GET")
    expect("access_token" not in answer.text, "no token may come by GET", evidence=answer.evidence)
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-PARAM-02")
@pytest.mark.parametrize("kind", ["json", "text", "none"])
def test_other_content_types_are_refused(app: App, fresh_code: FreshCode, kind: str) -> None:
    """A token request that is not labelled application/x-www-form-urlencoded is refused."""
    attempt = fresh_code()
    form = form_of(app, attempt)
    if app.client.client_secret:
        form["client_secret"] = app.client.client_secret
    body = urlencode(form).encode()
    if kind == "json":
        answer = app.http.post_json(app.token_endpoint, form)
    else:
        headers = {"Content-Type": "text/plain"} if kind == "text" else {}
        app.http.recorder.masker.learn_from_form(form.items())
        answer = app.http.send("POST", app.token_endpoint, headers=headers, body=body)
    expect_status(answer, (400, 401, 415), f"a token request labelled {kind} must be refused")
    expect("access_token" not in answer.text, "no token may come", evidence=answer.evidence)
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-PARAM-01")
@pytest.mark.parametrize("name", ["code", "grant_type", "client_id", "redirect_uri"])
def test_repeated_parameter_is_refused(app: App, fresh_code: FreshCode, name: str) -> None:
    """A parameter sent twice, even with the same value, is refused with invalid_request."""
    attempt = fresh_code()
    value = form_of(app, attempt)[name]
    more = [(name, value)] if name != "client_id" or app.client.public else [(name, value), (name, value)]
    answer = app.redeem(attempt, add=more)
    expect_oauth_error(answer, 400, "invalid_request")
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-PARAM-03")
def test_unknown_parameters_are_ignored(app: App, fresh_code: FreshCode) -> None:
    """Parameters the server does not know do not disturb an exchange, scope among them."""
    answer = app.redeem(fresh_code(), change={"vendor_option": "1", "scope": app.client.scopes})
    expect_status(answer, 200, "unknown parameters must be ignored")


@pytest.mark.requirement("RFC6749-ERROR-06")
@pytest.mark.parametrize("name", ["grant_type", "code"])
def test_missing_parameter_is_invalid_request(app: App, fresh_code: FreshCode, name: str) -> None:
    """A token request without a required parameter is refused with invalid_request."""
    answer = app.redeem(fresh_code(), drop=[name])
    expect_oauth_error(answer, 400, "invalid_request")
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-ERROR-06")
def test_blank_parameter_counts_as_missing(app: App, fresh_code: FreshCode) -> None:
    """An empty code is a missing code (RFC 6749 section 3.1)."""
    answer = app.redeem(fresh_code(), change={"code": ""})
    expect_oauth_error(answer, 400, ("invalid_request", "invalid_grant"))
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-ERROR-04")
@pytest.mark.parametrize("grant_type", ["urn:example:made-up", "implicit", "AUTHORIZATION_CODE"])
def test_unknown_grant_type_is_unsupported(app: App, fresh_code: FreshCode, grant_type: str) -> None:
    """A grant type the server does not offer is refused with unsupported_grant_type."""
    answer = app.redeem(fresh_code(), change={"grant_type": grant_type})
    expect_oauth_error(answer, 400, "unsupported_grant_type")
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC9700-GRANTS-01")
def test_password_grant_is_off(app: App, member: Member, target: Target, fresh_code: FreshCode) -> None:
    """A member's user name and password are no grant: no app may ask for them."""
    if not target.permitted.negative_logins and not urls.is_loopback(target.server.fhir_base):
        not_permitted("it sends a member's password to the token endpoint; set permitted.negative_logins = true")
    answer = app.token(
        {"grant_type": "password", "username": member.username, "password": member.password, "scope": app.client.scopes}
    )
    expect_oauth_error(answer, 400, ("unsupported_grant_type", "unauthorized_client"))
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("RFC6749-ERROR-04")
def test_client_credentials_do_not_open_patient_data(confidential_app: App, fresh_code: FreshCode) -> None:
    """A patient-facing client gets no token without a member: client_credentials is refused."""
    control(confidential_app.redeem(fresh_code(by=confidential_app)).status == 200, "the client is served with a code")
    answer = confidential_app.token({"grant_type": "client_credentials", "scope": "patient/*.read"})
    expect_oauth_error(answer, 400, ("unsupported_grant_type", "unauthorized_client", "invalid_scope"))


@pytest.mark.requirement("RFC6749-ERROR-01")
def test_errors_are_json_with_registered_codes(app: App, fresh_code: FreshCode) -> None:
    """Four ways to be refused: each with 400 or 401, application/json and a registered code."""
    attempt = fresh_code()
    refusals: dict[str, Answer] = {
        "an invented code": app.redeem(attempt, change={"code": "invented"}),
        "no grant_type": app.token({"code": "invented"}),
        "an unknown grant_type": app.token({"grant_type": "urn:example:made-up"}),
        "an unknown client": app.token(
            {"grant_type": "authorization_code", "code": "x"}, auth="none", change={"client_id": "nobody"}
        ),
    }
    with findings() as found:
        for what, answer in refusals.items():
            found.check(
                answer.status in (400, 401),
                f"{what} is refused with 400 or 401",
                found=answer.status,
                evidence=answer.evidence,
            )
            found.check(
                answer.media_type == "application/json",
                f"the refusal of {what} is JSON",
                found=answer.media_type,
                evidence=answer.evidence,
            )
            body = answer.object() if answer.media_type == "application/json" else {}
            code = body.get("error")
            found.check(
                code in REGISTERED,
                f"the refusal of {what} has a registered code",
                found=code or "none",
                evidence=answer.evidence,
            )
            description = body.get("error_description", "")
            plain = isinstance(description, str) and all(" " <= one <= "~" and one not in '"\\' for one in description)
            found.check(
                plain,
                "error_description has the characters RFC 6749 allows",
                found=description,
                evidence=answer.evidence,
            )
    still_redeemable(app, fresh_code)


@pytest.mark.requirement("SMART-STANDALONE-09")
def test_error_answers_are_not_cached(app: App) -> None:
    """Errors of the token endpoint carry Cache-Control: no-store too."""
    answer = app.token({"grant_type": "authorization_code", "code": "invented"})
    control(answer.status in (400, 401), "the request is refused", answer.status)
    expect(
        "no-store" in answer.header("cache-control").lower(),
        "Cache-Control must have no-store",
        found=answer.header("cache-control") or "nothing",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("RFC6749-ERROR-01")
def test_failed_client_is_invalid_client(app: App, fresh_code: FreshCode) -> None:
    """A client nobody registered is answered invalid_client, nothing else."""
    answer = app.redeem(fresh_code(), auth="none", change={"client_id": "nobody-registered-this"})
    expect_oauth_error(answer, (400, 401), "invalid_client")
    still_redeemable(app, fresh_code)
