"""Dates as FHIR writes them, as the first and the last moment they may mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

HERE = ZoneInfo("America/Los_Angeles")


def earliest(text: str) -> datetime:
    """The first moment of a year, month, day or instant; ValueError for a date that does not exist."""
    if "T" in text:
        return datetime.fromisoformat(text)
    year, month, day = ([int(one) for one in text.split("-")] + [1, 1])[:3]
    return datetime(year, month, day, tzinfo=HERE)


def latest(text: str) -> datetime:
    """The last moment of a day or year; an instant is its own."""
    if "T" in text:
        return datetime.fromisoformat(text)
    first = earliest(text)
    parts = text.count("-")
    following = (
        first + timedelta(days=1)
        if parts == 2
        else first.replace(year=first.year + 1)
        if parts == 0
        else first + timedelta(days=31)
    )
    return following - timedelta(seconds=1)


def age(born: str, day: str) -> int:
    """Whole years from a birth date (a year alone counts from 1 January) to a day."""
    born = born if len(born) == 10 else f"{born[:4]}-01-01"
    return int(day[:4]) - int(born[:4]) - (day[5:10] < born[5:10])


def moment_of(resource: dict[str, Any]) -> str:
    """When what a resource tells happened; empty where it says no time."""
    for name in (
        "effectiveDateTime", "performedDateTime", "occurrenceDateTime", "authoredOn", "authored", "whenHandedOver", "date", "recordedDate",
    ):  # fmt: skip
        if isinstance(resource.get(name), str):
            return str(resource[name])
    for name in ("period", "effectivePeriod", "performedPeriod", "billablePeriod"):
        if "start" in resource.get(name, {}):
            return str(resource[name]["start"])
    return ""
