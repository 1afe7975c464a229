"""When care was, and when the payer heard of it: before 2016, on thirty pages, yesterday and at the edges of business days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from synthetic_data.rarities.rare import Rare
from synthetic_data.records import AuthorizationNeed, Visit


def before_2016(rare: Rare) -> None:
    """Care before 2016, which a payer need not show (42 CFR 431.60(g))."""
    for year, month in ((2013, 3), (2014, 9), (2015, 12)):
        rare.visit(date(year, month, 14))
    rare.visit(date(2016, 1, 4))


def thirty_pages(rare: Rare) -> None:
    """More encounters than thirty pages of twenty hold, and more observations than thirty pages of fifty.

    An outreach team that looks in every other day and takes pulse and pressure accounts for both.
    """
    day = rare.chart.ends - timedelta(days=1)
    while len(rare.chart.visits) < 640:
        visit = rare.visit(day, "peer_support" if rare.chart.line == "bh" else "primary_care")
        top = int(rare.random.gauss(128, 8))
        rare.chart.measure("blood_pressure", visit, top, also=(top - rare.random.randint(36, 48),))
        rare.chart.measure("heart_rate", visit, int(rare.random.gauss(78, 6)))
        rare.chart.measure("weight", visit, round(rare.random.gauss(84, 0.6), 1))
        day -= timedelta(days=2)


def received_late(rare: Rare) -> None:
    """Visits just told to the payer: yesterday, at the edges of the business day, over a weekend, and after the dataset's day.

    A server has one business day from receipt (42 CFR 431.60(b)(1)).
    """
    day = rare.as_of.date()
    for received in (
        rare.as_of - timedelta(hours=15),
        rare.as_of - timedelta(minutes=1),
        rare.as_of + timedelta(hours=8, minutes=59),
        rare.as_of + timedelta(hours=17, minutes=1),
        rare.as_of + timedelta(days=1, hours=12),
        _friday_evening(rare.as_of),
    ):
        seen = min(day - timedelta(days=1), received.date() - timedelta(days=1))
        visit = rare.visit(seen)
        rare.chart.visits[-1] = replace(visit, received=received)
        if received > rare.as_of:
            rare.chart.measure("weight", visit, 71.4)
    asked_late(rare, rare.chart.visits[-1])


def asked_late(rare: Rare, visit: Visit) -> None:
    """A prior authorization the payer is asked for on the day after the dataset's: visible, pending, one business day later."""
    first = (rare.as_of + timedelta(days=10)).date()
    rare.chart.authorizations.append(
        AuthorizationNeed(
            id=rare.chart.new_id("auth"),
            service="psychotherapy",
            subject=visit.id,
            requested=rare.as_of + timedelta(days=1, hours=10),
            start=first,
            end=first + timedelta(days=60),
            units=24,
            expedited=False,
            clinician=visit.clinician,
            organization=visit.organization,
            diagnosis=rare.chart.diagnoses[0].id,
            arrives=True,
        )
    )


def _friday_evening(moment: datetime) -> datetime:
    """The Friday before a moment, after office hours."""
    back = (moment.weekday() - 4) % 7 or 7
    return (moment - timedelta(days=back)).replace(hour=17, minute=30)
