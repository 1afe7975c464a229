"""How a member came to the plan: identifiers, credentials, spans of coverage, delegates and whom the member acts for."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import blake2b
from random import Random
from typing import Any, cast
from unicodedata import normalize

from synthetic_data.people.demographics import birthday, years_between
from synthetic_data.people.households import Home, places, street_address
from synthetic_data.people.names import Names
from synthetic_data.records import ActsFor, Code, CoverageSpan, Credentials, Delegate, Name, Person
from synthetic_data.seeds import digits, stream
from synthetic_data.yaml_tables import table

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RIGHTS_ALL = ("clinical", "claims", "drugs", "coverage")
RIGHTS_LIMITED = ("claims", "coverage")

PLANS = {
    "bh": ("RBHP-MHP", "Riverbend Specialty Mental Health", "RBC-GROUP-01", "Medi-Cal members of the county"),
    "ma": ("RBHP-MA1", "Riverbend Senior Advantage", "RBS-GROUP-20", "Individual Medicare Advantage"),
    "qhp": ("RBHP-QHP-S", "Riverbend Marketplace Silver", "RBM-GROUP-30", "Individual marketplace"),
}
EARLIER_PLANS = {
    "bh": ("RBHP-DMC", "Riverbend Drug Medi-Cal"),
    "ma": ("RBHP-MA0", "Riverbend Senior Basic"),
    "qhp": ("RBHP-QHP-B", "Riverbend Marketplace Bronze"),
}


def member_id(number: int) -> str:
    """The Patient id of member `number`."""
    return f"m{number:05d}"


def handle(person_name: Name, number: int) -> str:
    """A login name in plain letters, unique by the number."""
    text = normalize("NFKD", f"{person_name.given[0]}.{person_name.family}").encode("ascii", "ignore").decode().lower()
    letters = "".join(c for c in text if c.isalpha() or c == ".").strip(".")
    return f"{letters[:24].strip('.') or 'member'}.{number}"


def make_credentials(seed: int, number: int, username: str) -> Credentials:
    """What the member types at login; synthetic, printed in the manifest on purpose."""
    random = stream(seed, number, "credentials")
    tables = table("people/tables.yaml")
    words = f"{random.choice(tables['streets'])}-{random.choice(tables['streets'])}".replace(" ", "")
    secret = blake2b(f"{seed}\x1f{number}\x1ftotp".encode(), digest_size=20).digest()
    answers = tuple(
        (row["question"], random.choice(row["answers"])) for row in cast(list[Any], tables["security_questions"])
    )
    return Credentials(
        username=username,
        password=f"{words}-{random.randrange(1000, 10000)}",
        totp_seed=b32encode(secret).decode(),
        answers=answers,
    )


def make_coverages(
    seed: int,
    number: int,
    home: Home,
    person: Person,
    as_of: date,
    flags: frozenset[str],
    years: int | None,
    story: int,
) -> tuple[CoverageSpan, ...]:
    """Spans of coverage, the current one first; the primary span is never older than the member. `story` draws them."""
    random = stream(seed, story, "coverage")
    identifier = member_id(number)
    line = home.line_of_business
    history = years * 365 if years is not None else random.choice((400, 700, 1000, 1400, 1900, 2400))
    start = max(date(as_of.year, 1, 1) - timedelta(days=history), person.birth_date)
    start = start if start == person.birth_date else start.replace(day=1)
    end: date | None = date(as_of.year, 12, 31)
    if person.deceased is not None:
        end = person.deceased.date()
    elif "lapsed" in flags:
        end = as_of - timedelta(days=45)
    plan, plan_name, group, group_name = PLANS[line]
    dependent = number in home.children and bool(home.adults)
    subscriber = f"S{digits(seed, 9, 'subscriber', home.id if line == 'qhp' else number)}"
    own = f"M{digits(seed, 9, 'member-id', number)}"

    def span(
        suffix: str, since: date, until: date | None, which: tuple[str, str], order: int, **more: Any
    ) -> CoverageSpan:
        facts: dict[str, Any] = {
            "line_of_business": line,
            "plan": which[0],
            "plan_name": which[1],
            "subscriber_id": subscriber,
            "member_id": own,
            "group": group,
            "group_name": group_name,
            "relationship": "child" if dependent and line == "qhp" else "self",
            "dependent": f"{1 + (number in home.children and home.children.index(number) + 1):02d}",
            "subscriber_member": member_id(home.adults[0]) if dependent and line == "qhp" else None,
        }
        return CoverageSpan(id=f"{identifier}-cov-{suffix}", order=order, start=since, end=until, **{**facts, **more})

    spans = []
    changed = as_of.replace(day=1) - timedelta(days=random.randint(60, 330))
    changed = changed.replace(day=1)
    if (
        ("plan-change" in flags or random.random() < 0.12)
        and changed > start + timedelta(days=120)
        and person.deceased is None
    ):
        spans.append(span("1", changed, end, (plan, plan_name), 1))
        earlier = EARLIER_PLANS[line]
        spans.append(span("2", start, changed - timedelta(days=1), earlier, 1, status="cancelled"))
    else:
        spans.append(span("1", start, end, (plan, plan_name), 1))
    if "other-coverage" in flags or (line != "qhp" and random.random() < 0.08):
        spans.append(
            span(
                "3",
                max(start, date(as_of.year - 1, 1, 1)),
                end,
                ("LMH-PPO", "Larkspur Mutual Choice PPO"),
                2,
                other_payer=True,
                subscriber_id=f"LM{digits(seed, 8, 'other', number)}",
                member_id=f"LM{digits(seed, 8, 'other', number)}-01",
                group="LMH-7700",
                group_name="Larkspur employer group",
            )
        )
    return tuple(spans)


def make_delegates(
    seed: int,
    number: int,
    home: Home,
    person: Person,
    as_of: date,
    flags: frozenset[str],
    name_of: Callable[[int], Person],
) -> tuple[Delegate, ...]:
    """Parents of a minor, representatives and spouses of an adult."""
    random = stream(seed, number, "delegates")
    identifier = member_id(number)
    age = years_between(person.birth_date, as_of)
    delegates: list[Delegate] = []

    def delegate(
        name: Name, gender: str, relationship: tuple[str, str], kind: str, rights: tuple[str, ...], **more: Any
    ) -> None:
        delegates.append(
            Delegate(
                id=f"{identifier}-rel-{len(delegates) + 1}",
                name=name,
                gender=gender,
                relationship=Code(ROLE_CODE, *relationship),
                kind=kind,
                phone=f"{home.area}-555-01{random.randrange(100):02d}",
                address=more.pop("address", person.addresses[0]),
                rights=rights,
                start=more.pop("start", max(person.birth_date, as_of - timedelta(days=900))),
                until=more.pop("until", None),
                member=more.pop("member", None),
                birth_date=more.pop("birth_date", None),
            )
        )

    if age < 18 or "came-of-age" in flags:
        majority = birthday(person.birth_date, 18)
        for adult in home.adults[:2]:
            parent = name_of(adult)
            code = ("MTH", "mother") if parent.gender == "female" else ("FTH", "father")
            delegate(
                parent.name, parent.gender, code, "parent", RIGHTS_ALL, until=majority, member=member_id(adult),
                birth_date=parent.birth_date,
            )  # fmt: skip
        if not home.adults:
            gender = "female" if random.random() < 0.7 else "male"
            code = ("MTH", "mother") if gender == "female" else ("FTH", "father")
            delegate(_relative(random, home, gender), gender, code, "parent", RIGHTS_ALL, until=majority)
        if "separated-parents" in flags or random.random() < 0.12:
            elsewhere = street_address(random, cast(dict[str, Any], places(home.state).draw(random)), home.state)
            name = _relative(random, home, "male", own_family=False)
            delegate(
                name, "male", ("FTH", "father"), "parent", RIGHTS_LIMITED, until=majority, address=elsewhere,
            )  # fmt: skip
        return tuple(delegates)
    if "personal-representative" in flags or random.random() < 0.05:
        gender = "female" if random.random() < 0.6 else "male"
        until = as_of + timedelta(days=330)
        near = [other for other in home.adults if other != number]
        if "personal-representative" in flags and near:
            person_near = name_of(near[0])
            delegate(
                person_near.name, person_near.gender, ("GUARD", "guardian"), "personal-representative", RIGHTS_ALL,
                start=as_of - timedelta(days=400), until=until, member=member_id(near[0]),
                birth_date=person_near.birth_date, address=person_near.addresses[0],
            )  # fmt: skip
        else:
            delegate(
                _relative(random, home, gender), gender, ("GUARD", "guardian"), "personal-representative", RIGHTS_ALL,
                start=as_of - timedelta(days=400), until=until,
            )  # fmt: skip
    if "former-representative" in flags:
        delegate(
            _relative(random, home, "male"), "male", ("POWATT", "power of attorney"), "personal-representative",
            RIGHTS_LIMITED, start=as_of - timedelta(days=800), until=as_of - timedelta(days=70),
        )  # fmt: skip
    couple = not flags & {"personal-representative", "represents"}
    if (
        couple
        and len(home.adults) == 2
        and number in home.adults
        and (number == home.adults[1] or random.random() < 0.3)
    ):
        other = home.adults[0] if number == home.adults[1] else home.adults[1]
        partner = name_of(other)
        delegate(partner.name, partner.gender, ("SPS", "spouse"), "spouse", RIGHTS_LIMITED, member=member_id(other))
    return tuple(delegates)


def acts_for(number: int, delegates_of: Callable[[int], tuple[Delegate, ...]], home: Home) -> tuple[ActsFor, ...]:
    """The members of the household in whose record this one has rights."""
    mine = member_id(number)
    return tuple(
        ActsFor(
            patient=member_id(other),
            relationship=one.kind,
            until=one.until,
            number=other,
            related_person=one.id,
            rights=one.rights,
        )
        for other in home.members
        if other != number
        for one in delegates_of(other)
        if one.member == mine
    )


def _relative(random: Random, home: Home, gender: str, own_family: bool = True) -> Name:
    tables = table("people/tables.yaml")
    names = Names.of(tables["names_of_group"].get(home.group, tables["names_of_group"]["other"]))
    family = home.family_name if own_family else names.family(random)
    return Name(family=family, given=(names.given(random, gender),))
