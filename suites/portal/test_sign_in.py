"""Signing in proves who the member is: SMART-STANDALONE-24, HIPAA-164.312-d*, DEAN-IDP-01 (45 CFR 164.312(d), NIST SP 800-63B)."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from suites.kit.app import App
from suites.kit.outcomes import Inconclusive, control, expect, not_permitted
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.protocol import urls

WRONG = "not-the-password-of-this-member"
GUESSES = 12  # wrong passwords after which some brake must have been seen


@pytest.fixture
def guessing_permitted(target: Target) -> None:
    """Wrong logins only where the owner allows them, or on this machine."""
    if not target.permitted.negative_logins and not urls.is_loopback(target.server.fhir_base):
        not_permitted("it signs in wrongly on purpose; set permitted.negative_logins = true")


@pytest.fixture
def scapegoat(workbench: Workbench, app: App, guessing_permitted: None) -> Member:
    """A member no other check signs in as, and who can sign in: one whom an earlier run locked out is passed over."""
    others = [one for one in reversed(workbench.target.member) if one.label != workbench.members[0].label][:6]
    for one in others:
        if app.authorize(one, may_refuse=True, fresh=True).landing.value("code"):
            return one
    raise Inconclusive(
        "none of the last members of the target file can sign in; was each locked out by an earlier run?"
    )


@pytest.mark.requirement("SMART-STANDALONE-24", "DEAN-RELEASE-AFTER-VERIFY-01", "HIPAA-164.312-d")
def test_wrong_password_gets_no_code(app: App, rested_member: Member, guessing_permitted: None) -> None:
    """A member with a wrong password gets no code and no data; with the right one, the same request is granted."""
    landing = app.authorize(replace(rested_member, password=WRONG), may_refuse=True, fresh=True).landing
    expect(
        not landing.value("code"),
        "a wrong password must get no code",
        expected="the login page again",
        found=landing.described,
        evidence=landing.evidence[-1],
    )
    control(app.authorize(rested_member, fresh=True).landing.value("code"), "the right password gets a code")


@pytest.mark.requirement("SMART-STANDALONE-24", "DEAN-RELEASE-AFTER-VERIFY-01", "HIPAA-164.312-d")
def test_unknown_user_gets_no_code(app: App, member: Member, guessing_permitted: None) -> None:
    """A user name nobody has gets no code."""
    landing = app.authorize(replace(member, username="nobody-of-this-name"), may_refuse=True, fresh=True).landing
    expect(
        not landing.value("code"),
        "an unknown user must get no code",
        found=landing.described,
        evidence=landing.evidence[-1],
    )
    control(app.authorize(member).landing.value("code"), "a known member gets a code")


@pytest.mark.requirement("HIPAA-164.312-d-ENUM")
def test_login_page_does_not_tell_who_exists(app: App, member: Member, guessing_permitted: None) -> None:
    """A wrong password and an unknown user name are answered alike."""
    known = app.authorize(replace(member, password=WRONG), may_refuse=True, fresh=True).landing
    unknown = app.authorize(
        replace(member, username=member.username + "x", password=WRONG), may_refuse=True, fresh=True
    ).landing
    control(not known.redirected and not unknown.redirected, "both are refused", (known.described, unknown.described))
    one, other = (" ".join(landing.page.split()).replace(member.username, "") for landing in (known, unknown))
    expect(
        (known.status, one) == (unknown.status, other.replace("x ", " ") if other != one else other),
        "both must be answered alike",
        expected=f"{known.status} {one[:120]}",
        found=f"{unknown.status} {other[:120]}",
        evidence=unknown.evidence[-1],
    )
    control(app.authorize(member).landing.value("code"), "a known member gets a code")


@pytest.mark.requirement("HIPAA-164.312-d-LOCK")
@pytest.mark.exclusive("locks a member's account for a while")
def test_guessing_is_stopped(app: App, scapegoat: Member, guessing_permitted: None) -> None:
    """After a dozen wrong passwords the right one is refused too, or the answers come slowly or with 429."""
    started, braked = time.monotonic(), False
    for _ in range(GUESSES):
        landing = app.authorize(replace(scapegoat, password=WRONG), may_refuse=True, fresh=True).landing
        control(not landing.value("code"), "a wrong password is refused at all")
        braked = braked or landing.status in (403, 423, 429)
    seconds = time.monotonic() - started
    after = app.authorize(scapegoat, may_refuse=True, fresh=True).landing
    expect(
        not after.value("code") or braked or seconds > GUESSES * 2,
        f"guessing must be stopped after {GUESSES} wrong passwords",
        expected="the right password refused for a while, status 429, or slow answers",
        found=f"a code right after {GUESSES} guesses in {seconds:.1f} s",
        evidence=after.evidence[-1],
    )
