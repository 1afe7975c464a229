"""Sample recipes for login pages that are not ours, served here: one like Keycloak's, one like Ping's; in Chromium and as plain forms."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from suites.kit.app import App
from suites.kit.landing import RecipeStuck
from suites.kit.recipe import Choices
from suites.kit.target import load
from suites.kit.workbench import Workbench, open_workbench
from tests import miniatures

SAMPLES = Path(__file__).parents[2] / "suites" / "kit" / "recipes"

KEYCLOAK_LOGIN = """<!doctype html><html class="login-pf"><body><div id="kc-content"><form id="kc-form-login" action="/auth/login?{query}" method="post">
<input id="username" name="username"><input id="password" name="password" type="password">
<input tabindex="4" name="login" id="kc-login" type="submit" value="Sign In"></form>{error}</div></body></html>"""
KEYCLOAK_CONSENT = """<!doctype html><html class="login-pf"><body><div id="kc-oauth"><h3>Grant access</h3>
<form class="form-actions" action="/auth/consent?{query}" method="post"><input type="hidden" name="code" value="session-code">
<input name="accept" id="kc-login" type="submit" value="Yes"><input name="cancel" id="kc-cancel" type="submit" value="No"></form></div></body></html>"""
PING_LOGIN = """<!doctype html><html><body><div class="ping-container ping-signin"><form method="post" action="/pf/adapter?{query}">
<div class="ping-input-container"><input id="username" type="text" name="pf.username"></div>
<div class="ping-input-container"><input id="password" type="password" name="pf.pass"></div>
<input type="hidden" name="pf.ok" value=""><input type="hidden" name="pf.cancel" value="">
<div class="ping-buttons"><a class="ping-button normal" id="signOnButton" title="Sign On" href="#" onclick="document.forms[0]['pf.ok'].value='clicked';document.forms[0].submit();return false;">Sign On</a></div>
</form>{error}</div></body></html>"""
PING_CONSENT = """<!doctype html><html><body><div class="ping-container"><form method="post" action="/pf/consent?{query}">
<input type="checkbox" name="scope" value="patient/Patient.read" checked><input type="checkbox" name="scope" value="patient/Condition.read" checked>
<input type="hidden" name="pf.oauth.authz.consent" value="">
<a href="#" class="ping-button allow" onclick="document.forms[0]['pf.oauth.authz.consent'].value='allow';document.forms[0].submit();return false;">Allow</a>
<a href="#" class="ping-button cancel" onclick="document.forms[0]['pf.oauth.authz.consent'].value='deny';document.forms[0].submit();return false;">Do Not Allow</a>
</form></div></body></html>"""


def form_of(handler: BaseHTTPRequestHandler) -> dict[str, list[str]]:
    """The form a request carries."""
    return parse_qs(handler.rfile.read(int(handler.headers.get("Content-Length", 0))).decode(), keep_blank_values=True)


def provider(login: str, consent: str, names: tuple[str, str], allowed: tuple[str, str]) -> miniatures.Answering:
    """An authorization endpoint with the pages of one vendor."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = parse_qs(parts.query)
        if handler.command == "GET":
            miniatures.send(handler, login.format(query=parts.query, error="").encode(), "text/html")
            return
        form = form_of(handler)
        if parts.path.endswith(("login", "adapter")):
            good = form.get(names[0]) == ["first"] and form.get(names[1]) == ["first-password"]
            page = (
                consent.format(query=parts.query)
                if good
                else login.format(query=parts.query, error="<p>Invalid username or password.</p>")
            )
            miniatures.send(handler, page.encode(), "text/html")
            return
        back = {"state": asked["state"][0]}
        if form.get(allowed[0]) == [allowed[1]]:
            back["code"] = secrets.token_urlsafe(16) + ("-scopes-" + "+".join(form["scope"]) if "scope" in form else "")
        else:
            back["error"] = "access_denied"
        miniatures.send(handler, b"", "text/html", 302, Location=asked["redirect_uri"][0] + "?" + urlencode(back))

    return answer


VENDORS = {
    "keycloak": provider(KEYCLOAK_LOGIN, KEYCLOAK_CONSENT, ("username", "password"), ("accept", "Yes")),
    "ping": provider(PING_LOGIN, PING_CONSENT, ("pf.username", "pf.pass"), ("pf.oauth.authz.consent", "allow")),
}


@pytest.fixture(params=sorted(VENDORS))
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Workbench, App, str]]:
    """An app at a server with one vendor's pages, and the sample recipe for them."""
    vendor: str = request.param
    with miniatures.serving(VENDORS[vendor]) as base:
        text = miniatures.target_file(tmp_path, base).read_text("utf-8").partition("[login]")[0]
        path = tmp_path / "vendor.toml"
        path.write_text(text + (SAMPLES / f"{vendor}.toml").read_text("utf-8"), encoding="utf-8")
        target = load(path)
        bench = open_workbench(target, tmp_path, 0, 1, 7)
        endpoints = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
        yield bench, App(target, target.client[0], bench.http, bench.browser, bench.forms, endpoints, bench.rng), vendor
        bench.close()


@pytest.mark.browser
def test_sample_recipes_sign_in_approve_and_decline(launch: tuple[Workbench, App, str]) -> None:
    bench, app, vendor = launch
    member = bench.target.member[0]
    approved = app.authorize(member, in_browser=True, fresh=True)
    assert approved.code
    assert approved.landing.values("state") == [approved.state]
    declined = app.authorize(member, in_browser=True, fresh=True, choices=Choices(approve=False))
    assert declined.landing.value("error") == "access_denied"
    if vendor == "ping":
        shrunk = app.authorize(
            member, in_browser=True, fresh=True, choices=Choices(withhold=("patient/Condition.read",))
        )
        assert shrunk.code.endswith("-scopes-patient/Patient.read")
    else:
        assert bench.target.login.plain_forms
        assert app.authorize(member, fresh=True).code


@pytest.mark.browser
def test_a_recipe_that_gets_stuck_says_where_and_shows_it(launch: tuple[Workbench, App, str], tmp_path: Path) -> None:
    bench, app, _ = launch
    with pytest.raises(
        RecipeStuck, match=r"step \d+ \(approve .*of the login recipe found nothing on .*says .*Invalid"
    ):
        app.authorize(bench.target.member[1], in_browser=True, fresh=True)
    assert list((tmp_path / "evidence").glob("*.png")), "a picture of the page is kept"
