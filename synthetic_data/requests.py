"""Care that needs the payer's leave: the request as the provider sends it. The payer side decides (`payer/authorizations.py`)."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from synthetic_data.chart import Chart
from synthetic_data.records import AuthorizationNeed, Visit


def need_authorization(
    chart: Chart,
    random: Random,
    service: str,
    subject: str,
    visit: Visit,
    start: date,
    days: int,
    units: int,
    *,
    diagnosis: str,
    part2: bool,
    expedited: bool = False,
) -> None:
    """Ask for a service: urgent care within hours of its start, other care days before it."""
    before = timedelta(hours=random.randint(0, 2)) if expedited else timedelta(days=random.randint(3, 15))
    chart.authorizations.append(
        AuthorizationNeed(
            id=chart.new_id("auth"),
            service=service,
            subject=subject,
            requested=chart.at(start, 9, random.randrange(60)) - before,
            start=start,
            end=start + timedelta(days=days),
            units=units,
            expedited=expedited,
            clinician=visit.clinician,
            organization=visit.organization,
            diagnosis=diagnosis,
            part2=part2,
        )
    )
