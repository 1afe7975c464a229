"""A stay: the admission, its encounter, and the request for authorization that goes with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any, cast

from synthetic_data.chart import Chart
from synthetic_data.pathways import Pathway
from synthetic_data.records import Admission, Code, Visit
from synthetic_data.requests import need_authorization
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import table

ADMIT_SOURCE = "http://terminology.hl7.org/CodeSystem/admit-source"
DISCHARGE = "http://terminology.hl7.org/CodeSystem/discharge-disposition"


def admit(
    chart: Chart,
    random: Random,
    pathway: Pathway,
    row: dict[str, Any],
    day: date,
    ends: date,
    diagnoses: tuple[str, ...],
) -> tuple[Visit, int]:
    """Admit the member on a day; gives the encounter and the days of the stay. The last diagnosis is the pathway's own."""
    kind = table("codes/services.yaml")["stays"][row["kind"]]
    site = chart.organization(random, kind["site"])
    attending = chart.clinician(random, site, kind["staff"])
    days = max(1, min(random.randint(*kind["days"]), (ends - day).days))
    start = chart.at(day, random.randint(0, 23), random.choice((5, 20, 40)))
    still_there = day + timedelta(days=days) >= chart.ends and random.random() < 0.5 and chart.person.deceased is None
    end = None if still_there else chart.at(day + timedelta(days=days), 11)
    admission = chart.new_id("adm")
    chart.visit(
        random, "stay", day, pathway.key, site, diagnoses,
        part2=pathway.part2, admission=admission, status="finished" if end else "in-progress",
    )  # fmt: skip
    encounter = replace(chart.visits[-1], start=start, end=end or chart.at(chart.ends, 12), clinician=attending.id)
    chart.visits[-1] = encounter
    chart.stay_between(start.date(), encounter.end.date())
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
            involuntary=random.random() < row.get("involuntary", 0),
            admit_source=Code(ADMIT_SOURCE, *_coded("admit_sources", random)),
            discharge=Code(DISCHARGE, *_coded("discharges", random)) if end else None,
            part2=pathway.part2,
        )
    )
    need_authorization(
        chart, random, row["kind"], admission, encounter, start.date(), days, days,
        diagnosis=diagnoses[-1], part2=pathway.part2, expedited=kind["site"] != "residential",
    )  # fmt: skip
    return encounter, days


def _coded(name: str, random: Random) -> tuple[str, str]:
    return cast(tuple[str, str], _weighted(name).draw(random))


@lru_cache(maxsize=4)
def _weighted(name: str) -> Weighted:
    return Weighted([((code, display), share) for code, display, share in table("codes/services.yaml")[name]])
