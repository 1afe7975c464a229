"""Prior authorizations: what the payer answered to a request, when, and how much of it has been used (42 CFR 431.60(b)(5), 438.210(d)).

The care side says what was asked for; this room decides. The clocks are those of CMS-0057-F: 72 hours for expedited requests, seven
calendar days for standard ones, 14 more when extended. Drugs are left out, as the rule leaves them out. Leaves to others: how an
answer is shown (`authorization_eob.py`), what it does to the claims (`claims.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple

from synthetic_data.records import Admission, AuthorizationNeed, Member, World
from synthetic_data.seeds import stream
from synthetic_data.yaml_tables import table


class _Course(NamedTuple):
    """How the payer handles a request."""

    initial: str
    extended: bool = False
    appeal: str = ""
    withdrawn: bool = False


# What a request may wish for by name; a request without a wish takes the next of the turns.
COURSES = {
    "pending": _Course(""),
    "pending-extended": _Course("", extended=True),
    "approved": _Course("approved"),
    "expedited": _Course("approved"),
    "expired": _Course("approved"),
    "units-used": _Course("approved"),
    "extended": _Course("approved", extended=True),
    "partially-approved": _Course("partial"),
    "denied": _Course("denied"),
    "appealed": _Course("denied", appeal="overturned"),
    "appeal-upheld": _Course("denied", appeal="upheld"),
    "appeal-awaited": _Course("denied", appeal="awaited"),
    "withdrawn": _Course("", withdrawn=True),
}
TURNS = (
    "approved",
    "extended",
    "approved",
    "partially-approved",
    "approved",
    "denied",
    "appealed",
    "approved",
    "appeal-upheld",
    "withdrawn",
)
REASONS = {
    "necessity": ("N386", "The information sent does not show why this level of care is needed instead of intensive outpatient care"),
    "documentation": ("N706", "The assessment asked for on the second day did not arrive"),
    "units": ("N362", "Fewer days are needed by the level-of-care criteria; ask again before they end"),
}  # fmt: skip


class Extension(NamedTuple):
    """The payer took more time."""

    taken: datetime
    until: datetime


class Appeal(NamedTuple):
    """The member or provider asked for another look."""

    received: datetime
    decided: datetime | None
    overturned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A request for care and what became of it.

    `initial` is the first determination (approved, partial, denied; empty while it is awaited), `outcome` what holds now
    (queued, approved, partial, denied, withdrawn).
    """

    id: str
    number: str
    previous: str
    subject: str
    code: str
    institutional: bool
    expedited: bool
    received: datetime
    determined: datetime | None
    extension: Extension | None
    appeal: Appeal | None
    initial: str
    outcome: str
    reason: str
    start: date
    end: date
    units: int
    approved_units: int
    used_units: int
    clinician: str
    organization: str
    facility: str
    diagnosis: str
    coverage: str
    part2: bool
    updated: datetime


def authorizations_of(member: Member, world: World) -> tuple[Authorization, ...]:
    """A member's prior authorizations in the order of the requests."""
    if not member.authorizations:
        return ()
    random = stream(world.seed, member.story, "authorizations")
    made: list[Authorization] = []
    stays = {each.id: each for each in member.admissions}
    for need in sorted(member.authorizations, key=lambda each: (each.requested, each.id)):
        code = _service_code(need.service)
        if code is None or (need.requested > world.as_of and not need.arrives):
            continue
        turn = need.wish or TURNS[(member.story + len(made)) % len(TURNS)]
        made.append(_decide(need, code, COURSES[turn], member, world, random, stays.get(need.subject), made))
    return tuple(made)


def _service_code(service: str) -> str | None:
    """The HCPCS code of a stay, visit or procedure; a drug has none here."""
    services = table("codes/services.yaml")
    stay = services["stays"].get(service)
    if stay is not None:
        return stay["hcpcs"] or "H2013"
    visit = services["visits"].get(service)
    if visit is not None:
        return visit["hcpcs"] or None
    procedure = table("codes/procedures.yaml").get(service)
    return (procedure["hcpcs"] or None) if procedure else None


def _decide(
    need: AuthorizationNeed,
    code: str,
    course: _Course,
    member: Member,
    world: World,
    random: Random,
    stay: Admission | None,
    earlier: list[Authorization],
) -> Authorization:
    as_of = world.as_of
    decision = need.requested + _turnaround(random, need.expedited, course.extended)
    extension = _extension(need, as_of) if course.extended else None
    determined = decision if course.initial and decision <= as_of else None
    initial = course.initial if determined else ""
    appeal = _appeal(course.appeal, determined, random, as_of)
    outcome = initial or ("withdrawn" if course.withdrawn and decision <= as_of else "queued")
    updated = decision if outcome == "withdrawn" else determined or (extension.taken if extension else need.requested)
    if appeal is not None:
        updated = appeal.decided or appeal.received
        if appeal.decided and appeal.overturned:
            outcome = "approved"
    approved = need.units if outcome == "approved" else need.units * 2 // 3 if outcome == "partial" else 0
    used = _used(need, stay, approved, as_of)
    home = world.network.organization_of[need.organization]
    previous = next((each for each in reversed(earlier) if each.code == code and each.outcome == "approved"), None)
    return Authorization(
        id=need.id,
        number=f"PA{need.requested:%y%m%d}{member.number:06d}{len(earlier) + 1:02d}",
        previous=previous.number if previous else "",
        subject=need.subject,
        code=code,
        institutional=home.kind == "hospital",
        expedited=need.expedited,
        received=need.requested,
        determined=determined,
        extension=extension,
        appeal=appeal,
        initial=initial,
        outcome=outcome,
        reason=_reason(initial, len(earlier)),
        start=need.start,
        end=need.end,
        units=need.units,
        approved_units=approved,
        used_units=used,
        clinician=need.clinician,
        organization=need.organization,
        facility=home.site.id,
        diagnosis=need.diagnosis,
        coverage=_coverage(member, need.start),
        part2=need.part2 or any(each.part2 for each in member.diagnoses if each.id == need.diagnosis),
        updated=updated + timedelta(minutes=25) if need.arrives else min(updated + timedelta(minutes=25), as_of),
    )


def _extension(need: AuthorizationNeed, as_of: datetime) -> Extension | None:
    limit = need.requested + (timedelta(hours=72) if need.expedited else timedelta(days=7))
    taken = limit - timedelta(hours=6)
    return Extension(taken, limit + timedelta(days=14)) if taken <= as_of else None


def _appeal(kind: str, determined: datetime | None, random: Random, as_of: datetime) -> Appeal | None:
    if not kind or determined is None:
        return None
    received = determined + timedelta(days=random.randint(3, 9), hours=2)
    decided = received + timedelta(days=random.randint(6, 24), hours=3)
    if received > as_of:
        return None
    return Appeal(received, decided if kind != "awaited" and decided <= as_of else None, kind == "overturned")


def _turnaround(random: Random, expedited: bool, extended: bool) -> timedelta:
    minutes = timedelta(minutes=random.randrange(60))
    if extended:
        return (
            (timedelta(hours=72) if expedited else timedelta(days=7)) + timedelta(days=random.randint(1, 12)) + minutes
        )
    if expedited:
        return timedelta(hours=random.randint(4, 70)) + minutes
    return timedelta(days=random.randint(1, 6), hours=random.randint(0, 8)) + minutes


def _reason(initial: str, place: int) -> str:
    if initial == "denied":
        return ("necessity", "documentation")[place % 2]
    return "units" if initial == "partial" else ""


def _used(need: AuthorizationNeed, stay: Admission | None, approved: int, as_of: datetime) -> int:
    """Days of the stay so far, or of the period that has gone by, within what was approved."""
    if not approved:
        return 0
    if stay is not None:
        return min(approved, max(0, ((stay.end or as_of).date() - stay.start.date()).days))
    if need.start > as_of.date():
        return 0
    whole = max(1, (need.end - need.start).days)
    gone = min(whole, (as_of.date() - need.start).days)
    return approved * gone // whole


def _coverage(member: Member, day: date) -> str:
    for span in member.coverages:
        if not span.other_payer and span.start <= day and (span.end is None or day <= span.end):
            return span.id
    return member.coverages[0].id
