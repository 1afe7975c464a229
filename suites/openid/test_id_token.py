"""The id_token: OIDC-IDTOKEN-*, OIDC-SUB-*, OIDC-AUTHTIME-01, OIDC-REFRESH-01 (OpenID Connect Core sections 2, 3.1.3, 12)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.fhir import FhirClient
from suites.kit.outcomes import Inconclusive, control, expect, findings, not_applicable
from suites.kit.target import Member, Target
from suites.kit.workbench import Workbench
from suites.protocol import jwt, scopes, urls

FreshGrant = Callable[..., Grant]
LEEWAY = 120  # seconds two clocks may differ
PERSONS = ("Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole")


def asks_openid(app: App) -> None:
    """The registration may ask for openid, or the check does not apply."""
    if "openid" not in scopes.split(app.client.scopes):
        not_applicable("the client is not registered for openid")


@pytest.fixture
def id_token(app: App, grant: Grant) -> jwt.Jwt:
    """The id_token of a launch, taken apart."""
    asks_openid(app)
    try:
        return jwt.read(grant.id_token)
    except jwt.NotAJwt as wrong:
        raise Inconclusive(f"the id_token cannot be read: {wrong}") from None


@pytest.mark.requirement("OIDC-IDTOKEN-10")
def test_id_token_comes_where_openid_was_granted(app: App, grant: Grant) -> None:
    """The token response has an id_token when openid was granted."""
    asks_openid(app)
    control("openid" in scopes.split(grant.scope), "openid was granted", grant.scope)
    expect(
        isinstance(grant.body.get("id_token"), str),
        "openid must bring an id_token",
        found=sorted(grant.body),
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("OIDC-IDTOKEN-10")
def test_no_id_token_without_openid(app: App, fresh_grant: FreshGrant) -> None:
    """Without openid no id_token comes."""
    asks_openid(app)
    without = " ".join(one for one in scopes.split(app.client.scopes) if one not in ("openid", "fhirUser", "profile"))
    grant = fresh_grant(scope=without)
    expect(
        "id_token" not in grant.body,
        "no id_token may come without openid",
        found=sorted(grant.body),
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("OIDC-IDTOKEN-01")
def test_id_token_has_its_claims(id_token: jwt.Jwt) -> None:
    """iss, sub, aud, exp and iat are there, with the types they must have."""
    claims = id_token.claims
    with findings() as found:
        for name in ("iss", "sub"):
            found.check(
                isinstance(claims.get(name), str) and claims[name],
                f"{name} must be a string",
                found=claims.get(name, "nothing"),
                path=name,
            )
        for name in ("exp", "iat"):
            number = claims.get(name)
            found.check(
                isinstance(number, int | float) and not isinstance(number, bool),
                f"{name} must be a number",
                found=number if number is not None else "nothing",
                path=name,
            )
        aud = claims.get("aud")
        found.check(
            isinstance(aud, str) or (isinstance(aud, list) and aud),
            "aud must be a string or a list",
            found=aud,
            path="aud",
        )


@pytest.mark.requirement("OIDC-IDTOKEN-04")
def test_id_token_is_for_this_client(id_token: jwt.Jwt, app: App) -> None:
    """aud names this client; with several audiences azp is this client."""
    client_id, aud = app.client.client_id, id_token.claims.get("aud")
    audiences = aud if isinstance(aud, list) else [aud]
    expect(client_id in audiences, "aud must name this client", expected=client_id, found=aud, path="aud")
    azp = id_token.claims.get("azp")
    expect(azp in (None, client_id), "azp must be this client", expected=client_id, found=azp, path="azp")
    expect(len(audiences) == 1 or azp == client_id, "with several audiences azp is needed", found=aud, path="azp")


@pytest.mark.requirement("OIDC-IDTOKEN-05")
def test_id_token_is_of_the_issuer(id_token: jwt.Jwt, openid_configuration: dict[str, Any], issuer: str) -> None:
    """iss is exactly the issuer the app started from."""
    expect(
        id_token.claims.get("iss") == issuer,
        "iss must be the issuer",
        expected=issuer,
        found=id_token.claims.get("iss"),
        path="iss",
    )


@pytest.mark.requirement("OIDC-IDTOKEN-06")
def test_id_token_is_of_now(app: App, fresh_grant: FreshGrant) -> None:
    """exp lies in the future, iat in the present, and the clocks of both sides agree within two minutes."""
    asks_openid(app)
    claims = jwt.read(fresh_grant().id_token).claims
    now = time.time()
    with findings() as found:
        exp, iat = claims.get("exp", 0), claims.get("iat", 0)
        found.check(
            isinstance(exp, int | float) and exp > now - LEEWAY,
            "exp must lie in the future",
            found=f"{exp - now:+.0f} s",
            path="exp",
        )
        found.check(
            isinstance(iat, int | float) and abs(iat - now) < LEEWAY,
            "iat must be now",
            found=f"{iat - now:+.0f} s",
            path="iat",
        )
        found.check(exp > iat, "exp must lie after iat", found=f"{exp - iat:+.0f} s")


@pytest.mark.requirement("OIDC-IDTOKEN-02")
def test_nonce_comes_back(app: App, fresh_grant: FreshGrant) -> None:
    """The nonce of the request is in the id_token, exactly."""
    asks_openid(app)
    grant = fresh_grant()
    nonce = jwt.read(grant.id_token).claims.get("nonce")
    expect(
        nonce == grant.attempt.nonce,
        "nonce must come back unchanged",
        expected=grant.attempt.nonce,
        found=nonce if nonce is not None else "no nonce",
        path="nonce",
    )


@pytest.mark.requirement("OIDC-IDTOKEN-07")
def test_at_hash_belongs_to_the_access_token(id_token: jwt.Jwt, grant: Grant) -> None:
    """at_hash, where it is there, is the left half of the access token's hash."""
    at_hash, algorithm = id_token.claims.get("at_hash"), str(id_token.header.get("alg"))
    if at_hash is None:
        not_applicable("at_hash is optional in the code flow and not there")
    control(algorithm[-3:] in ("256", "384", "512"), "the algorithm names a hash", algorithm)
    wanted = jwt.half_hash(grant.access_token, algorithm)
    expect(at_hash == wanted, "at_hash must belong to the access token", expected=wanted, found=at_hash, path="at_hash")


@pytest.mark.requirement("OIDC-IDTOKEN-08", "OIDC-IDTOKEN-01")
def test_signature_verifies(id_token: jwt.Jwt, jwks: dict[str, Any]) -> None:
    """The id_token is signed, and a published key verifies it."""
    algorithm = id_token.header.get("alg")
    expect(algorithm not in (None, "none", ""), "an id_token must be signed", found=f"alg {algorithm}")
    expect(id_token.signature, "an id_token must have a signature", found="an empty signature")
    control(jwks.get("keys"), "keys are published")
    problem = jwt.verifies(id_token, jwks)
    expect(
        not problem,
        "a published key must verify the id_token",
        found=problem,
        cause="keys were rolled over and the key set was not, or the wrong key signs",
    )


@pytest.mark.requirement("OIDC-IDTOKEN-09")
def test_algorithm_is_the_one_promised(id_token: jwt.Jwt, openid_configuration: dict[str, Any]) -> None:
    """The id_token is signed with an algorithm the configuration lists."""
    listed = openid_configuration.get("id_token_signing_alg_values_supported", ["RS256"])
    algorithm = id_token.header.get("alg")
    if algorithm in (None, "none"):
        raise Inconclusive("the id_token is unsigned; OIDC-IDTOKEN-08 judges that")
    expect(
        algorithm in listed,
        "the algorithm must be one the configuration lists",
        expected=listed,
        found=algorithm,
        path="alg",
    )


@pytest.mark.requirement("OIDC-IDTOKEN-03", "SHM-SCOPE-OPENID-FHIRUSER")
def test_fhir_user_is_readable(id_token: jwt.Jwt, grant: Grant, fhir: FhirClient, target: Target) -> None:
    """fhirUser names a person resource on this server, and the token reads it."""
    if "fhirUser" not in scopes.split(grant.scope):
        not_applicable("fhirUser was not granted")
    claim = id_token.claims.get("fhirUser") or id_token.claims.get("profile")
    expect(
        isinstance(claim, str) and claim,
        "fhirUser must name the person who signed in",
        found=claim or "no fhirUser",
        path="fhirUser",
    )
    reference = str(claim)
    kind = reference.rstrip("/").split("/")[-2] if "/" in reference else ""
    expect(
        kind in PERSONS, "fhirUser must name a person", expected=" or ".join(PERSONS), found=reference, path="fhirUser"
    )
    url = reference if urls.is_absolute(reference) else urls.below(target.server.fhir_base, reference)
    expect(urls.origin(url) == urls.origin(target.server.fhir_base), "fhirUser must be on this server", found=url)
    answer = fhir.http.get(url, headers={"Accept": "application/fhir+json"}, token=fhir.token)
    person = expect_json(answer, 200, FHIR_JSON)
    expect(
        person.get("resourceType") == kind and person.get("id") == url.rpartition("/")[2],
        "the person read is the one named",
        found=f"{person.get('resourceType')}/{person.get('id')}",
    )


@pytest.mark.requirement("OIDC-SUB-01")
def test_sub_is_stable(app: App, fresh_grant: FreshGrant) -> None:
    """The same member has the same sub at the next launch."""
    asks_openid(app)
    subs = [jwt.read(fresh_grant().id_token).claims.get("sub") for _ in range(2)]
    control(all(subs), "each id_token has a sub")
    expect(subs[0] == subs[1], "sub must be stable for a member", expected=subs[0], found=subs[1], path="sub")


@pytest.mark.requirement("OIDC-SUB-02")
def test_sub_tells_members_apart(app: App, workbench: Workbench, id_token: jwt.Jwt, member: Member) -> None:
    """Two members have different subs; a sub is at most 255 ASCII characters."""
    sub = str(id_token.claims.get("sub", ""))
    control(sub, "the id_token has a sub")
    expect(len(sub) <= 255 and sub.isascii(), "sub is at most 255 ASCII characters", found=sub)
    others = [one for one in workbench.members if one.label != member.label]
    if not others:
        not_applicable("this worker has one member only")
    theirs = jwt.read(app.fresh_grant(others[0]).id_token).claims.get("sub")
    expect(theirs != sub, "two members must have different subs", found=theirs)


@pytest.mark.requirement("OIDC-AUTHTIME-01")
def test_max_age_brings_auth_time(app: App, fresh_grant: FreshGrant) -> None:
    """With max_age in the request the id_token has auth_time, not older than asked."""
    asks_openid(app)
    grant = fresh_grant(change={"max_age": "300"})
    auth_time = jwt.read(grant.id_token).claims.get("auth_time")
    expect(
        isinstance(auth_time, int | float),
        "auth_time must be there when max_age was asked",
        found=auth_time if auth_time is not None else "nothing",
        path="auth_time",
    )
    assert isinstance(auth_time, int | float)
    expect(
        auth_time > time.time() - 300 - LEEWAY,
        "auth_time must not be older than max_age",
        found=f"{auth_time - time.time():+.0f} s",
        path="auth_time",
    )
    expect(
        auth_time < time.time() + LEEWAY,
        "auth_time must not lie ahead",
        found=f"{auth_time - time.time():+.0f} s",
        path="auth_time",
    )


@pytest.mark.requirement("OIDC-REFRESH-01")
def test_refreshed_id_token_is_of_the_same_person(app: App, fresh_grant: FreshGrant) -> None:
    """An id_token that comes with a refresh keeps iss, sub and aud."""
    asks_openid(app)
    grant = fresh_grant()
    if "refresh_token" not in grant.body:
        not_applicable("no refresh token was granted")
    renewed = expect_json(app.refresh(grant.refresh_token)).get("id_token")
    if renewed is None:
        not_applicable("the server sends no id_token with a refresh, which is allowed")
    before, after = jwt.read(grant.id_token).claims, jwt.read(str(renewed)).claims
    with findings() as found:
        for name in ("iss", "sub", "aud"):
            found.check(
                after.get(name) == before.get(name),
                f"{name} must stay the same",
                expected=before.get(name),
                found=after.get(name),
                path=name,
            )


@pytest.mark.requirement("OIDC-IDTOKEN-02")
def test_no_nonce_is_invented(app: App, fresh_grant: FreshGrant) -> None:
    """A request without nonce leads to an id_token without nonce."""
    asks_openid(app)
    nonce = jwt.read(fresh_grant(drop=["nonce"]).id_token).claims.get("nonce")
    expect(nonce is None, "no nonce may come that nobody sent", found=nonce, path="nonce")
