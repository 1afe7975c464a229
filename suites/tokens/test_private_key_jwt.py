"""Client assertions: SMART2-ASYMMETRIC-* (SMART App Launch 2.0 client-confidential-asymmetric, RFC 7523 section 3)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from suites.kit.app import App, Attempt
from suites.kit.expectations import expect_oauth_error, expect_status
from suites.kit.outcomes import control
from suites.protocol import jwt

FreshCode = Callable[..., Attempt]


def refused(app: App, fresh_code: FreshCode, assertion: str) -> None:
    """An assertion that must be refused with invalid_client, after a good one was accepted."""
    good = app.redeem(fresh_code(by=app))
    control(good.status == 200, "a correct assertion is accepted", f"{good.status} {good.text[:160]}")
    answer = app.redeem(fresh_code(by=app), assertion=assertion)
    expect_oauth_error(answer, (400, 401), "invalid_client")


@pytest.mark.requirement("SMART2-ASYMMETRIC-01")
def test_signed_assertion_is_accepted(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """A client that signs a JWT with its registered key is served."""
    answer = asymmetric_app.redeem(fresh_code(by=asymmetric_app))
    expect_status(answer, 200, "a correct client assertion must be accepted")


@pytest.mark.requirement("SMART2-ASYMMETRIC-02")
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example/token"},
        {"aud": None},
        {"iss": "someone-else"},
        {"sub": "someone-else"},
        {"iss": None},
        {"sub": None},
    ],
    ids=["aud-of-another-server", "no-aud", "iss-of-another-client", "sub-of-another-client", "no-iss", "no-sub"],
)
def test_assertion_for_somebody_else_is_refused(
    asymmetric_app: App, fresh_code: FreshCode, claims: dict[str, Any]
) -> None:
    """iss and sub must be this client, aud this token endpoint."""
    refused(asymmetric_app, fresh_code, asymmetric_app.assertion(**claims))


@pytest.mark.requirement("SMART2-ASYMMETRIC-03")
@pytest.mark.parametrize("life", [-120, 86400, None], ids=["expired", "lives-a-day", "no-exp"])
def test_assertion_of_wrong_lifetime_is_refused(asymmetric_app: App, fresh_code: FreshCode, life: int | None) -> None:
    """exp is there, in the future and at most five minutes away."""
    refused(asymmetric_app, fresh_code, asymmetric_app.assertion(exp=None if life is None else int(time.time()) + life))


@pytest.mark.requirement("SMART2-ASYMMETRIC-04")
def test_assertion_is_accepted_once(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """The same assertion, with the same jti, is refused the second time."""
    assertion = asymmetric_app.assertion()
    first = asymmetric_app.redeem(fresh_code(by=asymmetric_app), assertion=assertion)
    control(first.status == 200, "the assertion is accepted the first time", first.status)
    again = asymmetric_app.redeem(fresh_code(by=asymmetric_app), assertion=assertion)
    expect_oauth_error(again, (400, 401), "invalid_client")


@pytest.mark.requirement("SMART2-ASYMMETRIC-04")
def test_assertion_without_jti_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """Without a jti a replay could not be seen: the assertion is refused."""
    refused(asymmetric_app, fresh_code, asymmetric_app.assertion(jti=None))


@pytest.mark.requirement("SMART2-ASYMMETRIC-01", "SMART2-ASYMMETRIC-05")
def test_unsigned_assertion_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """alg none proves nothing."""
    claims = jwt.read(asymmetric_app.assertion()).claims
    refused(asymmetric_app, fresh_code, jwt.unsigned(claims, kid=asymmetric_app.key_id))


@pytest.mark.requirement("SMART2-ASYMMETRIC-01", "SMART2-ASYMMETRIC-05")
def test_assertion_of_another_key_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """A signature by a key nobody registered, under the registered kid, is refused."""
    own = asymmetric_app.key()
    other = RSAKey.generate_key(2048) if isinstance(own, RSAKey) else ECKey.generate_key(own.curve_name)
    refused(asymmetric_app, fresh_code, asymmetric_app.assertion(key=other))


@pytest.mark.requirement("SMART2-ASYMMETRIC-01", "SMART2-ASYMMETRIC-05")
def test_altered_assertion_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """An assertion whose claims were changed after signing is refused."""
    good = jwt.read(asymmetric_app.assertion())
    header, _, signature = good.compact.split(".")
    claims = jwt.b64url(json.dumps({**good.claims, "exp": good.claims["exp"] + 1}).encode())
    refused(asymmetric_app, fresh_code, f"{header}.{claims}.{signature}")


@pytest.mark.requirement("SMART2-ASYMMETRIC-01", "SMART2-ASYMMETRIC-05")
def test_public_key_is_no_shared_secret(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """HS256 with the public key as secret, the classic confusion, is refused."""
    public = asymmetric_app.key().as_pem(private=False)
    claims = jwt.read(asymmetric_app.assertion()).claims
    assertion = jwt.signed_with_secret(claims, public, kid=asymmetric_app.key_id)
    refused(asymmetric_app, fresh_code, assertion)


@pytest.mark.requirement("SMART2-ASYMMETRIC-05")
def test_unknown_kid_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """A kid that is not among the registered keys is refused."""
    claims = jwt.read(asymmetric_app.assertion()).claims
    own = asymmetric_app.key()
    other = RSAKey.generate_key(2048) if isinstance(own, RSAKey) else ECKey.generate_key(own.curve_name)
    refused(
        asymmetric_app,
        fresh_code,
        jwt.sign(claims, other, asymmetric_app.algorithm, kid="nobody-registered-this-key"),
    )


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_asymmetric_client_without_assertion_is_refused(asymmetric_app: App, fresh_code: FreshCode) -> None:
    """A client registered with keys is not served by its client_id alone."""
    good = asymmetric_app.redeem(fresh_code(by=asymmetric_app))
    control(good.status == 200, "a correct assertion is accepted", good.status)
    expect_oauth_error(asymmetric_app.redeem(fresh_code(by=asymmetric_app), auth="id"), (400, 401), "invalid_client")
