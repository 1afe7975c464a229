"""Login and consent pages on the way: RFC9700-UI-*, RFC9700-REDIRECT-03 (RFC 9700 section 4, RFC 6749 section 10.13)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from suites.kit.app import App
from suites.kit.forms import Forms, Journey
from suites.kit.http import Answer, Http
from suites.kit.landing import AuthorizationRequest
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.page_forms import Page
from suites.kit.portal import at_consent, login_steps
from suites.kit.recipe import APPROVE_ALL, Identity
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.protocol import urls

FORM_TOKEN = re.compile(r"csrf|xsrf|token|nonce|authenticity", re.IGNORECASE)


@pytest.fixture
def login_page(http: Http, app: App) -> Answer:
    """The first page a member sees in a new session, without signing in."""
    request, _ = app.request()
    journey = Journey(
        http, AuthorizationRequest(request.url, (), request.redirect_uri), Identity("", ""), APPROVE_ALL, {}
    )
    landing = journey.finish(lambda: journey.open("GET", request.url))
    control(
        not landing.redirected and landing.status == 200, "the authorization request leads to a page", landing.described
    )
    assert journey.answer is not None
    return journey.answer


@pytest.fixture
def consent_journey(workbench: Workbench, app: App, member: Member, target: Target) -> Journey:
    """A member who has signed in, in a new session, and stands before the consent page."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser; headers are judged on the login page")
    return at_consent(workbench, app, member)


def expect_unframed(answer: Answer) -> None:
    """X-Frame-Options or frame-ancestors keep a page out of other sites' frames."""
    ancestors = [
        part.strip()
        for value in answer.all("content-security-policy")
        for part in value.split(";")
        if part.strip().startswith("frame-ancestors")
    ]
    options = answer.header("x-frame-options").upper()
    shut = any(part.split()[1:] in (["'none'"], ["'self'"]) for part in ancestors) or options in ("DENY", "SAMEORIGIN")
    expect(
        shut,
        "the page must stay out of other sites' frames",
        expected="frame-ancestors 'none' or 'self', or X-Frame-Options",
        found=f"{ancestors} {options}".strip() or "neither",
        evidence=answer.evidence,
    )


@pytest.mark.requirement("RFC9700-UI-01")
def test_login_page_is_not_framed(login_page: Answer) -> None:
    """The login page cannot be shown inside another site's frame."""
    expect_unframed(login_page)


@pytest.mark.requirement("RFC9700-UI-01")
def test_consent_page_is_not_framed(consent_journey: Journey) -> None:
    """The consent page cannot be shown inside another site's frame."""
    assert consent_journey.answer is not None
    expect_unframed(consent_journey.answer)


@pytest.mark.requirement("RFC9700-UI-02")
def test_login_page_is_not_cached(login_page: Answer) -> None:
    """The login page says Cache-Control: no-store."""
    header = login_page.header("cache-control").lower()
    expect(
        "no-store" in header,
        "the login page must not be kept by caches",
        expected="no-store",
        found=header or "nothing",
        evidence=login_page.evidence,
    )


@pytest.mark.requirement("RFC9700-UI-02")
def test_consent_page_is_not_cached(consent_journey: Journey) -> None:
    """The consent page says Cache-Control: no-store."""
    assert consent_journey.answer is not None
    header = consent_journey.answer.header("cache-control").lower()
    expect(
        "no-store" in header,
        "the consent page must not be kept by caches",
        expected="no-store",
        found=header or "nothing",
        evidence=consent_journey.answer.evidence,
    )


@pytest.mark.requirement("RFC9700-UI-03")
def test_login_page_tells_no_other_host(login_page: Answer) -> None:
    """Referrer-Policy keeps the authorization request from other hosts, and no script or frame comes from one."""
    here, page = urls.origin(login_page.url), Page(login_page.text)
    foreign = [
        one.attributes["src"]
        for one in page.elements
        if one.tag in ("script", "iframe")
        and urls.is_absolute(one.attributes.get("src"))
        and urls.origin(one.attributes["src"]) != here
    ]
    policy = login_page.header("referrer-policy").lower()
    safe = any(word in policy for word in ("no-referrer", "same-origin", "strict-origin", "origin"))
    with findings() as found:
        found.check(
            safe,
            "Referrer-Policy must keep the request's parameters from other hosts",
            found=policy or "nothing",
            evidence=login_page.evidence,
        )
        found.check(
            not foreign,
            "no script or frame of another host belongs on a login page",
            found=foreign,
            evidence=login_page.evidence,
        )


@pytest.mark.requirement("RFC9700-UI-05")
def test_session_cookies_are_kept_from_scripts(
    workbench: Workbench, app: App, rested_member: Member, target: Target, http: Http
) -> None:
    """Cookies set on the way are HttpOnly and SameSite, and Secure over https."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser")
    consent_journey = at_consent(workbench, app, rested_member, fresh=True)
    cookies = [
        (name, value)
        for evidence in consent_journey.evidence
        for name, value in http.recorder.exchanges[evidence].response_headers
        if name.lower() == "set-cookie" and "max-age=0" not in value.lower().replace(" ", "")
    ]
    judged(len(cookies), "cookie")
    with findings() as found:
        for _, cookie in cookies:
            attributes = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
            name = cookie.partition("=")[0]
            # A choice of language is no session and may be read by scripts.
            if name.lower() in ("lang", "language", "locale", "theme"):
                continue
            found.check("httponly" in attributes, "a session cookie must be HttpOnly", found=cookie, path=name)
            found.check("samesite" in attributes, "a session cookie must say SameSite", found=cookie, path=name)
            found.check(
                "secure" in attributes or urls.is_loopback(consent_journey.url),
                "a session cookie must be Secure over https",
                found=cookie,
                path=name,
            )


@pytest.mark.requirement("RFC9700-UI-04")
def test_session_id_changes_at_sign_in(workbench: Workbench, app: App, target: Target) -> None:
    """A session id planted in the browser before signing in is not the session id after it."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser")
    request, _ = app.request()

    def signed_in(planted: dict[str, str]) -> dict[str, str]:
        member = workbench.rested_member()
        journey = Journey(
            workbench.http,
            AuthorizationRequest(request.url, (), request.redirect_uri),
            member.identity(),
            APPROVE_ALL,
            {},
        )
        host = urlsplit(request.endpoint).netloc
        journey.cookies[host] = dict(planted)
        journey.open("GET", request.url)
        before = dict(journey.cookies[host])
        journey.follow(login_steps(workbench))
        # What signing in set or changed is the session; a choice of language stays as it was.
        return {
            name: value for name, value in journey.cookies[host].items() if before.get(name) != value or name in planted
        }

    session = signed_in({})
    control(session, "a session cookie is set at sign-in")
    planted = dict.fromkeys(session, "planted-by-somebody-else-0123456789")
    after = signed_in(planted)
    kept = [name for name, value in planted.items() if after.get(name) == value]
    judged(len(planted), "session cookie")
    expect(
        not kept, "the session id must change at sign-in", expected="a new value", found=f"{', '.join(kept)} as planted"
    )


@pytest.mark.requirement("RFC9700-UI-06")
def test_consent_is_not_redirected_by_307(
    workbench: Workbench, app: App, rested_member: Member, target: Target
) -> None:
    """No form with credentials or consent is answered by 307 or 308, which would repeat it at the next address."""
    if not target.login.plain_forms:
        not_applicable("the target's pages need a browser")
    landing = Forms(workbench.http, target.login.step).authorize(
        app.request()[0], rested_member.identity(), APPROVE_ALL
    )
    control(landing.redirected, "the launch comes back to the app", landing.described)
    exchanges = [workbench.recorder.exchanges[one] for one in landing.evidence]
    posted = [one for one in exchanges if one.method == "POST"]
    judged(len(posted), "submitted form")
    repeated = [f"{one.status} at {one.url.partition('?')[0]}" for one in posted if one.status in (307, 308)]
    expect(not repeated, "a submitted form must be answered by 303 or 302, or a page", found=", ".join(repeated))


@pytest.mark.requirement("RFC9700-UI-07")
def test_consent_without_its_form_token_is_refused(consent_journey: Journey, target: Target) -> None:
    """The consent form sent without the token its page carried gives no code: another site cannot press the button."""
    journey = consent_journey
    approve = next((step for step in target.login.step if step.do == "approve"), None)
    if approve is None:
        not_applicable("the login recipe has no approve step")
    found = journey.page.find(approve.at)
    control(found and found[0].form is not None, "the consent page shows its approving button")
    form = found[0].form
    assert form is not None
    hidden = [one for one in form.controls if one.kind == "hidden"]
    control(hidden, "the consent form carries hidden fields")
    # One thing is spoiled: the fields named as such tokens are; where none is, all hidden fields.
    for one in [one for one in hidden if FORM_TOKEN.search(one.name)] or hidden:
        one.value = "x" * max(8, len(one.value))
    landing = journey.finish(lambda: journey.press(found[0]))
    expect(
        not landing.value("code"),
        "a forged consent must give no code",
        expected="a refusal",
        found=landing.described,
        evidence=landing.evidence[-1],
    )
    control(
        landing.status >= 400 or not landing.redirected or landing.value("error"),
        "the forged consent is refused",
        landing.described,
    )


@pytest.mark.requirement("HEALTHSHARE-2.1-USER-AUTHORIZES")
def test_consent_page_names_the_app(consent_journey: Journey, app: App) -> None:
    """The page a member decides on names the app that asks."""
    name = app.client.title
    if not name:
        not_applicable("the target file does not say under which title members know the app: [[client]] title")
    expect(
        name in consent_journey.page.text,
        "the consent page must name the app",
        expected=name,
        found=consent_journey.page.text[:200],
        evidence=consent_journey.evidence[-1],
    )


@pytest.mark.requirement("RFC9700-UI-08")
def test_consent_page_stays_in_its_browser(consent_journey: Journey, workbench: Workbench, target: Target) -> None:
    """The address of a consent page, opened in a browser that did not begin the request, shows no consent to press."""
    approve = next((step for step in target.login.step if step.do == "approve"), None)
    if approve is None:
        not_applicable("the login recipe has no approve step")
    control(consent_journey.page.find(approve.at), "the consent page shows its approving button")
    stranger = Journey(workbench.http, consent_journey.request, consent_journey.identity, APPROVE_ALL, {})
    landing = stranger.finish(lambda: stranger.open("GET", consent_journey.url))
    expect(
        not landing.redirected and not stranger.page.find(approve.at),
        "a page begun in one browser must not go on in another",
        expected="an error page or the login page",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC9700-UI-05")
def test_credentials_are_posted(login_page: Answer) -> None:
    """The form that takes the password sends it in the body, not in an address."""
    forms = [one.form for one in Page(login_page.text).find("input[type=password]")]
    if not forms:
        not_applicable("the first page asks for no password")
    judged(len(forms), "password field")
    methods = [form.method.upper() if form is not None else "none" for form in forms]
    expect(
        all(one in ("POST", "none") for one in methods),
        "a password must be sent by POST",
        expected="POST",
        found=methods,
        evidence=login_page.evidence,
    )
