"""A member's claims: what was billed and how it was adjudicated, computed once and rendered for any guide version (`eob.py`).

One claim for each billable contact, stay, fill, dental visit and ambulance ride that falls into a span of coverage. What happens to a
claim (paid, denied, partly denied, replaced, cancelled, encounter data) follows from the member's own random stream, with a fixed
rotation for rare kinds so that a small population has them all. Leaves to others: amounts (`adjudication.py`), prior authorization.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Literal, NamedTuple

from synthetic_data.payer.adjudication import Accumulators, Amounts, drug_price, fee, pay, total
from synthetic_data.payer.plans import PLAN_OF_LINE
from synthetic_data.records import (
    Admission,
    CoverageSpan,
    DentalVisit,
    Diagnosis,
    Fill,
    MedicationCourse,
    Member,
    ProviderOrganization,
    Visit,
    World,
)
from synthetic_data.seeds import stream
from synthetic_data.yaml_tables import table

Kind = Literal["professional", "inpatient", "outpatient", "pharmacy", "oral"]

# Place of service codes (CMS, public domain), by kind of organization.
PLACES = {
    "clinic": "53",
    "opioid-treatment": "58",
    "residential": "55",
    "crisis": "20",
    "hospital": "21",
    "primary-care": "11",
    "laboratory": "81",
    "dental": "11",
}
TELEHEALTH_PLACE, EMERGENCY_PLACE, HOME_PLACE, AMBULANCE_PLACE = "10", "23", "12", "41"

# Remittance advice remark codes (maintained by CMS); the words are ours.
REASONS = {
    "units": ("N362", "More units than the plan allows in the period"),
    "documentation": ("N706", "The documentation asked for did not arrive"),
    "authorization": ("N54", "The service differs from what was authorized"),
    "bundled": ("M15", "Part of another service of the same day"),
    "prior-payer": ("MA04", "The other payer's decision is missing"),
}
NOTES = {
    "units": "Units above the plan's limit were not paid.",
    "documentation": "Send the missing documentation within 90 days to have this claim looked at again.",
    "authorization": "The service differs from the authorization on file.",
    "bundled": "This service is part of another service of the same day.",
    "prior-payer": "Send the explanation of benefits of your other plan.",
    "prior-paid": "Another plan paid first; this plan paid what was left.",
    "capitation": "Paid for by a monthly amount to the provider; nothing is paid for the single visit.",
    "replaced": "This claim takes the place of an earlier one.",
    "cancelled": "This claim was taken back by the provider.",
}


class Line(NamedTuple):
    """One line of a claim."""

    sequence: int
    code: str
    start: date
    end: date | None
    place: str
    units: int
    allowed_units: int
    amounts: Amounts
    modifiers: tuple[str, ...] = ()
    revenue: str = ""
    reason: str = ""
    notes: tuple[int, ...] = ()
    tooth: str = ""
    surfaces: tuple[str, ...] = ()
    area: str = ""


class Teammate(NamedTuple):
    """Somebody on the care team: the role, the reference, the taxonomy code of the qualification."""

    role: str
    kind: str
    identifier: str
    qualification: str = ""


class Stay(NamedTuple):
    """What an institution adds to a claim."""

    start: datetime
    end: datetime | None
    drg: str
    discharged_home: bool
    procedures: tuple[tuple[str, date], ...]
    emergency: bool


class Dispensing(NamedTuple):
    """What a pharmacy adds to a claim."""

    ndc: str
    quantity: float
    days: int
    refill: int
    refills_authorized: int
    compound: bool


class Ride(NamedTuple):
    """What an ambulance service adds to a claim."""

    miles: int
    pounds: int
    pickup: str
    dropoff: str


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
    encounter: str = ""
    authorization: str = ""
    details: Stay | Dispensing | Ride | None = None


@dataclass(slots=True)
class _Maker:
    """The state while one member's claims are made: chance, accumulators, running numbers."""

    member: Member
    world: World
    random: Random
    accumulators: Accumulators
    diagnosis_of: dict[str, Diagnosis]
    sequence: int = 0
    of_kind: dict[str, int] | None = None

    def next_of(self, kind: str) -> int:
        """How many claims of the kind came before."""
        counts = self.of_kind = self.of_kind or {}
        counts[kind] = counts.get(kind, -1) + 1
        return counts[kind]


def claims_of(member: Member, world: World) -> tuple[Claim, ...]:
    """All claims of a member, in the order in which the care was given."""
    plan = PLAN_OF_LINE[member.line_of_business]
    maker = _Maker(
        member=member,
        world=world,
        random=stream(world.seed, member.number, "claims"),
        accumulators=Accumulators(plan),
        diagnosis_of={each.id: each for each in member.diagnoses},
    )
    claims: list[Claim] = []
    for _, _, _, make, fact in sorted(_billable(member), key=lambda each: each[:3]):
        claims.extend(make(maker, fact))
    return tuple(claims)


def _billable(member: Member) -> Iterator[tuple[date, int, str, Any, Any]]:
    """Everything a provider sends a claim for, with the day, a rank and an id to order it by."""
    stays = {each.visit: each for each in member.admissions}
    visit_of = {each.id: each for each in member.visits}
    for visit in member.visits:
        if visit.id in stays:
            admission = stays[visit.id]
            yield visit.start.date(), 0, admission.id, _stay_claims, admission
            if admission.involuntary:
                yield visit.start.date(), 1, admission.id, _ride_claims, admission
        elif visit.billable and visit.admission is None and visit.status == "finished":
            yield visit.start.date(), 2, visit.id, _visit_claims, visit
    for course in member.medications:
        if course.self_reported or course.administered:
            continue
        for fill in course.fills:
            yield fill.when.date(), 3, fill.id, _fill_claims, (course, fill)
    for dental in member.dental:
        yield dental.when.date(), 4, dental.id, _dental_claims, dental
    for lab in member.labs:
        if lab.panel == "urine_drugs" and lab.visit in visit_of:
            yield lab.collected.date(), 5, lab.id, _drug_test_claims, (lab, visit_of[lab.visit])


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


# ── from care to lines ───────────────────────────────────────────────────────────────────────────────────────────────────


def _visit_claims(maker: _Maker, visit: Visit) -> Iterator[Claim]:
    service = table("codes/services.yaml")["visits"].get(visit.kind)
    if service is None or not service["hcpcs"]:
        return
    home = maker.world.network.organization_of[visit.organization]
    code, unit = service["hcpcs"], service.get("unit_minutes", 0)
    units = max(1, round(visit.minutes / unit)) if unit else 1
    day = visit.start.date()
    place = PLACES.get(home.kind, "11")
    if visit.telehealth:
        place = TELEHEALTH_PLACE
    elif visit.encounter_class == "EMER":
        place = EMERGENCY_PLACE
    elif visit.encounter_class in {"HH", "FLD"}:
        place = HOME_PLACE
    modifiers = ("HF" if visit.part2 else "HE", *(("GT",) if visit.telehealth else ()))
    planned: list[_Planned] = [_Planned(code, units, modifiers)]
    if visit.kind in {"intake", "substance_intake"}:
        planned.append(_Planned("G0136", 1, ()))
    elif visit.kind == "psychotherapy" and maker.random.random() < 0.1:
        planned.append(_Planned("G0444", 1, ()))
    outpatient = home.kind in {"crisis", "hospital"} or visit.encounter_class == "EMER"
    yield from _adjudicate(
        maker,
        _Bill(
            kind="outpatient" if outpatient else "professional",
            suffix=_suffix(maker.member, visit.id),
            home=home,
            facility=visit.location,
            day=day,
            end=visit.end.date() if outpatient else day,
            place=place,
            team=_team(maker, "outpatient" if outpatient else "professional", visit.clinician),
            diagnoses=_diagnoses(maker, visit.diagnoses, "outpatient" if outpatient else "professional"),
            planned=tuple(planned),
            part2=visit.part2,
            in_network=visit.network and home.in_network,
            encounter=visit.id,
            received=visit.received,
            details=Stay(visit.start, visit.end, "", True, (), visit.encounter_class == "EMER") if outpatient else None,
        ),
    )


def _stay_claims(maker: _Maker, admission: Admission) -> Iterator[Claim]:
    service = table("codes/services.yaml")["stays"][admission.kind]
    home = maker.world.network.organization_of[admission.organization]
    as_of = maker.world.as_of
    end = admission.end or as_of
    start, last = admission.start.date(), end.date()
    days = max(1, (last - start).days)
    hospital = home.kind == "hospital"
    kind: Kind = "inpatient" if hospital else "outpatient" if home.kind == "crisis" else "professional"
    modifiers = ("HF" if admission.part2 else "HE",)
    lines: tuple[_Planned, ...]
    if kind == "inpatient":
        lines = (
            _Planned("H2013", days, modifiers, "Dummy", start, last),
            _Planned("J3490", days, (), "0250", start, last),
            _Planned("G0480", 1, (), "0301", start, None),
            _Planned("S9485", 1, (), "0450", start, None),
        )
    elif kind == "outpatient":
        lines = tuple(
            _Planned(service["hcpcs"], 1, modifiers, "0450", start + timedelta(days=number), None)
            for number in range(days)
        )
    else:
        months: list[_Planned] = []
        first = start
        while first < start + timedelta(days=days):
            until = min(first + timedelta(days=30), start + timedelta(days=days))
            months.append(
                _Planned(service["hcpcs"], (until - first).days, modifiers, "", first, until - timedelta(days=1))
            )
            first = until
        lines = tuple(months)
    codes = [maker.diagnosis_of[each].icd10.code for each in admission.diagnoses if each in maker.diagnosis_of]
    left_early = admission.discharge is not None and admission.discharge.code == "aadvice"
    procedures = (
        ("HZ2ZZZZ" if admission.part2 else "GZ3ZZZZ", start),
        ("GZHZZZZ", min(last, start + timedelta(days=2))),
    )
    yield from _adjudicate(
        maker,
        _Bill(
            kind=kind,
            suffix=_suffix(maker.member, admission.id),
            home=home,
            facility=home.site.id,
            day=start,
            end=last,
            place=PLACES.get(home.kind, "21"),
            team=_team(maker, kind, admission.attending),
            diagnoses=_diagnoses(maker, admission.diagnoses, kind),
            planned=lines,
            part2=admission.part2,
            in_network=home.in_network,
            encounter=admission.visit,
            received=None,
            details=None
            if kind == "professional"
            else Stay(
                admission.start,
                admission.end,
                drg(codes[0] if codes else "", left_early) if kind == "inpatient" else "",
                admission.discharge is None or admission.discharge.code == "home",
                procedures if kind == "inpatient" else (),
                True,
            ),
        ),
    )


def _ride_claims(maker: _Maker, admission: Admission) -> Iterator[Claim]:
    """An involuntary hold arrives by ambulance."""
    network = maker.world.network
    crew = next((each for each in network.organizations if each.kind == "transport"), None)
    if crew is None:
        return
    destination = network.organization_of[admission.organization]
    home = maker.member.person.addresses[0]
    miles = maker.random.randint(3, 38)
    yield from _adjudicate(
        maker,
        _Bill(
            kind="professional",
            suffix=f"ride-{_suffix(maker.member, admission.id)}",
            home=crew,
            facility=destination.site.id,
            day=admission.start.date(),
            end=admission.start.date(),
            place=AMBULANCE_PLACE,
            team=(),
            diagnoses=_diagnoses(maker, admission.diagnoses, "professional"),
            planned=(_Planned("A0428", 1, ()), _Planned("A0425", miles, ())),
            part2=admission.part2,
            in_network=True,
            encounter="",
            received=None,
            details=Ride(
                miles,
                maker.random.randint(95, 260),
                f"Home of the member, {home.city}, {home.state}",
                f"{destination.name}, {destination.site.address.city}, {destination.site.address.state}",
            ),
        ),
    )


def _fill_claims(maker: _Maker, pair: tuple[MedicationCourse, Fill]) -> Iterator[Claim]:
    course, fill = pair
    drug = table("codes/drugs.yaml")[course.drug]
    pharmacy = maker.world.network.organization_of[fill.pharmacy]
    compound = course.drug == "nicotine_patch" and fill.number == 0
    yield from _adjudicate(
        maker,
        _Bill(
            kind="pharmacy",
            suffix=_suffix(maker.member, fill.id),
            home=pharmacy,
            facility=pharmacy.site.id,
            day=fill.when.date(),
            end=fill.when.date(),
            place="01",
            team=_team(maker, "pharmacy", course.prescriber),
            diagnoses=(),
            planned=(_Planned(drug["ndc"], 1, ()),),
            part2=course.part2,
            in_network=pharmacy.in_network,
            encounter="",
            received=fill.when,
            details=Dispensing(
                drug["ndc"], fill.quantity, fill.days_supply, fill.number, fill.number + fill.refills_left, compound
            ),
        ),
    )


def _dental_claims(maker: _Maker, visit: DentalVisit) -> Iterator[Claim]:
    home = maker.world.network.organization_of[visit.organization]
    planned = tuple(
        _Planned(line.code, 1, (), tooth=line.tooth or "", surfaces=line.surfaces, area=line.quadrant or "")
        for line in visit.lines
    )
    yield from _adjudicate(
        maker,
        _Bill(
            kind="oral",
            suffix=_suffix(maker.member, visit.id),
            home=home,
            facility=visit.location,
            day=visit.when.date(),
            end=visit.when.date(),
            place=PLACES["dental"],
            team=_team(maker, "oral", visit.clinician),
            diagnoses=(("Z01.20", "principal"),),
            planned=planned,
            part2=False,
            in_network=home.in_network,
            encounter="",
            received=None,
            details=None,
        ),
    )


def _drug_test_claims(maker: _Maker, pair: tuple[Any, Visit]) -> Iterator[Claim]:
    lab, visit = pair
    home = maker.world.network.organization_of[lab.laboratory]
    yield from _adjudicate(
        maker,
        _Bill(
            kind="professional",
            suffix=_suffix(maker.member, lab.id),
            home=home,
            facility=home.site.id,
            day=lab.collected.date(),
            end=lab.collected.date(),
            place=PLACES["laboratory"],
            team=(Teammate("referring", "Practitioner", visit.clinician),),
            diagnoses=_diagnoses(maker, visit.diagnoses, "professional"),
            planned=(_Planned("G0480", 1, ("HF",) if lab.part2 else ()),),
            part2=lab.part2,
            in_network=home.in_network,
            encounter="",
            received=None,
            details=None,
        ),
    )


def drg(icd10: str, left_early: bool) -> str:
    """The MS-DRG of a psychiatric or substance-use stay without operating room procedure (CMS grouper, MDC 19 and 20)."""
    chapter = icd10[:3]
    if "F10" <= chapter <= "F19":
        return "894" if left_early else "897"
    if "F20" <= chapter <= "F33" and icd10 not in {"F32.9", "F32.A"}:
        return "885"
    return {"F32": "881", "F34": "881", "F43": "880", "F60": "883", "F90": "886"}.get(chapter, "882")


def _suffix(member: Member, identifier: str) -> str:
    return identifier.removeprefix(f"{member.id}-")


def _diagnoses(maker: _Maker, identifiers: tuple[str, ...], kind: str) -> tuple[tuple[str, str], ...]:
    """ICD-10-CM codes in the order given, the first principal."""
    codes = list(
        dict.fromkeys(maker.diagnosis_of[each].icd10.code for each in identifiers if each in maker.diagnosis_of)
    ) or ["Z00.00"]
    rest = {"professional": "secondary", "inpatient": "other", "outpatient": "other"}.get(kind, "secondary")
    found = [(codes[0], "principal"), *((code, rest) for code in codes[1:6])]
    if kind == "inpatient":
        found.append((codes[0], "admitting"))
    elif kind == "outpatient":
        found.append((codes[0], "patientreasonforvisit"))
    return tuple(found)


def _team(maker: _Maker, kind: str, clinician: str) -> tuple[Teammate, ...]:
    person = maker.world.network.clinician_of.get(clinician)
    if person is None:
        return ()
    qualification = person.specialty.code
    if kind in {"inpatient", "outpatient"}:
        referring = Teammate("referring", "Practitioner", maker.world.network.clinicians[0].id)
        return Teammate("attending", "Practitioner", clinician), referring
    if kind == "pharmacy":
        return Teammate("prescribing", "Practitioner", clinician), Teammate("primary", "Practitioner", clinician)
    return (
        Teammate("rendering", "Practitioner", clinician, qualification),
        Teammate("primary", "Practitioner", clinician, qualification),
    )


# ── from lines to a claim ────────────────────────────────────────────────────────────────────────────────────────────────


class _Planned(NamedTuple):
    """A line before it is adjudicated."""

    code: str
    units: int
    modifiers: tuple[str, ...]
    revenue: str = ""
    start: date | None = None
    end: date | None = None
    tooth: str = ""
    surfaces: tuple[str, ...] = ()
    area: str = ""


class _Bill(NamedTuple):
    """A claim before it is adjudicated."""

    kind: Kind
    suffix: str
    home: ProviderOrganization
    facility: str
    day: date
    end: date
    place: str
    team: tuple[Teammate, ...]
    diagnoses: tuple[tuple[str, str], ...]
    planned: tuple[_Planned, ...]
    part2: bool
    in_network: bool
    encounter: str
    received: datetime | None
    details: Stay | Dispensing | Ride | None


# What happens to the claims of a rare kind, in turn; a common kind draws by chance.
ROTATION = ("replaced", "units", "paid", "authorization", "paid", "cancelled")
CHANCES = (("documentation", 0.03), ("units", 0.055), ("bundled", 0.07), ("replaced", 0.10), ("cancelled", 0.11))


def _fate(maker: _Maker, bill: _Bill) -> str:
    number = maker.next_of(bill.kind)
    if bill.kind in {"inpatient", "outpatient", "oral"} or isinstance(bill.details, Ride):
        return ROTATION[(maker.member.number + number) % len(ROTATION)]
    draw = maker.random.random()
    if bill.kind == "professional" and maker.member.line_of_business == "bh" and bill.home.kind == "primary-care":
        return "capitation"
    for fate, limit in CHANCES:
        if draw < limit:
            return fate
    return "paid"


def _timing(maker: _Maker, bill: _Bill) -> tuple[date, datetime, datetime]:
    """When the claim arrived, when it was decided, when the record last changed."""
    random, zone = maker.random, maker.world.as_of.tzinfo
    if bill.kind == "pharmacy":
        # Pharmacy claims are decided at the counter (NCPDP telecommunication is real time).
        assert bill.received is not None
        moment = bill.received
        return moment.date(), moment, moment + timedelta(seconds=20)
    lag, decision, seconds = random.randint(1, 14), random.randint(2, 12), random.randint(8 * 3600, 17 * 3600)
    if bill.received is not None:
        received = bill.received
        created = received + timedelta(seconds=seconds // 8)
    else:
        received = datetime.combine(bill.end + timedelta(days=lag), datetime.min.time(), zone)
        created = datetime.combine(received.date() + timedelta(days=decision), datetime.min.time(), zone)
        created += timedelta(seconds=seconds)
    return received.date(), created, created + timedelta(minutes=seconds % 240)


def _adjudicate(maker: _Maker, bill: _Bill) -> Iterator[Claim]:
    """The claim, or the two or three claims when one was taken back and sent again."""
    ours, other = spans_on(maker.member, bill.day)
    if ours is None or not bill.planned:
        return
    received, created, updated = _timing(maker, bill)
    if updated > maker.world.as_of and bill.received is None:
        return
    fate = _fate(maker, bill)
    maker.sequence += 1
    number = f"RB{bill.day:%y%m%d}{maker.member.number:06d}{maker.sequence:04d}"
    identifier = f"{maker.member.id}-eob-{bill.suffix}"
    replaced = fate == "replaced" and created + timedelta(days=21) <= maker.world.as_of
    claim = _claim(
        maker, bill, "paid" if fate == "replaced" else fate, ours, other, number, identifier, received, created, updated
    )
    if not replaced:
        yield claim
        return
    # The provider corrects the claim: the first is taken back (cancelled, its payment too) and another takes its place.
    again = created + timedelta(days=16, minutes=35)
    successor = f"{number}R1"
    old = _with(
        claim, status="cancelled", related=(("replacedby", successor),), updated=again, notes=(NOTES["cancelled"],)
    )
    yield old
    fresh = _claim(
        maker, bill, "units" if len(bill.planned) > 1 else "paid", ours, other, successor, f"{identifier}-r1",
        (again - timedelta(days=3)).date(), again, again + timedelta(minutes=4),
    )  # fmt: skip
    yield _with(fresh, related=(("prior", number),), notes=(*fresh.notes, NOTES["replaced"]))


def _with(claim: Claim, **changes: Any) -> Claim:
    values = {name: getattr(claim, name) for name in Claim.__slots__}
    return Claim(**{**values, **changes})


def _claim(
    maker: _Maker,
    bill: _Bill,
    fate: str,
    ours: CoverageSpan,
    other: CoverageSpan | None,
    number: str,
    identifier: str,
    received: date,
    created: datetime,
    updated: datetime,
) -> Claim:
    member, year = maker.member, bill.day.year
    secondary = other is not None and pays_last(member)
    denied = fate in {"documentation", "authorization"}
    to_patient = not bill.in_network and member.line_of_business == "qhp"
    capitated = fate == "capitation"
    drug = bill.details if isinstance(bill.details, Dispensing) else None
    noted: list[str] = []
    lines: list[Line] = []
    for sequence, planned in enumerate(bill.planned, 1):
        charge, allowed = drug_price(drug_tier(planned.code), drug.days) if drug else _price(planned)
        units, allowed_units, covered, reason = planned.units, planned.units, allowed, ""
        if denied:
            allowed_units, covered, reason = 0, 0, fate
        elif fate == "units" and sequence == 1 and planned.units > 1:
            allowed_units = planned.units - max(1, planned.units // 4)
            covered, reason = allowed * allowed_units // planned.units, "units"
        elif fate == "bundled" and sequence == len(bill.planned) and sequence > 1:
            allowed_units, covered, reason = 0, 0, "bundled"
        if fate == "cancelled":
            noted.append("cancelled")
        note = reason or ("prior-paid" if secondary else "capitation" if capitated else "")
        if note:
            noted.append(note)
        position = list(dict.fromkeys(noted)).index(note) + 1 if note else 0
        amounts = pay(
            maker.accumulators,
            year,
            charge,
            allowed,
            covered=covered,
            copay=(PLAN_OF_LINE[member.line_of_business].drug_copay if drug else None) if sequence == 1 else 0,
            prior_payer_percent=60 if secondary else 0,
            to_patient=to_patient,
            capitated=capitated,
            members_noncovered=denied and to_patient,
            drug=drug is not None,
        )
        lines.append(
            Line(
                sequence,
                planned.code,
                planned.start or bill.day,
                planned.end,
                bill.place,
                units,
                allowed_units,
                amounts,
                planned.modifiers,
                planned.revenue or ("0450" if bill.kind == "outpatient" else ""),
                reason,
                (position,) if position else (),
                planned.tooth,
                planned.surfaces,
                planned.area,
            )
        )
    whole = total([line.amounts for line in lines])
    partly = any(line.reason for line in lines) and not denied
    return Claim(
        id=identifier,
        number=number,
        kind=bill.kind,
        status="cancelled" if fate == "cancelled" else "active",
        outcome="partial" if partly else "complete",
        coverage=ours.id,
        other_coverage=other.id if other is not None else "",
        provider=bill.home.id,
        facility=bill.facility,
        start=bill.day,
        end=bill.end,
        received=received,
        created=created,
        updated=updated,
        team=bill.team,
        diagnoses=bill.diagnoses,
        lines=tuple(lines),
        total=whole,
        at_header=bill.kind in {"inpatient", "outpatient"} and (member.number + maker.sequence) % 2 == 1,
        in_network=bill.in_network,
        related=(),
        payee="beneficiary" if to_patient else "provider",
        payment="" if capitated else "denied" if denied else "partiallypaid" if partly else "paid",
        notes=tuple(NOTES[each] for each in dict.fromkeys(noted)),
        account=f"A{member.number:06d}-{maker.sequence:04d}",
        part2=bill.part2,
        encounter=bill.encounter,
        details=bill.details,
    )


def _price(planned: _Planned) -> tuple[int, int]:
    charge, allowed = fee(planned.code)
    return charge * planned.units, allowed * planned.units


def pays_last(member: Member) -> bool:
    """Medicaid pays after every other plan (42 CFR part 433 subpart D)."""
    return member.line_of_business == "bh"


SPECIALTY_DRUGS = ("999990305", "999990604")


def drug_tier(ndc: str) -> str:
    """The price class of a drug: injections are specialty drugs, the rest are generics."""
    return "specialty" if ndc.startswith(SPECIALTY_DRUGS) else "generic"
