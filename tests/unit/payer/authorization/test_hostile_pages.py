"""Against the pages: forged forms, planted sessions, skipped steps, other browsers, other members; and stores shared with others."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from patient_access import app as front_door
from simulators.payer.deployment import load
from tests.postgresql import NoPostgresql, server
from tests.unit.payer.running import CONTEXT, PASSWORD, App, Running, hidden_fields, running


def test_a_form_without_its_token_is_not_taken(at: Running, app: App) -> None:
    page = app.sign_in()
    fields = hidden_fields(page.text)
    address = f"{at.at('authorize')}/continue"
    for forged in ({**fields, "form_token": "x"}, {"transaction": fields["transaction"]}):
        answer = app.http.post(address, data={**forged, "decision": "allow"})
        assert answer.status_code == 403
        assert "location" not in answer.headers
    assert app.decide(page).status_code == 302


def test_another_browser_cannot_take_over(at: Running, app: App) -> None:
    page = app.sign_in()
    fields = hidden_fields(page.text)
    stranger = httpx.post(f"{at.at('authorize')}/continue", data={**fields, "decision": "allow"}, verify=CONTEXT)
    assert stranger.status_code == 400
    assert (
        httpx.get(
            f"{at.at('authorize')}/continue", params={"transaction": fields["transaction"]}, verify=CONTEXT
        ).status_code
        == 400
    )


def test_a_planted_session_does_not_survive_sign_in(at: Running, app: App) -> None:
    app.http.cookies.set("pa_member", "planted", domain="127.0.0.1")
    app.sign_in()
    held = [cookie.value for cookie in app.http.cookies.jar if cookie.name == "pa_member"]
    assert held
    assert "planted" not in held
    assert httpx.get(at.at("member") + "/apps", cookies={"pa_member": "planted"}, verify=CONTEXT).status_code == 303


def test_a_login_begun_by_somebody_else_is_worth_nothing_to_them(at: Running) -> None:
    """An attacker begins, plants their cookie in the member's browser and sends the member the address of the login page."""
    attacker, member = App(at), App(at)
    begun = attacker.authorize().headers["location"]
    planted = next(one for one in attacker.http.cookies.jar if one.name == "pa_browser")
    member.http.cookies.set("pa_browser", planted.value or "", domain="127.0.0.1")
    page = member.post(member.http.get(begun), username="member1", password=PASSWORD)
    consent = member.next_page(page)
    assert attacker.http.get(begun).status_code == 400
    assert member.decide(consent).status_code == 302  # the member's own browser goes on


def test_steps_cannot_be_skipped(at: Running, app: App) -> None:
    page = app.next_page(app.authorize())
    for fields in (
        {"decision": "allow"},
        {"decision": "allow", "username": "member1"},
        {"person": "m1", "decision": "allow", "done": "password"},
    ):
        answer = app.post(page, **fields)
        assert "location" not in answer.headers
        assert answer.status_code in (400, 401)


def test_session_cookies_are_out_of_reach(at: Running, app: App) -> None:
    page = app.next_page(app.authorize())
    answer = app.post(page, username="member1", password=PASSWORD)
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("pa_member"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_no_password_token_or_code_is_on_a_page_or_in_the_logs(at: Running, app: App) -> None:
    page = app.next_page(app.authorize())
    refused = app.post(page, username="member1", password="a-secret-mistyped")
    assert "a-secret-mistyped" not in refused.text
    tokens = app.tokens()
    kept = (
        httpx.get(f"{at.control}/logs/audit", verify=CONTEXT).text
        + httpx.get(f"{at.control}/logs/usage", verify=CONTEXT).text
        + httpx.get(f"{at.control}/apps", verify=CONTEXT).text
    )
    for secret in (tokens["access_token"], tokens["refresh_token"], PASSWORD, "a-secret-mistyped"):
        assert secret not in kept
    stored = " ".join(str(row) for row in at.payer.database.query("SELECT * FROM tokens"))
    assert tokens["access_token"] not in stored


def test_unknown_members_and_wrong_passwords_look_alike(at: Running) -> None:
    def refused(name: str) -> str:
        app = App(at)
        page = app.next_page(app.authorize())
        answer = app.post(page, username=name, password="wrong")
        assert answer.status_code == 401
        return re.sub(r'value="[^"]*"|transaction=[^"&]*', "", answer.text)

    assert refused("member2") == refused("nobody-at-all")


def test_one_member_cannot_end_what_another_allowed(at: Running) -> None:
    one, other = App(at), App(at)
    token = one.tokens()["access_token"]
    consent = at.payer.database.one("SELECT consent FROM tokens WHERE kind = 'access' ORDER BY issued_at DESC")
    assert consent
    page = other.next_page(other.http.get(at.at("member") + "/sign-in"))
    back = other.post(page, username="member2", password=PASSWORD)
    home = other.http.get(back.headers["location"])
    form = {"form_token": hidden_fields(home.text)["form_token"]}
    assert other.http.post(f"{at.at('member')}/apps/{consent[0]}/end", data=form).status_code == 404
    assert one.read(token).status_code == 200
    assert other.http.post(f"{at.at('member')}/apps/{consent[0]}/end", data={"form_token": "x"}).status_code == 403


def test_idle_sessions_end(at: Running, app: App) -> None:
    app.sign_in()
    at.clock(advance=21 * 60)
    assert 'name="password"' in app.next_page(app.authorize()).text


def test_an_app_opened_by_the_member_is_about_that_person(folder: Path) -> None:
    with running(folder, "current") as at:
        from simulators.payer.authorization.server import of

        ledger = of(at.payer).ledger
        client = ledger.client("test-public")
        assert client is not None
        ledger.save_client(replace(client, launch_uri="https://app.example/launch"))
        app = App(at)
        page = app.next_page(app.http.get(at.at("member") + "/sign-in"))
        home = app.http.get(app.post(page, username="member1", password=PASSWORD).headers["location"])
        form = {"form_token": hidden_fields(home.text)["form_token"], "person": "m3"}
        opened = app.http.post(f"{at.at('member')}/apps/test-public/open", data=form)
        assert opened.status_code == 303
        from tests.unit.payer.running import query_of

        sent = query_of(opened.headers["location"])
        assert sent["iss"] == at.fhir
        tokens = app.tokens(scope="launch openid fhirUser patient/*.rs", launch=sent["launch"])
        assert tokens["patient"] == "m3"
        assert (
            query_of(App(at).authorize(scope="launch patient/*.rs", launch="unknown").headers["location"])["error"]
            == "invalid_request"
        )
        assert (
            query_of(
                App(at, "second").authorize(scope="launch patient/*.rs", launch=sent["launch"]).headers["location"]
            )["error"]
            == "invalid_request"
        )


def test_keys_roll_over_by_command(folder: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "payer.sqlite")
    with running(folder, database=database) as at:
        before = [key["kid"] for key in httpx.get(at.at("jwks"), verify=CONTEXT).json()["keys"]]
        done = CliRunner().invoke(front_door, ["keys", "rotate", "--database", database])
        assert done.exit_code == 0, done.output
        after = [key["kid"] for key in httpx.get(at.at("jwks"), verify=CONTEXT).json()["keys"]]
        assert after[0] == done.output.strip()
        assert set(before) < set(after)
    refused = CliRunner().invoke(front_door, ["keys", "rotate", "--database", ":memory:"])
    assert refused.exit_code == 2


@pytest.fixture
def postgresql() -> Iterator[str]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(server())
        except NoPostgresql as reason:
            pytest.skip(f"PostgreSQL: {reason}")


@pytest.mark.postgres
def test_all_of_it_works_on_postgresql(
    folder: Path, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with running(folder, database=postgresql) as at, running(folder, database=postgresql) as other:
        app = App(at)
        tokens = app.tokens()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code == 200
        second = app.refresh(tokens["refresh_token"]).json()
        assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert (
            httpx.get(
                f"{other.fhir}/Patient/m1",
                headers={"Authorization": f"Bearer {second['access_token']}"},
                verify=CONTEXT,
            ).status_code
            == 401
        )
        code = App(at).code()
        assert code
        for page in ("apps", "usage", "audit", "alerts", "utilisation"):
            signed = httpx.Client()
            known = httpx.get(f"{other.control}/administrator", verify=CONTEXT).json()
            form = signed.get(f"{other.control}/admin/sign-in")
            signed.post(f"{other.control}/admin/sign-in", data={**hidden_fields(form.text), **known})
            assert signed.get(f"{other.control}/admin/{page}").status_code == 200
        assert len(httpx.get(f"{at.control}/logs/usage", verify=CONTEXT).text.splitlines()) >= 1
        httpx.post(f"{at.control}/reset", verify=CONTEXT).raise_for_status()
        assert httpx.get(f"{other.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code == 401


def test_limits_are_shared_through_redis(folder: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        chosen = load("reference")
        few = replace(chosen, limits=replace(chosen.limits, requests=10, per_seconds=30))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.1).close()
                break
            except OSError:
                time.sleep(0.05)
        url = f"redis://127.0.0.1:{port}"
        with running(folder, few, redis=url) as one, running(folder, few, redis=url) as other:
            first, second = App(one), App(other)
            mine, theirs = first.tokens()["access_token"], second.tokens()["access_token"]
            statuses = [
                walker.read(token).status_code for _ in range(8) for walker, token in ((first, mine), (second, theirs))
            ]
            assert statuses.count(200) <= 20
            assert 429 in statuses
    finally:
        process.terminate()
        process.wait(10)
