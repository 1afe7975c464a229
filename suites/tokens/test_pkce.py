"""Proof Key for Code Exchange: RFC7636-PKCE-*, RFC9700-PKCE-*, SMART2-PKCE-* (RFC 7636, RFC 9700 section 2.1.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import App, Attempt
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.outcomes import control, expect
from suites.kit.target import Member
from suites.protocol import pkce

FreshCode = Callable[..., Attempt]


def refused_request(app: App, member: Member, what: str, **spoiled: Any) -> None:
    """An authorization request that must come back with invalid_request, or give no usable code."""
    attempt = app.authorize(member, may_refuse=True, **spoiled)
    landing = attempt.landing
    expect(
        not landing.value("code"),
        f"a request {what} must get no code",
        expected="error=invalid_request on the redirect",
        found=landing.described,
        evidence=landing.evidence[-1],
    )
    expect(
        landing.error == "invalid_request" or (not landing.redirected and 400 <= landing.status < 500),
        f"a request {what} must be refused with invalid_request",
        expected="error=invalid_request on the redirect, or an error page",
        found=landing.described,
        evidence=landing.evidence[-1],
    )


@pytest.mark.requirement("RFC7636-PKCE-01")
def test_right_verifier_is_accepted(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """A code with an S256 challenge is exchanged with its verifier."""
    expect_status(app.redeem(fresh_code()), 200, "the right code_verifier must be accepted")


@pytest.mark.requirement("RFC7636-PKCE-01")
def test_shortest_and_longest_verifiers_are_accepted(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """Verifiers of 43 and of 128 characters are accepted: the bounds of RFC 7636."""
    for length in (43, 128):
        attempt = fresh_code(verifier=pkce.new_verifier(app.rng, length))
        expect_status(app.redeem(attempt), 200, f"a code_verifier of {length} characters must be accepted")


@pytest.mark.requirement("RFC7636-PKCE-01")
def test_wrong_verifier_is_refused(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """Another verifier than the challenge was made of is refused with invalid_grant."""
    control(app.redeem(fresh_code()).status == 200, "the right verifier is accepted")
    refused = app.redeem(fresh_code(), change={"code_verifier": pkce.new_verifier(app.rng)})
    expect_oauth_error(refused, 400, "invalid_grant")


@pytest.mark.requirement("RFC7636-PKCE-01")
def test_verifier_in_other_case_is_refused(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """The verifier is compared exactly: the same letters in another case are refused."""
    attempt = fresh_code()
    refused = app.redeem(attempt, change={"code_verifier": attempt.verifier.swapcase()})
    expect_oauth_error(refused, 400, "invalid_grant")
    control(app.redeem(fresh_code()).status == 200, "the right verifier is accepted")


@pytest.mark.requirement("RFC7636-PKCE-02")
def test_missing_verifier_is_refused(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """A code with a challenge is not exchanged without code_verifier."""
    expect_oauth_error(app.redeem(fresh_code(), drop=["code_verifier"]), 400, ("invalid_grant", "invalid_request"))
    control(app.redeem(fresh_code()).status == 200, "the same request with the verifier is accepted")


@pytest.mark.requirement("RFC7636-PKCE-02")
def test_blank_verifier_is_refused(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """An empty code_verifier is no verifier."""
    expect_oauth_error(
        app.redeem(fresh_code(), change={"code_verifier": ""}), 400, ("invalid_grant", "invalid_request")
    )
    control(app.redeem(fresh_code()).status == 200, "the same request with the verifier is accepted")


@pytest.mark.requirement("RFC7636-PKCE-03")
def test_challenge_is_no_verifier(app: App, fresh_code: FreshCode, uses_pkce: None) -> None:
    """The challenge, which anyone could see, is refused as the verifier."""
    attempt = fresh_code()
    refused = app.redeem(attempt, change={"code_verifier": attempt.request.value("code_challenge")})
    expect_oauth_error(refused, 400, "invalid_grant")
    control(app.redeem(fresh_code()).status == 200, "the right verifier is accepted")


@pytest.mark.requirement("SMART2-PKCE-02")
def test_request_without_challenge_is_refused(
    app: App, member: Member, fresh_code: FreshCode, requires_pkce: None
) -> None:
    """An authorization request without code_challenge gets no code."""
    fresh_code()
    refused_request(app, member, "without code_challenge", drop=["code_challenge", "code_challenge_method"])


@pytest.mark.requirement("SMART2-PKCE-03")
def test_plain_method_is_refused(app: App, member: Member, fresh_code: FreshCode, requires_pkce: None) -> None:
    """code_challenge_method=plain gets no code."""
    fresh_code()
    verifier = pkce.new_verifier(app.rng)
    refused_request(
        app,
        member,
        "with the plain method",
        verifier=verifier,
        change={"code_challenge": verifier, "code_challenge_method": "plain"},
    )


@pytest.mark.requirement("SMART2-PKCE-03")
def test_challenge_without_method_is_refused(
    app: App, member: Member, fresh_code: FreshCode, requires_pkce: None
) -> None:
    """A code_challenge without method means plain, and gets no code."""
    fresh_code()
    refused_request(app, member, "without code_challenge_method", drop=["code_challenge_method"])


@pytest.mark.requirement("SMART2-PKCE-03")
def test_unknown_method_is_refused(app: App, member: Member, fresh_code: FreshCode, requires_pkce: None) -> None:
    """A method the server does not know gets no code."""
    fresh_code()
    refused_request(app, member, "with an unknown method", change={"code_challenge_method": "S1"})


@pytest.mark.requirement("RFC7636-PKCE-04")
@pytest.mark.parametrize(
    "challenge",
    ["abc", "a" * 42, "a" * 129, "!" * 43],
    ids=["three-letters", "too-short", "too-long", "reserved-characters"],
)
def test_malformed_challenge_is_refused(
    app: App, member: Member, fresh_code: FreshCode, requires_pkce: None, challenge: str
) -> None:
    """A code_challenge that is not 43 to 128 unreserved characters gets no code."""
    fresh_code()
    refused_request(app, member, "with a malformed code_challenge", change={"code_challenge": challenge})


@pytest.mark.requirement("RFC9700-PKCE-02")
def test_downgrade_is_refused(app: App, member: Member, uses_pkce: None) -> None:
    """An attacker who strips the challenge gets no code, or a code that refuses a verifier."""
    attempt = app.authorize(member, may_refuse=True, drop=["code_challenge", "code_challenge_method"])
    landing = attempt.landing
    control(app.redeem(app.authorize(member)).status == 200, "the same request with a challenge is accepted")
    if not landing.value("code"):
        expect(
            landing.error == "invalid_request" or 400 <= landing.status < 500,
            "a request without a challenge is refused with invalid_request",
            found=landing.described,
            evidence=landing.evidence[-1],
        )
        return
    expect_oauth_error(app.redeem(attempt), 400, "invalid_grant")
