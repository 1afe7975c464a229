"""Which apps have access, and how a member ends it: CMS9115-REVOCATION (CMS-9115-F preamble on member control; SMART best practice)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import pytest

from suites.kit import portal
from suites.kit.app import App, Grant
from suites.kit.clock import TargetClock
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.page_reading import visit
from suites.kit.recipe import filled
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench

FreshGrant = Callable[..., Grant]


@pytest.fixture
def offered(target: Target) -> None:
    """Whether the target names a member portal."""
    if not target.server.portal_url:
        not_applicable("the target file names no portal_url")


@pytest.mark.requirement("CMS9115-REVOCATION", "DEAN-IDP-01")
def test_member_sees_the_app(
    workbench: Workbench, another_app: App, fresh_grant: FreshGrant, member: Member, offered: None
) -> None:
    """After a launch the member signs in at the portal, with the same credentials, and finds the app there."""
    fresh_grant(by=another_app)
    text = portal.connected_apps(workbench, member)
    name = portal.placeholders(another_app)["client_name"]
    expect(name in text, "the portal must list the app that has access", expected=name, found=text[:200])


@pytest.mark.requirement("CMS9115-REVOCATION")
def test_ended_access_stops_the_app(
    workbench: Workbench,
    another_app: App,
    fresh_grant: FreshGrant,
    member: Member,
    http: Http,
    target: Target,
    offered: None,
) -> None:
    """The member ends the app's access at the portal: its access token is refused with 401."""
    grant = fresh_grant(by=another_app)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the app reads before its access is ended")
    control(portal.end_access(workbench, member, another_app) > 0, "the portal offers to end the app's access")
    expect_status(fhir.read("Patient", grant.patient), 401, "the app must not read after its access was ended")


@pytest.mark.requirement("CMS9115-REVOCATION")
def test_ended_access_stops_refreshing(
    workbench: Workbench, another_app: App, fresh_grant: FreshGrant, member: Member, offered: None
) -> None:
    """After the member ends the app's access its refresh token is refused with invalid_grant."""
    grant = fresh_grant(by=another_app)
    if "refresh_token" not in grant.body:
        not_applicable("the app has no refresh token")
    control(portal.end_access(workbench, member, another_app) > 0, "the portal offers to end the app's access")
    expect_oauth_error(another_app.refresh(grant.refresh_token), 400, "invalid_grant")


@pytest.mark.requirement("HIPAA-164.312-a")
def test_portal_needs_a_sign_in(http: Http, target: Target, offered: None) -> None:
    """Without signing in the portal shows a login page, and nothing of anybody's apps."""
    opened = visit(http, target.server.portal_url)
    expect(
        opened.page.find("input[type=password]") or opened.answer.status in (401, 403),
        "the portal must ask for a sign-in",
        expected="a login page",
        found=opened.text[:160],
        evidence=opened.answer.evidence,
    )


@pytest.mark.requirement("HIPAA-164.312-a")
@pytest.mark.exclusive("moves the target's clock")
def test_idle_portal_session_ends(
    workbench: Workbench, member: Member, target: Target, target_clock: TargetClock, offered: None
) -> None:
    """A portal session left alone for a day is over."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser")
    journey = portal.at_portal(workbench, member)
    control(not journey.page.find("input[type=password]"), "the member is signed in", journey.page.text[:120])
    target_clock.pass_by(86400)
    journey.open("GET", target.server.portal_url)
    assert journey.answer is not None
    over = bool(journey.page.find("input[type=password]")) or journey.answer.status in (401, 403)
    expect(
        over,
        "a session left alone for a day must be over",
        expected="the login page",
        found=journey.page.text[:160],
        evidence=journey.answer.evidence,
    )


@pytest.mark.requirement("HIPAA-164.312-a")
def test_another_member_cannot_end_access(
    workbench: Workbench,
    another_app: App,
    fresh_grant: FreshGrant,
    member: Member,
    http: Http,
    target: Target,
    offered: None,
) -> None:
    """The form that ends one member's app, sent by another member who is signed in, ends nothing."""
    if not target.login.plain_forms or not target.portal.step:
        not_applicable("the target's portal needs a browser, or the target file has no [[portal.step]]")
    stranger = next((one for one in workbench.members if one.label != member.label), None)
    control(stranger is not None, "this worker has a second member to sign in as")
    assert stranger is not None
    grant = fresh_grant(by=another_app)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the app reads")
    extra = portal.placeholders(another_app)
    own = portal.at_portal(workbench, member, extra)
    buttons = own.page.find(filled(target.portal.step[0].at, member.identity(), extra))
    control(buttons and buttons[0].form is not None, "the portal offers to end the app's access")
    theirs = portal.at_portal(workbench, stranger, extra)
    token = {one.name: one.value for element in theirs.page.forms for one in element.controls if one.kind == "hidden"}
    for button in buttons:
        assert button.form is not None
        pairs = [(name, token.get(name, value)) for name, value in button.form.pairs(button)]
        theirs.open("POST", urljoin(own.url, button.form.action), pairs)
    expect_status(fhir.read("Patient", grant.patient), 200, "another member must not be able to end the app's access")
