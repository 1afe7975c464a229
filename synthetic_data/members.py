"""Makes one member: person, enrolment, care. Everything follows from the seed and the member's number.

The network, the planted rows and the pathways are read once a process; nothing of one member is kept for the next.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from synthetic_data.chart import Chart, Providers
from synthetic_data.course import Course
from synthetic_data.pathways import Pathway, all_pathways
from synthetic_data.people import enrolment
from synthetic_data.people.demographics import Wish, birthday, make_person, years_between
from synthetic_data.people.households import BLOCK, Home, homes_of_block
from synthetic_data.planted import Planted, planted_homes, planted_members, planted_number
from synthetic_data.rarities import add_rarities
from synthetic_data.rarities.rare import Rare
from synthetic_data.records import Delegate, Household, Member, Network, Person
from synthetic_data.seeds import digits, stream
from synthetic_data.wellness import Wellness

SEX_AT_BIRTH = {"F": "female", "M": "male"}
CONSENT_REVOKED_BEFORE = 21  # days before the dataset's day


class Makers:
    """Makes the members of one seed and one day."""

    def __init__(self, seed: int, as_of: datetime, network: Network) -> None:
        """Bind the seed, the day and the network."""
        self.seed = seed
        self.as_of = as_of
        self.day = as_of.date()
        self.providers = Providers(network)
        self.planted = planted_members(self.day)
        self.person = lru_cache(maxsize=64)(self._person)
        self.delegates = lru_cache(maxsize=64)(self._delegates)

    def planted_row(self, number: int) -> Planted | None:
        """The planted row of a member, if it has one."""
        return self.planted[number - 1] if number <= len(self.planted) else None

    def home(self, number: int) -> Home:
        """The household a member lives in."""
        if number <= len(self.planted):
            return planted_homes(self.seed, self.day)[number]
        block, seat = divmod(number - len(self.planted) - 1, BLOCK)
        first = number - seat
        return next(home for home in homes_of_block(self.seed, block, first) if number in home.members)

    def _person(self, number: int) -> Person:
        home = self.home(number)
        row = self.planted_row(number)
        wish = row.wish if row else self._seat(number, home)
        random = stream(self.seed, number, "person")
        return make_person(random, home, wish, self.day, f"member{number:05d}")

    def _seat(self, number: int, home: Home) -> Wish:
        if number in home.children:
            return Wish(role="child", ages=(4, 17))
        if home.children:
            return Wish(role="partner" if number != home.adults[0] else "adult", ages=(24, 52))
        if len(home.adults) == 2:
            ages = (66, 82) if home.line_of_business == "ma" else (24, 63)
            return Wish(role="partner" if number != home.adults[0] else "adult", ages=ages)
        return Wish()

    def _delegates(self, number: int) -> tuple[Delegate, ...]:
        row = self.planted_row(number)
        flags = row.flags if row else frozenset()
        return enrolment.make_delegates(
            self.seed, number, self.home(number), self.person(number), self.day, flags, self.person
        )

    def member(self, number: int, members: int) -> Member:
        """Member `number` of a dataset of `members`."""
        row = self.planted_row(number)
        flags = row.flags if row else frozenset()
        story = planted_number(row.care_of, self.day) if row and row.care_of else number
        home = self.home(number)
        person = self.person(number)
        identifier = enrolment.member_id(number)
        coverages = enrolment.make_coverages(
            self.seed, number, home, person, self.day, flags, row.years if row else None, story
        )
        chart = self._chart(
            number,
            home,
            person,
            identifier,
            min(span.start for span in coverages),
            max(span.end or date.max for span in coverages if not span.other_payer),
        )
        self._live(story, chart, row)
        documents = tuple(chart.documents)
        random = stream(self.seed, story, "consent")
        revoked = self.day - timedelta(days=CONSENT_REVOKED_BEFORE) if "part2-consent-revoked" in flags else None
        return Member(
            number=number,
            id=identifier,
            unique_client_identifier=f"U{digits(self.seed, 9, 'uci', number)}",
            medical_record_number=f"R{digits(self.seed, 8, 'mrn', number)}",
            merged=(f"R{digits(self.seed, 8, 'old-mrn', number)}",) if "merged" in flags or number % 41 == 0 else (),
            person=person,
            household=Household(id=home.id, members=home.members, adults=home.adults, children=home.children),
            credentials=enrolment.make_credentials(self.seed, number, enrolment.handle(person.name, number)),
            line_of_business=home.line_of_business,
            planted_for=row.planted_for if row else (),
            flags=flags,
            coverages=coverages,
            delegates=self.delegates(number),
            acts_for=tuple(one for one in enrolment.acts_for(number, self.delegates, home) if one.number <= members),
            consents_to_substance_use_disclosure=revoked is None
            and "no-part2-consent" not in flags
            and ("part2-consent" in flags or random.random() < 0.7),
            consent_revoked=revoked,
            care_of=story if story != number else 0,
            diagnoses=tuple(chart.diagnoses),
            visits=tuple(chart.visits),
            admissions=tuple(chart.admissions),
            assessments=tuple(chart.assessments),
            measurements=tuple(chart.measurements),
            labs=tuple(chart.labs),
            medications=tuple(chart.medications),
            services=tuple(chart.services),
            authorizations=tuple(chart.authorizations),
            documents=documents,
            episodes=tuple(chart.episodes),
            immunizations=tuple(chart.immunizations),
            allergies=tuple(chart.allergies),
            devices=tuple(chart.devices),
            social_needs=tuple(chart.social_needs),
            dental=tuple(chart.dental),
            withheld=tuple(f"DocumentReference/{one.id}" for one in documents if one.withheld),
        )

    def _chart(
        self, number: int, home: Home, person: Person, identifier: str, begins: date, covered_until: date
    ) -> Chart:
        """An empty chart, from the first day of coverage to the last full day before death, its end, or the day shown."""
        today = self.as_of.astimezone(ZoneInfo(person.time_zone)).date()
        ends = min(today, covered_until, person.deceased.date() if person.deceased else today) - timedelta(days=1)
        return Chart(
            member=identifier,
            person=person,
            line=home.line_of_business,
            age=years_between(person.birth_date, self.day),
            providers=self.providers,
            as_of=self.day,
            begins=begins,
            ends=ends,
        )

    def _live(self, number: int, chart: Chart, row: Planted | None) -> None:
        """Care for what the member lives with, ordinary care, and what a planted member has beside; `number` draws it."""
        if row is not None and "nothing" in row.flags:
            return
        pathways = self._pathways(number, chart, row)
        for pathway in pathways:
            random = stream(self.seed, number, "care", pathway.key)
            room = max(1, (chart.ends - chart.begins).days - 45)
            begins = chart.begins + timedelta(days=random.randrange(room) // (3 if row else 1))
            begins = max(begins, birthday(chart.person.birth_date, pathway.ages[0]))
            if begins < chart.ends:
                Course(chart, pathway, random, begins).walk()
        random = stream(self.seed, number, "wellness")
        wellness = Wellness(chart, random, _smoking(random, [pathway.key for pathway in pathways]))
        wellness.live(visits=row is None or "no-care" not in row.flags)
        if row is not None:
            add_rarities(row.flags, Rare(chart, stream(self.seed, number, "rarities"), wellness, self.as_of))

    def _pathways(self, number: int, chart: Chart, row: Planted | None) -> list[Pathway]:
        if row is not None and row.pathways is not None:
            return [pathway for pathway in all_pathways() if pathway.key in row.pathways]
        chosen: list[Pathway] = []
        random = stream(self.seed, number, "prevalence")
        for pathway in all_pathways():
            draw = random.random()
            if not pathway.ages[0] <= chart.age <= pathway.ages[1]:
                continue
            if pathway.sex is not None and pathway.sex != SEX_AT_BIRTH.get(chart.person.birth_sex):
                continue
            share = pathway.share[chart.line]
            for other in chosen:
                share *= pathway.given.get(other.key, 1.0)
            if draw < share:
                chosen.append(pathway)
        return chosen


def _smoking(random: Random, pathways: list[str]) -> str:
    if "tobacco_use" in pathways:
        return "daily" if random.random() < 0.8 else "some_days"
    return "former" if random.random() < 0.25 else "never"
