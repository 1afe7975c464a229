"""Authorizations stay while active and at least one year after their last status change: 42 CFR 431.60(b)(5)(ii), by the target's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, findings, judged
from suites.kit.target import Client, Target
from suites.prior_authorization.conftest import Shown
from suites.prior_authorization.elements import due_to_stay

LATER = timedelta(days=120)
MOST_READS = 20


@pytest.mark.requirement("CMS0057-PA-DATA-10")
@pytest.mark.exclusive("moves the target's clock by four months")
def test_kept_for_a_year(
    planted: tuple[str, ...],
    gathered: tuple[Shown, ...],
    request: pytest.FixtureRequest,
    target: Target,
    target_today: date,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
) -> None:
    """Four months on, what changed last within the year before is still there."""
    expect(
        gathered or not planted,
        "authorizations of the last year are still there",
        expected=f"some of {', '.join(planted)}",
        found="none",
    )
    authorizations: tuple[Shown, ...] = request.getfixturevalue("authorizations")
    kept = [one for one in authorizations if due_to_stay(one.resource, target_today + LATER)]
    control(kept, "an authorization at hand must still be there in four months")
    label = kept[0].record.label
    own = [one for one in kept if one.record.label == label][:MOST_READS]
    member = next(one for one in target.member if one.label == label)
    target_clock.pass_by(LATER.total_seconds())
    grant = app_of(target.client[0]).fresh_grant(member)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", grant.patient).status == 200, "the member's own Patient is read after four months")
    with findings() as found:
        for one in own:
            answer = fhir.get(one.name)
            found.check(
                answer.status == 200,
                "an authorization stays for a year after its last status change",
                expected=200,
                found=f"{answer.status} for {one.name}",
                evidence=answer.evidence,
            )
    judged(len(own), "authorization due to stay")
