"""Launches of the other kinds: confidential clients, form POST, missing state (SMART App Launch 1.0 and 2.x)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.app import App, expect_code
from suites.kit.expectations import expect_json, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.outcomes import control, expect, findings, not_applicable
from suites.kit.target import Member, Target
from suites.protocol import urls


@pytest.mark.requirement("SMART-STANDALONE-10", "SMART-STANDALONE-22")
def test_confidential_client_launches(confidential_app: App, member: Member) -> None:
    """An app with a secret launches in a browser, exchanges its code by HTTP Basic and reads the patient."""
    attempt = confidential_app.authorize(member, in_browser=True)
    expect_code(attempt)
    body = expect_json(confidential_app.redeem(attempt, auth="basic"))
    control(body.get("patient"), "the token response names the patient")
    fhir = FhirClient(confidential_app.http, confidential_app.target.server.fhir_base, str(body.get("access_token")))
    expect_status(fhir.read("Patient", str(body.get("patient"))), 200, "the token must read the patient in context")


@pytest.mark.requirement("SMART2-ASYMMETRIC-01", "SMART-STANDALONE-22")
def test_asymmetric_client_launches(asymmetric_app: App, member: Member) -> None:
    """An app with a key pair launches, exchanges its code with a signed assertion and reads the patient."""
    attempt = asymmetric_app.authorize(member)
    expect_code(attempt)
    body = expect_json(asymmetric_app.redeem(attempt))
    control(body.get("patient"), "the token response names the patient")
    fhir = FhirClient(asymmetric_app.http, asymmetric_app.target.server.fhir_base, str(body.get("access_token")))
    expect_status(fhir.read("Patient", str(body.get("patient"))), 200, "the token must read the patient in context")


@pytest.mark.requirement("SMART2-AUTHZ-POST-01")
def test_authorization_by_form_post(app: App, member: Member, smart_configuration: dict[str, Any]) -> None:
    """Where authorize-post is advertised, the authorization request works as a form POST in a browser."""
    if "authorize-post" not in smart_configuration.get("capabilities", []):
        not_applicable("authorize-post is not advertised")
    control(app.authorize(member).landing.value("code"), "the same request by GET is granted")
    attempt = app.authorize(member, method="POST", in_browser=True, may_refuse=True)
    expect_code(attempt)
    expect(
        attempt.landing.values("state") == [attempt.state],
        "state must come back unchanged",
        expected=attempt.state,
        found=attempt.landing.values("state"),
    )
    expect_status(app.redeem(attempt), 200, "the code must be exchanged")


@pytest.mark.requirement("SMART2-AUTHZ-POST-01")
def test_form_post_with_other_content_type_is_refused(app: App, smart_configuration: dict[str, Any]) -> None:
    """An authorization request by POST that is no form is refused with 4xx."""
    if "authorize-post" not in smart_configuration.get("capabilities", []):
        not_applicable("authorize-post is not advertised")
    request, _ = app.request()
    good = app.http.post_form(app.authorization_endpoint, request.parameters)
    control(good.status < 400, "the form itself is accepted", good.status)
    answer = app.http.post_json(app.authorization_endpoint, dict(request.parameters))
    expect_status(answer, (400, 415), "an authorization request that is no form must be refused")


@pytest.mark.requirement("SMART-STANDALONE-22")
def test_code_comes_in_the_query_alone(app: App, member: Member, target: Target) -> None:
    """Nothing of the answer stands in the fragment of the redirect, where every script of the app's page could read it."""
    if not target.login.plain_forms:
        not_applicable(
            "a browser hides the fragment it is redirected with; pages that need one are judged by the launch"
        )
    landing = app.authorize(member).landing
    control(landing.value("code"), "the request is granted", landing.described)
    fragment = urls.fragment_pairs(landing.url)
    expect(
        not fragment,
        "nothing may come in the fragment",
        found=[name for name, _ in fragment],
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("SMART-STANDALONE-01")
def test_missing_state_is_refused_or_not_invented(app: App, member: Member) -> None:
    """A request without state is refused with invalid_request, or answered without a state nobody sent."""
    control(app.authorize(member).landing.value("code"), "the same request with state is granted")
    landing = app.authorize(member, may_refuse=True, drop=["state"]).landing
    expect(not landing.values("state"), "no state may be invented", found=landing.values("state"))
    expect(
        landing.value("code") or landing.error == "invalid_request" or 400 <= landing.status < 500,
        "a request without state is refused with invalid_request, or granted",
        found=landing.described,
    )


@pytest.mark.requirement("CMS9115-431.60-a-EFFORT")
def test_launch_takes_no_special_effort(target: Target, app: App, member: Member) -> None:
    """From the app to the first resource a member does at most fifteen things on the way, none of them outside the browser."""
    steps = [step for step in target.login.step if step.do not in ("deny", "wait_for", "untick") and not step.optional]
    attempt = app.authorize(member)
    control(attempt.landing.value("code"), "the launch is granted", attempt.landing.described)
    with findings() as found:
        found.check(len(steps) <= 15, "a launch should take few steps", expected="15 at most", found=len(steps))


@pytest.mark.requirement("CMS9115-431.60-c1-SMART")
def test_launch_without_pkce_where_smart_1_allows(app: App, member: Member, target: Target) -> None:
    """A SMART 1.0 server serves an app that knows no PKCE."""
    if target.smart_at_least("2.0.0"):
        not_applicable(f"SMART {target.server.smart} requires PKCE")
    attempt = app.authorize(member, may_refuse=True, drop=["code_challenge", "code_challenge_method"])
    if attempt.landing.error == "invalid_request":
        not_applicable("the server asks for PKCE already, which RFC 9700 recommends")
    expect_code(attempt)
    expect_status(app.redeem(attempt, drop=["code_verifier"]), 200, "a SMART 1.0 app must be served without PKCE")
