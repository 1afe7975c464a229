"""A member's claims: every bill adjudicated once, and rendered for any guide version (`eob.py`).

What happens to a bill (paid, denied, partly denied, replaced, cancelled, encounter data) follows from its prior authorization where it
has one, else from the member's own random stream; rare kinds take turns, so that a small population shows every fate. Leaves to
others: bills (`bills.py`), amounts (`adjudication.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from synthetic_data.payer.adjudication import Accumulators, Amounts, drug_price, fee, pay, total
from synthetic_data.payer.authorizations import Authorization
from synthetic_data.payer.billing_desk import bills_of
from synthetic_data.payer.bills import Bill, Dispensing, Kind, Planned, Ride, Stay, Teammate
from synthetic_data.payer.plans import PLAN_OF_LINE
from synthetic_data.records import CoverageSpan, Member, World
from synthetic_data.seeds import stream

# Remittance advice remark codes (maintained by CMS); the words are ours.
REASONS = {
    "units": ("N362", "More units than the plan allows in the period"),
    "documentation": ("N706", "The documentation asked for did not arrive"),
    "authorization": ("N54", "The service differs from what was authorized"),
    "bundled": ("M15", "Part of another service of the same day"),
    "early": ("N386", "Refilled before most of the last supply was used up"),
}
NOTES = {
    "units": "Units above the plan's limit were not paid.",
    "documentation": "Send the missing documentation within 90 days to have this claim looked at again.",
    "authorization": "The service differs from the authorization on file.",
    "bundled": "This service is part of another service of the same day.",
    "early": "The refill came too early.",
    "prior-paid": "Another plan paid first; this plan paid what was left.",
    "capitation": "Paid for by a monthly amount to the provider; nothing is paid for the single visit.",
    "replaced": "This claim takes the place of an earlier one.",
    "cancelled": "This claim was taken back by the provider.",
}
INSTITUTIONAL = frozenset({"inpatient", "outpatient"})
DENIED = frozenset({"documentation", "authorization", "early"})

# What happens to the claims of a rare kind, in turn; a common kind draws by chance.
ROTATION = ("replaced", "units", "paid", "documentation", "paid", "cancelled")
CHANCES = (("documentation", 0.03), ("units", 0.055), ("bundled", 0.07), ("replaced", 0.10), ("cancelled", 0.11))
FILL_CHANCES = (("early", 0.03), ("replaced", 0.05), ("cancelled", 0.055))
ARRIVES_WITHIN = timedelta(days=10)


class Line(NamedTuple):
    """One line of a claim."""

    sequence: int
    planned: Planned
    start: date
    end: date | None
    allowed_units: int
    amounts: Amounts
    revenue: str
    reason: str
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An adjudicated claim."""

    id: str
    number: str
    kind: Kind
    status: str
    outcome: str
    coverage: str
    other_coverage: str
    provider: str
    facility: str
    place: str
    start: date
    end: date
    received: date
    created: datetime
    updated: datetime
    team: tuple[Teammate, ...]
    diagnoses: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    total: Amounts
    at_header: bool
    in_network: bool
    related: tuple[tuple[str, str], ...]
    payee: str
    payment: str
    notes: tuple[str, ...]
    account: str
    part2: bool
    encounter: str
    authorization: str
    details: Stay | Dispensing | Ride | None


@dataclass(slots=True)
class _Office:
    """The claims office while it works through one member: chance, accumulators, running numbers."""

    member: Member
    world: World
    random: Random
    accumulators: Accumulators
    authorization_of: dict[str, Authorization]
    sequence: int = 0
    of_kind: dict[str, int] = field(default_factory=dict)

    def next_of(self, kind: str) -> int:
        """How many claims of the kind took a turn before."""
        self.of_kind[kind] = self.of_kind.get(kind, -1) + 1
        return self.of_kind[kind]


class _Case(NamedTuple):
    """A bill on the desk: under which coverage, with which number, when it came and was decided."""

    bill: Bill
    ours: CoverageSpan
    other: CoverageSpan | None
    number: str
    identifier: str
    received: date
    created: datetime
    updated: datetime
    authorization: Authorization | None


def claims_of(member: Member, world: World, authorizations: tuple[Authorization, ...] = ()) -> tuple[Claim, ...]:
    """All claims of a member, in the order in which the care was given."""
    office = _Office(
        member=member,
        world=world,
        random=stream(world.seed, member.story, "claims"),
        accumulators=Accumulators(PLAN_OF_LINE[member.line_of_business]),
        authorization_of=_authorization_of(authorizations),
    )
    claims: list[Claim] = []
    for bill in bills_of(member, world, office.random):
        claims.extend(_adjudicate(office, bill))
    return tuple(claims)


def _authorization_of(authorizations: tuple[Authorization, ...]) -> dict[str, Authorization]:
    """The authorization that decides about the care it was asked for: one that allows something before one that does not."""
    found: dict[str, Authorization] = {}
    for each in authorizations:
        if each.subject and (each.subject not in found or not found[each.subject].approved_units):
            found[each.subject] = each
    return found


def spans_on(member: Member, day: date) -> tuple[CoverageSpan | None, CoverageSpan | None]:
    """The span of ours and the span of another payer that a day falls into."""
    ours = other = None
    for span in member.coverages:
        if span.start <= day and (span.end is None or day <= span.end):
            if span.other_payer:
                other = other or span
            else:
                ours = ours or span
    return ours, other


def pays_last(member: Member) -> bool:
    """Medicaid pays after every other plan (42 CFR part 433 subpart D)."""
    return member.line_of_business == "bh"


def _adjudicate(office: _Office, bill: Bill) -> list[Claim]:
    """The claim, or the two claims when one was taken back and another took its place; none outside the member's coverage."""
    ours, other = spans_on(office.member, bill.day)
    if ours is None or not bill.planned:
        return []
    received, created, updated = _timing(office, bill)
    if updated > office.world.as_of + ARRIVES_WITHIN:
        return []
    authorization = office.authorization_of.get(bill.subject)
    fate = _fate(office, bill, authorization)
    office.sequence += 1
    number = f"RB{bill.day:%y%m%d}{office.member.number:06d}{office.sequence:04d}"
    identifier = f"{office.member.id}-eob-{bill.suffix}"
    case = _Case(bill, ours, other, number, identifier, received, created, updated, authorization)
    again = created + timedelta(days=16, minutes=35)
    if fate == "cancelled":
        return [_taken_back(office, case, "paid", updated, ())]
    if fate != "replaced" or again > office.world.as_of:
        return [_claim(office, case, "paid" if fate == "replaced" else fate)]
    # The provider corrects a claim that was paid in part: the first is taken back and another takes its place.
    successor = f"{number}R1"
    second = _claim(
        office,
        case._replace(
            number=successor,
            identifier=f"{identifier}-r1",
            received=(again - timedelta(days=3)).date(),
            created=again,
            updated=again + timedelta(minutes=4),
        ),
        "bundled" if len(bill.planned) > 1 else "units",
    )
    return [
        _taken_back(office, case, "units", again, (("replacedby", successor),)),
        replace(second, at_header=False, related=(("prior", number),), notes=(*second.notes, NOTES["replaced"])),
    ]


def _taken_back(
    office: _Office, case: _Case, fate: str, updated: datetime, related: tuple[tuple[str, str], ...]
) -> Claim:
    """A claim the provider has taken back: nothing is paid, and nothing counts towards deductible or limit."""
    counted = office.accumulators.copy()
    claim = _claim(office, case, fate)
    office.accumulators = counted
    return replace(
        claim,
        status="cancelled",
        payment="",
        updated=updated,
        related=related,
        at_header=case.bill.kind in INSTITUTIONAL,
        notes=(*claim.notes, NOTES["cancelled"]),
    )


def _fate(office: _Office, bill: Bill, authorization: Authorization | None) -> str:
    if authorization is not None and authorization.outcome in {"denied", "withdrawn"}:
        return "authorization"
    if authorization is not None and authorization.outcome == "partial":
        return "units"
    if bill.kind in INSTITUTIONAL or bill.kind == "oral" or isinstance(bill.details, Ride):
        return ROTATION[(office.next_of(bill.kind) + _first_turn(office.member, bill)) % len(ROTATION)]
    if bill.home.kind == "primary-care" and office.member.line_of_business == "bh":
        return "capitation"
    draw = office.random.random()
    for fate, limit in FILL_CHANCES if bill.kind == "pharmacy" else CHANCES:
        if draw < limit:
            return fate
    return "paid"


def _first_turn(member: Member, bill: Bill) -> int:
    """Planted members start at the first turn, so that a small population has a replaced claim of each rare kind."""
    planted = member.planted_for if bill.kind in INSTITUTIONAL else "must-support" in member.planted_for
    return 0 if planted else member.story


def _timing(office: _Office, bill: Bill) -> tuple[date, datetime, datetime]:
    """When the claim arrived, when it was decided, when the record last changed."""
    random, zone = office.random, office.world.as_of.tzinfo
    if bill.received is not None:
        # Decided on arrival: every pharmacy claim (the NCPDP telecommunication standard is real time), and the visits whose arrival
        # at the payer the record fixes.
        return bill.received.date(), bill.received, bill.received + timedelta(seconds=20)
    lag, decision, seconds = random.randint(1, 14), random.randint(2, 12), random.randint(8 * 3600, 17 * 3600)
    received = bill.end + timedelta(days=lag)
    created = datetime.combine(received + timedelta(days=decision), time(), zone) + timedelta(seconds=seconds)
    return received, created, created + timedelta(minutes=seconds % 240)


def _claim(office: _Office, case: _Case, fate: str) -> Claim:
    member, bill = office.member, case.bill
    secondary = case.other is not None and pays_last(member)
    denied, capitated = fate in DENIED, fate == "capitation"
    to_patient = not bill.in_network and member.line_of_business == "qhp"
    notes: list[str] = []
    lines = []
    for sequence, planned in enumerate(bill.planned, 1):
        reason, allowed_units = _cut(fate, bill, planned, sequence)
        note = reason or ("prior-paid" if secondary else "capitation" if capitated else "")
        if note and note not in notes:
            notes.append(note)
        lines.append(
            Line(
                sequence=sequence,
                planned=planned,
                start=planned.start or bill.day,
                end=planned.end,
                allowed_units=allowed_units,
                amounts=_pay_line(office, bill, planned, sequence, allowed_units, fate, secondary, to_patient),
                revenue=planned.revenue or ("0450" if bill.kind == "outpatient" else ""),
                reason=reason,
                notes=(notes.index(note) + 1,) if note else (),
            )
        )
    partly = any(line.reason for line in lines) and not denied
    authorization = case.authorization
    return Claim(
        id=case.identifier,
        number=case.number,
        kind=bill.kind,
        status="active",
        outcome="complete",  # processed to its end, whatever its lines came to (CARIN Blue Button, ExplanationOfBenefit.outcome)
        coverage=case.ours.id,
        other_coverage=case.other.id if case.other is not None else "",
        provider=bill.home.id,
        facility=bill.facility,
        place=bill.place,
        start=bill.day,
        end=bill.end,
        received=case.received,
        created=case.created,
        updated=case.updated,
        team=bill.team,
        diagnoses=bill.diagnoses,
        lines=tuple(lines),
        total=total([line.amounts for line in lines]),
        at_header=bill.kind in INSTITUTIONAL and office.of_kind.get(bill.kind, 0) % 2 == 0,
        in_network=bill.in_network,
        related=(),
        payee="beneficiary" if to_patient else "provider",
        payment="" if capitated else "denied" if denied else "partiallypaid" if partly else "paid",
        notes=tuple(NOTES[each] for each in notes),
        account=f"A{member.number:06d}-{office.sequence:04d}",
        part2=bill.part2,
        encounter=bill.encounter,
        authorization=authorization.number if authorization is not None and authorization.approved_units else "",
        details=bill.details,
    )


def _cut(fate: str, bill: Bill, planned: Planned, sequence: int) -> tuple[str, int]:
    """Why a line was not paid in full, and the units that were allowed."""
    if fate in DENIED:
        return fate, 0
    if fate == "units" and sequence == 1 and planned.units > 1:
        return "units", planned.units - max(1, planned.units // 4)
    if fate == "bundled" and sequence == len(bill.planned) and sequence > 1:
        return "bundled", 0
    return "", planned.units


def _pay_line(
    office: _Office,
    bill: Bill,
    planned: Planned,
    sequence: int,
    allowed_units: int,
    fate: str,
    secondary: bool,
    to_patient: bool,
) -> Amounts:
    drug = bill.details if isinstance(bill.details, Dispensing) else None
    if drug is not None:
        charge, allowed = drug_price(drug_tier(drug.ndc), drug.days)
    else:
        charge, allowed = (amount * planned.units for amount in fee(planned.code))
    # One copayment a visit: it stands on the first line.
    copay = (office.accumulators.plan.drug_copay if drug else None) if sequence == 1 else 0
    return pay(
        office.accumulators,
        bill.day.year,
        charge,
        allowed,
        covered=allowed * allowed_units // planned.units,
        copay=copay,
        prior_payer_percent=60 if secondary else 0,
        to_patient=to_patient,
        capitated=fate == "capitation",
        members_noncovered=to_patient and fate in DENIED,
        drug=drug is not None,
    )


SPECIALTY_DRUGS = ("999990305", "999990604")


def drug_tier(ndc: str) -> str:
    """The price class of a drug: injections are specialty drugs, the rest are generics."""
    return "specialty" if ndc.startswith(SPECIALTY_DRUGS) else "generic"
