"""Everybody's ordinary care: the yearly visit with its measurements, screening, vaccinations, allergies, social needs, teeth.

Children are measured against growth percentiles; women of child-bearing age are asked about pregnancy. Leaves to others: illness
(`course.py`) and what planted members need beside (`rarities`).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any, cast

from synthetic_data.chart import SNOMED, Chart
from synthetic_data.instruments import answer
from synthetic_data.notes import note_text
from synthetic_data.people.demographics import years_between
from synthetic_data.records import (
    Allergy,
    Assessment,
    Code,
    DentalLine,
    DentalVisit,
    Diagnosis,
    Immunization,
    ProviderOrganization,
    Service,
    SocialNeed,
    Visit,
)
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import table

CVX = "http://hl7.org/fhir/sid/cvx"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
NOT_PREGNANT = Code(SNOMED, "60001007", "Not pregnant")
PREGNANT = Code(SNOMED, "77386006", "Pregnant")
INTENTS = (
    Code(SNOMED, "454381000124105", "Not sure of desire to become pregnant"),
    Code(SNOMED, "454391000124108", "No desire to become pregnant"),
    Code(SNOMED, "454411000124108", "Ambivalent about becoming pregnant"),
)
HOUSED = Code(LOINC, "LA30189-7", "I have housing")
UNHOUSED = Code(
    LOINC,
    "LA30190-5",
    "I do not have housing (staying with others, in a hotel, in a shelter, living outside on the street, on a beach, in a car, or in a park)",
)
DIFFICULTY = (Code(LOINC, "LA32-8", "No"), Code(LOINC, "LA33-6", "Yes"))


class Wellness:
    """The yearly visits of one member."""

    def __init__(self, chart: Chart, random: Random, smoker: str) -> None:
        """Settle the body and the habits that visits will measure."""
        self.chart = chart
        self.random = random
        self.smoking = smoker
        self.site: ProviderOrganization = chart.organization(random, "primary-care")
        self.height = random.gauss(163 if chart.person.birth_sex == "F" else 176, 6.5)
        self.mass_index = min(46.0, max(17.5, random.gauss(28.5, 5)))
        self.needs = {
            name: random.random() < share for name, share in (("housing", 0.10), ("food", 0.14), ("transport", 0.10))
        }
        self.diagnosed: set[str] = set()
        self.screened: date | None = None

    def live(self, visits: bool = True) -> None:
        """From the first year of coverage to the last."""
        chart, random = self.chart, self.random
        self._allergies()
        day = chart.begins + timedelta(days=random.randint(5, 200))
        first = True
        while visits and day < chart.ends:
            if random.random() < 0.72:
                weekday = day.weekday()
                self._visit(day - timedelta(days=weekday - 4) if weekday > 4 else day, first=first)
                first = False
            day += timedelta(days=random.randint(300, 430))
        if visits and random.random() < 0.3:
            self._dental()

    def _visit(self, day: date, *, first: bool) -> None:
        chart, random = self.chart, self.random
        age = years_between(chart.person.birth_date, day)
        if day <= chart.person.birth_date:
            return
        kind = "well_child" if age < 18 else "primary_care"
        visit = chart.visit(random, kind, day, "wellness", self.site, ())
        self._vitals(visit, age)
        if age >= 12:
            row = table("codes/observations.yaml")["smoking"][self.smoking]
            chart.measure("smoking", visit, Code(SNOMED, *row))
        if 15 <= age <= 49 and chart.person.birth_sex == "F":
            pregnant = any(one.kind == "prenatal" and abs((one.start.date() - day).days) < 120 for one in chart.visits)
            chart.measure("pregnancy_status", visit, PREGNANT if pregnant else NOT_PREGNANT)
            chart.measure("pregnancy_intent", visit, random.choice(INTENTS))
        if age >= 12:
            self._screen(visit, "phq-2", random.uniform(0.02, 0.45))
        if first or random.random() < 0.3:
            self._social(visit, day)
        if first or random.random() < 0.25:
            chart.measure("disability", visit, DIFFICULTY[random.random() < 0.1])
        self._vaccinate(visit, age, day)
        if random.random() < 0.3:
            note = "history" if age < 18 or first else "progress"
            chart.document(note, visit, note_text(random, note, "Preventive visit", 0.1))

    # ── measurements ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _vitals(self, visit: Visit, age: int) -> None:
        chart, random = self.chart, self.random
        height, weight = self._grown(age)
        chart.measure("height", visit, round(height, 1))
        chart.measure("weight", visit, round(weight, 1))
        chart.measure("bmi", visit, round(weight / (height / 100) ** 2, 1))
        if age >= 3:
            top = int(random.gauss(92 + min(age, 20) * 1.4 + max(0, age - 40) * 0.4, 7))
            chart.measure("blood_pressure", visit, top, also=(top - random.randint(34, 46),))
        chart.measure("heart_rate", visit, int(random.gauss(74 if age > 12 else 96, 7)))
        chart.measure("respiratory_rate", visit, random.randint(13, 18) if age > 12 else random.randint(20, 28))
        chart.measure("temperature", visit, round(random.gauss(36.7, 0.25), 1))
        chart.measure("oxygen", visit, random.randint(95, 100))
        if age < 20 and age >= 2:
            chart.measure("bmi_for_age", visit, random.randint(5, 97))
        if age < 6:
            chart.measure("weight_for_height", visit, random.randint(5, 97))
        if age < 3:
            chart.measure("head_circumference", visit, round(random.gauss(46.5, 1.2), 1))
            chart.measure("head_circumference_percentile", visit, random.randint(5, 97))

    def _grown(self, age: int) -> tuple[float, float]:
        """Height in cm and weight in kg at an age, after the CDC growth charts' median."""
        if age >= 18:
            drift = self.random.gauss(0, 1.5)
            return self.height, max(40.0, self.mass_index * (self.height / 100) ** 2 + drift)
        height = 74 + age * 6.3 + (self.height - 170) * age / 18 if age else 66.0
        index = 16.5 if age < 6 else 15.5 + (age - 6) * 0.5
        return height, index * (height / 100) ** 2

    # ── screening ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _screen(self, visit: Visit, instrument: str, severity: float, answers: tuple[int, ...] | None = None) -> None:
        answers = answers or answer(self.random, instrument, severity)
        self.chart.assessments.append(
            Assessment(
                id=self.chart.new_id("asm"),
                instrument=instrument,
                when=visit.start + timedelta(minutes=12),
                visit=visit.id,
                clinician=visit.clinician,
                answers=answers,
                total=sum(answers),
            )
        )

    def _social(self, visit: Visit, day: date) -> None:
        chart, random = self.chart, self.random
        found = tuple(int(self.needs[name]) for name in ("housing", "food", "transport"))
        self._screen(visit, "social-needs", 0, found)
        self._screen(visit, "hunger-vital-sign", 0.6 if self.needs["food"] else 0.05)
        chart.measure("homelessness", visit, UNHOUSED if self.needs["housing"] else HOUSED)
        chart.services.append(
            Service(
                id=chart.new_id("proc"),
                kind="social_needs_assessment",
                start=visit.start,
                end=visit.start + timedelta(minutes=10),
                visit=visit.id,
                clinician=visit.clinician,
                organization=visit.organization,
                reason=None,
            )
        )
        for name, needed in self.needs.items():
            if needed and name not in self.diagnosed:
                self.diagnosed.add(name)
                self._need(name, visit, day)
        if random.random() < 0.5:
            self.needs = {name: needed and random.random() < 0.7 for name, needed in self.needs.items()}

    def _need(self, name: str, visit: Visit, day: date) -> None:
        chart, random = self.chart, self.random
        row = table("codes/prevention.yaml")["social_needs"][name]
        icd10 = Code(ICD10, *row["icd10"])
        solved = day + timedelta(days=random.randint(40, 300))
        diagnosis = Diagnosis(
            id=chart.new_id("cond"),
            pathway="social",
            icd10=icd10,
            snomed=Code(SNOMED, *row["snomed"]),
            text=icd10.display,
            onset=max(chart.person.birth_date, day - timedelta(days=random.randint(10, 200))),
            recorded=visit.end,
            abatement=solved if solved < chart.ends else None,
            severity=None,
            clinical_status="resolved" if solved < chart.ends else "active",
            category="health-concern",
            visit=visit.id,
        )
        chart.diagnoses.append(diagnosis)
        completed = visit.end + timedelta(days=21)
        chart.social_needs.append(
            SocialNeed(
                id=chart.new_id("ref"),
                domain=name,
                diagnosis=diagnosis.id,
                visit=visit.id,
                referred=visit.end,
                completed=completed if completed.date() < chart.ends else None,
                clinician=visit.clinician,
                service=Code(SNOMED, *row["referral"]),
            )
        )

    # ── prevention ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _vaccinate(self, visit: Visit, age: int, day: date) -> None:
        wanted = ["influenza"] if age >= 1 else []
        if age < 7:
            wanted += ["dtap", "mmr", "polio"][: 1 + age % 3]
        elif age < 18:
            wanted += ["tdap"] if age == 11 else ["hpv"] if age in (12, 13) else []
        elif age >= 50:
            wanted += ["zoster"] if age % 5 == 0 else []
        if age >= 65 and age % 4 == 0:
            wanted.append("pneumococcal")
        if day.year >= 2023 and age >= 12 and self.random.random() < 0.3:
            wanted.append("covid")
        for name in wanted:
            given = self.random.random() < 0.85
            self.vaccination(name, visit, given=given)

    def vaccination(self, name: str, visit: Visit, *, given: bool, when_text: str = "", primary: bool = True) -> None:
        """A vaccination at a visit, or the refusal of one."""
        tables = table("codes/prevention.yaml")
        chart = self.chart
        chart.immunizations.append(
            Immunization(
                id=chart.new_id("imm"),
                vaccine=Code(CVX, *tables["vaccines"][name]),
                when=visit.end,
                when_text=when_text,
                status="completed" if given else "not-done",
                status_reason=None if given else Code(*tables["refusal"]),
                visit=visit.id,
                primary_source=primary,
                organization=visit.organization,
                lot=f"L{self.random.randrange(10000, 99999)}" if given and primary else "",
            )
        )

    def _allergies(self) -> None:
        chart, random = self.chart, self.random
        tables = table("codes/prevention.yaml")
        recorded = chart.at(min(chart.begins + timedelta(days=20), chart.ends), 11)
        if random.random() < 0.6:
            chart.allergies.append(
                Allergy(
                    id=chart.new_id("all"),
                    substance=Code(*tables["none_known"]),
                    category="medication",
                    reaction=None,
                    severity=None,
                    onset=None,
                    recorded=recorded,
                )
            )
            return
        for _ in range(1 if random.random() < 0.8 else 2):
            row = cast(dict[str, Any], _weighted("allergens").draw(random))
            reaction = cast(dict[str, Any], _weighted("reactions").draw(random))
            chart.allergies.append(
                Allergy(
                    id=chart.new_id("all"),
                    substance=Code(*row["code"]),
                    category=row["category"],
                    reaction=Code(SNOMED, *reaction["code"]),
                    severity=reaction["severity"],
                    onset=max(chart.person.birth_date, chart.begins - timedelta(days=random.randint(100, 3000))),
                    recorded=recorded,
                )
            )

    def _dental(self) -> None:
        chart, random = self.chart, self.random
        office = chart.organization(random, "dental")
        dentist = chart.clinician(random, office, ["dentist"])
        day = chart.begins + timedelta(days=random.randrange(max(1, (chart.ends - chart.begins).days)))
        codes = table("codes/prevention.yaml")["dental"]
        lines = [DentalLine(code=codes[0], tooth=None, surfaces=(), quadrant=None)]
        if random.random() < 0.6:
            tooth = str(random.randint(1, 32))
            lines.append(
                DentalLine(code=codes[1], tooth=tooth, surfaces=("M", "O")[: random.randint(1, 2)], quadrant=None)
            )
        if random.random() < 0.6:
            lines.append(DentalLine(code=codes[2], tooth=None, surfaces=(), quadrant="10"))
        chart.dental.append(
            DentalVisit(
                id=chart.new_id("den"),
                when=chart.at(day, 10),
                clinician=dentist.id,
                organization=office.id,
                location=dentist.site,
                lines=tuple(lines),
            )
        )


@lru_cache(maxsize=4)
def _weighted(name: str) -> Weighted:
    return Weighted([(row, row["share"]) for row in table("codes/prevention.yaml")[name]])
