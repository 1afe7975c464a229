"""Requests and status changes are visible within one business day: CMS0057-PA-DATA-08, -09 (42 CFR 431.60(b)(5)(ii)).

By the target's clock where the dataset's manifest says what arrives when; by what resources say of themselves on any server.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, expect, findings, judged, not_applicable, trail
from suites.kit.target import Client, Target
from suites.prior_authorization import elements
from suites.prior_authorization.conftest import Shown
from suites.protocol.business_days import next_business_day, visible_by

MOST_TRIED = 8
A_DAY = timedelta(days=1)


@pytest.mark.requirement("CMS0057-PA-DATA-08")
@pytest.mark.exclusive("moves the target's clock past the next business day")
def test_request_is_visible_within_one_business_day(
    manifest: dict[str, Any],
    target: Target,
    target_clock: TargetClock,
    http: Http,
    app_of: Callable[[Client], App],
    in_force: None,
) -> None:
    """A prior authorization asked for is there by the end of the next business day."""
    coming = sorted(
        (datetime.fromisoformat(one["at"]), str(one["reference"]), member.label)
        for row in manifest.get("members", [])
        for member in target.member
        if member.patient == row["patient"]
        for one in row.get("arrives", [])
        if str(one["reference"]).startswith("ExplanationOfBenefit/")
    )
    app = app_of(target.client[0])
    for at, reference, label in [one for one in coming if "auth" in one[1]][:MOST_TRIED] or coming[:MOST_TRIED]:
        member = next(one for one in target.member if one.label == label)
        target_clock.stand_at(at - timedelta(minutes=1))
        fhir = FhirClient(http, target.server.fhir_base, app.fresh_grant(member).access_token)
        control(fhir.get(reference).status == 404, f"{reference} is not there before it arrives")
        due = visible_by(at, ZoneInfo(target.server.time_zone))
        target_clock.stand_at(due + timedelta(minutes=1))
        answer = fhir.with_token(app.fresh_grant(member).access_token).get(reference)
        if answer.status == 200 and answer.object().get("use") != "preauthorization":
            continue
        trail().member = label
        expect(
            answer.status == 200,
            f"a request received on {at:%A %Y-%m-%d %H:%M} is visible by the end of the next business day",
            expected=f"200 for {reference} from {due:%A %Y-%m-%d}",
            found=answer.status,
            evidence=answer.evidence,
        )
        expect(
            elements.is_pending(answer.object()),
            "a request nobody decided yet shows as pending",
            expected="outcome queued or partial, or a pended review action",
            found=answer.object().get("outcome"),
            evidence=answer.evidence,
        )
        judged(1, "request")
        return
    not_applicable("the dataset has no prior authorization that arrives later for a member of the target file")


def changes(authorization: dict[str, Any]) -> list[date]:
    """The days on which an authorization says that it was asked for or decided."""
    told = [str(authorization.get("created", "")), *elements.decision_days(authorization)]
    return [date.fromisoformat(one[:10]) for one in told if len(one) >= 10]


@pytest.mark.requirement("CMS0057-PA-DATA-09", "CMS0057-PA-DATA-08")
def test_changes_were_shown_in_time(authorizations: tuple[Shown, ...], target: Target) -> None:
    """The first version that tells of a decision is of the next business day at the latest."""
    count, later, zone = 0, 0, ZoneInfo(target.server.time_zone)
    with findings() as found:
        for one in authorizations:
            told = changes(one.resource)
            updated = str((one.resource.get("meta") or {}).get("lastUpdated", ""))
            if not told or not updated:
                continue
            shown = datetime.fromisoformat(updated).astimezone(zone).date()
            due = next_business_day(max(told))
            count += 1
            found.check(
                shown >= max(told) - A_DAY,
                "an authorization does not tell of a decision before the day it was made",
                expected=f"updated on {max(told)} or later",
                found=f"{updated} in {one.name}",
                path="meta.lastUpdated",
                evidence=one.evidence,
            )
            if shown <= due:
                continue
            if changed_since(one):
                later += 1
                continue
            found.add(
                "a status change is visible within one business day",
                expected=f"by {due}, decided on {max(told)}",
                found=f"{updated} in {one.name}",
                path="meta.lastUpdated",
                evidence=one.evidence,
            )
    if later:
        trail().notes.append(f"{later} were changed again since, so that their time says nothing of the decision")
    if count == later:
        raise Inconclusive("no authorization at hand tells by its own time when its decision was shown")
    judged(count - later, "status change")


def changed_since(one: Shown) -> bool:
    """Whether something else than the decision may have moved the time: an appeal, an extension, use, or an earlier version."""
    resource = one.resource
    version = str((resource.get("meta") or {}).get("versionId", "1"))
    return version not in ("1", "") or bool(
        resource.get("supportingInfo") or elements.of_category(resource, "consumedunits")
    )
