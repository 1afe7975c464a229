"""What arrives after today is visible at the end of the next business day: 42 CFR 431.60(b)(1) to (3), by the target's clock.

The dataset's manifest says what arrives when; the check moves the clock of our own simulator past the limit and reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, judged, not_applicable
from suites.kit.target import Client, Target
from suites.protocol.business_days import visible_by

OTHERS = ("ExplanationOfBenefit", "Encounter", "Provenance")
CLAIM = pytest.mark.requirement("CMS9115-431.60-b1", "CONNEX-IV.A.e-CLAIM")
ENCOUNTER = pytest.mark.requirement("CMS9115-431.60-b2", "CONNEX-IV.A.e-ENCOUNTER")
CLINICAL = pytest.mark.requirement("CMS9115-431.60-b3", "CONNEX-IV.A.e-RECEIPT")


@pytest.mark.exclusive("moves the target's clock past the next business day")
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("ExplanationOfBenefit", marks=CLAIM),
        pytest.param("Encounter", marks=ENCOUNTER),
        pytest.param("", marks=CLINICAL),
    ],
    ids=["claim", "encounter", "clinical"],
)
def test_visible_within_one_business_day(
    kind: str,
    manifest: dict[str, Any],
    target: Target,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
    needs_type: Callable[[str], None],
) -> None:
    """What is received or adjudicated is there by the end of the next business day."""
    if kind:
        needs_type(kind)
    coming = [
        (datetime.fromisoformat(one["at"]), str(one["reference"]), member)
        for row in manifest.get("members", [])
        for member in target.member
        if member.patient == row["patient"]
        for one in row.get("arrives", [])
        if of_kind(str(one["reference"]), kind)
    ]
    if not coming:
        not_applicable("the dataset has nothing of the kind that arrives later for a member of the target file")
    at, reference, member = min(coming, key=lambda one: one[:2])
    target_clock.stand_at(at - timedelta(minutes=1))
    app = app_of(target.client[0])
    fhir = FhirClient(http, target.server.fhir_base, app.fresh_grant(member).access_token)
    control(fhir.get(reference).status == 404, f"{reference} is not there before it arrives")
    due = visible_by(at, ZoneInfo(target.server.time_zone))
    target_clock.stand_at(due + timedelta(minutes=1))
    answer = fhir.with_token(app.fresh_grant(member).access_token).get(reference)
    expect(
        answer.status == 200,
        f"what the payer had on {at:%A %Y-%m-%d %H:%M} is visible by the end of the next business day",
        expected=f"200 for {reference} from {due:%A %Y-%m-%d}",
        found=answer.status,
        evidence=answer.evidence,
    )
    judged(1, "arrival")


def of_kind(reference: str, kind: str) -> bool:
    """Whether a reference is of the kind; the empty kind is everything clinical."""
    type = reference.partition("/")[0]
    return type == kind if kind else type not in OTHERS
