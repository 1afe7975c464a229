"""Walks a member through a pathway: state by state, visit by visit, until the day the dataset shows.

Severity is one latent number between 0 and 1 that moves towards what the state names; assessments read it, so that scores fall
under treatment and rise before a crisis. Leaves to others: what the states are (`pathways.py`), where facts are kept (`chart.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, cast

from synthetic_data.chart import Chart
from synthetic_data.notes import note_text
from synthetic_data.pathways import LOINC, SNOMED, Pathway, State
from synthetic_data.records import (
    Admission,
    Assessment,
    AuthorizationNeed,
    CareEpisode,
    Code,
    Diagnosis,
    Fill,
    Goal,
    MedicationCourse,
    Service,
    Visit,
)
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import table

SEVERITIES = {
    "mild": Code(SNOMED, "255604002", "Mild"),
    "moderate": Code(SNOMED, "6736007", "Moderate"),
    "severe": Code(SNOMED, "24484000", "Severe"),
}
ADMIT_SOURCE = "http://terminology.hl7.org/CodeSystem/admit-source"
DISCHARGE = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
MEDICAL_VISITS = frozenset({"medication", "opioid_treatment", "primary_care", "well_child", "prenatal", "intake"})


class Course:
    """One member on one pathway."""

    def __init__(self, chart: Chart, pathway: Pathway, random: Random, begins: date) -> None:
        """Settle where care is given, by whom, and how the condition is coded."""
        self.chart = chart
        self.pathway = pathway
        self.random = random
        self.day = begins
        self.severity = min(1.0, max(0.05, random.gauss(pathway.start.severity, 0.08)))
        self.site = chart.organization(random, pathway.site)
        choice = pathway.diagnosis(chart.age, random.random())
        recorded = chart.at(begins, 12)
        onset = max(begins - timedelta(days=random.randint(20, 900)), chart.person.birth_date)
        self.diagnosis = Diagnosis(
            id=chart.new_id("cond"),
            pathway=pathway.key,
            icd10=choice.icd10,
            snomed=choice.snomed,
            text=choice.icd10.display,
            onset=onset,
            recorded=recorded,
            abatement=None,
            severity=SEVERITIES.get(choice.severity or ""),
            clinical_status="active",
            part2=pathway.part2,
        )
        self.first_visit: Visit | None = None
        self.last_medical: Visit | None = None
        self.assessed: dict[str, date] = {}
        self.tested: dict[str, date] = {}
        self.taking: dict[str, tuple[datetime, Visit]] = {}
        self.sessions: list[date] = []
        self.abated: date | None = None

    def walk(self) -> None:
        """From the first state to the end of the member's story."""
        state = self.pathway.start
        while self.day < self.chart.ends:
            self._live_through(state)
            state = self.pathway.states[cast(str, state.next.draw(self.random))]
        for drug in list(self.taking):
            self._finish(drug, None)
        self._conclude(state)

    def _live_through(self, state: State) -> None:
        chart, random = self.chart, self.random
        length = random.randint(*state.days)
        ends = min(self.day + timedelta(days=length), chart.ends)
        if state.stops_medications:
            for drug in list(self.taking):
                self._finish(drug, chart.at(self.day, 12), "patient left care")
        self.abated = self.day if state.status in {"remission", "resolved"} else None
        if state.stay is not None:
            self._stay(state, state.stay, ends)
        else:
            self._visits(state, ends)
        self.day = ends + timedelta(days=1)

    def _visits(self, state: State, ends: date) -> None:
        random = self.random
        planned: list[tuple[date, int, str]] = []
        for order, row in enumerate(state.visits):
            if random.random() >= row.get("share", 1.0):
                continue
            if "at" in row:
                planned.append((self.day, order, row["kind"]))
                continue
            every = row["every"]
            day = self.day + timedelta(days=random.randint(0, every))
            while day < ends:
                if random.random() < 0.9:
                    planned.append((day, order, row["kind"]))
                day += timedelta(days=max(1, int(random.gauss(every, every * 0.15))))
        planned.sort()
        entered = False
        for day, _, kind in planned:
            weekday = day.weekday()
            if weekday > 4 and kind != "crisis":
                day -= timedelta(days=weekday - 4)
            if day < self.day:
                day = self.day
            self._visit(state, kind, day, first=not entered)
            entered = True

    def _visit(self, state: State, kind: str, day: date, *, first: bool) -> None:
        chart, random = self.chart, self.random
        row = table("codes/services.yaml")["visits"][kind]
        site = (
            chart.organization(random, row["site"]) if "site" in row and row["site"] != self.pathway.site else self.site
        )
        self.severity += (state.severity - self.severity) * 0.35 + random.gauss(0, 0.05)
        self.severity = min(1.0, max(0.02, self.severity))
        diagnoses = [self.diagnosis.id]
        for event in state.events if first else ():
            diagnoses.insert(0, self._event(event, day))
        visit = chart.visit(
            random, kind, day, self.pathway.key, site, tuple(diagnoses), part2=self.pathway.part2
        )  # fmt: skip
        self.first_visit = self.first_visit or visit
        if kind in MEDICAL_VISITS:
            self.last_medical = visit
        if kind == "psychotherapy":
            self.sessions.append(day)
        if first:
            for choices, share, replaces in state.medications:
                if random.random() < share:
                    self._start_drug(choices, visit, replaces)
            for procedure in state.procedures:
                self._procedures(procedure, visit)
        for assessment in state.assessments:
            self._assess(assessment, visit, day)
        for test in state.laboratory:
            self._test(test["panel"], test["every"], visit, day)
        if self.taking and kind in MEDICAL_VISITS:
            self._monitor(visit, day)
        if row.get("vitals") and kind in MEDICAL_VISITS:
            self._vitals(visit)
        if "procedure" in row and random.random() < 0.2:
            self._service(row["procedure"], visit)
        self._write(row["documents"], kind, visit)

    def _event(self, event: dict[str, Any], day: date) -> str:
        """A diagnosis made at one encounter alone, such as suicidal ideation in a crisis."""
        chart = self.chart
        encounter = f"{chart.member}-enc-{len(chart.visits) + 1}"
        code = Code("http://hl7.org/fhir/sid/icd-10-cm", *event["icd10"])
        diagnosis = Diagnosis(
            id=chart.new_id("cond"),
            pathway=self.pathway.key,
            icd10=code,
            snomed=Code(SNOMED, *event["snomed"]),
            text=code.display,
            onset=day,
            recorded=chart.at(day, 18),
            abatement=day + timedelta(days=14),
            severity=None,
            clinical_status="resolved",
            category="encounter-diagnosis",
            visit=encounter,
            part2=self.pathway.part2,
        )
        chart.diagnoses.append(diagnosis)
        return diagnosis.id

    def _assess(self, row: dict[str, Any], visit: Visit, day: date) -> None:
        low, high = row.get("ages", (0, 120))
        if not low <= self.chart.age <= high:
            return
        last = self.assessed.get(row["instrument"])
        if last is not None and (day - last).days < row["every"] - 3:
            return
        self.assessed[row["instrument"]] = day
        answers = answer(self.random, row["instrument"], self.severity)
        self.chart.assessments.append(
            Assessment(
                id=self.chart.new_id("asm"),
                instrument=row["instrument"],
                when=visit.start + timedelta(minutes=10),
                visit=visit.id,
                clinician=visit.clinician,
                answers=answers,
                total=sum(answers),
                part2=self.pathway.part2,
            )
        )

    def _test(self, panel: str, every: int, visit: Visit, day: date) -> None:
        last = self.tested.get(panel)
        if last is None or (day - last).days >= every - 5:
            self.tested[panel] = day
            self.chart.order_laboratory(
                self.random, panel, visit, self.diagnosis.id, self.severity, self.pathway.part2
            )  # fmt: skip

    def _monitor(self, visit: Visit, day: date) -> None:
        drugs = table("codes/drugs.yaml")
        for drug in self.taking:
            for panel, every in drugs[drug].get("monitor", {}).items():
                self._test(panel, every, visit, day)

    def _vitals(self, visit: Visit) -> None:
        random = self.random
        top = int(random.gauss(118 + self.severity * 10 + self.chart.age * 0.15, 9))
        self.chart.measure("blood_pressure", visit, top, also=(top - random.randint(36, 48),))
        self.chart.measure("heart_rate", visit, int(random.gauss(76 + self.severity * 6, 7)))

    def _service(self, kind: str, visit: Visit) -> None:
        chart = self.chart
        chart.services.append(
            Service(
                id=chart.new_id("proc"),
                kind=kind,
                start=visit.start,
                end=visit.end,
                visit=visit.id,
                clinician=visit.clinician,
                organization=visit.organization,
                reason=self.diagnosis.id,
                part2=self.pathway.part2,
            )
        )

    def _procedures(self, row: dict[str, Any], visit: Visit) -> None:
        if self.random.random() < row.get("share", 1.0):
            for _ in range(row["count"]):
                self._service(row["kind"], visit)

    def _write(self, kinds: list[str], visit_kind: str, visit: Visit) -> None:
        chart, random = self.chart, self.random
        for kind in kinds:
            if kind != "progress" or random.random() < 0.3:
                chart.document(kind, visit, note_text(random, kind, self.pathway.title, self.severity))
        if visit_kind == "psychotherapy" and random.random() < 0.08:
            text = note_text(random, "psychotherapy", self.pathway.title, self.severity)
            chart.document("psychotherapy", visit, text, withheld=True)

    # ── drugs ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_drug(self, choices: Weighted, visit: Visit, replaces: bool) -> None:
        drug = cast(str, choices.draw(self.random))
        if drug in self.taking:
            return
        drugs = table("codes/drugs.yaml")
        if replaces:
            for other in [one for one in self.taking if drugs[one]["class"] != "opioid_treatment"]:
                self._finish(other, visit.start, "changed to another drug")
        self.taking[drug] = (visit.start + timedelta(minutes=20), visit)
        if drugs[drug].get("prior_authorization"):
            self._need(
                drug,
                f"{self.chart.member}-med-{self.chart._counts.get('med', 0) + 1}",
                visit.start.date(),
                180,
                6,
                visit,
            )

    def _finish(self, drug: str, stopped: datetime | None, reason: str | None = None) -> None:
        chart, random = self.chart, self.random
        row = table("codes/drugs.yaml")[drug]
        start, visit = self.taking.pop(drug)
        days = row.get("days", 30)
        last = stopped or chart.at(chart.ends, 12)
        identifier = chart.new_id("med")
        fills: list[Fill] = []
        if not row.get("administered") and not row.get("over_the_counter"):
            pharmacy = chart.organization(random, "pharmacy")
            when = start + timedelta(hours=random.randint(2, 30))
            refills = 5 if days < 60 else 3
            while when < last:
                number = len(fills)
                fills.append(
                    Fill(
                        id=f"{identifier}-fill-{number + 1}",
                        when=when,
                        pharmacy=pharmacy.id,
                        days_supply=days,
                        quantity=days * row["per_day"],
                        number=number,
                        refills_left=refills - number % (refills + 1),
                    )
                )
                late = random.randint(10, 40) if random.random() < 0.12 else random.randint(-2, 4)
                when += timedelta(days=days + late)
        chart.medications.append(
            MedicationCourse(
                id=identifier,
                drug=drug,
                pathway=self.pathway.key,
                start=start,
                end=stopped,
                status="active" if stopped is None else ("stopped" if reason else "completed"),
                stop_reason=reason,
                visit=visit.id,
                prescriber=visit.clinician,
                diagnosis=self.diagnosis.id,
                days_supply=days,
                refills=5 if days < 60 else 3,
                fills=tuple(fills),
                administered=row.get("administered", False),
                self_reported=row.get("over_the_counter", False),
                part2=self.pathway.part2 or row.get("part2", False),
            )
        )

    # ── stays ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stay(self, state: State, row: dict[str, Any], ends: date) -> None:
        chart, random = self.chart, self.random
        kind = table("codes/services.yaml")["stays"][row["kind"]]
        site = chart.organization(random, kind["site"])
        attending = chart.clinician(random, site, kind["staff"])
        days = max(1, min(random.randint(*kind["days"]), (ends - self.day).days))
        start = chart.at(self.day, random.randint(0, 23), random.choice((5, 20, 40)))
        still_there = self.day + timedelta(days=days) >= chart.ends
        end = None if still_there and random.random() < 0.5 else chart.at(self.day + timedelta(days=days), 11)
        admission = chart.new_id("adm")
        diagnoses = (*(self._event(event, self.day) for event in state.events), self.diagnosis.id)
        encounter = chart.visit(
            random, "stay", self.day, self.pathway.key, site, diagnoses,
            part2=self.pathway.part2, admission=admission, status="finished" if end else "in-progress",
        )  # fmt: skip
        chart.visits[-1] = encounter = replace(
            encounter, start=start, end=end or chart.at(chart.ends, 12), clinician=attending.id
        )
        self.first_visit = self.first_visit or encounter
        involuntary = random.random() < row.get("involuntary", 0)
        source = Code(ADMIT_SOURCE, *cast(tuple[str, str], _coded("admit_sources").draw(random)))
        discharge = Code(DISCHARGE, *cast(tuple[str, str], _coded("discharges").draw(random))) if end else None
        chart.admissions.append(
            Admission(
                id=admission,
                visit=encounter.id,
                kind=row["kind"],
                level_of_care=kind["level"],
                start=start,
                end=end,
                organization=site.id,
                attending=attending.id,
                diagnoses=diagnoses,
                involuntary=involuntary,
                admit_source=source,
                discharge=discharge,
                part2=self.pathway.part2,
            )
        )
        self._need(row["kind"], admission, start.date(), days, days, encounter, expedited=kind["site"] != "residential")
        if end is not None:
            chart.document("discharge", encounter, note_text(random, "discharge", self.pathway.title, self.severity))
        for assessment in state.assessments:
            self._assess(assessment, encounter, self.day)
        for test in state.laboratory:
            self._test(test["panel"], test["every"], encounter, self.day)
        self.severity = max(0.3, self.severity - 0.25)
        self.day += timedelta(days=days)

    def _need(
        self, service: str, subject: str, start: date, days: int, units: int, visit: Visit, *, expedited: bool = False
    ) -> None:
        chart, random = self.chart, self.random
        lead = random.randint(0, 2) if expedited else random.randint(3, 15)
        requested = chart.at(start, 9, random.randrange(60)) - timedelta(days=lead if not expedited else 0, hours=lead)
        chart.authorizations.append(
            AuthorizationNeed(
                id=chart.new_id("auth"),
                service=service,
                subject=subject,
                requested=requested,
                start=start,
                end=start + timedelta(days=days),
                units=units,
                expedited=expedited,
                clinician=visit.clinician,
                organization=visit.organization,
                diagnosis=self.diagnosis.id,
                part2=self.pathway.part2,
            )
        )

    # ── what remains when the story has been told ────────────────────────────────────────────────────────────────────

    def _conclude(self, state: State) -> None:
        chart = self.chart
        status = self.pathway.states[state.name].status if self.abated is None else "remission"
        if self.abated is not None and self.pathway.physical:
            status = "resolved"
        abated = self.abated if status in {"remission", "resolved"} else None
        self.diagnosis = replace(
            self.diagnosis,
            clinical_status=status if abated else "active",
            abatement=abated,
            visit=self.first_visit.id if self.first_visit else None,
        )
        chart.diagnoses.append(self.diagnosis)
        if self.first_visit is None or not self.pathway.care_plan:
            return
        self._plan(self.first_visit)
        if len(self.sessions) > 24:
            start = self.sessions[20]
            visit = self.first_visit
            self._need("psychotherapy", visit.id, start, 180, 24, visit)

    def _plan(self, visit: Visit) -> None:
        chart, random = self.chart, self.random
        team = [visit.clinician]
        for profession in self.pathway.team:
            one = chart.clinician(random, self.site, [profession])
            if one.id not in team:
                team.append(one.id)
        goals = []
        for row in self.pathway.goals:
            reached = self.severity < 0.2
            achievement = "achieved" if reached else ("improving" if self.severity < 0.5 else "no-progress")
            start = visit.start.date()
            goals.append(
                Goal(
                    id=chart.new_id("goal"),
                    code=Code(LOINC, *row["code"]) if "code" in row else Code("", "", row["text"]),
                    text=row["text"],
                    start=start,
                    target_date=start + timedelta(days=180),
                    status="completed" if reached else "active",
                    achievement=achievement,
                    addresses=self.diagnosis.id,
                    measure=Code(LOINC, *row["code"]) if "code" in row else None,
                    target=row.get("target"),
                    part2=self.pathway.part2,
                )
            )
        chart.episodes.append(
            CareEpisode(
                id=chart.new_id("plan"),
                pathway=self.pathway.key,
                title=f"Treatment plan: {self.pathway.title}",
                text=self.pathway.care_plan,
                start=visit.start,
                end=None if self.abated is None else chart.at(self.abated, 12),
                author=visit.clinician,
                team=tuple(team),
                organization=self.site.id,
                diagnoses=(self.diagnosis.id,),
                goals=tuple(goals),
                activities=tuple(sorted({one["kind"] for one in self.pathway.start.visits})),
                part2=self.pathway.part2,
            )
        )


def answer(random: Random, instrument: str, severity: float) -> tuple[int, ...]:
    """Item answers of someone as ill as `severity`; their sum is the total."""
    answers = []
    for highest, weight in items_of(instrument):
        mean = highest * min(1.0, severity * weight)
        answers.append(min(highest, max(0, round(random.gauss(mean, 0.13 * highest + 0.12)))))
    return tuple(answers)


@lru_cache(maxsize=32)
def items_of(instrument: str) -> tuple[tuple[int, float], ...]:
    """For each item of an instrument, its highest score and its weight."""
    tables = table("codes/instruments.yaml")
    items = tables["instruments"][instrument]["items"]
    if isinstance(items, dict):
        highest = len(tables["answer_lists"][items["answers"]]) - 1
        return tuple((highest, 1.0) for _ in range(items["count"]))
    return tuple((len(tables["answer_lists"][one["answers"]]) - 1, one.get("weight", 1.0)) for one in items)


@lru_cache(maxsize=4)
def _coded(name: str) -> Weighted:
    return Weighted([((code, display), share) for code, display, share in table("codes/services.yaml")[name]])
