"""The SMART standalone launch of a member in Chromium, end to end: SMART-STANDALONE-*, one check a rung."""

from __future__ import annotations

import pytest

from suites.kit.app import App, Attempt, Grant, expect_code
from suites.kit.expectations import FHIR_JSON, expect_json, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer, Http
from suites.kit.listener import Listener
from suites.kit.outcomes import Inconclusive, expect, findings, not_applicable
from suites.kit.target import Member, Target
from suites.protocol import scopes, urls

pytestmark = pytest.mark.together


@pytest.fixture(scope="module")
def launch(app: App, member: Member) -> Attempt:
    """A launch in Chromium that comes back to a real listener on this machine where the redirect URI points there."""
    uri = app.client.redirect_uri
    if urls.is_loopback(uri) and uri.startswith("http://"):
        try:
            with Listener(uri) as listener:
                attempt = app.authorize(member, in_browser=True, fresh=True, listener=listener, pictures=True)
                arrived = listener.arrived(2.0) if attempt.landing.redirected else ""
        except Inconclusive as wrong:
            if "cannot listen" not in str(wrong):
                raise
        else:
            if attempt.landing.redirected and not arrived:
                raise Inconclusive(f"the browser was sent to {uri} but nothing arrived at the listener there")
            return attempt
    return app.authorize(member, in_browser=True, fresh=True, pictures=True)


@pytest.fixture(scope="module")
def token_response(app: App, launch: Attempt) -> Answer:
    """The answer to the token request of that launch."""
    return app.redeem(launch)


@pytest.fixture(scope="module")
def launched(app: App, launch: Attempt, token_response: Answer, member: Member) -> Grant:
    """The tokens of that launch."""
    return app.as_grant(token_response, launch, member)


@pytest.mark.requirement("SMART-STANDALONE-22")
def test_launch_comes_back_with_a_code(launch: Attempt) -> None:
    """A member signs in and approves in a browser, and the app receives a code at its redirect URI."""
    expect_code(launch)
    with findings() as found:
        found.check(
            len(launch.landing.values("code")) == 1, "one code comes back", found=len(launch.landing.values("code"))
        )
        found.check(
            not launch.landing.values("error"), "no error comes with a code", found=launch.landing.value("error")
        )
        found.check(
            not urls.fragment_pairs(launch.landing.url),
            "nothing comes in the fragment",
            found=urls.fragment_pairs(launch.landing.url),
        )


@pytest.mark.requirement("SMART-STANDALONE-03")
def test_state_comes_back_unchanged(launch: Attempt) -> None:
    """The state of the request is in the redirect, once and unchanged."""
    expect(
        launch.landing.values("state") == [launch.state],
        "state must come back unchanged",
        expected=launch.state,
        found=launch.landing.values("state"),
    )


@pytest.mark.requirement("HEALTHSHARE-2.1.1-AUTH-CODE-ISSUE")
def test_no_code_before_the_member_consents(launch: Attempt, target: Target) -> None:
    """The code came only after the member had signed in and pressed the approving button."""
    done = [step.do for step in target.login.step[: launch.landing.step + 1]]
    expect(
        "approve" in done or not any(step.do == "approve" for step in target.login.step),
        "the code must not come before the member has approved",
        found=f"a code after {launch.landing.step} of {len(target.login.step)} steps",
    )


@pytest.mark.requirement("SMART-STANDALONE-08")
def test_code_is_exchanged_for_a_token(token_response: Answer) -> None:
    """The token endpoint answers 200 with JSON."""
    expect_json(token_response, 200)


@pytest.mark.requirement("SMART-STANDALONE-08")
def test_token_response_has_its_members(token_response: Answer) -> None:
    """access_token, token_type Bearer and scope are strings, expires_in a number of seconds."""
    body = token_response.object()
    with findings() as found:
        for name in ("access_token", "token_type", "scope"):
            found.check(
                isinstance(body.get(name), str) and body[name],
                f"{name} must be a string",
                found=body.get(name, "nothing"),
                path=name,
            )
        kind = str(body.get("token_type", ""))
        found.check(kind.lower() == "bearer", "token_type must be Bearer", found=kind, path="token_type")
        lifetime = body.get("expires_in")
        if lifetime is not None:
            good = isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0
            found.check(good, "expires_in must be a positive number", found=lifetime, path="expires_in")


@pytest.mark.requirement("SMART-STANDALONE-09")
def test_token_response_is_not_cached(token_response: Answer) -> None:
    """Cache-Control has no-store and Pragma no-cache."""
    with findings() as found:
        control_header = token_response.header("cache-control").lower()
        found.check("no-store" in control_header, "Cache-Control must have no-store", found=control_header or "nothing")
        pragma = token_response.header("pragma").lower()
        found.check("no-cache" in pragma, "Pragma must have no-cache", found=pragma or "nothing")


@pytest.mark.requirement("SMART-STANDALONE-07")
def test_patient_in_context_is_named(launched: Grant, member: Member) -> None:
    """The token response names the patient: a bare id, the member's own."""
    patient = launched.body.get("patient")
    expect(
        isinstance(patient, str) and patient and "/" not in patient and ":" not in patient,
        "patient must be a resource id, without a type before it",
        found=patient if patient is not None else "nothing",
        path="patient",
    )
    if member.patient:
        expect(
            patient == member.patient,
            "patient must be the member who signed in",
            expected=member.patient,
            found=patient,
        )


@pytest.mark.requirement("SMART-STANDALONE-11")
def test_granted_scope_lies_within_what_was_asked(launched: Grant) -> None:
    """No scope is granted that was not asked for."""
    asked = launched.attempt.request.value("scope")
    wider = scopes.outside(launched.scope, asked)
    expect(not wider, "the granted scope must lie within what was asked", expected=asked, found=" ".join(wider))


@pytest.mark.requirement("CARIN-SCOPES-01")
def test_scopes_of_carin_are_granted(launched: Grant, target: Target) -> None:
    """What CARIN Blue Button asks a server to support is granted when asked and approved."""
    if not any(guide.startswith("carin-bb") for guide in target.server.guides):
        not_applicable("the target does not claim CARIN Blue Button")
    asked = scopes.split(launched.attempt.request.value("scope"))
    granted = scopes.split(launched.scope)
    with findings() as found:
        for scope in ("openid", "fhirUser", "launch/patient"):
            if scope in asked:
                found.check(scope in granted, f"{scope} was asked and must be granted", found=launched.scope)
        for resource in ("ExplanationOfBenefit", "Coverage", "Patient", "Organization", "Practitioner"):
            wanted = f"patient/{resource}.read"
            if scopes.within(wanted, asked):
                found.check(
                    scopes.within(wanted, granted),
                    f"reading {resource} was asked and must be granted",
                    found=launched.scope,
                )


@pytest.mark.requirement("SMART-STANDALONE-23")
def test_token_reads_the_patient_in_context(http: Http, target: Target, launched: Grant) -> None:
    """The access token of the launch reads the Patient it names."""
    answer = FhirClient(http, target.server.fhir_base, launched.access_token).read("Patient", launched.patient)
    patient = expect_json(answer, 200, FHIR_JSON)
    expect(
        patient.get("resourceType") == "Patient" and patient.get("id") == launched.patient,
        "the Patient read is the one named",
        expected=launched.patient,
        found=patient.get("id"),
    )


@pytest.mark.requirement("SMART-STANDALONE-12")
def test_refresh_token_renews_access(app: App, http: Http, target: Target, launched: Grant) -> None:
    """With offline_access a refresh token came, and it gives a new access token that reads the same Patient."""
    if "offline_access" not in scopes.split(launched.attempt.request.value("scope")):
        not_applicable("the client is not registered for offline_access")
    expect("refresh_token" in launched.body, "offline_access must lead to a refresh token", found=sorted(launched.body))
    renewed = expect_json(app.refresh(launched.refresh_token), 200)
    token = renewed.get("access_token")
    expect(isinstance(token, str) and token, "the refresh must give an access token", found=sorted(renewed))
    answer = FhirClient(http, target.server.fhir_base, str(token)).read("Patient", launched.patient)
    expect_status(answer, 200, "the renewed token must read the Patient")
