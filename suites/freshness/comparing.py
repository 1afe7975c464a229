"""Two looks at the same records: what came too late, what disappeared, what changed without saying so.

A claim is due at the end of the business day after its adjudication (`ExplanationOfBenefit.created`). Two looks decide about a new claim:

    due before the first look, where it was not yet there         late
    not yet due at the second look                                in time
    due between them, last updated no later than due              in time, by its own word
    due between them, its first version stored after it was due   late, by its own word
    due between them, and nothing said of when it was stored      undecided
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from suites.kit.snapshot import Seen, Snapshot
from suites.protocol.business_days import visible_by

FIRST = ("", "1")  # the version of what was never changed
WITHDRAWN = ("entered-in-error", "draft")


class When(StrEnum):
    """What two looks tell of one new claim."""

    in_time = "in time"
    late = "late"
    undecided = "undecided"


@dataclass(frozen=True)
class Pair:
    """One type of one member's record at both looks."""

    member: str
    type: str
    before: dict[str, Seen]
    after: dict[str, Seen]


def pairs(before: Snapshot, after: Snapshot) -> Iterator[Pair]:
    """What was fetched both times; a type that one run could not fetch is judged by neither."""
    for member, types in before.members.items():
        for type, held in types.items():
            again = after.members.get(member, {}).get(type)
            if again is not None:
                yield Pair(member, type, held, again)


def moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A FHIR dateTime; a day alone is its beginning where the payer is. None where it is neither."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), zone)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def new_claims(before: Snapshot, after: Snapshot) -> Iterator[tuple[Pair, Seen]]:
    """Claims that only the second look has, prior authorizations aside."""
    for pair in pairs(before, after):
        if pair.type == "ExplanationOfBenefit":
            for key in pair.after.keys() - pair.before.keys():
                if pair.after[key].use != "preauthorization":
                    yield pair, pair.after[key]


def when(claim: Seen, before: datetime, after: datetime, zone: ZoneInfo) -> tuple[When, datetime | None]:
    """Whether a new claim came in time, and when it was due; the table above."""
    adjudicated = moment(claim.adjudicated, zone)
    if adjudicated is None:
        return When.undecided, None
    due = visible_by(adjudicated, zone)
    if due <= before:
        return When.late, due
    if after <= due:
        return When.in_time, due
    stored = moment(claim.updated, zone)
    if stored is not None and stored <= due:
        return When.in_time, due
    if stored is not None and claim.version in FIRST:
        return When.late, due
    return When.undecided, due


def gone(pair: Pair) -> list[Seen]:
    """What the second look no longer has: what was withdrawn may go, and authorizations have a year of their own (42 CFR 431.60(b)(5))."""
    return [
        pair.before[key]
        for key in sorted(pair.before.keys() - pair.after.keys())
        if pair.before[key].status not in WITHDRAWN and pair.before[key].use != "preauthorization"
    ]


def changed(pair: Pair) -> list[tuple[Seen, Seen]]:
    """What both looks have with another content or another time of its last change."""
    both = ((pair.before[key], pair.after[key]) for key in sorted(pair.before.keys() & pair.after.keys()))
    return [(old, new) for old, new in both if (old.content, old.updated) != (new.content, new.updated)]


def moved_on(old: Seen, new: Seen, zone: ZoneInfo) -> bool:
    """Whether meta.lastUpdated went on where the content changed, and never went back."""
    earlier, later = moment(old.updated, zone), moment(new.updated, zone)
    if earlier is None or later is None:
        return later is not None
    return later > earlier if old.content != new.content else later >= earlier
