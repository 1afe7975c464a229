"""Care pathways: the YAML files of `care/`, checked and made ready to walk.

A pathway is a small state machine a clinician can review: how common it is, in which state care begins, what is done in each
state, and where it goes from there. Walking it is `course.py`'s work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from synthetic_data.records import Code
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import ROOM, TableError, check_schema, load_yaml, table

SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
CARE = ROOM / "care"
SCHEMA = "care/pathway.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of a pathway."""

    name: str
    days: tuple[int, int]
    severity: float
    status: str
    stops_medications: bool
    visits: tuple[dict[str, Any], ...]
    assessments: tuple[dict[str, Any], ...]
    laboratory: tuple[dict[str, Any], ...]
    medications: tuple[tuple[Weighted, float, bool], ...]
    procedures: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    stay: dict[str, Any] | None
    next: Weighted


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisChoice:
    """One way the pathway is coded."""

    icd10: Code
    snomed: Code
    severity: str | None
    ages: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pathway:
    """A pathway, ready to walk."""

    key: str
    title: str
    part2: bool
    physical: bool
    share: dict[str, float]
    given: dict[str, float]
    ages: tuple[int, int]
    sex: str | None
    source: str
    team: tuple[str, ...]
    site: str
    choices: tuple[tuple[DiagnosisChoice, float], ...]
    goals: tuple[dict[str, Any], ...]
    care_plan: str
    start: State
    states: dict[str, State]

    def diagnosis(self, age: int, draw: float) -> DiagnosisChoice:
        """The coding for a member of this age."""
        fitting = [(choice, share) for choice, share in self.choices if choice.ages[0] <= age <= choice.ages[1]]
        left = draw * sum(share for _, share in fitting)
        for choice, share in fitting:
            left -= share
            if left < 0:
                return choice
        return fitting[-1][0] if fitting else self.choices[0][0]


@cache
def all_pathways() -> tuple[Pathway, ...]:
    """The pathways that ship with this room: mind first, then substance use, then body, so that `given` can look back."""
    found = [read_pathway(path) for path in sorted(CARE.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda one: (one.physical, one.part2, one.key)))


def read_pathway(path: Path) -> Pathway:
    """A pathway file; what is wrong with it is said with file and key."""
    content = load_yaml(path)
    check_schema(content, SCHEMA, path.name)
    _check_meaning(content, path.name)
    states = {name: _state(name, row) for name, row in content["states"].items()}
    prevalence = content["prevalence"]
    return Pathway(
        key=content["pathway"],
        title=content["title"],
        part2=content.get("part2", False),
        physical=content.get("physical", False),
        share=prevalence["share"],
        given=prevalence.get("given", {}),
        ages=(prevalence["ages"][0], prevalence["ages"][1]),
        sex=prevalence.get("sex"),
        source=prevalence["source"],
        team=tuple(content.get("team", ("physician",))),
        site=content["site"],
        choices=tuple(
            (
                DiagnosisChoice(
                    icd10=Code(ICD10, *row["icd10"]),
                    snomed=Code(SNOMED, *row["snomed"]),
                    severity=row.get("severity"),
                    ages=tuple(row.get("ages", (0, 120))),
                ),
                row["share"],
            )
            for row in content["diagnoses"]
        ),
        goals=tuple(content.get("goals", ())),
        care_plan=content.get("care_plan", ""),
        start=states[content["start"]],
        states=states,
    )


def _state(name: str, row: dict[str, Any]) -> State:
    return State(
        name=name,
        days=(row["days"][0], row["days"][1]),
        severity=row["severity"],
        status=row.get("status", "active"),
        stops_medications=row.get("stops_medications", False),
        visits=tuple(row.get("visits", ())),
        assessments=tuple(row.get("assessments", ())),
        laboratory=tuple(row.get("laboratory", ())),
        medications=tuple(
            (Weighted(list(one["any_of"].items())), one["share"], one.get("replaces", False))
            for one in row.get("medications", ())
        ),
        procedures=tuple(row.get("procedures", ())),
        events=tuple(row.get("events", ())),
        stay=row.get("stay"),
        next=Weighted(list(row["next"].items())),
    )


def _check_meaning(content: dict[str, Any], file: str) -> None:
    """What a schema cannot say: names that must exist, probabilities that must sum to one."""
    states = content["states"]
    services = table("codes/services.yaml")
    known = {
        "kind": services["visits"],
        "instrument": table("codes/instruments.yaml")["instruments"],
        "panel": table("codes/laboratory.yaml")["panels"],
    }

    def must_exist(name: str, options: Any, key: str, what: str) -> None:
        if name not in options:
            raise TableError(f"{file}: {key}: unknown {what} {name!r}; known are {', '.join(sorted(options))}")

    must_exist(content["start"], states, "start", "state")
    low, high = content["prevalence"]["ages"]
    if low > high:
        raise TableError(f"{file}: prevalence.ages: from {low} to {high} is no span of ages")
    professions = table("codes/providers.yaml")["professions"]
    for number, member in enumerate(content.get("team", ())):
        must_exist(member, professions, f"team.{number}", "profession")
    for name, state in states.items():
        where = f"states.{name}"
        for target in state["next"]:
            must_exist(target, states, f"{where}.next", "state")
        total = sum(state["next"].values())
        if abs(total - 1) > 1e-6:
            raise TableError(f"{file}: {where}.next: the probabilities sum to {total:g}, not 1")
        if state["days"][0] > state["days"][1]:
            raise TableError(f"{file}: {where}.days: {state['days'][0]} is more than {state['days'][1]}")
        for part, key in (("visits", "kind"), ("assessments", "instrument"), ("laboratory", "panel")):
            for number, row in enumerate(state.get(part, ())):
                must_exist(row[key], known[key], f"{where}.{part}.{number}.{key}", key)
        for number, row in enumerate(state.get("medications", ())):
            for drug in row["any_of"]:
                must_exist(drug, table("codes/drugs.yaml"), f"{where}.medications.{number}.any_of", "drug")
        for number, row in enumerate(state.get("procedures", ())):
            must_exist(row["kind"], table("codes/procedures.yaml"), f"{where}.procedures.{number}.kind", "procedure")
        if "stay" in state:
            must_exist(state["stay"]["kind"], services["stays"], f"{where}.stay.kind", "stay")
