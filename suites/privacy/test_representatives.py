"""Those who act for a member: their right opens that record and ends with it, 42 CFR 431.60(a), 45 CFR 164.502(g), HEALTHSHARE-2.1-DELEGATE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, expect, judged, not_applicable, trail
from suites.kit.recipe import Choices
from suites.kit.target import Client, Member, Target

pytestmark = pytest.mark.together


@dataclass(frozen=True)
class Right:
    """A member who may act for another, and until which day."""

    member: Member
    patient: str
    until: datetime | None


@pytest.fixture(scope="session")
def rights(manifest: dict[str, Any], target: Target) -> list[Right]:
    """Who may act for whom, by the dataset's manifest, as long as the target lets a member choose."""
    if not any(step.do == "choose" for step in target.login.step):
        not_applicable("the login recipe has no choose step: the payer has no representatives on its pages")
    zone = ZoneInfo(target.server.time_zone)
    found = [
        Right(member, str(one["patient"]), midnight(one.get("until"), zone))
        for row in manifest.get("members", [])
        for member in target.member
        if member.patient == row["patient"]
        for one in row.get("acts_for", [])
    ]
    if not found:
        not_applicable("no member of the target file acts for another, by the manifest")
    return found


def midnight(day: str | None, zone: ZoneInfo) -> datetime | None:
    """The beginning of a day at the payer's place."""
    return datetime.fromisoformat(day).replace(tzinfo=zone) if day else None


def lasting(rights: list[Right], as_of: datetime) -> Right:
    """The right that lasts longest."""
    held = [one for one in rights if one.until is None or one.until > as_of]
    if not held:
        raise Inconclusive("every right to act for another has ended by now")
    return max(held, key=lambda one: one.until.timestamp() if one.until else float("inf"))


@pytest.mark.requirement("CMS9115-431.60-a-REP", "HEALTHSHARE-2.1-DELEGATE")
@pytest.mark.exclusive("stands at a day on which the representative's right holds")
def test_representative_opens_the_record(
    rights: list[Right],
    manifest: dict[str, Any],
    target: Target,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
) -> None:
    """A representative chooses whom they act for, and the app reads that record and no other."""
    as_of = datetime.fromisoformat(str(manifest["as_of"]))
    right = lasting(rights, as_of)
    trail().member = right.member.label
    target_clock.stand_at(as_of)
    grant = app_of(target.client[0]).fresh_grant(right.member, choices=Choices(person=right.patient), fresh=True)
    expect(
        grant.patient == right.patient,
        "the patient in context is the one the representative chose",
        expected=right.patient,
        found=grant.patient,
        evidence=grant.answer.evidence,
    )
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    answer = fhir.read("Patient", right.patient)
    expect(
        answer.status == 200, "the record chosen is read", expected=200, found=answer.status, evidence=answer.evidence
    )
    own = fhir.read("Patient", right.member.patient)
    expect(
        own.status in (403, 404),
        "the representative's own record stays shut to this grant",
        expected="403 or 404",
        found=own.status,
        evidence=own.evidence,
    )
    judged(2, "read")


@pytest.mark.requirement("HEALTHSHARE-2.1.1-PROXY-END", "HEALTHSHARE-2.1.1-RESOURCE-OWNER")
@pytest.mark.exclusive("moves the target's clock past the end of a representative's right")
def test_right_ends(
    rights: list[Right],
    manifest: dict[str, Any],
    target: Target,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
) -> None:
    """When the right ends, the token given under it ends too, and the record is no longer offered."""
    as_of = datetime.fromisoformat(str(manifest["as_of"]))
    ending = [one for one in rights if one.until is not None and one.until > as_of]
    if not ending:
        not_applicable("no right to act for another ends after the dataset's day")
    right = min(ending, key=lambda one: one.until or as_of)
    trail().member = right.member.label
    assert right.until is not None
    target_clock.stand_at(right.until - timedelta(minutes=3))
    app = app_of(target.client[0])
    grant = app.fresh_grant(right.member, choices=Choices(person=right.patient), fresh=True)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    control(fhir.read("Patient", right.patient).status == 200, "the record is read while the right holds")
    target_clock.stand_at(right.until + timedelta(minutes=1))
    answer = fhir.read("Patient", right.patient)
    expect(
        answer.status in (401, 403, 404),
        "a representative's token is no good once the right has ended",
        expected="401, 403 or 404",
        found=answer.status,
        evidence=answer.evidence,
    )
    attempt = app.authorize(right.member, choices=Choices(person=right.patient), may_refuse=True, fresh=True)
    if attempt.landing.redirected and attempt.landing.value("code"):
        again = app.as_grant(app.redeem(attempt), attempt, right.member)
        expect(
            again.body.get("patient") != right.patient,
            "a record whose representative's right has ended is no longer offered",
            expected="the representative's own record, or none",
            found=again.body.get("patient"),
            evidence=again.answer.evidence,
        )
    judged(2, "end of a right")
