"""Hand-made members with every kind of billable care, and the world they live in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from synthetic_data.network import make_network
from synthetic_data.records import (
    FAMILIES,
    Address,
    Admission,
    AuthorizationNeed,
    Code,
    CoverageSpan,
    Credentials,
    DentalLine,
    DentalVisit,
    Diagnosis,
    Fill,
    Guides,
    Household,
    LabOrder,
    LineOfBusiness,
    MedicationCourse,
    Member,
    Name,
    Person,
    Visit,
    World,
)

ZONE = ZoneInfo("America/Los_Angeles")
AS_OF = datetime(2026, 7, 1, 9, 0, tzinfo=ZONE)
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


@lru_cache(maxsize=8)
def world(family: str = "current", **versions: str) -> World:
    """A world of seed 7, with guide versions to taste."""
    guides: Guides = replace(FAMILIES[family], **versions)
    return World(seed=7, as_of=AS_OF, family=family, guides=guides, network=make_network(7))


def moment(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """A moment in the payer's zone."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def member(number: int = 1, line: LineOfBusiness = "bh", *, other_payer: bool = False, visits: int = 12) -> Member:
    """A member with visits, a stay, a ride, fills, a drug test and a dental visit."""
    network = world().network
    identifier = f"m{number:05d}"
    homes = {
        kind: next((one for one in network.organizations if one.kind == kind and line in one.line_of_business), None)
        or next(one for one in network.organizations if one.kind == kind)
        for kind in ("clinic", "hospital", "crisis", "residential", "pharmacy", "laboratory", "dental", "primary-care")
    }
    clinician = {
        kind: next(one for one in network.clinicians if one.organization == home.id)
        for kind, home in homes.items()
        if kind != "laboratory"
    }
    diagnosis = Diagnosis(
        id=f"{identifier}-cond-1",
        pathway="major_depression",
        icd10=Code(ICD10, "F33.1", "Major depressive disorder, recurrent, moderate"),
        snomed=Code(SNOMED, "370143000", "Major depressive disorder"),
        text="Major depressive disorder",
        onset=date(2024, 3, 1),
        recorded=moment(date(2024, 3, 2)),
        abatement=None,
        severity=None,
        clinical_status="active",
    )
    second = replace(
        diagnosis,
        id=f"{identifier}-cond-2",
        icd10=Code(ICD10, "F11.20", "Opioid dependence, uncomplicated"),
        part2=True,
    )
    contacts = []
    for place in range(visits):
        start = moment(date(2025, 1, 6) + timedelta(days=14 * place + number), 9 + place % 7)
        kind = ("intake", "psychotherapy", "medication", "case_management", "substance_counselling")[place % 5]
        contacts.append(
            Visit(
                id=f"{identifier}-enc-{place + 1}",
                kind=kind,
                pathway="major_depression",
                encounter_class="FLD" if kind == "case_management" else "VR" if place % 6 == 1 else "AMB",
                start=start,
                end=start + timedelta(minutes=60),
                clinician=clinician["clinic"].id,
                organization=homes["clinic"].id,
                location=homes["clinic"].site.id,
                diagnoses=(second.id if kind == "substance_counselling" else diagnosis.id,),
                telehealth=place % 6 == 1,
                part2=kind == "substance_counselling",
                network=place % 9 != 8,
            )
        )
    stays = []
    for place, (kind, home) in enumerate(
        (
            ("inpatient_psychiatric", "hospital"),
            ("crisis_stabilization", "crisis"),
            ("residential_substance", "residential"),
        )
    ):
        start = moment(date(2025, 9, 1) + timedelta(days=40 * place + number), 22)
        end = start + timedelta(days=(6, 2, 40)[place], hours=12)
        contacts.append(
            Visit(
                id=f"{identifier}-enc-s{place + 1}",
                kind="stay",
                pathway="major_depression",
                encounter_class="IMP",
                start=start,
                end=end,
                clinician=clinician[home].id,
                organization=homes[home].id,
                location=homes[home].site.id,
                diagnoses=(second.id if home == "residential" else diagnosis.id,),
                part2=home == "residential",
                admission=f"{identifier}-adm-{place + 1}",
            )
        )
        stays.append(
            Admission(
                id=f"{identifier}-adm-{place + 1}",
                visit=f"{identifier}-enc-s{place + 1}",
                kind=kind,
                level_of_care=kind,
                start=start,
                end=end,
                organization=homes[home].id,
                attending=clinician[home].id,
                diagnoses=(diagnosis.id, second.id),
                involuntary=place == 0,
                admit_source=Code("http://terminology.hl7.org/CodeSystem/admit-source", "emd", ""),
                discharge=Code("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home", ""),
                part2=home == "residential",
            )
        )
    course = MedicationCourse(
        id=f"{identifier}-med-1",
        drug="sertraline",
        pathway="major_depression",
        start=moment(date(2025, 2, 3)),
        end=None,
        status="active",
        stop_reason=None,
        visit=contacts[0].id,
        prescriber=clinician["clinic"].id,
        diagnosis=diagnosis.id,
        days_supply=30,
        refills=5,
        fills=tuple(
            Fill(
                id=f"{identifier}-fill-{place + 1}",
                when=moment(date(2025, 2, 4) + timedelta(days=30 * place), 15),
                pharmacy=homes["pharmacy"].id,
                days_supply=30,
                quantity=30,
                number=place,
                refills_left=5 - place,
            )
            for place in range(6)
        ),
    )
    spans = [
        CoverageSpan(
            id=f"{identifier}-cov-1",
            line_of_business=line,
            plan={"bh": "RBHP-MHP", "ma": "RBHP-MA1", "qhp": "RBHP-QHP-S"}[line],
            plan_name="Riverbend plan",
            subscriber_id="S000000001",
            member_id=f"M{number:09d}",
            group="RBC-GROUP-01",
            group_name="Members",
            relationship="self",
            dependent="01",
            order=1,
            start=date(2024, 1, 1),
            end=date(2026, 12, 31),
        )
    ]
    if other_payer:
        spans.append(replace(spans[0], id=f"{identifier}-cov-3", other_payer=True, order=2, plan="LMH-PPO"))
    needs = (
        AuthorizationNeed(
            id=f"{identifier}-auth-1",
            service="residential_substance",
            subject=stays[2].id,
            requested=moment(stays[2].start.date() - timedelta(days=9)),
            start=stays[2].start.date(),
            end=stays[2].start.date() + timedelta(days=60),
            units=60,
            expedited=False,
            clinician=clinician["residential"].id,
            organization=homes["residential"].id,
            diagnosis=second.id,
            part2=True,
        ),
    )
    return Member(
        number=number,
        id=identifier,
        unique_client_identifier=f"U{number:09d}",
        medical_record_number=f"R{number:08d}",
        merged=(),
        person=_person(),
        household=Household(id="h-1", members=(number,), adults=(number,), children=()),
        credentials=Credentials(username=f"member.{number}", password="made-up", totp_seed="", answers=()),
        line_of_business=line,
        planted_for=(),
        flags=frozenset(),
        coverages=tuple(spans),
        delegates=(),
        acts_for=(),
        consents_to_substance_use_disclosure=number % 2 == 0,
        diagnoses=(diagnosis, second),
        visits=tuple(contacts),
        admissions=tuple(stays),
        medications=(course,),
        authorizations=needs,
        labs=(
            LabOrder(
                id=f"{identifier}-lab-1",
                panel="urine_drugs",
                ordered=contacts[4].start,
                collected=contacts[4].start,
                issued=contacts[4].start + timedelta(days=1),
                visit=contacts[4].id,
                clinician=contacts[4].clinician,
                laboratory=homes["laboratory"].id,
                reason=second.id,
                results=(),
                part2=True,
            ),
        ),
        dental=(
            DentalVisit(
                id=f"{identifier}-dental-1",
                when=moment(date(2025, 5, 5)),
                clinician=clinician["dental"].id,
                organization=homes["dental"].id,
                location=homes["dental"].site.id,
                lines=(
                    DentalLine(code="D0120", tooth=None, surfaces=(), quadrant=None),
                    DentalLine(code="D0220", tooth="2", surfaces=("M", "O"), quadrant=None),
                ),
            ),
        ),
    )


def _person() -> Person:
    return Person(
        names=(Name(family="Sample", given=("Ada",)),),
        gender="female",
        birth_sex="F",
        birth_date=date(1985, 5, 5),
        birth_date_text="1985-05-05",
        deceased=None,
        race=(),
        race_detailed=(),
        race_text="",
        ethnicity=None,
        ethnicity_detailed=(),
        ethnicity_text="",
        tribe=None,
        gender_identity=None,
        pronouns=None,
        sexual_orientation=None,
        language=Code("urn:ietf:bcp:47", "en", "English"),
        interpreter=False,
        marital_status=None,
        addresses=(
            Address(line=("1 Test Way",), city="Sacramento", county="Sacramento", state="CA", postal_code="95814"),
        ),
        phone=None,
        email=None,
        occupation=None,
        industry=None,
        time_zone="America/Los_Angeles",
    )
