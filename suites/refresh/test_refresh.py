"""Refresh tokens: SMART-STANDALONE-12, -13, -17, -18, -26, RFC6749-REFRESH-*, RFC9700-REFRESH-* (RFC 6749 section 6, RFC 9700 section 4.14)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from suites.kit.app import App, Grant
from suites.kit.clock import TargetClock
from suites.kit.expectations import expect_json, expect_oauth_error, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, not_applicable
from suites.kit.target import Member, Target
from suites.protocol import scopes

FreshGrant = Callable[..., Grant]
DAY = 86400
NARROW = "launch/patient patient/Patient.read"


@pytest.fixture
def refreshable(app: App, fresh_grant: FreshGrant) -> Callable[..., Grant]:
    """New tokens with a refresh token, or the check does not apply."""

    def make(by: App | None = None, **how: Any) -> Grant:
        grant = fresh_grant(by=by, **how)
        asked = scopes.split(grant.attempt.request.value("scope"))
        if "refresh_token" not in grant.body and not {"offline_access", "online_access"} & set(asked):
            not_applicable("the client is registered for neither offline_access nor online_access")
        return grant

    return make


def wide(app: App, refreshable: FreshGrant) -> Grant:
    """New tokens of more than NARROW, whose scope strings are among those granted: servers may compare them word for word."""
    more = "patient/Condition.read"
    needed = ("patient/Patient.read", more, "offline_access")
    if any(not scopes.within(one, scopes.split(app.client.scopes)) for one in needed):
        not_applicable("the client is not registered to read Patient and Condition while the member is away")
    grant = refreshable(scope=f"{NARROW} {more} offline_access")
    control(scopes.within(more, scopes.split(grant.scope)), f"{more} was granted", grant.scope)
    return grant


@pytest.mark.requirement("SMART-STANDALONE-26")
def test_refresh_answers_with_all_members(app: App, refreshable: FreshGrant) -> None:
    """A refresh gives access_token, token_type Bearer and scope, uncached, and keeps the patient in context."""
    grant = refreshable()
    answer = app.refresh(grant.refresh_token)
    body = expect_json(answer)
    with findings() as found:
        for name in ("access_token", "token_type", "scope"):
            found.check(
                isinstance(body.get(name), str) and body[name],
                f"{name} must be a string",
                found=body.get(name, "nothing"),
                path=name,
            )
        found.check(
            str(body.get("token_type", "")).lower() == "bearer",
            "token_type must be Bearer",
            found=body.get("token_type"),
        )
        found.check(
            "no-store" in answer.header("cache-control").lower(),
            "Cache-Control must have no-store",
            found=answer.header("cache-control"),
        )
        if "patient" in body:
            found.check(
                body["patient"] == grant.body.get("patient"),
                "the patient stays the same",
                expected=grant.body.get("patient"),
                found=body["patient"],
            )


@pytest.mark.requirement("SMART-STANDALONE-12")
def test_refreshed_token_reads(app: App, refreshable: FreshGrant, http: Http, target: Target) -> None:
    """The new access token reads the patient's record, and differs from the old one."""
    grant = refreshable()
    renewed = app.refresh(grant.refresh_token).object().get("access_token")
    expect(isinstance(renewed, str) and renewed != grant.access_token, "a refresh gives a new access token")
    answer = FhirClient(http, target.server.fhir_base, str(renewed)).read("Patient", grant.patient)
    expect_status(answer, 200, "the refreshed token must read the patient")


@pytest.mark.requirement("SMART-STANDALONE-13")
def test_refresh_does_not_widen_scope(app: App, refreshable: FreshGrant) -> None:
    """Asking for more than was granted is refused with invalid_scope, or what comes back is no more than was granted."""
    narrow = "launch/patient offline_access patient/Patient.read"
    if not scopes.within("offline_access", scopes.split(app.client.scopes)):
        not_applicable("the client is not registered for offline_access")
    grant = refreshable(scope=narrow)
    control(
        not scopes.within("patient/Observation.read", scopes.split(grant.scope)),
        "the first grant has no Observation",
        grant.scope,
    )
    answer = app.refresh(grant.refresh_token, change={"scope": f"{narrow} patient/Observation.read"})
    if answer.status == 200:
        wider = scopes.outside(str(answer.object().get("scope", "")), grant.scope)
        expect(
            not wider,
            "a refresh must not widen the grant",
            expected=grant.scope,
            found=" ".join(wider),
            evidence=answer.evidence,
        )
        body = answer.object()
        reads = FhirClient(app.http, app.target.server.fhir_base, str(body.get("access_token"))).search(
            "Observation", {"patient": grant.patient}
        )
        expect_status(reads, (401, 403), "the refreshed token must not read what was not granted")
        return
    expect_oauth_error(answer, 400, "invalid_scope")


@pytest.mark.requirement("RFC6749-REFRESH-02")
def test_refresh_gives_the_subset_asked_for(app: App, refreshable: FreshGrant) -> None:
    """A refresh that asks for less receives less, and says so."""
    grant, subset = wide(app, refreshable), NARROW
    answer = app.refresh(grant.refresh_token, change={"scope": subset})
    body = expect_json(answer)
    wider = scopes.outside(str(body.get("scope", subset)), subset)
    expect(
        not wider,
        "the answer must not have more than was asked",
        expected=subset,
        found=" ".join(wider),
        evidence=answer.evidence,
    )
    fhir = FhirClient(app.http, app.target.server.fhir_base, str(body.get("access_token")))
    control(fhir.read("Patient", grant.patient).status == 200, "the narrowed token reads what it was asked for")
    expect_status(
        fhir.search("Condition", {"patient": grant.patient}), (401, 403), "the narrowed token must not read the rest"
    )


@pytest.mark.requirement("RFC6749-REFRESH-01", "SMART-STANDALONE-13")
def test_refresh_token_of_another_client_is_refused(app: App, another_app: App, refreshable: FreshGrant) -> None:
    """A refresh token presented by another registration, with its own credentials, is refused with invalid_grant."""
    grant = refreshable()
    expect_oauth_error(another_app.refresh(grant.refresh_token), 400, "invalid_grant")
    own = refreshable(by=another_app)
    control(another_app.refresh(own.refresh_token).status == 200, "the other registration refreshes its own")


@pytest.mark.requirement("RFC9700-REFRESH-01")
def test_public_refresh_tokens_rotate(public_app: App, refreshable: FreshGrant) -> None:
    """A public client receives a new refresh token with every refresh."""
    grant = refreshable(by=public_app)
    body = expect_json(public_app.refresh(grant.refresh_token))
    new = body.get("refresh_token")
    expect(
        isinstance(new, str) and new and new != grant.refresh_token,
        "a public client's refresh token must rotate",
        expected="another refresh_token",
        found="the same" if new == grant.refresh_token else "none",
    )


@pytest.mark.requirement("RFC9700-REFRESH-02")
def test_rotated_refresh_token_is_refused(public_app: App, refreshable: FreshGrant) -> None:
    """A refresh token that was replaced is refused with invalid_grant."""
    grant = refreshable(by=public_app)
    body = expect_json(public_app.refresh(grant.refresh_token))
    if body.get("refresh_token") in (None, grant.refresh_token):
        not_applicable("refresh tokens of this server do not rotate; RFC9700-REFRESH-01 judges that")
    expect_oauth_error(public_app.refresh(grant.refresh_token), 400, "invalid_grant")


@pytest.mark.requirement("RFC9700-REFRESH-03")
def test_reuse_revokes_the_chain(public_app: App, refreshable: FreshGrant, http: Http, target: Target) -> None:
    """When a replaced refresh token comes back, the one that replaced it and its access token die too."""
    grant = refreshable(by=public_app)
    body = expect_json(public_app.refresh(grant.refresh_token))
    newer = body.get("refresh_token")
    if newer in (None, grant.refresh_token):
        not_applicable("refresh tokens of this server do not rotate; RFC9700-REFRESH-01 judges that")
    fhir = FhirClient(http, target.server.fhir_base, str(body["access_token"]))
    control(fhir.read("Patient", grant.patient).status == 200, "the newer access token works before the reuse")
    reused = public_app.refresh(grant.refresh_token)
    control(reused.status != 200, "the reused refresh token is refused", reused.status)
    expect_oauth_error(public_app.refresh(str(newer)), 400, "invalid_grant")
    expect_status(fhir.read("Patient", grant.patient), 401, "the access token of the chain must be revoked")


@pytest.mark.requirement("RFC6749-ERROR-05")
def test_invented_refresh_token_is_refused(app: App, refreshable: FreshGrant) -> None:
    """A refresh token the server never issued is refused with invalid_grant."""
    control(app.refresh(refreshable().refresh_token).status == 200, "a real refresh token is accepted")
    expect_oauth_error(app.refresh("not-a-refresh-token-of-yours"), 400, "invalid_grant")


@pytest.mark.requirement("RFC6749-ERROR-05")
def test_access_token_is_no_refresh_token(app: App, refreshable: FreshGrant) -> None:
    """An access token does not refresh."""
    grant = refreshable()
    expect_oauth_error(app.refresh(grant.access_token), 400, "invalid_grant")
    control(app.refresh(grant.refresh_token).status == 200, "the refresh token does")


@pytest.mark.requirement("RFC6749-ERROR-06")
def test_missing_refresh_token_is_invalid_request(app: App, refreshable: FreshGrant) -> None:
    """A refresh without refresh_token is refused with invalid_request."""
    control(app.refresh(refreshable().refresh_token).status == 200, "a complete refresh is accepted")
    expect_oauth_error(app.token({"grant_type": "refresh_token"}), 400, "invalid_request")


@pytest.mark.requirement("SMART-STANDALONE-17")
def test_no_refresh_token_without_offline_access(app: App, fresh_grant: FreshGrant) -> None:
    """Without offline_access or online_access no refresh token comes."""
    with_it = fresh_grant()
    control(
        "refresh_token" in with_it.body or "offline_access" not in with_it.scope,
        "offline_access brings a refresh token",
    )
    without = " ".join(one for one in scopes.split(app.client.scopes) if one not in ("offline_access", "online_access"))
    grant = fresh_grant(scope=without)
    expect(
        "refresh_token" not in grant.body,
        "no refresh token may come without offline_access",
        found=sorted(grant.body),
        evidence=grant.answer.evidence,
    )


@pytest.mark.requirement("RFC6749-CLIENT-AUTH-02")
def test_refresh_of_confidential_client_needs_its_secret(confidential_app: App, refreshable: FreshGrant) -> None:
    """A confidential client's refresh token is refused without its credentials."""
    grant = refreshable(by=confidential_app)
    answer = confidential_app.refresh(grant.refresh_token, auth="id")
    expect_oauth_error(answer, (400, 401), "invalid_client")
    control(confidential_app.refresh(grant.refresh_token).status == 200, "with its credentials it is accepted")


@pytest.mark.requirement("SMART-STANDALONE-18")
@pytest.mark.exclusive("moves the target's clock")
def test_refresh_token_expires(app: App, refreshable: FreshGrant, target_clock: TargetClock, member: Member) -> None:
    """A refresh token is refused when ten years have gone by: no grant lasts for ever."""
    grant = refreshable()
    control(app.refresh(refreshable().refresh_token).status == 200, "a fresh refresh token is accepted")
    target_clock.pass_by(10 * 366 * DAY)
    expect_oauth_error(app.refresh(grant.refresh_token), 400, "invalid_grant")


@pytest.mark.requirement("HEALTHSHARE-2.1.1-REFRESH-LIFETIME")
@pytest.mark.exclusive("moves the target's clock")
def test_refresh_token_outlives_access(app: App, refreshable: FreshGrant, target_clock: TargetClock) -> None:
    """A refresh token still works a day later, long after the access token."""
    grant = refreshable()
    target_clock.pass_by(DAY)
    expect_status(app.refresh(grant.refresh_token), 200, "a refresh token should live longer than a day")


@pytest.mark.requirement("RFC6749-REFRESH-03")
def test_new_refresh_token_keeps_the_scope(app: App, refreshable: FreshGrant) -> None:
    """After a refresh for less, the refresh token that came with it still gives all that was granted."""
    grant, subset = wide(app, refreshable), NARROW
    narrowed = app.refresh(grant.refresh_token, change={"scope": subset})
    control(narrowed.status == 200, "a refresh for less is accepted", narrowed.status)
    again = app.refresh(str(narrowed.object().get("refresh_token", grant.refresh_token)))
    body = expect_json(again)
    lost = scopes.outside(grant.scope, str(body.get("scope", grant.scope)))
    expect(
        not lost,
        "the new refresh token must have the scope of the one it replaces",
        expected=grant.scope,
        found="without " + " ".join(lost),
        evidence=again.evidence,
    )


@pytest.mark.requirement("RFC9700-REFRESH-02")
def test_racing_refreshes_give_one_token(public_app: App, refreshable: FreshGrant) -> None:
    """Two refreshes with one rotating token at the same moment: at most one is answered with tokens."""
    grant = refreshable(by=public_app)
    probe = expect_json(public_app.refresh(refreshable(by=public_app).refresh_token))
    if "refresh_token" not in probe:
        not_applicable("refresh tokens of this server do not rotate; RFC9700-REFRESH-01 judges that")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: public_app.refresh(grant.refresh_token), range(2)))
    statuses = sorted(answer.status for answer in answers)
    control(statuses[0] == 200, "one of two refreshes is accepted", statuses)
    expect(
        statuses != [200, 200],
        "a rotating refresh token is used once, also when two requests race",
        expected="[200, 400]",
        found=statuses,
    )
