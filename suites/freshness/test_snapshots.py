"""What came, went and changed between two looks at the same records: 42 CFR 431.60(b)(1), (h); FHIR R4 Resource.meta.

Any server is judged by two runs: `certify server` keeps a snapshot, a later run compares with it (`--since RUN`). Our own simulator is
judged within one run, since its clock can be moved between two looks; such a run keeps no snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from suites.freshness import comparing
from suites.kit.app import App
from suites.kit.clock import TargetClock
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, control, findings, judged, not_applicable, trail
from suites.kit.plugin import SESSION
from suites.kit.snapshot import Snapshot
from suites.kit.target import Client, Member, Target
from suites.kit.workbench import Workbench
from suites.protocol.business_days import visible_by
from suites.record.generation import MOST_MEMBERS, arrivals_of_claims, manifest_totals, reading_members
from suites.record.held import Record

pytestmark = pytest.mark.together
EXCLUSIVE = pytest.mark.exclusive("moves the target's clock, where it has one, between two looks")
TYPES = (
    "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "DiagnosticReport", "DocumentReference", "Encounter",
    "ExplanationOfBenefit", "Goal", "Immunization", "MedicationRequest", "Observation", "Procedure",
)  # fmt: skip
BETWEEN = timedelta(days=35)  # the clock of our own simulator goes on by, from one look to the next


@dataclass(frozen=True)
class Looks:
    """Two snapshots of the same records, and the payer's time zone."""

    before: Snapshot
    after: Snapshot
    zone: ZoneInfo
    by_clock: bool = False  # the time between them was the simulator's


@pytest.fixture(scope="module")
def looks(
    workbench: Workbench, target: Target, http: Http, app_of: Callable[[Client], App], pytestconfig: pytest.Config
) -> Any:
    """The earlier look, if any, and this run's own; the latter is kept for a later run."""
    session = pytestconfig.stash[SESSION]
    control(target.client and target.member, "the target file names a [[client]] and a [[member]]")
    clock = TargetClock(target)
    salt = f"{workbench.rng.getrandbits(128):032x}"

    def look(members: list[Member], taken: datetime, salt: str) -> Snapshot:
        seen = Snapshot(target.server.fhir_base, taken, salt)
        for member in members:
            grant = app_of(target.client[0]).fresh_grant(member)
            record = Record(FhirClient(http, target.server.fhir_base, grant.access_token), grant.patient, member.label)
            for type in TYPES:
                try:
                    seen.see(member.label, type, (one for one, _ in record.of(type).resources()))
                except Inconclusive:
                    continue  # what cannot be searched is judged where it is asked for
        return seen

    members, zone = reading_members(target)[:MOST_MEMBERS], ZoneInfo(target.server.time_zone)
    before: Snapshot | None = session.since
    by_clock = before is None and bool(target.control.url)
    try:
        if by_clock:
            members, first = arriving(target, zone)
            if not members:
                not_applicable("the dataset has no claim that arrives later for a member of the target file")
            clock.stand_at(first)
            before = look(members, first, salt)
            clock.stand_at(first + BETWEEN)
        after = look(members, clock.now(), before.salt if before else salt)
        if session.folder is not None and not by_clock:
            after.write(session.folder)
    finally:
        clock.put_back()
    if before is None:
        not_applicable("this run is the first look, kept in snapshot.json: a later run compares with it (--since)")
    return Looks(before, after, zone, by_clock)


def arriving(target: Target, zone: ZoneInfo) -> tuple[list[Member], datetime]:
    """The member whose claim arrives first, one more whose claim arrives after that was due, and when it was due."""
    coming, totals = arrivals_of_claims(target), manifest_totals(target)
    known = sorted((one for one in target.member if one.patient in coming), key=lambda one: coming[one.patient][0])
    if not known:
        return [], datetime.now(UTC)
    due = visible_by(coming[known[0].patient][0], zone) + timedelta(minutes=1)
    later = [one for one in known[1:] if coming[one.patient][-1] > due]
    smallest = sorted(later, key=lambda one: sum(totals.get(one.patient, {}).values()))
    return [known[0], *smallest[:1]], due


@EXCLUSIVE
@pytest.mark.requirement("CMS9115-431.60-b1")
def test_new_claims_came_in_time(looks: Looks) -> None:
    """Each claim that is new since the earlier look was there one business day after its adjudication."""
    decided = undecided = 0
    with findings() as found:
        for pair, claim in comparing.new_claims(looks.before, looks.after):
            verdict, due = comparing.when(claim, looks.before.taken, looks.after.taken, looks.zone)
            undecided += verdict is comparing.When.undecided
            decided += verdict is not comparing.When.undecided
            trail().member = trail().member or pair.member
            found.check(
                verdict is not comparing.When.late,
                "a claim is visible by the end of the business day after its adjudication",
                expected=f"a claim of {claim.adjudicated} by {due:%A %Y-%m-%d}" if due else "",
                found=f"not there on {looks.before.taken:%Y-%m-%d}, there on {looks.after.taken:%Y-%m-%d}, last updated {claim.updated}",
                path=f"ExplanationOfBenefit of {pair.member}",
            )
    if looks.by_clock and not decided + undecided:
        not_applicable("no claim arrived between the two looks")
    if undecided:
        trail().notes.append(f"{undecided} new claims do not tell when they were adjudicated or stored")
    judged(decided, "claim new since the earlier look that tells its dates")


@EXCLUSIVE
@pytest.mark.requirement("CMS9115-431.60-h-STAYS")
def test_nothing_disappeared(looks: Looks) -> None:
    """What the earlier look found in a record is still there."""
    count = 0
    with findings() as found:
        for pair in comparing.pairs(looks.before, looks.after):
            count += len(pair.before)
            for one in comparing.gone(pair):
                found.add(
                    "what a member could see stays visible",
                    expected=f"every {pair.type} of {looks.before.taken:%Y-%m-%d}",
                    found=f"without one of status {one.status or 'unknown'}, last updated {one.updated or 'at no time told'}",
                    path=f"{pair.type} of {pair.member}",
                )
    judged(count, "resource of the earlier look")


@EXCLUSIVE
@pytest.mark.requirement("FHIR-CONTENT-03", "CARIN-META-01")
def test_changes_move_last_updated(looks: Looks) -> None:
    """Where content changed since the earlier look, meta.lastUpdated went on; it never went back."""
    count = 0
    with findings() as found:
        for pair in comparing.pairs(looks.before, looks.after):
            count += len(pair.before.keys() & pair.after.keys())
            for old, new in comparing.changed(pair):
                found.check(
                    comparing.moved_on(old, new, looks.zone),
                    "meta.lastUpdated goes on with each change and never back",
                    expected="a later meta.lastUpdated" if old.content != new.content else "no earlier one",
                    found=f"{old.updated or 'none'}, then {new.updated or 'none'}",
                    path=f"{pair.type} of {pair.member}",
                )
    judged(count, "resource of both looks")
