"""What a member takes on one pathway: from the first prescription to the last fill, and what must be watched meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import cast

from synthetic_data.chart import Chart
from synthetic_data.pathways import Pathway
from synthetic_data.records import Fill, MedicationCourse, ProviderOrganization, Visit
from synthetic_data.requests import need_authorization
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import table

PRESCRIBERS = [
    "psychiatrist",
    "child_psychiatrist",
    "addiction_physician",
    "pmhnp",
    "physician",
    "pediatrician",
    "hospitalist",
]
KEPT_WHEN_REPLACING = frozenset({"opioid_treatment"})


@dataclass(frozen=True, slots=True)
class Started:
    """A drug being taken."""

    id: str
    when: datetime
    visit: Visit
    prescriber: str


class Prescriptions:
    """The drugs of one course."""

    def __init__(self, chart: Chart, random: Random, pathway: Pathway, diagnosis: str) -> None:
        """Nothing is taken yet."""
        self.chart = chart
        self.random = random
        self.pathway = pathway
        self.diagnosis = diagnosis
        self.taking: dict[str, Started] = {}

    def start(self, choices: Weighted, visit: Visit, site: ProviderOrganization, *, replaces: bool) -> None:
        """Begin one of the drugs; a therapist's visit brings a prescriber of the same place in."""
        drug = cast(str, choices.draw(self.random))
        if drug in self.taking:
            return
        drugs = table("codes/drugs.yaml")
        if replaces:
            for other in [one for one in self.taking if drugs[one]["class"] not in KEPT_WHEN_REPLACING]:
                self.stop(other, visit.start, "changed to another drug")
        known = self.chart.providers.network.clinician_of[visit.clinician]
        prescriber = known if known.prescriber else self.chart.clinician(self.random, site, PRESCRIBERS)
        started = Started(self.chart.new_id("med"), visit.start + timedelta(minutes=20), visit, prescriber.id)
        self.taking[drug] = started
        if drugs[drug].get("prior_authorization"):
            need_authorization(
                self.chart, self.random, drug, started.id, visit, visit.start.date(), 180, 6,
                diagnosis=self.diagnosis, part2=self.pathway.part2,
            )  # fmt: skip

    def stop_all(self, when: datetime | None, reason: str | None = None) -> None:
        """End every drug; without a time they are still taken when the story ends."""
        for drug in list(self.taking):
            self.stop(drug, when, reason)

    def watched(self) -> list[tuple[str, int]]:
        """The laboratory panels the drugs in use need, and every how many days."""
        drugs = table("codes/drugs.yaml")
        return [pair for drug in self.taking for pair in drugs[drug].get("monitor", {}).items()]

    def stop(self, drug: str, stopped: datetime | None, reason: str | None = None) -> None:
        """End a drug and write its course with its fills."""
        row = table("codes/drugs.yaml")[drug]
        started = self.taking.pop(drug)
        days = row.get("days", 30)
        refills = 5 if days < 60 else 3
        last = stopped or self.chart.at(self.chart.ends, 12)
        handed_out = not row.get("administered") and not row.get("over_the_counter")
        fills = self._fills(started, last, days, row["per_day"], refills) if handed_out else ()
        self.chart.medications.append(
            MedicationCourse(
                id=started.id,
                drug=drug,
                pathway=self.pathway.key,
                start=started.when,
                end=stopped,
                status="active" if stopped is None else "stopped",
                stop_reason=reason,
                visit=started.visit.id,
                prescriber=started.prescriber,
                diagnosis=self.diagnosis,
                days_supply=days,
                refills=refills,
                fills=fills,
                administered=row.get("administered", False),
                self_reported=row.get("over_the_counter", False),
                part2=self.pathway.part2 or row.get("part2", False),
            )
        )

    def _fills(self, started: Started, last: datetime, days: int, per_day: float, refills: int) -> tuple[Fill, ...]:
        """Fills about every `days`; one in eight is late by two weeks or more."""
        random = self.random
        pharmacy = self.chart.organization(random, "pharmacy")
        when = started.when + timedelta(hours=random.randint(2, 30))
        when = self.chart.at(when.date(), random.randint(9, 18), random.choice((5, 20, 35, 50)))  # opening hours
        if when <= started.when:
            when += timedelta(days=1)
        fills: list[Fill] = []
        while when < last:
            number = len(fills)
            fills.append(
                Fill(
                    id=f"{started.id}-fill-{number + 1}",
                    when=when,
                    pharmacy=pharmacy.id,
                    days_supply=days,
                    quantity=days * per_day,
                    number=number,
                    refills_left=refills - number % (refills + 1),
                )
            )
            late = random.randint(10, 40) if random.random() < 0.12 else random.randint(-2, 4)
            when += timedelta(days=days + late)
        return tuple(fills)
