"""OpenID Connect Discovery and keys: OIDC-DISCOVERY-* (OpenID Connect Discovery 1.0 sections 3 and 4, RFC 7517)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.expectations import expect_media_type, expect_status
from suites.kit.http import Answer
from suites.kit.outcomes import expect, findings, judged, not_applicable
from suites.protocol import jwt, urls

PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture(autouse=True)
def _offered(smart_configuration: dict[str, Any]) -> None:
    if "sso-openid-connect" not in smart_configuration.get("capabilities", []) and "issuer" not in smart_configuration:
        not_applicable("the server offers no OpenID Connect sign-on")


@pytest.mark.requirement("OIDC-DISCOVERY-04")
def test_openid_configuration_is_open_json(openid_configuration_answer: Answer) -> None:
    """The OpenID configuration is answered 200 as application/json, without authentication."""
    expect_status(openid_configuration_answer, 200, "the OpenID configuration must be open")
    expect_media_type(openid_configuration_answer, ("application/json",))
    openid_configuration_answer.object()


@pytest.mark.requirement("OIDC-DISCOVERY-01")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_endpoint_is_named(openid_configuration: dict[str, Any], name: str) -> None:
    """The endpoints a client needs are absolute https URLs (http only on the same machine)."""
    value = openid_configuration.get(name)
    expect(
        isinstance(value, str) and urls.is_secure_or_loopback(value),
        f"{name} must be an https URL",
        found=value or "nothing",
        path=name,
    )


@pytest.mark.requirement("OIDC-DISCOVERY-01")
@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("response_types_supported", "code"),
        ("subject_types_supported", ""),
        ("id_token_signing_alg_values_supported", "RS256"),
    ],
)
def test_required_list_is_given(openid_configuration: dict[str, Any], name: str, needed: str) -> None:
    """The lists OpenID Connect requires are there, RS256 and code among them, and alg none is not."""
    values = openid_configuration.get(name)
    expect(
        isinstance(values, list) and values and (not needed or needed in values),
        f"{name} must be a list{' with ' + needed if needed else ''}",
        found=values if values is not None else "nothing",
        path=name,
    )
    assert isinstance(values, list)
    expect(
        name != "id_token_signing_alg_values_supported" or "none" not in values,
        "unsigned id_tokens must not be offered",
        found=values,
    )


@pytest.mark.requirement("OIDC-DISCOVERY-02")
def test_issuer_is_where_it_was_found(openid_configuration: dict[str, Any], issuer: str) -> None:
    """issuer is, character for character, the address its configuration was found under."""
    found = openid_configuration.get("issuer")
    expect(found == issuer, "issuer must be identical to the address used", expected=issuer, found=found, path="issuer")
    expect("?" not in issuer and "#" not in issuer, "an issuer has no query and no fragment", found=issuer)


@pytest.mark.requirement("OIDC-DISCOVERY-03")
def test_keys_are_published(jwks_answer: Answer) -> None:
    """The key set is open and holds at least one RSA signing key with modulus and exponent."""
    expect_status(jwks_answer, 200, "the key set must be open")
    keys = jwks_answer.object().get("keys")
    expect(
        isinstance(keys, list) and keys,
        "keys must be a list with a key in it",
        found=keys if keys is not None else "nothing",
        path="keys",
    )
    assert isinstance(keys, list)
    rsa = [one for one in keys if isinstance(one, dict) and one.get("kty") == "RSA" and one.get("use", "sig") == "sig"]
    expect(
        any(one.get("n") and one.get("e") for one in rsa),
        "an RSA signing key must be among them, since RS256 is required",
        found=[one.get("kty") for one in keys if isinstance(one, dict)],
    )


@pytest.mark.requirement("OIDC-DISCOVERY-03")
def test_keys_are_public_and_named(jwks: dict[str, Any]) -> None:
    """No private part of a key is published, and several keys have different kids."""
    keys = [one for one in jwks.get("keys", []) if isinstance(one, dict)]
    judged(len(keys), "key")
    with findings() as found:
        for number, key in enumerate(keys):
            leaked = PRIVATE_PARTS & set(key)
            found.check(
                not leaked, "only public parts of a key are published", found=sorted(leaked), path=f"keys[{number}]"
            )
        kids = [key.get("kid") for key in keys]
        found.check(
            len(keys) == 1 or (all(kids) and len(set(kids)) == len(kids)), "several keys need a kid each", found=kids
        )


@pytest.mark.requirement("OIDC-DISCOVERY-03")
def test_rsa_keys_are_long_enough(jwks: dict[str, Any]) -> None:
    """RSA keys have at least 2048 bits (RFC 7518 section 3.3)."""
    rsa = [one for one in jwks.get("keys", []) if isinstance(one, dict) and one.get("kty") == "RSA" and one.get("n")]
    judged(len(rsa), "RSA key")
    with findings() as found:
        for key in rsa:
            bits = int.from_bytes(jwt.from_b64url(key["n"])).bit_length()
            found.check(bits >= 2048, "an RSA key has at least 2048 bits", found=bits, path=str(key.get("kid")))
