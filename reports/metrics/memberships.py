"""Which member was in which reporting unit when: the `units` file of a mapping, as stretches of time that queries join."""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from datetime import date
from typing import Any

from reports.metrics import BadInput, zone
from reports.metrics.mapping import Mapping

ALWAYS = 2**53
SCHEMA = {
    "unit_member": "string",
    "unit_name": "string",
    "unit_from": "int64",
    "unit_until": "int64",
    "unit_once": "int64",  # 1 for the first unit of a stretch, 0 for others: a delivery is one, in however many units its member is
}


def stretches(mapping: Mapping, zone_name: str) -> list[dict[str, Any]]:
    """The memberships cut at every change, so that within a stretch a member's units stay the same."""
    found = []
    for member, periods in _periods(mapping, zone_name).items():
        cuts = sorted({at for _, low, high in periods for at in (low, high)})
        for low, high in itertools.pairwise(cuts):
            units = sorted(unit for unit, start, end in periods if start <= low and high <= end)
            found += [
                dict(zip(SCHEMA, (member, unit, low, high, int(number == 0)), strict=True))
                for number, unit in enumerate(units)
            ]
    return found


def _periods(mapping: Mapping, zone_name: str) -> dict[str, list[tuple[str, int, int]]]:
    """By member: (unit, from, until) as instants; periods of one member in one unit that overlap are refused."""
    path = mapping.path(mapping.units)
    where = zone.zone(zone_name)
    found: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"member", "unit", "from", "until"} <= set(reader.fieldnames or ()):
            raise BadInput(f"{path}: needs the columns member, unit, from and until")
        for number, row in enumerate(reader, 2):
            try:
                low = zone.midnight(date.fromisoformat(row["from"]), where) if row["from"] else -ALWAYS
                high = zone.midnight(date.fromisoformat(row["until"]), where) if row["until"] else ALWAYS
            except ValueError as error:
                raise BadInput(f"{path}:{number}: {error}") from None
            if high <= low or not row["member"] or not row["unit"]:
                raise BadInput(f"{path}:{number}: a membership needs a member, a unit, and an end after its beginning")
            for unit, start, end in found[row["member"]]:
                if unit == row["unit"] and low < end and start < high:
                    raise BadInput(
                        f"{path}: member {row['member']} is in unit {unit} twice at the same time; mend the periods"
                    )
            found[row["member"]].append((row["unit"], low, high))
    return found
