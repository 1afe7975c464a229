"""What opens the FHIR interface: RFC6750-BEARER-*, SMART-STANDALONE-14, -19, -20 (RFC 6750, SMART App Launch)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from suites.kit.app import App, Attempt, Grant
from suites.kit.clock import TargetClock
from suites.kit.expectations import expect_bearer_refusal, expect_status
from suites.kit.fhir import FHIR_ACCEPT, FhirClient
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.target import Target
from suites.protocol import challenges, jwt, urls

FreshGrant = Callable[..., Grant]
INVENTED = "an-invented-token"
DAY = 86400


@pytest.fixture
def own(fhir: FhirClient, grant: Grant) -> str:
    """The control: the URL of the own Patient, read with the right token."""
    control(fhir.read("Patient", grant.patient).status == 200, "the right token reads the own Patient")
    return urls.below(fhir.base, f"Patient/{grant.patient}")


def knock(http: Http, url: str, authorization: str) -> Answer:
    """A read with any Authorization header."""
    return http.send("GET", url, headers={**FHIR_ACCEPT, "Authorization": authorization})


@pytest.mark.requirement("RFC6750-BEARER-01", "SHM-BEARER-01")
def test_bearer_token_in_the_header_opens(fhir: FhirClient, grant: Grant) -> None:
    """The access token behind Bearer in the Authorization header is accepted."""
    answer = fhir.read("Patient", grant.patient)
    control(answer.status != 403, "what was granted opens the Patient")
    expect_status(answer, 200, "the token must be accepted in the header")


@pytest.mark.requirement("RFC6750-BEARER-01", "USCORE-SEC-04")
def test_no_token_is_refused(http: Http, own: str) -> None:
    """A read without any token is refused with 401."""
    expect_status(http.get(own, headers=FHIR_ACCEPT), 401, "a read without a token must be refused")


@pytest.mark.requirement("RFC6750-BEARER-05")
def test_refusals_carry_a_challenge(http: Http, own: str) -> None:
    """Each 401 carries WWW-Authenticate: Bearer; error=invalid_token only where a token was sent."""
    bare, invented = http.get(own, headers=FHIR_ACCEPT), http.get(own, headers=FHIR_ACCEPT, token=INVENTED)
    control(
        bare.status in (401, 403) and invented.status in (401, 403),
        "both requests are refused",
        (bare.status, invented.status),
    )
    with findings() as found:
        for what, answer in (("no token", bare), ("an invented token", invented)):
            challenge = challenges.bearer(answer.all("www-authenticate"))
            if (
                found.check(
                    challenge is not None or answer.status != 401,
                    f"the 401 for {what} carries a Bearer challenge",
                    found=answer.all("www-authenticate"),
                    evidence=answer.evidence,
                )
                and challenge
            ):
                error = challenge.parameters.get("error")
                wanted = None if answer is bare else "invalid_token"
                found.check(
                    error == wanted,
                    f"the challenge for {what} has the right error",
                    expected=wanted or "no error",
                    found=error or "no error",
                    evidence=answer.evidence,
                )


@pytest.mark.requirement("RFC6750-BEARER-01")
@pytest.mark.parametrize(
    "token",
    [INVENTED, "x", "a" * 5000, "two words", "eyJhbGciOiJub25lIn0.e30.", "%00%0a", "null"],
    ids=["invented", "one-letter", "long", "with-a-space", "empty-jwt", "percent", "null"],
)
def test_invented_token_is_refused(http: Http, own: str, token: str) -> None:
    """A token nobody issued is refused with 401, whatever it looks like; never 500."""
    try:
        header = ("Bearer " + token).encode("latin-1").decode("latin-1")
    except UnicodeEncodeError:
        not_applicable("this text cannot travel in a header")
    expect_status(knock(http, own, header), (400, 401), "an invented token must be refused")


@pytest.mark.requirement("SMART-STANDALONE-20")
@pytest.mark.parametrize("change", ["last-character", "first-character", "upper-case", "cut-short", "lengthened"])
def test_altered_token_is_refused(http: Http, own: str, grant: Grant, change: str) -> None:
    """The right token with one thing changed is refused with 401 invalid_token."""
    token = grant.access_token
    altered = {
        # The very last character of a base64url signature may hold padding bits only: the one before it counts.
        "last-character": token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        "first-character": ("A" if token[0] != "A" else "B") + token[1:],
        "upper-case": token.swapcase(),
        "cut-short": token[:-4],
        "lengthened": token + "AAAA",
    }[change]
    expect_bearer_refusal(http.get(own, headers=FHIR_ACCEPT, token=altered), "an altered token must be refused")


@pytest.mark.requirement("RFC6750-BEARER-03")
@pytest.mark.parametrize("scheme", ["Basic", "Token", "MAC", "DPoP"])
def test_other_scheme_is_refused(http: Http, own: str, grant: Grant, scheme: str) -> None:
    """The right token behind another scheme than Bearer is refused with 401."""
    expect_status(
        knock(http, own, f"{scheme} {grant.access_token}"), (400, 401), "a token behind another scheme must be refused"
    )


@pytest.mark.requirement("RFC6750-BEARER-03")
def test_token_without_scheme_is_refused(http: Http, own: str, grant: Grant) -> None:
    """The bare token in the Authorization header is refused with 401."""
    expect_status(knock(http, own, grant.access_token), (400, 401), "a token without a scheme must be refused")


@pytest.mark.requirement("RFC6750-BEARER-04")
@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_scheme_knows_no_case(http: Http, own: str, grant: Grant, scheme: str) -> None:
    """bearer in any case is the Bearer scheme."""
    expect_status(
        knock(http, own, f"{scheme} {grant.access_token}"), 200, "the scheme must be compared without regard to case"
    )


@pytest.mark.requirement("RFC6750-BEARER-02")
def test_token_in_the_query_is_refused(http: Http, own: str, grant: Grant) -> None:
    """The right token in the query does not open anything: addresses end up in logs."""
    answer = http.get(urls.with_query(own, [("access_token", grant.access_token)]), headers=FHIR_ACCEPT)
    expect_status(answer, (400, 401), "a token in the query should be refused")


@pytest.mark.requirement("RFC6750-BEARER-06")
def test_token_in_header_and_query_is_not_needed(http: Http, own: str, grant: Grant) -> None:
    """A wrong token in the header is not healed by the right one in the query."""
    url = urls.with_query(own, [("access_token", grant.access_token)])
    expect_status(
        http.get(url, headers=FHIR_ACCEPT, token=INVENTED),
        (400, 401),
        "the wrong token in the header must count",
    )


@pytest.mark.requirement("SMART-STANDALONE-19")
@pytest.mark.parametrize("kind", ["refresh_token", "id_token"])
def test_other_tokens_do_not_open(http: Http, own: str, app: App, fresh_grant: FreshGrant, kind: str) -> None:
    """A refresh token or id_token used as access token is refused with 401 invalid_token."""
    grant = fresh_grant()
    token = grant.body.get(kind)
    if not token:
        not_applicable(f"no {kind} was granted")
    expect_bearer_refusal(
        http.get(own, headers=FHIR_ACCEPT, token=str(token)), f"a {kind} must not open the FHIR interface"
    )


@pytest.mark.requirement("SMART-STANDALONE-19")
def test_code_does_not_open(http: Http, own: str, fresh_code: Callable[..., Attempt]) -> None:
    """An authorization code used as access token is refused with 401 invalid_token."""
    expect_bearer_refusal(
        http.get(own, headers=FHIR_ACCEPT, token=fresh_code().code), "a code must not open the FHIR interface"
    )


def claims_like(grant: Grant, target: Target, issuer: str) -> dict[str, Any]:
    """Claims an attacker would write, from all that a token and an id_token show."""
    claims: dict[str, Any] = {}
    for token in (grant.body.get("id_token"), grant.access_token):
        try:
            claims.update(jwt.read(str(token)).claims)
        except jwt.NotAJwt:
            continue
    return {
        "iss": issuer,
        **claims,
        "aud": target.server.fhir_base,
        "scope": grant.scope,
        "patient": grant.patient,
        "exp": 4102444800,
    }


@pytest.mark.requirement("SMART-STANDALONE-20")
def test_unsigned_token_is_refused(http: Http, own: str, grant: Grant, target: Target, issuer: str) -> None:
    """A JWT with alg none and all the right claims is refused with 401 invalid_token."""
    token = jwt.unsigned(claims_like(grant, target, issuer))
    expect_bearer_refusal(http.get(own, headers=FHIR_ACCEPT, token=token), "an unsigned token must be refused")


@pytest.mark.requirement("SMART-STANDALONE-20")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_token_of_another_key_is_refused(
    http: Http, own: str, grant: Grant, target: Target, issuer: str, jwks: dict[str, Any], algorithm: str
) -> None:
    """A JWT with all the right claims, signed by a key of the attacker's under a published kid, is refused."""
    key = RSAKey.generate_key(2048) if algorithm == "RS256" else ECKey.generate_key("P-256")
    kids = [one.get("kid") for one in jwks.get("keys", []) if isinstance(one, dict) and one.get("kid")]
    token = jwt.sign(claims_like(grant, target, issuer), key, algorithm, **({"kid": kids[0]} if kids else {}))
    expect_bearer_refusal(http.get(own, headers=FHIR_ACCEPT, token=token), "a token of another key must be refused")


@pytest.mark.requirement("SMART-STANDALONE-20")
def test_public_key_as_secret_is_refused(
    http: Http, own: str, grant: Grant, target: Target, issuer: str, jwks: dict[str, Any]
) -> None:
    """A JWT under HS256 with a published RSA key as secret is refused."""
    rsa = [one for one in jwks.get("keys", []) if isinstance(one, dict) and one.get("kty") == "RSA"]
    control(rsa, "the key set has an RSA key to try with")
    secrets = (RSAKey.import_key(rsa[0]).as_pem(private=False), json.dumps(rsa[0]).encode())
    judged(len(secrets))
    for secret in secrets:
        token = jwt.signed_with_secret(claims_like(grant, target, issuer), secret, kid=rsa[0].get("kid", ""))
        expect_bearer_refusal(http.get(own, headers=FHIR_ACCEPT, token=token), "a public key is no secret")


@pytest.mark.requirement("SMART-STANDALONE-14", "HEALTHSHARE-2.1.1-ACCESS-TOKEN-LIFETIME")
@pytest.mark.exclusive("moves the target's clock")
def test_expired_token_is_refused(
    app: App, fresh_grant: FreshGrant, http: Http, target: Target, target_clock: TargetClock
) -> None:
    """An access token is refused with 401 invalid_token once expires_in has gone by."""
    grant = fresh_grant()
    # expires_in is only recommended (RFC 6749 section 5.1); without it a token is held to be over after a day.
    lifetime = grant.body.get("expires_in", DAY)
    control(isinstance(lifetime, int | float), "expires_in, where it is sent, is a number", lifetime)
    assert isinstance(lifetime, int | float)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the token works before it expires")
    target_clock.pass_by(lifetime + 60)
    expect_bearer_refusal(fhir.read("Patient", grant.patient), "an expired token must be refused")


@pytest.mark.requirement("HEALTHSHARE-2.1.1-ACCESS-TOKEN-LIFETIME")
def test_access_tokens_are_short_lived(grant: Grant) -> None:
    """expires_in says at most an hour, as SMART advises."""
    lifetime = grant.body.get("expires_in")
    if lifetime is None:
        not_applicable("the token response does not say expires_in")
    expect(
        isinstance(lifetime, int | float) and 0 < lifetime <= 3600,
        "access tokens are short-lived",
        expected="at most 3600 s",
        found=lifetime,
        path="expires_in",
    )


@pytest.mark.requirement("SMART-STANDALONE-27")
@pytest.mark.exclusive("moves the target's clock")
def test_token_works_as_long_as_promised(
    fresh_grant: FreshGrant, http: Http, target: Target, target_clock: TargetClock
) -> None:
    """An access token still opens the interface shortly before expires_in has gone by."""
    grant = fresh_grant()
    lifetime = grant.body.get("expires_in")
    if not isinstance(lifetime, int | float):
        not_applicable("the token response does not say expires_in")
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the token works at first")
    target_clock.pass_by(int(lifetime * 0.9))
    expect_status(fhir.read("Patient", grant.patient), 200, "the token must work until expires_in has gone by")


@pytest.mark.requirement("RFC6750-BEARER-02")
def test_token_in_a_form_is_refused(http: Http, fhir: FhirClient, own: str, grant: Grant) -> None:
    """The right token as a form parameter of a search opens nothing."""
    form = {"_id": grant.patient, "access_token": grant.access_token}
    answer = http.post_form(urls.below(fhir.base, "Patient/_search"), form, headers=FHIR_ACCEPT)
    expect_status(answer, (400, 401, 404, 405, 501), "a token in a form should be refused")
