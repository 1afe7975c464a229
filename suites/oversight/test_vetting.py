"""How an app is let in and shut out: CMS9115-431.60-e2, CONNEX-V.A.*, SHM-PART2-ACK-01 (42 CFR 431.60(e), Sonoma 7.1.6 section V.A)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import expect_bearer_refusal, expect_oauth_error, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.target import Target
from suites.oversight.pages import Payer

Requested = Callable[..., str]


@pytest.mark.requirement("CMS9115-431.60-e2")
def test_app_is_approved_when_it_meets_every_criterion(payer: Payer, requested: Requested) -> None:
    """An approval without the published criteria is not taken; with every one of them it is."""
    client_id = requested()
    criteria = payer.criteria(client_id)
    control(criteria, "the administrator is shown criteria")
    state = payer.decide(client_id, "approve", criteria[:-1])
    expect(state == "requested", "an app that misses a criterion is not approved", expected="requested", found=state)
    state = payer.decide(client_id, "approve", criteria)
    control(state == "active", "an app that meets every criterion is approved", state)


@pytest.mark.requirement("CONNEX-V.A.5.a-DENY")
def test_app_is_denied_for_a_criterion_only(payer: Payer, requested: Requested) -> None:
    """An app that meets every published criterion is not denied; one that misses a criterion is, with the reason."""
    client_id = requested()
    criteria = payer.criteria(client_id)
    control(criteria, "the administrator is shown criteria")
    state = payer.decide(client_id, "deny", criteria)
    expect(state == "requested", "an app that meets every criterion is not denied", expected="requested", found=state)
    state = payer.decide(client_id, "deny", criteria[:-1])
    control(state == "denied", "an app that misses a criterion is denied", state)


@pytest.mark.requirement("CMS9115-431.60-e2")
def test_criteria_are_the_same_for_all(payer: Payer, requested: Requested) -> None:
    """A small company and a large one are held to the same criteria."""
    small = payer.criteria(requested("Tiny Co"))
    large = payer.criteria(requested("A Very Large Company of Many People"))
    control(large, "the administrator is shown criteria")
    expect(small == large, "the criteria must be the same for every app", expected=large, found=small)


@pytest.mark.requirement("CONNEX-V.A.5.a-OUTCOME")
def test_revocation_is_final(payer: Payer, requested: Requested) -> None:
    """An app revoked for good is not reinstated; one that was suspended is."""
    client_id = requested()
    state = payer.decide(client_id, "approve", payer.criteria(client_id))
    control(state == "active", "the app is approved", state)
    for step, after in (("suspend", "suspended"), ("reinstate", "active"), ("revoke", "revoked")):
        state = payer.decide(client_id, step, [])
        control(state == after, f"{step} leads to {after}", state)
    state = payer.decide(client_id, "reinstate", [])
    expect(state == "revoked", "a full revocation is final", expected="revoked", found=state)


@pytest.mark.requirement("SHM-PART2-ACK-01")
def test_notice_must_be_acknowledged(payer: Payer, target: Target) -> None:
    """A registration without the acknowledgement of the redisclosure notice is not taken; with it it is."""
    developer = payer.developer()
    developer.open(f"{payer.documentation_url}/apps/new")
    if not developer.journey.page.find("input[name=part2]"):
        not_applicable("this payer's form asks for no acknowledgement")
    taken = payer.ask(developer, "Without acknowledgement", leave_out="part2")
    expect(not taken, "an app that did not acknowledge the notice is not registered", found=taken)
    control(payer.ask(developer, "With acknowledgement"), "the same request with the acknowledgement is taken")


@pytest.mark.requirement("CONNEX-V.A.4.b.i")
def test_attestations_are_needed(payer: Payer, target: Target) -> None:
    """A registration that says nothing of the app's information security is not taken; with it it is."""
    developer = payer.developer()
    developer.open(f"{payer.documentation_url}/apps/new")
    if not developer.journey.page.find("input[name=attest_security]"):
        not_applicable("this payer's form asks for no attestation")
    taken = payer.ask(developer, "Without attestation", leave_out="attest_security")
    expect(not taken, "an app that shows no security process is not registered", found=taken)
    control(payer.ask(developer, "With attestation"), "the same request with the attestation is taken")


@pytest.mark.requirement("RFC7592-MANAGE-01")
def test_apps_of_another_developer_stay_shut(payer: Payer, requested: Requested) -> None:
    """A developer does not open the page of another developer's app by its id."""
    owner = payer.developer()
    client_id = payer.ask(owner, "Somebody's own app")
    control(client_id, "the app is requested")
    page = f"{payer.documentation_url}/apps/{client_id}"
    control(owner.open(page).status == 200, "its own developer opens the page")
    answer = payer.developer().open(page)
    expect(
        answer.status in (403, 404),
        "another developer must not open the page",
        expected="status 404 or 403",
        found=answer.status,
        evidence=answer.evidence,
    )


@pytest.mark.requirement("CONNEX-V.A.5")
@pytest.mark.exclusive("suspends an app the other checks use")
def test_suspended_app_gets_nothing(
    payer: Payer, confidential_app: App, fresh_grant: Callable[..., Grant], http: Http, target: Target
) -> None:
    """While an app is suspended its tokens open nothing and it gets no new ones; after that they do again."""
    grant = fresh_grant(by=confidential_app)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the app reads before")
    client_id = confidential_app.client.client_id
    payer.set_status(client_id, "suspended")
    try:
        read = fhir.read("Patient", grant.patient)
        renewed = confidential_app.refresh(grant.refresh_token) if "refresh_token" in grant.body else None
    finally:
        payer.set_status(client_id, "active")
    expect_bearer_refusal(read, "a suspended app must not read")
    if renewed is not None:
        expect_oauth_error(renewed, (400, 401), ("invalid_client", "unauthorized_client", "invalid_grant"))
    expect_status(fhir.read("Patient", grant.patient), 200, "after the suspension the app reads again")
