"""Who lives with whom: members are seated in households by their number alone.

Members after the planted ones are cut into blocks of eight; a block's own stream cuts it into households. So member k knows its
household without anybody being made before it, in any shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, cast

from synthetic_data.people.names import Names
from synthetic_data.records import Address, LineOfBusiness
from synthetic_data.seeds import Weighted, stream
from synthetic_data.yaml_tables import table

BLOCK = 8

# (adults, children) and shares: one-person households lead among county plan members; children mostly enrol without their parents.
COMPOSITIONS = Weighted(
    [((1, 0), 70.0), ((1, 1), 10.0), ((2, 0), 8.0), ((1, 2), 5.0), ((2, 1), 4.0), ((2, 2), 3.0)],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the people of one household share."""

    id: str
    line_of_business: LineOfBusiness
    state: str
    group: str
    family_name: str
    second_family_name: str
    address: Address
    area: str
    members: tuple[int, ...]
    adults: tuple[int, ...]
    children: tuple[int, ...]


@lru_cache(maxsize=64)
def homes_of_block(seed: int, block: int, first: int) -> tuple[Home, ...]:
    """The households of a block of members whose first number is `first`."""
    random = stream(seed, "block", block)
    homes = []
    seat = first
    end = first + BLOCK
    while seat < end:
        adults, children = cast(tuple[int, int], COMPOSITIONS.draw(random))
        size = min(adults + children, end - seat)
        adults = min(adults, size)
        line = cast(LineOfBusiness, weighted("lines_of_business").draw(random))
        if line == "ma":
            size = adults
        members = tuple(range(seat, seat + size))
        homes.append(make_home(random, f"h{seat:05d}", line, members, adults))
        seat += size
    return tuple(homes)


def make_home(
    random: Random,
    identifier: str,
    line: LineOfBusiness,
    members: tuple[int, ...],
    adults: int,
    group: str | None = None,
) -> Home:
    """A household at a fictional street of a real place."""
    tables = table("people/tables.yaml")
    state = tables["regions"][line]["state"]
    group = group or cast(str, weighted("groups", state).draw(random))
    place = cast(dict[str, Any], places(state).draw(random))
    names = Names.of(tables["names_of_group"].get(group, tables["names_of_group"]["other"]))
    return Home(
        id=identifier,
        line_of_business=line,
        state=state,
        group=group,
        family_name=names.family(random),
        second_family_name=names.family(random),
        address=street_address(random, place, state),
        area=place["area"],
        members=members,
        adults=members[:adults],
        children=members[adults:],
    )


def street_address(random: Random, place: dict[str, Any], state: str) -> Address:
    """A street nobody lives in, in a real place."""
    tables = table("people/tables.yaml")
    street = f"{random.randrange(100, 9900)} {random.choice(tables['streets'])} {random.choice(tables['street_kinds'])}"
    line = (street, f"Apt {random.randrange(1, 60)}") if random.random() < 0.35 else (street,)
    return Address(line=line, city=place["city"], county=place["county"], state=state, postal_code=place["postal_code"])


@lru_cache(maxsize=64)
def weighted(*path: str) -> Weighted:
    """A list of `tables.yaml` with shares, prepared for drawing: rows with value and share, or [value, share] pairs."""
    rows = table("people/tables.yaml")
    for key in path:
        rows = rows[key]
    return Weighted([(row["value"], row["share"]) if isinstance(row, dict) else (row[0], row[-1]) for row in rows])


@lru_cache(maxsize=8)
def places(state: str) -> Weighted:
    """The places of a state by the share of members who live there."""
    return Weighted([(row, row["share"]) for row in table("people/tables.yaml")["places"][state]])
