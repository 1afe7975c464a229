"""What is measured, asked and reported beyond the ordinary: rare results, values that are absent, every instrument."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from synthetic_data.chart import SNOMED
from synthetic_data.instruments import answer
from synthetic_data.notes import note_text
from synthetic_data.people.demographics import years_between
from synthetic_data.rarities.rare import Rare
from synthetic_data.records import Assessment, Code
from synthetic_data.yaml_tables import table

STANDING = Code(SNOMED, "10904000", "Orthostatic body position")
EKG_NORMAL = Code(SNOMED, "164854000", "Electrocardiogram normal")
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


def reports(rare: Rare) -> None:
    """An electrocardiogram, an image and a pathology report, each told as document and as report."""
    chart = rare.chart
    for number, kind in enumerate(("cardiology", "imaging", "pathology", "procedure")):
        visit = rare.visit(chart.ends - timedelta(days=90 + 30 * number))
        if kind == "cardiology":
            chart.measure("ekg_impression", visit, EKG_NORMAL)
        chart.document(kind, visit, note_text(rare.random, kind, "Baseline before medication", 0.2))


def oxygen(rare: Rare) -> None:
    """Inhaled oxygen, and components whose value is absent."""
    visit = rare.visit(rare.chart.ends - timedelta(days=40))
    rare.chart.measure("oxygen", visit, 91, also=(2, 28))
    rare.chart.measure("oxygen", visit, None, absent="not-performed")


def absent_data(rare: Rare) -> None:
    """Measurements that could not be taken, with the reason."""
    visit = rare.visit(rare.chart.ends - timedelta(days=60))
    chart = rare.chart
    vitals = table("codes/observations.yaml")["vitals"]
    values = {**STANDING_VALUES, **(INFANT_VALUES if chart.age < 3 else {})}
    measured = {kind: value for kind, value in values.items() if _measured_at(rare, vitals[kind], visit.start.date())}
    for kind in (*(one for one in measured if one != "bmi"), "blood_pressure", "oxygen"):
        chart.measure(kind, visit, None, absent="not-performed")
    for kind, value in measured.items():
        chart.measure(kind, visit, value, position=STANDING)
    if chart.age < 18:
        return
    for kind in ("disability", "ekg_impression"):
        chart.measure(kind, visit, None, absent="unknown")
    chart.order_laboratory(rare.random, "metabolic", visit, None, 0, False)
    last = chart.labs[-1]
    chart.labs[-1] = replace(last, results=tuple(replace(one, value=None) for one in last.results))
    rare.wellness.vaccination("hepatitis_b_adult", visit, given=False)
    rare.wellness.vaccination("tdap", visit, given=True, when_text="some time in the 1990s", primary=False)


def _measured_at(rare: Rare, row: dict[str, Any], day: date) -> bool:
    """Whether a vital sign is taken at the member's age on a day."""
    low, high = row.get("ages", (0, 120))
    return bool(low <= years_between(rare.chart.person.birth_date, day) <= high)


def infant(rare: Rare) -> None:
    """Every percentile of early childhood."""
    visit = rare.visit(rare.chart.ends - timedelta(days=30), "well_child")
    chart = rare.chart
    for kind, value in (
        ("head_circumference", 47.2),
        ("head_circumference_percentile", 61),
        ("weight_for_height", 55),
        ("bmi_for_age", 58),
    ):
        chart.measure(kind, visit, value)


def instruments(rare: Rare) -> None:
    """Every instrument once."""
    visit = rare.visit(rare.chart.ends - timedelta(days=50))
    for name in table("codes/instruments.yaml")["instruments"]:
        answers = answer(rare.random, name, 0.4)
        if name == "gad-7":
            answers = (-1, *answers[1:])
        rare.chart.assessments.append(
            Assessment(
                id=rare.chart.new_id("asm"),
                instrument=name,
                when=visit.start + timedelta(minutes=5),
                visit=visit.id,
                clinician=visit.clinician,
                answers=answers,
                total=sum(one for one in answers if one > 0),
            )
        )
