"""From which day an obligation binds a payer: CMS-9115-F and CMS-0057-F, by payer type and contract cycle (applicability.toml).

A rating period or plan year that starts on any one day of a known year is taken to start on the same day every year.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table() -> dict[str, dict[str, Any]]:
    """The dates as the table has them."""
    return tomllib.loads(files("suites.protocol").joinpath("applicability.toml").read_text(encoding="utf-8"))


def binds_from(obligation: str, payer_type: str, period_start: date | None = None) -> date | None:
    """The first day an obligation binds a payer; None where it never does. Without a known cycle the calendar year is taken."""
    entry = table()[obligation].get(payer_type)
    if not isinstance(entry, dict):
        return None
    day: date = entry["date"]
    return first_start(day, period_start) if "from" in entry and period_start is not None else day


def first_start(day: date, period_start: date) -> date:
    """The first anniversary of a period's start on or after a day."""
    for year in (day.year, day.year + 1):
        start = anniversary(period_start, year)
        if start >= day:
            return start
    raise AssertionError("an anniversary falls in every year")


def anniversary(day: date, year: int) -> date:
    """The same day of another year; 29 February is 1 March where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def binds(obligation: str, payer_type: str, on: date, period_start: date | None = None) -> bool:
    """Whether an obligation binds a payer on a day."""
    first = binds_from(obligation, payer_type, period_start)
    return first is not None and on >= first
