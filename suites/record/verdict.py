"""Whether a resource answers a search: it must be returned, may be, or must not."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Match(IntEnum):
    """Three-valued: the specification leaves servers room (case, time zone, punctuation), and room is MAYBE."""

    NO = 0
    MAYBE = 1
    YES = 2

    @staticmethod
    def of(holds: bool) -> Match:
        """YES or NO."""
        return Match.YES if holds else Match.NO


def any_of(matches: Iterable[Match]) -> Match:
    """The best of several values, as FHIR's `or`."""
    return max(matches, default=Match.NO)


def all_of(matches: Iterable[Match]) -> Match:
    """The worst of several conditions, as FHIR's `and`."""
    return min(matches, default=Match.YES)
