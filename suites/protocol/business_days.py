"""By when data must be visible: one business day after an event (42 CFR 431.60(b)), with federal holidays and the payer's time zone.

The regulation defines neither calendar nor zone, so both are given. An event on a day without business is taken to happen on the next
business day's eve: received on Saturday, it is visible by the end of Monday.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """The federal holidays observed in a year (5 U.S.C. 6103); those of the next year can be observed in this one."""
    observed = holidays.country_holidays("US", years=(year, year + 1))
    return frozenset(day for day in observed if day.year == year)


def is_business_day(day: date) -> bool:
    """Monday to Friday, federal holidays off."""
    return day.weekday() < 5 and day not in federal_holidays(day.year)


def next_business_day(day: date) -> date:
    """The first business day after a day."""
    day += timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def visible_by(event: datetime, zone: ZoneInfo) -> datetime:
    """The end of the business day after an event, as the moment the following day begins where the payer is."""
    if event.tzinfo is None:
        raise ValueError("an event needs its offset to fall on a day somewhere")
    due = next_business_day(event.astimezone(zone).date())
    return datetime.combine(due + timedelta(days=1), time(), zone)
