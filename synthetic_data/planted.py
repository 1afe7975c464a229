"""Members with a purpose: the rows of `planted.yaml`, which take the first numbers of every dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, cast

from synthetic_data.people.demographics import Wish
from synthetic_data.people.households import Home, make_home
from synthetic_data.records import LineOfBusiness, Name
from synthetic_data.seeds import stream
from synthetic_data.yaml_tables import check_schema, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One row: a member and what it is for."""

    key: str
    planted_for: tuple[str, ...]
    line: LineOfBusiness
    group: str | None
    pathways: tuple[str, ...] | None
    years: int | None
    household: str
    wish: Wish
    flags: frozenset[str]
    care_of: str | None


@cache
def planted_members(as_of: date) -> tuple[Planted, ...]:
    """The rows in order; ages are counted at the dataset's day."""
    content = table("planted.yaml")
    check_schema(content, "planted.schema.json", "planted.yaml")
    return tuple(_row(row, as_of) for row in content["members"])


def _row(row: dict[str, Any], as_of: date) -> Planted:
    flags = frozenset(row.get("flags", ()))
    birth = row.get("birth_date")
    if "turns_18_in_days" in row:
        birth = _eighteen_years_before(as_of + timedelta(days=row["turns_18_in_days"]))
    name = None
    if "name" in row:
        name = Name(
            family=row["name"]["family"],
            given=tuple(row["name"]["given"]),
            prefix=tuple(row["name"].get("prefix", ())),
            suffix=tuple(row["name"].get("suffix", ())),
        )
    return Planted(
        key=row["key"],
        planted_for=tuple(row["for"]),
        line=cast(LineOfBusiness, row["line"]),
        group=row.get("group"),
        pathways=tuple(row["pathways"]) if "pathways" in row else None,
        years=row.get("years"),
        household=row.get("household", row["key"]),
        wish=Wish(
            role=row.get("role", "adult"),
            gender=row.get("gender"),
            ages=(row["age"], row["age"]) if "age" in row else None,
            birth_date=birth,
            birth_date_text=row.get("birth_date_text"),
            name=name,
            flags=flags,
            lives="deceased" not in flags,
        ),
        flags=flags,
        care_of=row.get("care_of"),
    )


def _eighteen_years_before(day: date) -> date:
    """The birth date of somebody who comes of age on a day; who comes of age on a leap day was born on 1 March."""
    try:
        return day.replace(year=day.year - 18)
    except ValueError:
        return date(day.year - 18, 3, 1)


def planted_number(key: str, as_of: date) -> int:
    """The number of a planted member."""
    return next(number for number, row in enumerate(planted_members(as_of), start=1) if row.key == key)


@cache
def planted_homes(seed: int, as_of: date) -> dict[int, Home]:
    """The home of each planted member, by number."""
    rows = planted_members(as_of)
    homes: dict[int, Home] = {}
    for household in dict.fromkeys(row.household for row in rows):
        numbers = [number for number, row in enumerate(rows, start=1) if row.household == household]
        adults = [number for number in numbers if rows[number - 1].wish.role != "child"]
        ordered = (*adults, *(number for number in numbers if number not in adults))
        first = rows[numbers[0] - 1]
        random = stream(seed, "planted-home", household)
        home = make_home(random, f"h-{household}", first.line, ordered, len(adults), first.group)
        homes.update(dict.fromkeys(numbers, home))
    return homes
