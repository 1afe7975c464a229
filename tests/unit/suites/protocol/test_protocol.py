"""The pure pieces: PKCE, scopes, URLs, JWTs, challenges."""

from __future__ import annotations

import base64
import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from suites.protocol import challenges, jwt, one_time_codes, pkce, scopes, urls


def test_the_challenge_of_rfc_7636_appendix_b() -> None:
    assert (
        pkce.challenge_s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


@given(st.integers(43, 128), st.integers())
def test_verifiers_are_of_the_length_and_alphabet(length: int, seed: int) -> None:
    verifier = pkce.new_verifier(random.Random(seed), length)
    assert len(verifier) == length
    assert set(verifier) <= set(pkce.UNRESERVED)


@pytest.mark.parametrize(
    ("scope", "granted", "within"),
    [
        ("patient/Observation.read", "patient/*.read", True),
        ("patient/Observation.rs", "patient/*.read", True),
        ("patient/Observation.read", "patient/Observation.rs", True),
        ("patient/Observation.read", "patient/Observation.r patient/Observation.s", True),
        ("patient/Observation.read", "patient/Observation.r", False),
        ("patient/Observation.write", "patient/*.read", False),
        ("user/Observation.read", "patient/*.read", False),
        ("patient/Observation.rs?category=laboratory", "patient/Observation.rs", True),
        ("patient/Observation.rs", "patient/Observation.rs?category=laboratory", False),
        ("openid", "openid fhirUser", True),
        ("offline_access", "openid", False),
    ],
)
def test_scopes_lie_within_or_outside(scope: str, granted: str, within: bool) -> None:
    assert scopes.within(scope, scopes.split(granted)) is within
    assert (scopes.outside(scope, granted) == []) is within


@given(st.text(max_size=60))
def test_any_text_is_read_as_a_scope_or_none(text: str) -> None:
    found = scopes.clinical(text)
    assert found is None or found.covers(found)


def test_urls_of_well_known_places() -> None:
    assert (
        urls.smart_configuration("https://p.example/fhir/") == "https://p.example/fhir/.well-known/smart-configuration"
    )
    assert (
        urls.authorization_server_metadata("https://p.example/a")
        == "https://p.example/.well-known/oauth-authorization-server/a"
    )
    assert urls.with_query("https://p.example/a?x=1", [("b c", "d&e")]) == "https://p.example/a?x=1&b%20c=d%26e"


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("http://127.0.0.1:8765/cb?code=1", True),
        ("http://127.0.0.1:8765/cb/more?code=1", False),
        ("http://127.0.0.1:8765/cbx?code=1", False),
        ("http://127.0.0.1:9999/cb?code=1", False),
        ("https://127.0.0.1:8765/cb?code=1", False),
    ],
)
def test_a_redirect_goes_to_the_app_or_not(url: str, goes: bool) -> None:
    assert urls.goes_to(url, "http://127.0.0.1:8765/cb") is goes


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.booleans(), max_size=4))
def test_a_signed_jwt_is_read_and_verifies_until_it_is_altered(claims: dict[str, object]) -> None:
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    token = jwt.read(jwt.sign(claims, key, "ES256", kid="k1"))
    keys = {"keys": [key.as_dict(private=False)]}
    assert token.claims == claims
    assert jwt.verifies(token, keys) == ""
    header, payload, signature = token.compact.split(".")
    other = jwt.b64url(b'{"altered":true}')
    assert jwt.verifies(jwt.read(f"{header}.{other}.{signature}"), keys) != ""
    assert payload == token.compact.split(".")[1]


def test_unsigned_and_secret_signed_tokens_never_verify() -> None:
    key = RSAKey.generate_key(2048)
    public = {"keys": [key.as_dict(private=False)]}
    assert "cannot be verified" in jwt.verifies(jwt.read(jwt.unsigned({"sub": "x"})), public)
    forged = jwt.signed_with_secret({"sub": "x"}, key.as_pem(private=False))
    assert "cannot be verified" in jwt.verifies(jwt.read(forged), public)


@given(st.text(max_size=120))
def test_any_text_is_a_jwt_or_says_why_not(text: str) -> None:
    if text.count(".") != 2:
        with pytest.raises(jwt.NotAJwt):
            jwt.read(text)
        return
    with contextlib.suppress(jwt.NotAJwt):
        assert jwt.read(text).compact == text


def test_one_time_codes_of_rfc_6238_appendix_b() -> None:
    seed = base64.b32encode(b"12345678901234567890").decode()
    assert one_time_codes.totp(seed, 59, 8) == "94287082"
    assert one_time_codes.totp(seed, 20_000_000_000, 8) == "65353130"
    assert len(one_time_codes.totp("JBSW Y3DP", 0)) == 6
    with pytest.raises(ValueError, match="base32"):
        one_time_codes.totp("not base32!", 0)


def test_challenges_are_taken_apart() -> None:
    found = challenges.read(
        'Basic realm="a, b", Bearer realm="fhir", error="invalid_token", error_description="a \\"quoted\\" word"'
    )
    assert [one.scheme for one in found] == ["basic", "bearer"]
    assert found[1].parameters == {"realm": "fhir", "error": "invalid_token", "error_description": 'a "quoted" word'}
    bare = challenges.bearer(["Bearer"])
    assert bare is not None
    assert bare.parameters == {}


@given(st.text(max_size=200))
def test_any_header_is_read_without_harm(header: str) -> None:
    assert isinstance(challenges.read(header), list)
