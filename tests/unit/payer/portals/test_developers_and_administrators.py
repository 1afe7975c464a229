"""A developer asks, an administrator decides, and the app's access follows: in a real browser."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from simulators.payer.deployment import load
from tests.unit.payer.portals.conftest import Look
from tests.unit.payer.running import CONTEXT, App, Running, running

pytestmark = pytest.mark.browser


def fill_request(page: Page, kind: str = "confidential-symmetric") -> None:
    page.fill("#contact", "dev@app.example")
    page.fill("#company", "App Makers")
    page.fill("#name", "Health Diary")
    page.fill("#redirect_uris", "http://127.0.0.1/callback")
    page.fill("#description", "Keeps a diary of care.")
    page.select_option("#type", kind)
    page.fill("#policy_uri", "https://app.example/privacy")
    page.fill("#attest_security", "SOC 2 report of 2026")
    page.check("input[name='attest_public-policy']")
    page.check("input[name='attest_no-sale']")
    page.check("input[name=part2]")


def open_account(page: Page, at: Running, address: str) -> None:
    page.goto(at.at("documentation") + "/sign-up")
    page.fill("#username", address)
    page.fill("#password", "a long enough password")
    page.get_by_role("button", name="Open the account").click()


def administrator(context: BrowserContext, at: Running) -> Page:
    page, known = context.new_page(), httpx.get(f"{at.control}/administrator", verify=CONTEXT).json()
    page.goto(f"{at.control}/admin")
    page.fill("#username", known["username"])
    page.fill("#password", known["password"])
    page.get_by_role("button", name="Sign in").click()
    return page


def test_an_app_is_requested_reviewed_used_suspended_and_revoked(
    at: Running, page: Page, context: BrowserContext, look: Look
) -> None:
    page.goto(at.at("documentation"))
    look(page, "documentation")
    page.goto(at.at("documentation") + "/sign-up")
    look(page, "developer-sign-up")
    open_account(page, at, "dev@app.example")
    look(page, "developer-apps-none")
    page.get_by_role("link", name="Request Authorization").click()
    fill_request(page)
    page.uncheck("input[name=part2]")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("alert")).to_contain_text("42 CFR Part 2")
    page.check("input[name=part2]")
    look(page, "developer-request")
    page.get_by_role("button", name="Send the request").click()
    expect(page.locator(".status")).to_have_text("requested")
    address = page.url

    admin = administrator(context, at)
    look(admin, "admin-apps")
    admin.get_by_role("link", name="Health Diary").click()
    admin.get_by_role("button", name="Approve").click()
    expect(admin.get_by_role("alert")).to_contain_text("tick each one")
    admin.get_by_role("button", name="Deny").click()
    expect(admin.get_by_role("alert")).to_contain_text("Write down the reason")
    for box in admin.locator("input[name=met]").all():
        box.check()
    look(admin, "admin-review")
    admin.get_by_role("button", name="Approve").click()
    expect(admin.locator(".status")).to_have_text("active")

    page.goto(address)
    page.get_by_role("button", name="Make the client secret").click()
    secret = page.locator("#client_secret").inner_text()
    look(page, "developer-secret")
    client_id = page.locator("[data-setting=client_id]").inner_text()
    assert page.locator("[data-setting=fhir_base]").inner_text() == at.fhir
    page.goto(address)
    expect(page.locator("#client_secret")).to_have_count(0)
    at.clients["diary"] = {"client_id": client_id, "client_secret": secret, "scopes": "launch/patient patient/*.read"}
    app = App(at, "diary")
    token = app.tokens()["access_token"]
    assert app.read(token).status_code == 200

    admin.fill("#reason", "A burst of requests at night, under investigation.")
    admin.get_by_role("button", name="Suspend").click()
    began = time.monotonic()
    while app.read(token).status_code != 401:
        assert time.monotonic() - began < 1, "suspension takes effect within a second"
    expect(admin.locator(".status")).to_have_text("suspended")
    admin.fill("#reason", "The burst was a member's own export.")
    admin.get_by_role("button", name="Reinstate").click()
    expect(admin.locator(".status")).to_have_text("active")
    assert app.read(token).status_code == 200
    admin.fill("#reason", "The makers have withdrawn the app.")
    admin.get_by_role("button", name="Revoke for good").click()
    expect(admin.locator(".status")).to_have_text("revoked")
    look(admin, "admin-decisions")
    assert app.read(token).status_code == 401
    page.reload()
    expect(page.locator("main")).to_contain_text("The makers have withdrawn the app.")


def test_an_administrator_reads_the_logs_and_signs_the_day(at: Running, context: BrowserContext, look: Look) -> None:
    app = App(at)
    app.read(app.tokens()["access_token"])
    admin = administrator(context, at)
    admin.get_by_role("link", name="Usage").click()
    look(admin, "admin-usage")
    admin.get_by_role("link", name="Client identifiers").click()
    admin.fill("#member", "member2")
    admin.get_by_role("button", name="Look up").click()
    expect(admin.locator("#identifier")).to_have_text("UCI-2")
    look(admin, "admin-identifiers")
    admin.get_by_role("link", name="Audit").click()
    expect(admin.get_by_role("cell", name="look up client identifier").first).to_be_visible()
    admin.fill("#note", "Nothing unusual.")
    admin.get_by_role("button", name="Sign the review").click()
    expect(admin.locator(".done")).to_contain_text("Reviewed today")
    look(admin, "admin-audit")
    admin.get_by_role("link", name="Alerts").click()
    look(admin, "admin-alerts")
    admin.get_by_role("link", name="Utilisation").click()
    admin.fill("#county", "Sample County")
    admin.fill("#month", at.payer.clock.now().strftime("%Y-%m"))
    admin.get_by_role("button", name="Note the request").click()
    look(admin, "admin-utilisation")
    with admin.expect_download() as waiting:
        admin.get_by_role("link", name="CSV").first.click()
    table = Path(waiting.value.path()).read_text().splitlines()
    assert table[0] == "month,reporting_unit,app,requests,resources,members,members_repeat"
    assert any("test-public" in line for line in table[1:])
    admin.get_by_role("button", name="Sign out").click()
    admin.goto(f"{at.control}/admin/audit")
    expect(admin.get_by_role("heading", level=1)).to_contain_text("sign in")


def test_registration_by_mail_answers_to_the_contact(
    folder: Path, page: Page, context: BrowserContext, look: Look
) -> None:
    with running(folder, "shared_health") as at:
        page.goto(at.at("documentation") + "/request")
        expect(page.locator("#part2")).to_contain_text("42 CFR part 2 prohibits unauthorized use or disclosure")
        fill_request(page)
        look(page, "request-by-mail")
        page.get_by_role("button", name="Send the request").click()
        expect(page.get_by_role("status")).to_contain_text("dev@app.example")
        admin = administrator(context, at)
        admin.get_by_role("link", name="Health Diary").click()
        for box in admin.locator("input[name=met]").all():
            box.check()
        admin.get_by_role("button", name="Approve").click()
        expect(admin.locator(".status")).to_have_text("active")
        (mail,) = httpx.get(f"{at.control}/mailbox/dev@app.example", verify=CONTEXT).json()
        settings = dict(line.split(": ", 1) for line in mail["body"].splitlines()[1:])
        at.clients["mailed"] = {**settings, "scopes": "patient/*.read openid fhirUser"}
        app = App(at, "mailed")
        code = app.code(code_challenge=None, code_challenge_method=None, aud=None, grant_type="authorization_code")
        tokens = app.redeem(code, code_verifier=None, scope="patient/*.read openid fhirUser").json()
        assert tokens["patient"] == "m1"


def test_a_member_passes_every_gate_of_dean(folder: Path, page: Page, look: Look) -> None:
    from urllib.parse import urlencode

    from tests.unit.payer.running import ANSWERS, PASSWORD

    with running(folder, "dean") as at:
        app = App(at)
        page.goto(f"{at.at('authorize')}?{urlencode(app.request())}")
        page.fill("input[name=username]", "member1")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[name=sign-in]")
        page.fill("input[name=one_time_code]", "000000")
        page.click("button[name=verify]")
        expect(page.get_by_role("alert")).to_be_visible()
        look(page, "second-factor")
        (mail,) = httpx.get(f"{at.control}/mailbox/member1", verify=CONTEXT).json()
        page.fill("input[name=one_time_code]", "".join(one for one in mail["body"] if one.isdigit())[:6])
        page.click("button[name=verify]")
        look(page, "challenge")
        question = page.locator("label[for=answer]").inner_text()
        page.fill("input[name=answer]", ANSWERS[question].upper())
        page.click("button[name=verify]")
        expect(page.locator("main")).to_contain_text("Interop Station, an intermediary runs this service")
        look(page, "consent-intermediary")
        page.click("button[value=allow]")
        page.wait_for_url("**/callback?**")


def test_the_client_identifier_opens_the_record_and_nothing_alone(folder: Path, page: Page, look: Look) -> None:
    from urllib.parse import urlencode

    from tests.unit.payer.running import PASSWORD

    with running(folder, "connex") as at:
        app = App(at)
        page.goto(f"{at.at('authorize')}?{urlencode(app.request())}")
        page.fill("input[name=username]", "UCI-1")
        page.fill("input[name=password]", "UCI-1")
        page.click("button[name=sign-in]")
        expect(page.get_by_role("alert")).to_be_visible()
        page.fill("input[name=username]", "member1")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[name=sign-in]")
        page.fill("input[name=unique_client_identifier]", "UCI-2")
        page.click("button[name=verify]")
        expect(page.get_by_role("alert")).to_contain_text("not your client identifier")
        look(page, "client-identifier")
        page.fill("input[name=unique_client_identifier]", "UCI-1")
        page.click("button[name=verify]")
        page.click("button[value=allow]")
        page.wait_for_url("**/callback?**")


def test_an_app_is_active_at_once_where_nothing_is_reviewed(folder: Path, page: Page) -> None:
    chosen = load("reference")
    with running(folder, replace(chosen, onboarding=replace(chosen.onboarding, approval="automatic"))) as at:
        open_account(page, at, "quick@app.example")
        page.get_by_role("link", name="Request Authorization").click()
        fill_request(page, "public")
        page.get_by_role("button", name="Send the request").click()
        expect(page.locator(".status")).to_have_text("active")
