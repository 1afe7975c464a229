"""What planted members have beside their care: one function a flag, so that every element a guide names is somewhere.

Flags are listed with their meaning in docs/members.md; `planted.yaml` says who carries which.
"""

from __future__ import annotations

from collections.abc import Callable

from synthetic_data.rarities import authorizations, care, measurements, times
from synthetic_data.rarities.rare import Rare

RARITIES: dict[str, Callable[[Rare], None]] = {
    "reports": measurements.reports,
    "device": care.device,
    "oxygen": measurements.oxygen,
    "absent-data": measurements.absent_data,
    "over-the-counter": care.over_the_counter,
    "infant": measurements.infant,
    "dental": care.dental,
    "before-2016": times.before_2016,
    "thirty-pages": times.thirty_pages,
    "received-late": times.received_late,
    "emergency": care.emergency,
    "stays": care.stays,
    "out-of-network": care.out_of_network,
    "instruments": measurements.instruments,
    "other-states": care.other_states,
    "authorizations": authorizations.authorizations,
}


def add_rarities(flags: frozenset[str], rare: Rare) -> None:
    """Everything the flags ask for, after the ordinary story has been told; always in the order of `RARITIES`."""
    for flag, tell in RARITIES.items():
        if flag in flags:
            tell(rare)
