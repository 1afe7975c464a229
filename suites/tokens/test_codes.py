"""Authorization codes at the token endpoint: RFC6749-CODE-* (RFC 6749 section 4.1). Each refusal after its control."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from suites.kit.app import App, Attempt
from suites.kit.clock import TargetClock
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, judged
from suites.kit.target import Member, Target

FreshCode = Callable[..., Attempt]
LONGEST_CODE_LIFE = 600  # seconds, RFC 6749 section 4.1.2


@pytest.mark.requirement("RFC6749-CODE-01")
def test_code_is_refused_the_second_time(app: App, fresh_code: FreshCode) -> None:
    """A code already exchanged is refused with invalid_grant."""
    attempt = fresh_code()
    first = app.redeem(attempt)
    control(first.status == 200, "a fresh code is exchanged", first.status)
    expect_oauth_error(app.redeem(attempt), 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-CODE-04")
def test_replay_revokes_the_tokens_of_the_code(
    app: App, fresh_code: FreshCode, member: Member, http: Http, target: Target
) -> None:
    """After a replay the access token of the first exchange stops working."""
    attempt = fresh_code()
    grant = app.as_grant(app.redeem(attempt), attempt, member)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the token works before the replay")
    control(app.redeem(attempt).status != 200, "the replay is refused")
    expect_status(fhir.read("Patient", grant.patient), 401, "the tokens of a replayed code should be revoked")


@pytest.mark.requirement("RFC6749-ERROR-05")
def test_invented_code_is_refused(app: App, fresh_code: FreshCode) -> None:
    """A code the server never issued is refused with invalid_grant."""
    attempt = fresh_code()
    refused = app.redeem(attempt, change={"code": "not-a-code-of-yours"})
    expect_oauth_error(refused, 400, "invalid_grant")
    control(app.redeem(attempt).status == 200, "the same request with the right code is accepted")


@pytest.mark.requirement("RFC6749-CODE-02")
def test_code_of_another_client_is_refused(app: App, another_app: App, fresh_code: FreshCode) -> None:
    """A code issued to one registration is refused when another presents it with its own credentials."""
    own = another_app.redeem(fresh_code(by=another_app))
    control(own.status == 200, "the other registration exchanges codes of its own", own.status)
    stolen = another_app.redeem(fresh_code())
    expect_oauth_error(stolen, 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-CODE-05")
def test_other_redirect_uri_is_refused(app: App, fresh_code: FreshCode) -> None:
    """A token request with another redirect_uri than the authorization request is refused."""
    attempt = fresh_code()
    expect_oauth_error(
        app.redeem(attempt, change={"redirect_uri": app.client.redirect_uri + "/other"}), 400, "invalid_grant"
    )
    control(app.redeem(fresh_code()).status == 200, "the same request with the right redirect_uri is accepted")


@pytest.mark.requirement("RFC6749-CODE-05")
def test_missing_redirect_uri_is_refused(app: App, fresh_code: FreshCode) -> None:
    """A token request that leaves out the redirect_uri its authorization request had is refused."""
    attempt = fresh_code()
    expect_oauth_error(app.redeem(attempt, drop=["redirect_uri"]), 400, ("invalid_grant", "invalid_request"))
    control(app.redeem(fresh_code()).status == 200, "the same request with redirect_uri is accepted")


@pytest.mark.requirement("RFC6749-CODE-03")
@pytest.mark.exclusive("moves the target's clock")
def test_code_expires(app: App, fresh_code: FreshCode, target_clock: TargetClock) -> None:
    """A code is refused once ten minutes have gone by."""
    control(app.redeem(fresh_code()).status == 200, "a fresh code is exchanged")
    attempt = fresh_code()
    target_clock.pass_by(LONGEST_CODE_LIFE + 1)
    expect_oauth_error(app.redeem(attempt), 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-CODE-06")
def test_codes_and_tokens_cannot_be_guessed(app: App, fresh_code: FreshCode, member: Member) -> None:
    """Codes and opaque tokens are long, and no two of them are alike in most of their characters."""
    attempts = [fresh_code() for _ in range(3)]
    bodies = [app.as_grant(app.redeem(attempt), attempt, member).body for attempt in attempts]
    kinds = {
        "code": [attempt.code for attempt in attempts],
        "access_token": [str(body["access_token"]) for body in bodies],
        "refresh_token": [str(body["refresh_token"]) for body in bodies if "refresh_token" in body],
    }
    judged(sum(map(len, kinds.values())))
    with findings() as found:
        for kind, values in kinds.items():
            found.check(
                len(set(values)) == len(values),
                f"every {kind} is new",
                found=f"{len(set(values))} of {len(values)} differ",
            )
            for value in values:
                # 22 characters of base64url hold 128 bits.
                found.check(
                    len(value) >= 22,
                    f"a {kind} holds at least 128 bits",
                    expected="22 characters or more",
                    found=f"{len(value)} characters",
                )
            # Signed tokens say the same things of the same grant in their first parts.
            for one, other in pairwise(value for value in values if value.count(".") != 2):
                alike = sum(a == b for a, b in zip(one, other, strict=False))
                found.check(
                    max(len(one), len(other)) - alike >= 16,
                    f"two {kind}s differ in most of their characters",
                    expected="16 characters or more that differ",
                    found=f"{alike} of {len(one)} characters are the same",
                )


@pytest.mark.requirement("RFC6749-CODE-01")
def test_racing_exchanges_give_one_token(app: App, fresh_code: FreshCode) -> None:
    """Two exchanges of one code at the same moment: at most one is answered with tokens."""
    attempt = fresh_code()
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: app.redeem(attempt), range(2)))
    statuses = sorted(answer.status for answer in answers)
    control(statuses[0] == 200, f"one of two exchanges within {time.monotonic() - started:.2f} s is accepted", statuses)
    expect(
        statuses != [200, 200],
        "a code is exchanged once, also when two requests race",
        expected="[200, 400]",
        found=statuses,
    )
