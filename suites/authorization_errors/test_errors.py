"""Errors of the authorization endpoint: on the redirect, with code and state (RFC 6749 section 4.1.2.1, SMART, RFC 9207)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import App, Attempt
from suites.kit.forms import Journey
from suites.kit.landing import AuthorizationRequest
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.recipe import APPROVE_ALL, Choices
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.protocol import scopes, urls

FreshCode = Callable[..., Attempt]
REGISTERED = (
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
)


def expect_error(attempt: Attempt, *errors: str, page_allowed: bool = False) -> None:
    """The browser comes back with one of the errors and without a code; state and place of errors have checks of their own."""
    landing = attempt.landing
    evidence = landing.evidence[-1]
    if page_allowed and not landing.redirected and 400 <= landing.status < 500:
        return
    wanted = " or ".join(errors)
    expect(
        landing.redirected and landing.error in errors,
        f"the request must be refused with {wanted}",
        expected=f"error={wanted} on the redirect",
        found=landing.described,
        evidence=evidence,
    )
    expect(not landing.wherever("code"), "no code comes with an error", found=landing.described, evidence=evidence)


@pytest.mark.requirement("RFC6749-ERROR-07")
@pytest.mark.parametrize("kind", ["nonsense", "code nonsense"])
def test_unknown_response_type_is_unsupported(app: App, member: Member, fresh_code: FreshCode, kind: str) -> None:
    """A response_type the server does not offer comes back as unsupported_response_type."""
    fresh_code()
    expect_error(
        app.authorize(member, may_refuse=True, change={"response_type": kind}),
        "unsupported_response_type",
        "invalid_request",
    )


@pytest.mark.requirement("RFC9700-GRANTS-01")
@pytest.mark.parametrize("kind", ["token", "id_token token", "code token"])
def test_implicit_grant_is_off(app: App, member: Member, fresh_code: FreshCode, kind: str) -> None:
    """response_type=token and its hybrids hand out nothing: neither in the query nor in the fragment."""
    fresh_code()
    attempt = app.authorize(member, may_refuse=True, change={"response_type": kind})
    leaked = {name for name, _ in (*attempt.landing.parameters, *urls.fragment_pairs(attempt.landing.url))}
    expect(not leaked & {"access_token", "id_token", "code"}, "nothing may be handed out", found=sorted(leaked))
    expect(
        attempt.landing.error in ("unsupported_response_type", "unauthorized_client", "invalid_request")
        or "error" in leaked
        or 400 <= attempt.landing.status < 500,
        "implicit and hybrid answers must be refused",
        expected="error=unsupported_response_type",
        found=attempt.landing.described,
    )


@pytest.mark.requirement("RFC6749-ERROR-07")
def test_missing_response_type_is_invalid_request(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A request without response_type comes back as invalid_request."""
    fresh_code()
    expect_error(
        app.authorize(member, may_refuse=True, drop=["response_type"]), "invalid_request", "unsupported_response_type"
    )


@pytest.mark.requirement("SMART-STANDALONE-02")
@pytest.mark.parametrize(
    "aud",
    ["https://other.example/fhir", "{base}/other", "{base}x"],
    ids=["another-server", "below-the-base", "longer-word"],
)
def test_aud_of_another_server_is_refused(
    app: App, member: Member, fresh_code: FreshCode, target: Target, aud: str
) -> None:
    """A request meant for another FHIR server gets no usable token."""
    fresh_code()
    base = target.server.fhir_base.rstrip("/")
    attempt = app.authorize(member, may_refuse=True, change={"aud": aud.format(base=base)})
    expect_error(attempt, "invalid_request", "access_denied", "invalid_target", page_allowed=True)


@pytest.mark.requirement("SMART-STANDALONE-21", "SMART-STANDALONE-02")
def test_missing_aud_is_refused(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A request without aud gets no code."""
    fresh_code()
    expect_error(app.authorize(member, may_refuse=True, drop=["aud"]), "invalid_request", page_allowed=True)


@pytest.mark.requirement("RFC6749-PARAM-01")
@pytest.mark.parametrize("name", ["scope", "state", "response_type", "code_challenge", "aud", "nonce", "redirect_uri"])
def test_repeated_parameter_is_refused(app: App, member: Member, fresh_code: FreshCode, name: str) -> None:
    """A parameter sent twice comes back as invalid_request."""
    fresh_code()
    request, _ = app.request()
    attempt = app.authorize(member, may_refuse=True, add=[(name, request.value(name) + "x")])
    landing = attempt.landing
    expect(not landing.value("code"), "a request with a repeated parameter gets no code", found=landing.described)
    expect(
        landing.error == "invalid_request" or 400 <= landing.status < 500,
        "a repeated parameter must be refused with invalid_request",
        expected="error=invalid_request",
        found=landing.described,
    )


@pytest.mark.requirement("RFC6749-PARAM-03")
def test_unknown_parameters_are_ignored(app: App, member: Member) -> None:
    """Parameters the server does not know, grant_type among them, do not disturb a request."""
    attempt = app.authorize(member, change={"grant_type": "authorization_code", "vendor_option": "1"})
    expect(attempt.landing.value("code"), "unknown parameters must be ignored", found=attempt.landing.described)


@pytest.mark.requirement("RFC6749-STATE-01", "SMART-STANDALONE-03")
@pytest.mark.parametrize(
    "state",
    ["a b+c%2Fd&e=f#g?h", "émile-ß-漢字", "x" * 1000, "0", "'\"<script>alert(1)</script>"],
    ids=["reserved", "non-ascii", "long", "zero", "markup"],
)
def test_state_comes_back_byte_for_byte(app: App, member: Member, state: str) -> None:
    """state is opaque to the server: reserved, non-ASCII, long and odd values come back unchanged, once."""
    attempt = app.authorize(member, change={"state": state})
    expect(
        attempt.landing.values("state") == [state],
        "state must come back unchanged",
        expected=state[:80],
        found=[one[:80] for one in attempt.landing.values("state")],
    )


@pytest.mark.requirement("SMART-STANDALONE-03")
def test_errors_carry_the_state(app: App, member: Member, fresh_code: FreshCode) -> None:
    """An error on the redirect carries the state of its request, exactly."""
    fresh_code()
    attempt = app.authorize(member, may_refuse=True, change={"response_type": "nonsense", "state": "s p+a%63e"})
    landing = attempt.landing
    control(landing.redirected and landing.value("error"), "the request comes back with an error", landing.described)
    expect(
        landing.values("state") == [attempt.state],
        "an error carries the state of its request",
        expected=attempt.state,
        found=landing.values("state") or "no state",
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC6749-ERROR-09")
def test_unknown_scope_is_refused_or_left_out(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A scope nobody knows gives invalid_scope, or is left out of the grant."""
    fresh_code()
    asked = f"{app.client.scopes} made-up/Nonsense.read"
    attempt = app.authorize(member, may_refuse=True, scope=asked)
    if attempt.landing.value("code"):
        grant = app.as_grant(app.redeem(attempt), attempt, member)
        expect(
            "made-up/Nonsense.read" not in scopes.split(grant.scope),
            "an unknown scope must not be granted",
            found=grant.scope,
            evidence=grant.answer.evidence,
        )
        return
    expect_error(attempt, "invalid_scope")


@pytest.mark.requirement("RFC6749-ERROR-09")
def test_only_unknown_scopes_give_invalid_scope(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A request whose every scope is unknown comes back as invalid_scope."""
    fresh_code()
    expect_error(app.authorize(member, may_refuse=True, scope="made-up nonsense"), "invalid_scope")


@pytest.mark.requirement("RFC6749-ERROR-09")
def test_malformed_scope_is_invalid_scope(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A scope with characters RFC 6749 forbids comes back as invalid_scope or invalid_request."""
    fresh_code()
    expect_error(
        app.authorize(member, may_refuse=True, scope='launch/patient "patient/*.read"'),
        "invalid_scope",
        "invalid_request",
    )


@pytest.mark.requirement("SMART-STANDALONE-06")
def test_declining_comes_back_as_access_denied(app: App, member: Member, target: Target) -> None:
    """A member who declines in a browser is sent back to the app with access_denied."""
    if not any(step.do == "deny" for step in target.login.step):
        not_applicable("the login recipe has no deny step; add one to judge how declining ends")
    expect_error(app.authorize(member, choices=Choices(approve=False), in_browser=True), "access_denied")


@pytest.mark.requirement("RFC6749-ERROR-02", "RFC6749-ERROR-10")
def test_error_redirects_are_well_formed(app: App, member: Member, fresh_code: FreshCode) -> None:
    """Whatever of three spoiled requests is refused: one registered error, the state, and nothing in the fragment."""
    fresh_code()
    spoiled: dict[str, dict[str, Any]] = {
        "an unknown response_type": {"change": {"response_type": "nonsense"}},
        "unknown scopes": {"scope": "made-up"},
        "no response_type": {"drop": ["response_type"]},
    }
    attempts = {what: app.authorize(member, may_refuse=True, **how) for what, how in spoiled.items()}
    # Whether one of them may be granted is asked elsewhere: here the shape of refusals counts.
    refused = {what: one for what, one in attempts.items() if not one.landing.value("code")}
    control(refused, "a spoiled request is refused")
    judged(len(refused))
    with findings() as found:
        for what, attempt in refused.items():
            landing, evidence = attempt.landing, attempt.landing.evidence[-1]
            if not found.check(
                landing.redirected, f"{what} is answered on the redirect", found=landing.described, evidence=evidence
            ):
                continue
            errors = landing.values("error")
            found.check(
                len(errors) == 1 and errors[0] in REGISTERED,
                f"{what} has one registered error",
                found=errors,
                evidence=evidence,
            )
            found.check(
                landing.values("state") == [attempt.state],
                f"the error for {what} carries the state",
                found=landing.values("state"),
                evidence=evidence,
            )
            found.check(
                not urls.fragment_pairs(landing.url),
                "nothing comes in the fragment",
                found=landing.url,
                evidence=evidence,
            )


@pytest.mark.requirement("RFC6749-ERROR-09")
def test_missing_scope_is_refused_or_answered(app: App, member: Member, fresh_code: FreshCode) -> None:
    """A request without scope gives invalid_scope, or a grant that says its scope (RFC 6749 section 3.3)."""
    fresh_code()
    attempt = app.authorize(member, may_refuse=True, drop=["scope"])
    if not attempt.landing.value("code"):
        expect_error(attempt, "invalid_scope", "invalid_request")
        return
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    wider = scopes.outside(grant.scope, app.client.scopes)
    expect(
        grant.scope and not wider,
        "a default scope must be told, and lie within what is registered",
        expected=app.client.scopes,
        found=grant.scope or "no scope",
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("OIDC-REQUEST-01")
@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_request_object_is_refused_where_not_supported(
    app: App, member: Member, fresh_code: FreshCode, openid_configuration: dict[str, Any], name: str
) -> None:
    """A request object a server does not read is refused, not read past."""
    # OpenID Connect Discovery 1.0 section 3: left out, request is not supported and request_uri is.
    if openid_configuration.get(f"{name}_parameter_supported", name == "request_uri") is not False:
        not_applicable(f"the server does not say that it leaves {name} out")
    fresh_code()
    sent = "https://app.example.org/request.jwt" if name == "request_uri" else "eyJhbGciOiJub25lIn0.e30."
    attempt = app.authorize(member, may_refuse=True, change={name: sent})
    expect_error(attempt, f"{name}_not_supported", "invalid_request", f"invalid_{name}", "invalid_request_object")


@pytest.mark.requirement("RFC9207-ISS-01")
def test_issuer_parameter_is_sent_where_announced(
    app: App, member: Member, openid_configuration: dict[str, Any], fresh_code: FreshCode
) -> None:
    """Where authorization_response_iss_parameter_supported is true, iss comes with codes and with errors, equal to the issuer."""
    if openid_configuration.get("authorization_response_iss_parameter_supported") is not True:
        not_applicable("the server does not announce the iss parameter")
    issuer = openid_configuration.get("issuer")
    granted = fresh_code().landing
    refused = app.authorize(member, may_refuse=True, change={"response_type": "nonsense"}).landing
    control(refused.redirected, "the refused request comes back on the redirect", refused.described)
    with findings() as found:
        for what, landing in (("code", granted), ("error", refused)):
            found.check(
                landing.wherever("iss") == [issuer],
                f"the redirect with the {what} has iss",
                expected=issuer,
                found=landing.values("iss"),
                evidence=landing.evidence[-1],
            )


@pytest.mark.requirement("OIDC-PROMPT-01")
def test_prompt_none_without_session_is_login_required(app: App, member: Member, fresh_code: FreshCode) -> None:
    """prompt=none shows no page: without a session it comes back as login_required."""
    fresh_code()
    attempt = app.authorize(member, may_refuse=True, fresh=True, change={"prompt": "none"})
    expect_error(attempt, "login_required", "interaction_required", "account_selection_required", "consent_required")


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-04")
def test_client_secret_in_the_browser_is_not_needed(confidential_app: App, member: Member) -> None:
    """The authorization request of a confidential client is served without its secret, which must not pass through the browser."""
    attempt = confidential_app.authorize(member)
    expect(
        attempt.landing.value("code"),
        "no secret is needed at the authorization endpoint",
        found=attempt.landing.described,
    )


def expect_login_page(workbench: Workbench, app: App, member: Member, target: Target, **asked: str) -> None:
    """A member whose session is live is asked to sign in again when a request says so."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser, where every launch starts without a session")
    control(app.authorize(member).landing.value("code"), "the member has a session")
    request, _ = app.request(change=asked)
    journey = Journey(
        workbench.http, AuthorizationRequest(request.url, (), request.redirect_uri), member.identity(), APPROVE_ALL, {}
    )
    journey.cookies = {host: dict(held) for host, held in workbench.forms.sessions.get(member.username, {}).items()}
    landing = journey.finish(lambda: journey.open("GET", request.url))
    expect(
        not landing.redirected and journey.page.find("input[type=password]"),
        f"{' '.join(f'{name}={value}' for name, value in asked.items())} must ask the member to sign in again",
        expected="the login page",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("OIDC-PROMPT-02")
def test_prompt_login_asks_again(workbench: Workbench, app: App, member: Member, target: Target) -> None:
    """prompt=login shows the login page to a member whose session is live."""
    expect_login_page(workbench, app, member, target, prompt="login")


@pytest.mark.requirement("OIDC-MAXAGE-01")
def test_max_age_asks_again(workbench: Workbench, app: App, member: Member, target: Target) -> None:
    """max_age=0 shows the login page to a member whose session is live: OpenID Connect gives it the meaning of prompt=login."""
    if "openid" not in scopes.split(app.client.scopes):
        not_applicable("the client is not registered for openid")
    expect_login_page(workbench, app, member, target, max_age="0")
