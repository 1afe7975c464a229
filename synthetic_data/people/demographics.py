"""One person's demographics: USCDI v1 and v3, in the proportions of `tables.yaml`."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from synthetic_data.people.households import Home, places, street_address, weighted
from synthetic_data.people.names import Names
from synthetic_data.records import Address, Code, Name, Person
from synthetic_data.seeds import Weighted
from synthetic_data.yaml_tables import table

CDC_RACE = "urn:oid:2.16.840.1.113883.6.238"
TRIBES = "http://terminology.hl7.org/CodeSystem/v3-TribalEntityUS"
MARITAL_STATUS = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
OCCUPATIONS = "http://terminology.hl7.org/CodeSystem/PHOccupationalDataForHealthODH"
LANGUAGES = "urn:ietf:bcp:47"
LOINC = "http://loinc.org"
HISPANIC = Code(CDC_RACE, "2135-2", "Hispanic or Latino")
NOT_HISPANIC = Code(CDC_RACE, "2186-5", "Not Hispanic or Latino")
GROUP_WORDS = {
    "hispanic": "Hispanic or Latino",
    "white": "White",
    "asian": "Asian",
    "black": "Black or African American",
    "american_indian": "American Indian",
    "pacific_islander": "Pacific Islander",
    "two_or_more": "More than one race",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a seat in a household or a planted member fixes; the rest is drawn."""

    role: str = "adult"
    gender: str | None = None
    ages: tuple[int, int] | None = None
    birth_date: date | None = None
    birth_date_text: str | None = None
    name: Name | None = None
    flags: frozenset[str] = frozenset()
    lives: bool = False


def make_person(random: Random, home: Home, wish: Wish, as_of: date, handle: str) -> Person:
    """A person of this household."""
    tables = table("people/tables.yaml")
    gender = wish.gender or cast(str, weighted("sex").draw(random))
    birth = wish.birth_date or _birth_date(random, wish.ages or _ages(random, home.line_of_business), as_of)
    adult = years_between(birth, as_of) >= 18
    names = _names(random, home, wish, gender, birth, as_of)
    race, detailed, ethnicity, ethnicity_detailed, tribe = _race_and_ethnicity(random, home)
    identity, birth_sex, gender = _gender_identity(random, gender, adult, wish.flags)
    language = _language(random, home.group)
    occupation = industry = None
    if adult and random.random() < 0.62 and home.line_of_business != "ma":
        row = cast(dict[str, Any], _occupations().draw(random))
        occupation = Code(OCCUPATIONS if "code" in row else "", row.get("code", ""), row["occupation"])
        industry = Code(OCCUPATIONS if "industry_code" in row else "", row.get("industry_code", ""), row["industry"])
    marital = cast(tuple[str, str], _marital().draw(random)) if adult else ("S", "Never Married")
    time_zone = tables["regions"][home.line_of_business]["time_zone"]
    return Person(
        names=names,
        gender=gender,
        birth_sex=birth_sex,
        birth_date=birth,
        birth_date_text=wish.birth_date_text or birth.isoformat(),
        deceased=_deceased(random, birth, as_of, time_zone, wish),
        race=race,
        race_detailed=detailed,
        race_text=GROUP_WORDS[home.group],
        ethnicity=ethnicity,
        ethnicity_detailed=ethnicity_detailed,
        ethnicity_text=ethnicity.display,
        tribe=tribe,
        gender_identity=identity,
        pronouns=_pronouns(identity, gender) if adult else None,
        sexual_orientation=cast(Code, _orientations().draw(random)) if adult else None,
        language=language,
        interpreter=language.code != "en" and random.random() < 0.6,
        marital_status=Code(MARITAL_STATUS, *marital),
        addresses=_addresses(random, home, birth, as_of),
        phone=None if "no-contact" in wish.flags else f"{home.area}-555-01{random.randrange(100):02d}",
        email=None if "no-contact" in wish.flags or not adult else f"{handle}@mail.example",
        occupation=occupation,
        industry=industry,
        time_zone=time_zone,
    )


def years_between(start: date, end: date) -> int:
    """Whole years from one date to another, as birthdays count them."""
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def birthday(birth: date, age: int) -> date:
    """The day somebody reaches an age; who was born on a leap day reaches it on 1 March in other years."""
    try:
        return birth.replace(year=birth.year + age)
    except ValueError:
        return date(birth.year + age, 3, 1)


def _ages(random: Random, line: str) -> tuple[int, int]:
    return cast(tuple[int, int], _age_bands(line).draw(random))


def _birth_date(random: Random, ages: tuple[int, int], as_of: date) -> date:
    year = as_of.year - random.randint(*ages) - 1
    month = random.randint(1, 12)
    drawn = date(year, month, random.randint(1, monthrange(year, month)[1]))
    # the year is one short where the birthday already came round in this one
    return drawn if (drawn.month, drawn.day) > (as_of.month, as_of.day) else _a_year_later(drawn)


def _a_year_later(day: date) -> date:
    return date(day.year + 1, day.month, min(day.day, monthrange(day.year + 1, day.month)[1]))


def _names(random: Random, home: Home, wish: Wish, gender: str, birth: date, as_of: date) -> tuple[Name, ...]:
    if wish.name is not None:
        return (wish.name,)
    tables = table("people/tables.yaml")
    given = Names.of(tables["names_of_group"].get(home.group, tables["names_of_group"]["other"]))
    first, middle = given.given(random, gender), given.given(random, gender)
    partner = wish.role == "partner" and random.random() < 0.4
    family = home.second_family_name if partner else home.family_name
    suffix = ("Jr.",) if gender == "male" and random.random() < 0.03 else ()
    current = Name(family=family, given=(first, middle), suffix=suffix)
    changed = "previous-name" in wish.flags or (
        gender == "female" and years_between(birth, as_of) > 24 and random.random() < 0.12
    )
    if not changed:
        return (current,)
    since = birth + timedelta(days=random.randint(21, 24) * 365)
    return (
        Name(family=family, given=(first, middle), suffix=suffix, start=since),
        Name(family=given.family(random), given=(first, middle), use="old", start=birth, end=since),
    )


def _race_and_ethnicity(
    random: Random, home: Home
) -> tuple[tuple[Code, ...], tuple[Code, ...], Code, tuple[Code, ...], Code | None]:
    tables = table("people/tables.yaml")
    categories = cast(list[str], weighted("race_of_group", home.group).draw(random))
    race = tuple(Code(CDC_RACE, code, tables["race_names"][code]) for code in categories)
    detailed = []
    for code in categories:
        options = tables["race_detailed"][code]
        if options and random.random() < 0.6:
            detailed.append(Code(CDC_RACE, *random.choice(options)))
    tribe = None
    if "1002-5" in categories and random.random() < 0.7:
        tribe = Code(TRIBES, *random.choice(tables["tribes"][home.state]))
    if home.group != "hispanic":
        return race, tuple(detailed), NOT_HISPANIC, (), tribe
    ethnicity_detailed = (Code(CDC_RACE, *random.choice(tables["ethnicity_detailed"])),)
    return race, tuple(detailed), HISPANIC, ethnicity_detailed, tribe


def _gender_identity(random: Random, sex: str, adult: bool, flags: frozenset[str]) -> tuple[Code | None, str, str]:
    birth_sex = "F" if sex == "female" else "M"
    if "birth-sex-unknown" in flags:
        birth_sex = "UNK"
    if not adult:
        return None, birth_sex, sex
    identity = cast(Code, _identities(sex).draw(random))
    gender = {"407377005": "male", "407376001": "female", "446131000124102": "other"}.get(identity.code, sex)
    return identity, birth_sex, gender


def _pronouns(identity: Code | None, gender: str) -> Code:
    row = table("people/tables.yaml")["pronouns"]
    code, display = row[gender if gender in row else "other"]
    return Code(LOINC, code, display)


def _language(random: Random, group: str) -> Code:
    languages = table("people/tables.yaml")["languages"]
    code, display = cast(tuple[str, str], _languages(group if group in languages else "other").draw(random))
    return Code(LANGUAGES, code, display)


def _addresses(random: Random, home: Home, birth: date, as_of: date) -> tuple[Address, ...]:
    """Where somebody lives, and for one in four where they lived before; nobody lives anywhere before birth."""
    since = max(birth, as_of - timedelta(days=random.randint(200, 4000)))
    here = home.address
    current = Address(
        line=here.line, city=here.city, county=here.county, state=here.state, postal_code=here.postal_code, start=since
    )
    if random.random() > 0.25 or since == birth:
        return (current,)
    before = street_address(random, cast(dict[str, Any], places(home.state).draw(random)), home.state)
    moved_in = max(birth, since - timedelta(days=random.randint(300, 2000)))
    previous = Address(
        line=before.line,
        city=before.city,
        county=before.county,
        state=before.state,
        postal_code=before.postal_code,
        start=moved_in,
        end=since,
    )
    return (current, previous)


def _deceased(random: Random, birth: date, as_of: date, time_zone: str, wish: Wish) -> datetime | None:
    age = years_between(birth, as_of)
    # serious mental illness shortens life; about one in a hundred members of a year's roll has died
    if wish.lives or ("deceased" not in wish.flags and (age < 18 or random.random() > (0.05 if age > 74 else 0.008))):
        return None
    day = as_of - timedelta(days=random.randint(20, 300))
    return datetime.combine(day, time(random.randrange(24), random.randrange(60)), ZoneInfo(time_zone))


@lru_cache(maxsize=4)
def _age_bands(line: str) -> Weighted:
    return Weighted([((low, high), share) for low, high, share in table("people/tables.yaml")["ages"][line]])


@lru_cache(maxsize=8)
def _languages(group: str) -> Weighted:
    rows = table("people/tables.yaml")["languages"][group]
    return Weighted([((code, display), share) for code, display, share in rows])


@lru_cache(maxsize=1)
def _marital() -> Weighted:
    return Weighted(
        [((code, display), share) for code, display, share in table("people/tables.yaml")["marital_status"]]
    )


@lru_cache(maxsize=1)
def _occupations() -> Weighted:
    return Weighted([(row, row["share"]) for row in table("people/tables.yaml")["occupations"]])


@lru_cache(maxsize=2)
def _identities(sex: str) -> Weighted:
    rows = table("people/tables.yaml")["gender_identity"]
    return Weighted(
        [
            (Code(row["system"], row["code"], row["display"]), row["share"])
            for row in rows
            if row["when"] in (sex, "any")
        ]
    )


@lru_cache(maxsize=1)
def _orientations() -> Weighted:
    rows = table("people/tables.yaml")["sexual_orientation"]
    return Weighted([(Code(row["system"], row["code"], row["display"]), row["share"]) for row in rows])
