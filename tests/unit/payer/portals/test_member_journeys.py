"""A member in a real browser: sign in, consent, decline, see what is connected, end it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.unit.payer.portals.conftest import Look
from tests.unit.payer.running import PASSWORD, App, Running, query_of

pytestmark = pytest.mark.browser


def start(page: Page, app: App, **changed: str) -> None:
    page.goto(f"{app.at.at('authorize')}?{urlencode(app.request(**changed))}")


def sign_in(page: Page, member: str = "member1") -> None:
    page.fill("input[name=username]", member)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[name=sign-in]")


def test_a_member_signs_in_chooses_and_allows(at: Running, page: Page, look: Look) -> None:
    app = App(at)
    start(page, app)
    look(page, "sign-in")
    page.fill("input[name=username]", "member1")
    page.fill("input[name=password]", "wrong")
    page.click("button[name=sign-in]")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    look(page, "sign-in-refused")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Test app (public)")
    expect(page.locator("input[name=category][value=substance-use]")).not_to_be_checked()
    expect(page.locator("#part2")).to_contain_text("42 CFR part 2 prohibits unauthorized use or disclosure")
    look(page, "consent")
    page.check("input[name=category][value=substance-use]")
    page.click("button[value=allow]")
    page.wait_for_url("**/callback?**")
    found = query_of(page.url)
    assert found["state"] == app.state
    assert app.redeem(found["code"]).json()["patient"] == "m1"


def test_the_whole_journey_by_keyboard_alone(at: Running, page: Page) -> None:
    app = App(at)
    start(page, app)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("input[name=username]").focus()
    page.keyboard.type("member1")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("button[value=allow]")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "deny":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/callback?**")
    assert query_of(page.url)["error"] == "access_denied"


def test_the_pages_speak_spanish(at: Running, page: Page, look: Look) -> None:
    start(page, App(at))
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Iniciar sesión")
    assert page.locator("html").get_attribute("lang") == "es"
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("¿Compartir su información de salud")
    look(page, "consent-es")


def test_a_member_sees_connected_apps_and_ends_one(at: Running, page: Page, look: Look) -> None:
    app = App(at)
    tokens = app.tokens()
    app.read(tokens["access_token"], "Observation?patient=m1")
    page.goto(at.at("member"))
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Connected apps")
    look(page, "connected-apps")
    page.get_by_role("link", name="What was shared").click()
    expect(page.get_by_role("cell", name="Observation")).to_be_visible()
    look(page, "shared")
    page.get_by_role("link", name="Connected apps").click()
    page.get_by_role("button", name="End access: Test app (public)").first.click()
    expect(page.get_by_role("status")).to_contain_text("Access has ended")
    look(page, "ended")
    assert app.read(tokens["access_token"]).status_code == 401
    page.get_by_role("button", name="Sign out").click()
    page.goto(at.at("member") + "/apps")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_parent_chooses_the_child(at: Running, page: Page, look: Look) -> None:
    app = App(at)
    start(page, app)
    sign_in(page)
    page.check("input[name=person][value=m3]")
    look(page, "consent-person")
    page.click("button[value=allow]")
    page.wait_for_url("**/callback?**")
    assert app.redeem(query_of(page.url)["code"]).json()["patient"] == "m3"


@pytest.mark.parametrize(("endpoint", "says"), [("education", "Choosing an app"), ("gallery", "App gallery")])
def test_public_pages_need_no_account(at: Running, page: Page, look: Look, endpoint: str, says: str) -> None:
    page.goto(at.at(endpoint))
    expect(page.get_by_role("heading", level=1)).to_contain_text(says)
    look(page, endpoint)


def test_an_unknown_app_ends_on_a_page(at: Running, page: Page, look: Look) -> None:
    start(page, App(at), client_id="nobody")
    expect(page.get_by_role("heading", level=1)).to_have_text("This cannot go on")
    look(page, "error")


def test_no_other_page_frames_ours(at: Running, page: Page) -> None:
    app = App(at)
    page.set_content(f"<iframe src='{at.at('authorize')}?{urlencode(app.request())}' width=800 height=600></iframe>")
    page.wait_for_timeout(500)
    inside = [frame for frame in page.frames if frame != page.main_frame]
    assert all(frame.query_selector("input[name=password]") is None for frame in inside)
