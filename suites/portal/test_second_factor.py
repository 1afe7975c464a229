"""Further proofs of identity, where the payer asks for them: DEAN-MFA-*, DEAN-CHALLENGE-01 (RFC 6238, NIST SP 800-63B)."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from suites.kit import recipe
from suites.kit.app import App
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.target import Member, Target
from suites.protocol.one_time_codes import PERIOD, totp

ENOUGH = 8.0  # seconds two sign-ins take at most
WRONG_ANSWER = "an answer nobody would give"


def asks_for(target: Target, what: str) -> None:
    """Whether the login recipe meets this page."""
    if not any(step.do == what and "identifier" not in step.at for step in target.login.step):
        not_applicable(f"the login recipe has no {what} step: this payer does not ask for it")


@pytest.mark.requirement("DEAN-MFA-01")
def test_wrong_one_time_code_gets_no_code(app: App, rested_member: Member, target: Target) -> None:
    """The right password with a wrong one-time code gets nothing."""
    asks_for(target, "one_time_code")
    control(app.authorize(rested_member, fresh=True).landing.value("code"), "the right one-time code gets in")
    right = totp(rested_member.totp_seed, time.time())
    wrong = f"{(int(right) + 111111) % 1000000:06d}"
    landing = app.authorize(rested_member, may_refuse=True, fresh=True, one_time_code=wrong).landing
    expect(
        not landing.value("code"),
        "a wrong one-time code must get nothing",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("DEAN-MFA-02")
def test_one_time_code_works_once(app: App, rested_member: Member, target: Target) -> None:
    """A one-time code that was used is refused within its own half minute."""
    asks_for(target, "one_time_code")
    identity_code = _fresh_code(rested_member)
    first = app.authorize(rested_member, may_refuse=True, fresh=True, one_time_code=identity_code).landing
    control(first.value("code"), "the one-time code gets in the first time", first.described)
    again = app.authorize(rested_member, may_refuse=True, fresh=True, one_time_code=identity_code).landing
    expect(
        not again.value("code"),
        "a used one-time code must be refused",
        found=again.described,
        evidence=again.evidence[-1],
    )


def _fresh_code(member: Member) -> str:
    """A one-time code nobody has typed yet, with some of its half minute left."""
    left = PERIOD - time.time() % PERIOD
    if left < ENOUGH:
        time.sleep(left + 0.1)
    return recipe.one_time_code(member.identity())


@pytest.mark.requirement("DEAN-CHALLENGE-01")
def test_wrong_answer_gets_no_code(app: App, rested_member: Member, target: Target) -> None:
    """The right password with a wrong answer to the challenge question gets nothing."""
    asks_for(target, "answer")
    control(app.authorize(rested_member, fresh=True).landing.value("code"), "the right answers get in")
    forgetful = replace(rested_member, answers=dict.fromkeys(rested_member.answers, WRONG_ANSWER))
    landing = app.authorize(forgetful, may_refuse=True, fresh=True).landing
    expect(
        not landing.value("code"),
        "a wrong answer must get nothing",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("CONNEX-V.B.4.b-DENY")
def test_wrong_client_identifier_gets_no_code(app: App, rested_member: Member, target: Target) -> None:
    """The right password with a wrong unique client identifier gets nothing: no code, and so no data."""
    if not any(step.do == "answer" and "identifier" in step.at for step in target.login.step):
        not_applicable("the login recipe meets no page that asks for a client identifier")
    control(app.authorize(rested_member, fresh=True).landing.value("code"), "the right identifier gets in")
    forgetful = replace(rested_member, answers=dict.fromkeys(rested_member.answers, WRONG_ANSWER))
    landing = app.authorize(forgetful, may_refuse=True, fresh=True).landing
    expect(
        not landing.value("code"),
        "a wrong client identifier must get nothing",
        found=landing.described,
        evidence=landing.evidence[-1],
    )
