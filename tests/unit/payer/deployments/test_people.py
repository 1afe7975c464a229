"""What members and developers meet at each deployment: proofs of identity, the choices of the consent, the way to register."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from simulators.payer.authorization.server import of
from simulators.payer.onboarding import review
from tests.unit.payer.deployments.conftest import Walker
from tests.unit.payer.running import CONTEXT, Running


def test_the_member_proves_identity_as_stated(at: Running, app: Walker) -> None:
    login = at.payer.deployment.login
    assert 'value="allow"' in app.sign_in().text
    wanted = ["second factor"] if login.second_factor else []
    wanted += ["question"] * login.challenge_questions
    wanted += ["identifier"] if login.unique_client_identifier else []
    assert app.gates == wanted


def test_the_account_locks_after_the_failures_stated_and_opens_again(at: Running) -> None:
    login = at.payer.deployment.login
    for _ in range(login.failures_before_lock):
        app = Walker(at)
        assert app.post(app.next_page(app.authorize()), username="member2", password="wrong").status_code == 401
    locked = Walker(at)
    page = locked.next_page(locked.authorize())
    answer = locked.post(page, username="member2", password="correct horse battery staple")
    assert answer.status_code != 303, "the right password opened a locked account"
    at.clock(advance=login.lock_minutes * 60 + 5)
    later = Walker(at)
    assert 'value="allow"' in later.sign_in("member2").text


def test_an_idle_session_ends_after_the_minutes_stated(at: Running, app: Walker) -> None:
    app.sign_in()
    at.clock(advance=at.payer.deployment.login.session_minutes * 60 - 30)
    assert 'name="password"' not in app.next_page(app.authorize()).text
    at.clock(advance=at.payer.deployment.login.session_minutes * 60 + 30)
    assert 'name="password"' in app.next_page(app.authorize()).text


def test_the_consent_offers_the_categories_and_durations_stated(at: Running, app: Walker) -> None:
    consent, page = at.payer.deployment.consent, app.sign_in().text
    assert re.findall(r'name="category" value="([^"]+)"', page) == list(consent.categories)
    offered = consent.durations_days if "offline_access" in at.payer.deployment.authorization.scopes else ()
    assert [int(one) for one in re.findall(r'<option value="(\d+)"', page)] == list(
        offered
    )  # nothing lasts without refresh


def test_a_parent_chooses_the_child_where_it_is_said_until_majority(at: Running, app: Walker) -> None:
    consent = at.payer.deployment.consent
    assert ('name="person" value="m3"' in app.sign_in().text) == consent.delegates
    years = 2012 + consent.age_of_majority
    at.clock(freeze=f"{years}-03-03T12:00:00Z")
    assert ('name="person" value="m3"' in Walker(at).sign_in().text) == consent.delegates
    at.clock(freeze=f"{years}-03-06T12:00:00Z")
    assert 'name="person" value="m3"' not in Walker(at).sign_in().text


def test_developers_register_by_the_way_stated(at: Running, documentation: dict[str, Any]) -> None:
    stated, home = at.payer.deployment.onboarding, at.at("documentation")
    by_mail = httpx.get(f"{home}/request", verify=CONTEXT)
    assert (by_mail.status_code == 200) == stated.by_email
    by_form = httpx.get(f"{home}/apps/new", verify=CONTEXT)
    assert (by_form.status_code == 303) == (stated.form and not stated.by_email)
    told = " ".join(documentation["registration"]["steps"])
    assert (f"Write to {at.payer.deployment.payer.developer_email}" in told) == stated.by_email
    assert set(documentation["registration"]["attestations"]) == set(stated.attestations)
    assert {one["id"] for one in documentation["registration"]["criteria"]} == {one.id for one in stated.criteria}
    assert ("42 CFR Part 2" in str(documentation)) == stated.part2_acknowledgement


def test_an_app_waits_for_review_where_it_is_said(at: Running, documentation: dict[str, Any]) -> None:
    stated = at.payer.deployment.onboarding
    told = " ".join(documentation["registration"]["steps"])
    assert ("criteria" in told or "review" in told.lower()) == (stated.approval == "review"), told


def test_apps_register_themselves_where_it_is_said(at: Running) -> None:
    stated = at.payer.deployment.onboarding.dynamic
    sent = {
        "client_name": "An app",
        "redirect_uris": ["https://app.example/callback"],
        "token_endpoint_auth_method": "none",
    }
    answer = httpx.post(f"{at.url}/oauth/register", json=sent, verify=CONTEXT)
    assert (answer.status_code == 404) == (not stated)


def test_registration_hands_over_the_settings_stated(at: Running) -> None:
    client = of(at.payer).client("test-" + next(iter(at.clients)))
    assert client is not None
    assert list(review.settings(at.payer, client)) == list(at.payer.deployment.onboarding.hands_over)


@pytest.mark.parametrize("language", ["en", "es"])
def test_public_pages_speak_the_languages_stated(at: Running, language: str) -> None:
    page = httpx.get(at.at("education"), params={"lang": language}, verify=CONTEXT).text
    assert (f'<html lang="{language}"' in page) == (language in at.payer.deployment.portals.languages)
