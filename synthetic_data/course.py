"""Walks a member through a pathway: state by state, visit by visit, until the day the dataset shows.

Severity is one latent number between 0 and 1 that moves towards what the state names; assessments read it, so that scores fall
under treatment and rise before a crisis. Leaves to others: what the states are (`pathways.py`), where facts are kept (`chart.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any, cast

from synthetic_data.care_plans import plan_care
from synthetic_data.chart import Chart
from synthetic_data.instruments import answer
from synthetic_data.notes import note_text
from synthetic_data.pathways import SNOMED, Pathway, State
from synthetic_data.people.demographics import years_between
from synthetic_data.prescriptions import Prescriptions
from synthetic_data.records import (
    Assessment,
    Code,
    Diagnosis,
    Service,
    Visit,
)
from synthetic_data.requests import need_authorization
from synthetic_data.stays import admit
from synthetic_data.yaml_tables import table

SEVERITIES = {
    "mild": Code(SNOMED, "255604002", "Mild"),
    "moderate": Code(SNOMED, "6736007", "Moderate"),
    "severe": Code(SNOMED, "24484000", "Severe"),
}
SESSIONS_WITHOUT_LEAVE = 24
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
        self.assessed: dict[str, date] = {}
        self.tested: dict[str, date] = {}
        self.drugs = Prescriptions(chart, random, pathway, self.diagnosis.id)
        self.sessions: list[date] = []
        self.abated: date | None = None

    def walk(self) -> None:
        """From the first state to the end of the member's story."""
        state = self.pathway.start
        while self.day < self.chart.ends:
            self._live_through(state)
            state = self.pathway.states[cast(str, state.next.draw(self.random))]
        self.drugs.stop_all(None)
        self._conclude(state)

    def _live_through(self, state: State) -> None:
        chart, random = self.chart, self.random
        length = random.randint(*state.days)
        ends = min(self.day + timedelta(days=length), chart.ends)
        if state.stops_medications:
            self.drugs.stop_all(chart.at(self.day, 12), "patient left care")
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
        if kind == "psychotherapy":
            self.sessions.append(day)
        if first:
            for choices, share, replaces in state.medications:
                if random.random() < share:
                    self.drugs.start(choices, visit, site, replaces=replaces)
            for procedure in state.procedures:
                self._procedures(procedure, visit)
        for assessment in state.assessments:
            self._assess(assessment, visit, day)
        for test in state.laboratory:
            self._test(test["panel"], test["every"], visit, day)
        if kind in MEDICAL_VISITS:
            for panel, every in self.drugs.watched():
                self._test(panel, every, visit, day)
        if row.get("vitals") and kind in MEDICAL_VISITS:
            self._vitals(visit)
        if "procedure" in row and random.random() < 0.2:
            self._service(row["procedure"], visit)
        self._write(row["documents"], kind, visit)

    def _event(self, event: dict[str, Any], day: date) -> str:
        """A diagnosis made at one encounter alone, such as suicidal ideation in a crisis."""
        chart = self.chart
        encounter = chart.next_id("enc")
        code = Code("http://hl7.org/fhir/sid/icd-10-cm", *event["icd10"])
        over = day + timedelta(days=14)
        diagnosis = Diagnosis(
            id=chart.new_id("cond"),
            pathway=self.pathway.key,
            icd10=code,
            snomed=Code(SNOMED, *event["snomed"]),
            text=code.display,
            onset=day,
            recorded=chart.at(day, 18),
            abatement=over if over < chart.ends else None,
            severity=None,
            clinical_status="resolved" if over < chart.ends else "active",
            category="encounter-diagnosis",
            visit=encounter,
            part2=self.pathway.part2,
        )
        chart.diagnoses.append(diagnosis)
        return diagnosis.id

    def _assess(self, row: dict[str, Any], visit: Visit, day: date) -> None:
        low, high = row.get("ages", (0, 120))
        age = years_between(self.chart.person.birth_date, day)
        low = max(low, table("codes/instruments.yaml")["instruments"][row["instrument"]]["from_age"])
        if not low <= age <= high:
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

    def _stay(self, state: State, row: dict[str, Any], ends: date) -> None:
        if not self.chart.clear_for_stay(self.day, ends):
            return  # a stay beside contacts that other care rests on would not be believed: it is not told
        diagnoses = (*(self._event(event, self.day) for event in state.events), self.diagnosis.id)
        encounter, days = admit(self.chart, self.random, self.pathway, row, self.day, ends, diagnoses)
        self.first_visit = self.first_visit or encounter
        if encounter.status == "finished":
            text = note_text(self.random, "discharge", self.pathway.title, self.severity)
            self.chart.document("discharge", encounter, text)
        for assessment in state.assessments:
            self._assess(assessment, encounter, self.day)
        for test in state.laboratory:
            self._test(test["panel"], test["every"], encounter, self.day)
        self.severity = max(0.3, self.severity - 0.25)
        self.day += timedelta(days=days)

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
            recorded=self.first_visit.start + timedelta(minutes=20) if self.first_visit else self.diagnosis.recorded,
        )
        chart.diagnoses.append(self.diagnosis)
        if self.first_visit is None or not self.pathway.care_plan:
            return
        plan_care(
            chart, self.random, self.pathway, self.site, self.first_visit, self.diagnosis.id, self.severity, self.abated
        )  # fmt: skip
        if len(self.sessions) > SESSIONS_WITHOUT_LEAVE:
            visit = self.first_visit
            need_authorization(
                chart, self.random, "psychotherapy", visit.id, visit, self.sessions[SESSIONS_WITHOUT_LEAVE], 180, 24,
                diagnosis=self.diagnosis.id, part2=self.pathway.part2,
            )  # fmt: skip
