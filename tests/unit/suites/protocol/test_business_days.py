"""Worked cases of the one-business-day rule: weekends, holidays and the payer's own midnight."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from suites.protocol.business_days import is_business_day, visible_by

PACIFIC = ZoneInfo("America/Los_Angeles")
CASES = [
    ("2027-03-03T10:00:00", "2027-03-04"),  # Wednesday: end of Thursday
    ("2027-03-05T17:30:00", "2027-03-08"),  # Friday evening: end of Monday
    ("2027-01-15T17:30:00", "2027-01-19"),  # Friday before a Monday holiday: end of Tuesday
    ("2027-03-06T09:00:00", "2027-03-08"),  # Saturday: end of Monday
    ("2026-07-02T23:59:59", "2026-07-06"),  # Independence Day observed on Friday
    ("2027-12-30T12:00:00", "2028-01-03"),  # New Year's Day of 2028 is observed on 31 December
    ("2027-03-12T12:00:00", "2027-03-15"),  # over the change to daylight saving time
]


@pytest.mark.parametrize(("event", "last_day"), CASES)
def test_visible_by_the_end_of_the_next_business_day(event: str, last_day: str) -> None:
    due = visible_by(datetime.fromisoformat(event).replace(tzinfo=PACIFIC), PACIFIC)
    assert (due.hour, due.minute) == (0, 0)
    assert date.fromordinal(due.date().toordinal() - 1).isoformat() == last_day


def test_the_payers_zone_decides_which_day_an_event_falls_on() -> None:
    event = datetime.fromisoformat("2027-03-06T03:00:00+00:00")  # Friday evening on the Pacific, Saturday in Greenwich
    assert visible_by(event, PACIFIC).date() == date(2027, 3, 9)
    thursday = datetime.fromisoformat("2027-03-05T03:00:00+00:00")
    assert visible_by(thursday, PACIFIC).date() == date(2027, 3, 6)
    assert visible_by(thursday, ZoneInfo("UTC")).date() == date(2027, 3, 9)


def test_an_event_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        visible_by(datetime(2027, 3, 3), PACIFIC)


def test_business_days() -> None:
    assert is_business_day(date(2027, 3, 3))
    assert not is_business_day(date(2027, 3, 6))
    assert not is_business_day(date(2026, 11, 26))
