"""The plan, the team and the goals of one course of care, as they stand when the story ends."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from synthetic_data.chart import Chart
from synthetic_data.pathways import LOINC, SNOMED, Pathway
from synthetic_data.records import CareEpisode, Code, Goal, ProviderOrganization, Visit

REACHED, BETTER = 0.2, 0.5


def plan_care(
    chart: Chart,
    random: Random,
    pathway: Pathway,
    site: ProviderOrganization,
    visit: Visit,
    diagnosis: str,
    severity: float,
    abated: date | None,
) -> None:
    """Write the episode that began with a visit; how far its goals have come follows from the severity left."""
    team = [visit.clinician]
    for profession in pathway.team:
        one = chart.clinician(random, site, [profession])
        if one.id not in team:
            team.append(one.id)
    chart.episodes.append(
        CareEpisode(
            id=chart.new_id("plan"),
            pathway=pathway.key,
            title=f"Treatment plan: {pathway.title}",
            text=pathway.care_plan,
            start=visit.start,
            end=None if abated is None else chart.at(abated, 12),
            author=visit.clinician,
            team=tuple(team),
            organization=site.id,
            diagnoses=(diagnosis,),
            goals=_goals(chart, pathway, visit.start.date(), diagnosis, severity),
            activities=tuple(sorted({one["kind"] for one in pathway.start.visits})),
            part2=pathway.part2,
        )
    )


def _goals(chart: Chart, pathway: Pathway, start: date, diagnosis: str, severity: float) -> tuple[Goal, ...]:
    reached = severity < REACHED
    achievement = "achieved" if reached else "improving" if severity < BETTER else "no-progress"
    return tuple(
        Goal(
            id=chart.new_id("goal"),
            code=Code(LOINC, *row["code"]) if "code" in row else Code("", "", row["text"]),
            text=row["text"],
            start=start,
            target_date=start + timedelta(days=180),
            status="completed" if reached else "active",
            achievement=achievement,
            addresses=diagnosis,
            finding=Code(SNOMED, *row["finding"]) if "finding" in row else None,
            measure=Code(LOINC, *row["code"]) if "code" in row else None,
            target=row.get("target"),
            part2=pathway.part2,
        )
        for row in pathway.goals
    )
