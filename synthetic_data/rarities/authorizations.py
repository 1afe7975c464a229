"""Prior authorizations: one of every outcome."""

from __future__ import annotations

from datetime import timedelta

from synthetic_data.rarities.rare import Rare
from synthetic_data.records import AuthorizationNeed

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


def authorizations(rare: Rare) -> None:
    """One prior authorization of every outcome, spread over the last fourteen months."""
    chart = rare.chart
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
                requested=requested if wish != "pending" else rare.as_of - timedelta(days=2, hours=3),
                start=start if wish != "pending" else rare.as_of.date() + timedelta(days=5),
                end=(start if wish != "pending" else rare.as_of.date() + timedelta(days=5)) + timedelta(days=90),
                units=12,
                expedited=wish == "expedited",
                clinician=visit.clinician,
                organization=visit.organization,
                diagnosis=diagnosis.id,
                wish=wish,
            )
        )
