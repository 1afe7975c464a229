"""What providers send in: a bill for each billable contact, stay, fill, dental visit, drug test and ambulance ride.

Bills carry codes and units, no money. Codes are HCPCS Level II and ICD-10-CM/PCS (public domain), NDC of a labeler that does not exist,
and the few CDT codes that official examples show. Leaves to others: what the payer makes of a bill (`claims.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from synthetic_data.payer.bills import Bill, Dispensing, Kind, Planned, Ride, Stay, Teammate
from synthetic_data.records import (
    Admission,
    DentalVisit,
    Diagnosis,
    LabOrder,
    MedicationCourse,
    Member,
    Visit,
    World,
)
from synthetic_data.yaml_tables import table

TELEHEALTH_PLACE, EMERGENCY_PLACE, HOME_PLACE, AMBULANCE_PLACE = "10", "23", "12", "41"

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


class _Desk(NamedTuple):
    """What the billing desk knows of the member."""

    member: Member
    world: World
    random: Random
    diagnosis_of: dict[str, Diagnosis]
    services: dict[str, Any]


def bills_of(member: Member, world: World, random: Random) -> list[Bill]:
    """All bills of a member in the order in which the care was given."""
    desk = _Desk(member, world, random, {each.id: each for each in member.diagnoses}, table("codes/services.yaml"))
    protected = {each.icd10.code for each in member.diagnoses if each.part2}
    bills = [
        # A bill that names a substance use diagnosis is protected whoever sends it.
        bill._replace(part2=True) if not bill.part2 and any(code in protected for code, _ in bill.diagnoses) else bill
        for bill in (*_contacts(desk), *_drugs(desk), *_dental(desk), *_drug_tests(desk))
    ]
    bills.sort(key=lambda bill: (bill.day, bill.suffix))
    return bills


def _contacts(desk: _Desk) -> Iterator[Bill]:
    stays = {each.visit: each for each in desk.member.admissions}
    for visit in desk.member.visits:
        stay = stays.get(visit.id)
        if stay is not None:
            yield _stay(desk, stay)
            if stay.involuntary:
                yield from _ride(desk, stay)
        elif visit.billable and visit.admission is None and visit.status == "finished":
            yield from _visit(desk, visit)


def _visit(desk: _Desk, visit: Visit) -> Iterator[Bill]:
    service = desk.services["visits"].get(visit.kind)
    if service is None or not service["hcpcs"]:
        return
    home = desk.world.network.organization_of[visit.organization]
    unit = service.get("unit_minutes", 0)
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
    planned = [Planned(service["hcpcs"], units, modifiers)]
    if visit.kind in {"intake", "substance_intake"}:
        planned.append(Planned("G0136", 1))
    elif visit.kind == "psychotherapy" and desk.random.random() < 0.1:
        planned.append(Planned("G0444", 1))
    outpatient = home.kind in {"crisis", "hospital"} or visit.encounter_class == "EMER"
    kind: Kind = "outpatient" if outpatient else "professional"
    yield Bill(
        kind=kind,
        suffix=_suffix(desk, visit.id),
        subject=visit.id,
        home=home,
        facility=visit.location,
        day=day,
        end=visit.end.date() if outpatient else day,
        place=place,
        team=_team(desk, kind, visit.clinician),
        diagnoses=_diagnoses(desk, visit.diagnoses, kind),
        planned=tuple(planned),
        part2=visit.part2,
        in_network=visit.network and home.in_network,
        encounter=visit.id,
        received=visit.received,
        details=Stay(visit.start, visit.end, "", True, (), visit.encounter_class == "EMER") if outpatient else None,
    )


def _stay(desk: _Desk, admission: Admission) -> Bill:
    service = desk.services["stays"][admission.kind]
    home = desk.world.network.organization_of[admission.organization]
    start, last = admission.start.date(), (admission.end or desk.world.as_of).date()
    days = max(1, (last - start).days)
    kind: Kind = "inpatient" if home.kind == "hospital" else "outpatient" if home.kind == "crisis" else "professional"
    modifiers = ("HF" if admission.part2 else "HE",)
    if kind == "inpatient":
        planned = [
            Planned("H2013", days, modifiers, "Dummy", start, last),
            Planned("J3490", days, (), "0250", start, last),
            Planned("G0480", 1, (), "0301", start),
            Planned("S9485", 1, (), "0450", start),
        ]
    elif kind == "outpatient":
        planned = [
            Planned(service["hcpcs"], 1, modifiers, "0450", start + timedelta(days=number)) for number in range(days)
        ]
    else:
        planned = [
            Planned(
                service["hcpcs"],
                min(30, days - gone),
                modifiers,
                "",
                start + timedelta(days=gone),
                start + timedelta(days=min(gone + 30, days) - 1),
            )
            for gone in range(0, days, 30)
        ]
    details = None
    if kind != "professional":
        first = desk.diagnosis_of[admission.diagnoses[0]].icd10.code if admission.diagnoses else ""
        left_early = admission.discharge is not None and admission.discharge.code == "aadvice"
        group = "GZHZZZZ", min(last, start + timedelta(days=2))
        procedures = ("HZ2ZZZZ" if admission.part2 else "GZ3ZZZZ", start), group
        details = Stay(
            admission.start,
            admission.end,
            drg(first, left_early) if kind == "inpatient" else "",
            admission.discharge is None or admission.discharge.code == "home",
            procedures if kind == "inpatient" else (),
            True,
        )
    return Bill(
        kind=kind,
        suffix=_suffix(desk, admission.id),
        subject=admission.id,
        home=home,
        facility=home.site.id,
        day=start,
        end=last,
        place=PLACES.get(home.kind, "21"),
        team=_team(desk, kind, admission.attending),
        diagnoses=_diagnoses(desk, admission.diagnoses, kind),
        planned=tuple(planned),
        part2=admission.part2,
        in_network=home.in_network,
        encounter=admission.visit,
        details=details,
    )


def _ride(desk: _Desk, admission: Admission) -> Iterator[Bill]:
    """An involuntary hold arrives by ambulance."""
    network = desk.world.network
    crew = next((each for each in network.organizations if each.kind == "transport"), None)
    if crew is None:
        return
    destination = network.organization_of[admission.organization]
    home = desk.member.person.addresses[0]
    miles, day = desk.random.randint(3, 38), admission.start.date()
    yield Bill(
        kind="professional",
        suffix=f"ride-{_suffix(desk, admission.id)}",
        subject=f"{admission.id}-ride",
        home=crew,
        facility=destination.site.id,
        day=day,
        end=day,
        place=AMBULANCE_PLACE,
        team=(),
        diagnoses=_diagnoses(desk, admission.diagnoses, "professional"),
        planned=(Planned("A0428", 1), Planned("A0425", miles)),
        part2=admission.part2,
        in_network=True,
        details=Ride(
            miles,
            desk.random.randint(95, 260),
            f"Home of the member, {home.city}, {home.state}",
            f"{destination.name}, {destination.site.address.city}, {destination.site.address.state}",
        ),
    )


def _drugs(desk: _Desk) -> Iterator[Bill]:
    drugs = table("codes/drugs.yaml")
    compounded = next((each for course in desk.member.medications for each in course.fills[:1]), None)
    for course in desk.member.medications:
        if course.drug == "methadone" and course.administered:
            yield from _doses(desk, course)
        if course.self_reported or course.administered:
            continue
        ndc, team = drugs[course.drug]["ndc"], _team(desk, "pharmacy", course.prescriber)
        for fill in course.fills:
            if fill.status != "completed":
                continue
            pharmacy = desk.world.network.organization_of[fill.pharmacy]
            # Rarely a drug is mixed for the member: low-dose naltrexone, and one fill of the member who has everything.
            compound = course.drug == "naltrexone" and fill.number == 1
            compound = compound or (fill is compounded and "must-support" in desk.member.planted_for)
            yield Bill(
                kind="pharmacy",
                suffix=_suffix(desk, fill.id),
                subject=course.id,
                home=pharmacy,
                facility=pharmacy.site.id,
                day=fill.when.date(),
                end=fill.when.date(),
                place="01",
                team=team,
                diagnoses=(),
                planned=(Planned(ndc, 1),),
                part2=course.part2,
                in_network=pharmacy.in_network,
                received=fill.when,
                details=Dispensing(
                    ndc, fill.quantity, fill.days_supply, fill.number, fill.number + fill.refills_left, compound
                ),
            )


def _doses(desk: _Desk, course: MedicationCourse) -> Iterator[Bill]:
    """Methadone handed out at the clinic: one bill a week."""
    prescriber = desk.world.network.clinician_of[course.prescriber]
    home = desk.world.network.organization_of[prescriber.organization]
    diagnoses = _diagnoses(desk, (course.diagnosis,) if course.diagnosis else (), "professional")
    team = _team(desk, "professional", course.prescriber)
    day, last = course.start.date(), (course.end or desk.world.as_of).date()
    while day < last:
        until = min(day + timedelta(days=7), last)
        units = (until - day).days
        yield Bill(
            kind="professional",
            suffix=f"dose-{_suffix(desk, course.id)}-{day:%y%m%d}",
            subject=course.id,
            home=home,
            facility=home.site.id,
            day=day,
            end=until - timedelta(days=1),
            place=PLACES["opioid-treatment"],
            team=team,
            diagnoses=diagnoses,
            planned=(Planned("H0020", units, ("HF",), "", day, until - timedelta(days=1) if units > 1 else None),),
            part2=True,
            in_network=home.in_network,
        )
        day = until


def _dental(desk: _Desk) -> Iterator[Bill]:
    for visit in desk.member.dental:
        yield _dental_bill(desk, visit)


def _dental_bill(desk: _Desk, visit: DentalVisit) -> Bill:
    home = desk.world.network.organization_of[visit.organization]
    day = visit.when.date()
    return Bill(
        kind="oral",
        suffix=_suffix(desk, visit.id),
        subject=visit.id,
        home=home,
        facility=visit.location,
        day=day,
        end=day,
        place=PLACES["dental"],
        team=_team(desk, "oral", visit.clinician),
        diagnoses=(("Z01.20", "principal"),),
        planned=tuple(
            Planned(
                line.code,
                1,
                ("KX",) if line.tooth else (),
                tooth=line.tooth or "",
                surfaces=line.surfaces,
                area=line.quadrant or "",
            )
            for line in visit.lines
        ),
        part2=False,
        in_network=home.in_network,
    )


def _drug_tests(desk: _Desk) -> Iterator[Bill]:
    diagnoses_of = {visit.id: visit.diagnoses for visit in desk.member.visits}
    for lab in desk.member.labs:
        if lab.panel == "urine_drugs":
            yield _drug_test(desk, lab, diagnoses_of.get(lab.visit, ()))


def _drug_test(desk: _Desk, lab: LabOrder, diagnoses: tuple[str, ...]) -> Bill:
    home = desk.world.network.organization_of[lab.laboratory]
    day = lab.collected.date()
    return Bill(
        kind="professional",
        suffix=_suffix(desk, lab.id),
        subject=lab.id,
        home=home,
        facility=home.site.id,
        day=day,
        end=day,
        place=PLACES["laboratory"],
        team=(Teammate("referring", "Practitioner", lab.clinician),),
        diagnoses=_diagnoses(desk, diagnoses, "professional"),
        planned=(Planned("G0480", 1, ("HF",) if lab.part2 else ()),),
        part2=lab.part2,
        in_network=home.in_network,
    )


def drg(icd10: str, left_early: bool) -> str:
    """The MS-DRG of a psychiatric or substance-use stay without operating room procedure (CMS grouper, MDC 19 and 20)."""
    chapter = icd10[:3]
    if "F10" <= chapter <= "F19":
        return "894" if left_early else "897"
    if "F20" <= chapter <= "F33" and icd10 not in {"F32.9", "F32.A"}:
        return "885"
    return {"F32": "881", "F34": "881", "F43": "880", "F60": "883", "F90": "886"}.get(chapter, "882")


def _suffix(desk: _Desk, identifier: str) -> str:
    return identifier.removeprefix(f"{desk.member.id}-")


def _diagnoses(desk: _Desk, identifiers: tuple[str, ...], kind: str) -> tuple[tuple[str, str], ...]:
    """ICD-10-CM codes in the order given, the first principal."""
    known = [desk.diagnosis_of[each].icd10.code for each in identifiers if each in desk.diagnosis_of]
    codes = list(dict.fromkeys(known)) or ["Z00.00"]
    rest = "secondary" if kind == "professional" else "other"
    found = [(codes[0], "principal"), *((code, rest) for code in codes[1:6])]
    if kind == "inpatient":
        found.append((codes[0], "admitting"))
    elif kind == "outpatient":
        found.append((codes[0], "patientreasonforvisit"))
    return tuple(found)


def _team(desk: _Desk, kind: str, clinician: str) -> tuple[Teammate, ...]:
    person = desk.world.network.clinician_of.get(clinician)
    if person is None:
        return ()
    if kind in {"inpatient", "outpatient"}:
        referring = desk.world.network.clinicians[0].id
        return Teammate("attending", "Practitioner", clinician), Teammate("referring", "Practitioner", referring)
    if kind == "pharmacy":
        return Teammate("prescribing", "Practitioner", clinician), Teammate("primary", "Practitioner", clinician)
    qualification = person.specialty.code
    return (
        Teammate("rendering", "Practitioner", clinician, qualification),
        Teammate("primary", "Practitioner", clinician, qualification),
    )
