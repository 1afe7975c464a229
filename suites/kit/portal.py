"""The member's own pages: signing in at the portal and ending an app's access there, as `[[portal.step]]` says."""

from __future__ import annotations

from dataclasses import replace

from suites.kit.app import App
from suites.kit.forms import Journey
from suites.kit.landing import AuthorizationRequest
from suites.kit.outcomes import not_applicable, trail
from suites.kit.recipe import APPROVE_ALL, Step, filled
from suites.kit.target import Member
from suites.kit.workbench import Workbench

SIGNING_IN = ("fill", "click", "press", "wait_for", "answer", "one_time_code")
MOST_GRANTS = 200  # an app may hold one access for each launch of a run


def login_steps(bench: Workbench) -> list[Step]:
    """The part of the login recipe that signs in: everything before consent."""
    steps: list[Step] = []
    for step in bench.target.login.step:
        if step.do not in SIGNING_IN:
            break
        steps.append(step)
    return steps


def placeholders(app: App) -> dict[str, str]:
    """What portal steps may name an app by."""
    return {"client_id": app.client.client_id, "client_name": app.client.title or app.client.name}


def connected_apps(bench: Workbench, member: Member) -> str:
    """The text of the portal's page after signing in."""
    if not bench.target.server.portal_url:
        not_applicable("the target file names no portal_url")
    url = bench.target.server.portal_url
    if bench.target.login.plain_forms:
        return at_portal(bench, member).page.text
    request = _page(url)
    return bench.browser.authorize(request, member.identity(), may_refuse=True, steps=login_steps(bench)).page


def end_access(bench: Workbench, member: Member, app: App) -> int:
    """End every access of an app that the portal shows; gives how many were ended."""
    if not bench.target.portal.step:
        not_applicable("the target file has no [[portal.step]] that says how a member ends an app's access")
    steps, extra = list(bench.target.portal.step), placeholders(app)
    trail().member = member.label
    app.grants.clear()
    if not bench.target.login.plain_forms:
        # In a browser each further round is optional, and soon given up when its button is gone.
        more = [replace(step, optional=True, seconds=0.5) for step in steps] * 5
        url = bench.target.server.portal_url
        bench.browser.authorize(
            _page(url),
            member.identity(),
            APPROVE_ALL,
            may_refuse=True,
            steps=[*login_steps(bench), *steps, *more],
            extra=extra,
        )
        return 1
    journey = at_portal(bench, member, extra)
    ended = 0
    while ended < MOST_GRANTS and journey.page.find(filled(steps[0].at, member.identity(), extra)):
        journey.follow(steps)
        ended += 1
    return ended


def at_portal(bench: Workbench, member: Member, extra: dict[str, str] | None = None) -> Journey:
    """A member signed in at the portal, in the session of an earlier check where that still lives."""
    url = bench.target.server.portal_url
    journey = Journey(bench.http, _page(url), member.identity(), APPROVE_ALL, extra or {})
    journey.cookies = bench.portal_sessions.setdefault(member.username, {})
    journey.open("GET", url)
    journey.follow_what_is_asked(login_steps(bench))
    return journey


def at_consent(bench: Workbench, app: App, member: Member, fresh: bool = False) -> Journey:
    """A member who has signed in and stands before the consent page."""
    request, _ = app.request()
    journey = Journey(
        bench.http, AuthorizationRequest(request.url, (), request.redirect_uri), member.identity(), APPROVE_ALL, {}
    )
    if not fresh:
        journey.cookies = {host: dict(held) for host, held in bench.forms.sessions.get(member.username, {}).items()}
    journey.open("GET", request.url)
    journey.follow_what_is_asked(login_steps(bench))
    return journey


def _page(url: str) -> AuthorizationRequest:
    return AuthorizationRequest(url, (), "")
