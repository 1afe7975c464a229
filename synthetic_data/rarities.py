"""What planted members have beside their care: one method a flag, so that every element a guide names is somewhere.

Flags are listed with their meaning in docs/members.md; `planted.yaml` says who carries which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from synthetic_data.chart import SNOMED, Chart
from synthetic_data.instruments import answer
from synthetic_data.notes import note_text
from synthetic_data.pathways import all_pathways
from synthetic_data.people.demographics import years_between
from synthetic_data.records import (
    Allergy,
    Assessment,
    AuthorizationNeed,
    Code,
    DentalLine,
    DentalVisit,
    Diagnosis,
    ImplantedDevice,
    MedicationCourse,
    Service,
    Visit,
)
from synthetic_data.stays import admit
from synthetic_data.wellness import Wellness
from synthetic_data.yaml_tables import table

EKG_NORMAL = Code(SNOMED, "164854000", "Electrocardiogram normal")
STANDING = Code(SNOMED, "10904000", "Orthostatic body position")
STANDING_VALUES: dict[str, float] = {
    "height": 165.0,
    "weight": 70.5,
    "bmi": 25.9,
    "heart_rate": 72,
    "respiratory_rate": 16,
    "temperature": 36.6,
    "head_circumference": 47.0,
    "head_circumference_percentile": 50,
    "bmi_for_age": 50,
    "weight_for_height": 50,
}
INFANT_VALUES: dict[str, float] = {
    "height": 84.0,
    "weight": 11.8,
    "bmi": 16.7,
    "heart_rate": 104,
    "respiratory_rate": 24,
}
AUTHORIZATION_WISHES = (
    "pending",
    "approved",
    "partially-approved",
    "denied",
    "extended",
    "expedited",
    "expired",
    "appealed",
    "units-used",
)


class Rarities:
    """Adds what a member's flags ask for, after the ordinary story has been told."""

    def __init__(self, chart: Chart, random: Random, wellness: Wellness, as_of: datetime) -> None:
        """Bind the chart that is nearly finished."""
        self.chart = chart
        self.random = random
        self.wellness = wellness
        self.as_of = as_of

    def add(self, flags: frozenset[str]) -> None:
        """Everything the flags ask for, in the order of `RARITIES`."""
        for flag, method in RARITIES.items():
            if flag in flags:
                method(self)

    def _visit(self, day: date, kind: str = "primary_care") -> Visit:
        return self.chart.visit(self.random, kind, day, "wellness", self.wellness.site, ())

    def reports(self) -> None:
        """An electrocardiogram, an image and a pathology report, each told as document and as report."""
        chart = self.chart
        for number, kind in enumerate(("cardiology", "imaging", "pathology", "procedure")):
            visit = self._visit(chart.ends - timedelta(days=90 + 30 * number))
            if kind == "cardiology":
                chart.measure("ekg_impression", visit, EKG_NORMAL)
            chart.document(kind, visit, note_text(self.random, kind, "Baseline before medication", 0.2))

    def device(self) -> None:
        """Implanted devices: a nerve stimulator and a pacemaker."""
        chart = self.chart
        for name, row in table("codes/prevention.yaml")["devices"].items():
            made = chart.at(chart.begins - timedelta(days=120), 9)
            identifier = chart.new_id("dev")
            lot, serial = f"LOT{len(identifier)}{name[:3].upper()}", f"SN-{identifier}"
            carrier = f"(01){row['di']}(11){made:%y%m%d}(17){made.year + 8 - 2000}0101(10){lot}(21){serial}"
            chart.devices.append(
                ImplantedDevice(
                    id=identifier,
                    kind=Code(SNOMED, *row["type"]),
                    text=row["text"],
                    udi_carrier=carrier,
                    udi_device=row["di"],
                    manufactured=made,
                    expires=made.replace(year=made.year + 8),
                    lot=lot,
                    serial=serial,
                    distinct=f"DIN-{identifier}",
                    implanted=chart.begins,
                )
            )

    def oxygen(self) -> None:
        """Inhaled oxygen, and components whose value is absent."""
        visit = self._visit(self.chart.ends - timedelta(days=40))
        self.chart.measure("oxygen", visit, 91, also=(2, 28))
        self.chart.measure("oxygen", visit, None, absent="not-performed")

    def absent_data(self) -> None:
        """Measurements that could not be taken, with the reason."""
        visit = self._visit(self.chart.ends - timedelta(days=60))
        chart = self.chart
        vitals = table("codes/observations.yaml")["vitals"]
        values = {**STANDING_VALUES, **(INFANT_VALUES if chart.age < 3 else {})}
        measured = {
            kind: value for kind, value in values.items() if self._measured_at(vitals[kind], visit.start.date())
        }
        for kind in (*(one for one in measured if one != "bmi"), "blood_pressure", "oxygen"):
            chart.measure(kind, visit, None, absent="not-performed")
        for kind, value in measured.items():
            chart.measure(kind, visit, value, position=STANDING)
        if chart.age < 18:
            return
        for kind in ("disability", "ekg_impression"):
            chart.measure(kind, visit, None, absent="unknown")
        chart.order_laboratory(self.random, "metabolic", visit, None, 0, False)
        last = chart.labs[-1]
        chart.labs[-1] = replace(last, results=tuple(replace(one, value=None) for one in last.results))
        self.wellness.vaccination("hepatitis_b_adult", visit, given=False)
        self.wellness.vaccination("tdap", visit, given=True, when_text="some time in the 1990s", primary=False)

    def _measured_at(self, row: dict[str, Any], day: date) -> bool:
        """Whether a vital sign is taken at the member's age on a day."""
        low, high = row.get("ages", (0, 120))
        return bool(low <= years_between(self.chart.person.birth_date, day) <= high)

    def over_the_counter(self) -> None:
        """A drug the member says they take."""
        visit = self._visit(self.chart.ends - timedelta(days=75))
        self.chart.medications.append(_self_reported(self.chart.new_id("med"), visit))

    def infant(self) -> None:
        """Every percentile of early childhood."""
        visit = self._visit(self.chart.ends - timedelta(days=30), "well_child")
        chart = self.chart
        for kind, value in (
            ("head_circumference", 47.2),
            ("head_circumference_percentile", 61),
            ("weight_for_height", 55),
            ("bmi_for_age", 58),
        ):
            chart.measure(kind, visit, value)

    def dental(self) -> None:
        """Dental care with tooth, surfaces and area."""
        chart = self.chart
        office = chart.organization(self.random, "dental")
        dentist = chart.clinician(self.random, office, ["dentist"])
        codes = table("codes/prevention.yaml")["dental"]
        for back in (330, 150, 20):
            chart.dental.append(
                DentalVisit(
                    id=chart.new_id("den"),
                    when=chart.at(chart.ends - timedelta(days=back), 10),
                    clinician=dentist.id,
                    organization=office.id,
                    location=dentist.site,
                    lines=(
                        DentalLine(code=codes[0], tooth=None, surfaces=(), quadrant=None),
                        DentalLine(code=codes[1], tooth="2", surfaces=("M", "O"), quadrant=None),
                        DentalLine(code=codes[2], tooth=None, surfaces=(), quadrant="10"),
                    ),
                )
            )

    def before_2016(self) -> None:
        """Care before 2016, which a payer need not show (42 CFR 431.60(g))."""
        for year, month in ((2013, 3), (2014, 9), (2015, 12)):
            self._visit(date(year, month, 14))
        self._visit(date(2016, 1, 4))

    def thirty_pages(self) -> None:
        """More encounters than thirty pages of twenty hold, and more observations than thirty pages of fifty.

        An outreach team that looks in every other day and takes pulse and pressure accounts for both.
        """
        day = self.chart.ends - timedelta(days=1)
        while len(self.chart.visits) < 640:
            visit = self._visit(day, "peer_support" if self.chart.line == "bh" else "primary_care")
            top = int(self.random.gauss(128, 8))
            self.chart.measure("blood_pressure", visit, top, also=(top - self.random.randint(36, 48),))
            self.chart.measure("heart_rate", visit, int(self.random.gauss(78, 6)))
            self.chart.measure("weight", visit, round(self.random.gauss(84, 0.6), 1))
            day -= timedelta(days=2)

    def received_late(self) -> None:
        """Visits just told to the payer: yesterday, at the edges of the business day, over a weekend, and after the dataset's day.

        A server has one business day from receipt (42 CFR 431.60(b)(1)).
        """
        day = self.as_of.date()
        for received in (
            self.as_of - timedelta(hours=15),
            self.as_of - timedelta(minutes=1),
            self.as_of + timedelta(hours=8, minutes=59),
            self.as_of + timedelta(hours=17, minutes=1),
            self.as_of + timedelta(days=1, hours=12),
            _friday_evening(self.as_of),
        ):
            seen = min(day - timedelta(days=1), received.date() - timedelta(days=1))
            visit = self._visit(seen)
            self.chart.visits[-1] = replace(visit, received=received)
            if received > self.as_of:
                self.chart.measure("weight", visit, 71.4)
        self.asked_late(self.chart.visits[-1])

    def asked_late(self, visit: Visit) -> None:
        """A prior authorization the payer is asked for on the day after the dataset's: visible, pending, one business day later."""
        first = (self.as_of + timedelta(days=10)).date()
        self.chart.authorizations.append(
            AuthorizationNeed(
                id=self.chart.new_id("auth"),
                service="psychotherapy",
                subject=visit.id,
                requested=self.as_of + timedelta(days=1, hours=10),
                start=first,
                end=first + timedelta(days=60),
                units=24,
                expedited=False,
                clinician=visit.clinician,
                organization=visit.organization,
                diagnosis=self.chart.diagnoses[0].id,
                arrives=True,
            )
        )

    def emergency(self) -> None:
        """A crisis visit with a diagnosis of its own, so that emergency is a class and encounter diagnosis a category of somebody's."""
        chart = self.chart
        thoughts, day = chart.new_id("cond"), chart.ends - timedelta(days=200)
        place = chart.organization(self.random, "crisis")
        visit = chart.visit(self.random, "crisis", day, "wellness", place, (thoughts,))
        chart.diagnoses.append(
            Diagnosis(
                id=thoughts,
                pathway="wellness",
                icd10=Code("http://hl7.org/fhir/sid/icd-10-cm", "R45.851", "Suicidal ideations"),
                snomed=Code(SNOMED, "6471006", "Suicidal thoughts"),
                text="Suicidal ideations",
                onset=visit.start.date(),
                recorded=visit.start + timedelta(minutes=20),
                abatement=visit.start.date() + timedelta(days=14),
                severity=None,
                clinical_status="resolved",
                category="encounter-diagnosis",
                visit=visit.id,
            )
        )

    def stays(self) -> None:
        """An involuntary stay in a psychiatric hospital and crisis stabilization, each with its ride and its claims."""
        chart = self.chart
        diagnosis = next((one for one in chart.diagnoses if not one.part2), None)
        if diagnosis is None:
            return
        pathway = next(one for one in all_pathways() if one.key == "major_depression")
        for kind, back in (("inpatient_psychiatric", 300), ("crisis_stabilization", 240)):
            row = {"kind": kind, "involuntary": 1.0}
            longest = timedelta(days=table("codes/services.yaml")["stays"][kind]["days"][1])
            days = (chart.ends - timedelta(days=back - later) for later in range(40))
            day = next((one for one in days if chart.clear_for_stay(one, one + longest)), None)
            if day is None:
                continue
            admit(chart, self.random, pathway, row, day, chart.ends, (diagnosis.id,))
            if chart.authorizations and chart.authorizations[-1].subject == chart.admissions[-1].id:
                chart.authorizations[-1] = replace(chart.authorizations[-1], wish="approved")

    def out_of_network(self) -> None:
        """Therapy with somebody outside the network."""
        elsewhere = next((one for one in self.chart.providers.network.organizations if not one.in_network), None)
        if elsewhere is not None:
            for back in (160, 130, 100):
                day = self.chart.ends - timedelta(days=back)
                diagnoses = tuple(one.id for one in self.chart.diagnoses[:1])
                self.chart.visit(self.random, "psychotherapy", day, "wellness", elsewhere, diagnoses)

    def instruments(self) -> None:
        """Every instrument once."""
        visit = self._visit(self.chart.ends - timedelta(days=50))
        for name in table("codes/instruments.yaml")["instruments"]:
            answers = answer(self.random, name, 0.4)
            if name == "gad-7":
                answers = (-1, *answers[1:])
            self.chart.assessments.append(
                Assessment(
                    id=self.chart.new_id("asm"),
                    instrument=name,
                    when=visit.start + timedelta(minutes=5),
                    visit=visit.id,
                    clinician=visit.clinician,
                    answers=answers,
                    total=sum(one for one in answers if one > 0),
                )
            )

    def other_states(self) -> None:
        """Records in other states than most: what was resolved, replaced, withdrawn, not done, not ready, put on hold."""
        chart, random = self.chart, self.random
        visit = self._visit(chart.ends - timedelta(days=25))
        missed = self._visit(chart.ends - timedelta(days=18))
        chart.visits[-1] = replace(missed, status="cancelled", billable=False)
        old = chart.document("history", visit, note_text(random, "history", "Preventive visit", 0.1))
        chart.documents[-1] = replace(old, status="superseded")
        chart.order_laboratory(random, "lipids", visit, None, 0, False)
        chart.labs[-1] = replace(chart.labs[-1], status="preliminary")
        chart.measure("smoking", visit, Code(SNOMED, "266919005", "Never smoked tobacco"), status="entered-in-error")
        chart.services.append(
            Service(
                id=chart.new_id("proc"),
                kind="depression_screening",
                start=visit.start,
                end=visit.start,
                visit=visit.id,
                clinician=visit.clinician,
                organization=visit.organization,
                reason=None,
                status="not-done",
            )
        )
        chart.medications.append(replace(_self_reported(chart.new_id("med"), visit), status="on-hold"))
        chart.allergies.append(
            Allergy(
                id=chart.new_id("all"),
                substance=Code(SNOMED, "102263004", "Eggs"),
                category="food",
                reaction=Code(SNOMED, "126485001", "Urticaria"),
                severity="mild",
                onset=None,
                recorded=visit.end,
                clinical_status="resolved",
            )
        )
        for place, course in enumerate(chart.medications):
            if course.fills:  # put aside at the counter and never fetched
                fills = (*course.fills[:-1], replace(course.fills[-1], status="cancelled"))
                chart.medications[place] = replace(course, fills=fills)
                break
        if chart.assessments:
            chart.assessments[-1] = replace(chart.assessments[-1], status="amended")
        if chart.devices:
            chart.devices[-1] = replace(chart.devices[-1], status="inactive")

    def authorizations(self) -> None:
        """One prior authorization of every outcome, spread over the last fourteen months."""
        chart = self.chart
        if not chart.visits or not chart.diagnoses:
            return
        visit, diagnosis = chart.visits[0], chart.diagnoses[0]
        for number, wish in enumerate(AUTHORIZATION_WISHES):
            start = chart.ends - timedelta(days=420 - number * 46)
            requested = chart.at(start - timedelta(days=6), 9, number)
            chart.authorizations.append(
                AuthorizationNeed(
                    id=chart.new_id("auth"),
                    service="psychotherapy",
                    subject=visit.id,
                    requested=requested if wish != "pending" else self.as_of - timedelta(days=2, hours=3),
                    start=start if wish != "pending" else self.as_of.date() + timedelta(days=5),
                    end=(start if wish != "pending" else self.as_of.date() + timedelta(days=5)) + timedelta(days=90),
                    units=12,
                    expedited=wish == "expedited",
                    clinician=visit.clinician,
                    organization=visit.organization,
                    diagnosis=diagnosis.id,
                    wish=wish,
                )
            )


def _friday_evening(moment: datetime) -> datetime:
    """The Friday before a moment, after office hours."""
    back = (moment.weekday() - 4) % 7 or 7
    return (moment - timedelta(days=back)).replace(hour=17, minute=30)


def _self_reported(identifier: str, visit: Visit) -> MedicationCourse:
    return MedicationCourse(
        id=identifier,
        drug="acetaminophen",
        pathway="wellness",
        start=visit.start,
        end=None,
        status="active",
        stop_reason=None,
        visit=visit.id,
        prescriber=visit.clinician,
        diagnosis=None,
        days_supply=30,
        refills=0,
        fills=(),
        self_reported=True,
    )


RARITIES: dict[str, Callable[[Rarities], None]] = {
    "reports": Rarities.reports,
    "device": Rarities.device,
    "oxygen": Rarities.oxygen,
    "absent-data": Rarities.absent_data,
    "over-the-counter": Rarities.over_the_counter,
    "infant": Rarities.infant,
    "dental": Rarities.dental,
    "before-2016": Rarities.before_2016,
    "thirty-pages": Rarities.thirty_pages,
    "received-late": Rarities.received_late,
    "emergency": Rarities.emergency,
    "stays": Rarities.stays,
    "out-of-network": Rarities.out_of_network,
    "instruments": Rarities.instruments,
    "other-states": Rarities.other_states,
    "authorizations": Rarities.authorizations,
}
