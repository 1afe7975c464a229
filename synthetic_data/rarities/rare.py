"""A planted member's chart that is nearly finished, and what rarities need beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from synthetic_data.chart import Chart
from synthetic_data.records import Visit
from synthetic_data.wellness import Wellness


@dataclass(frozen=True, slots=True)
class Rare:
    """The chart, its own stream of chance, the member's ordinary care, and the dataset's day."""

    chart: Chart
    random: Random
    wellness: Wellness
    as_of: datetime

    def visit(self, day: date, kind: str = "primary_care") -> Visit:
        """A contact where the member has ordinary care."""
        return self.chart.visit(self.random, kind, day, "wellness", self.wellness.site, ())
