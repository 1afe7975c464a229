"""A member's chart while it is being written: hands out ids, places visits in the network, and keeps the facts in order.

Leaves to others: what happens and when (`course.py`, `wellness.py`). What a finished chart holds goes into `records.Member`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from synthetic_data.records import (
    Admission,
    Allergy,
    Assessment,
    AuthorizationNeed,
    CareEpisode,
    ClinicalDocument,
    Clinician,
    Code,
    DentalVisit,
    Diagnosis,
    Immunization,
    ImplantedDevice,
    LabOrder,
    Measurement,
    MedicationCourse,
    Network,
    Person,
    ProviderOrganization,
    Service,
    SocialNeed,
    Visit,
)
from synthetic_data.yaml_tables import table

T = TypeVar("T")
SNOMED = "http://snomed.info/sct"


class Providers:
    """Who gives which care: the network, looked up and remembered by line, kind and profession."""

    def __init__(self, network: Network) -> None:
        """Keep the network; answers are remembered as they are asked for."""
        self.network = network
        self._organizations: dict[tuple[str, str, bool], tuple[ProviderOrganization, ...]] = {}
        self._staff: dict[tuple[str, str], tuple[Clinician, ...]] = {}

    def organizations(self, line: str, kind: str, minor: bool) -> tuple[ProviderOrganization, ...]:
        """In-network organizations of a kind for a line; clinics stand in for kinds the line has none of."""
        key = (line, kind, minor)
        if key not in self._organizations:
            of_line = [one for one in self.network.organizations if line in one.line_of_business and one.in_network]
            found = [one for one in of_line if one.kind == kind]
            if kind == "clinic" and line == "bh":
                youth = [one for one in found if one.id == "org-alder-youth"]
                found = youth if minor else [one for one in found if one not in youth]
            if not found:
                substitute = "hospital" if kind in {"crisis", "residential"} else "clinic"
                found = [one for one in of_line if one.kind == substitute]
            self._organizations[key] = tuple(found)
        return self._organizations[key]

    def staff(self, organization: str, profession: str) -> tuple[Clinician, ...]:
        """Those who work at an organization, of one profession or of any."""
        key = (organization, profession)
        if key not in self._staff:
            self._staff[key] = tuple(
                one
                for one in self.network.clinicians
                if one.organization == organization and profession in ("", one.profession)
            )
        return self._staff[key]


@dataclass(slots=True)
class Chart:
    """The facts of one member, in the order they are found."""

    member: str
    person: Person
    line: str
    age: int
    providers: Providers
    as_of: date
    begins: date
    ends: date
    diagnoses: list[Diagnosis] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    labs: list[LabOrder] = field(default_factory=list)
    medications: list[MedicationCourse] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    authorizations: list[AuthorizationNeed] = field(default_factory=list)
    documents: list[ClinicalDocument] = field(default_factory=list)
    episodes: list[CareEpisode] = field(default_factory=list)
    immunizations: list[Immunization] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    devices: list[ImplantedDevice] = field(default_factory=list)
    social_needs: list[SocialNeed] = field(default_factory=list)
    dental: list[DentalVisit] = field(default_factory=list)
    zone: ZoneInfo = field(init=False)
    _teams: dict[tuple[str, str], Clinician] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _busy: dict[date, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    _stays: list[tuple[date, date]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take the member's time zone."""
        self.zone = ZoneInfo(self.person.time_zone)

    def new_id(self, kind: str) -> str:
        """The next id of a kind, as in `m00001-enc-3`."""
        number = self._counts.get(kind, 0) + 1
        self._counts[kind] = number
        return f"{self.member}-{kind}-{number}"

    def next_id(self, kind: str) -> str:
        """The id `new_id` will give next."""
        return f"{self.member}-{kind}-{self._counts.get(kind, 0) + 1}"

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """A moment of a day in the member's time zone."""
        return datetime.combine(day, time(hour, minute), self.zone)

    def organization(self, random: Random, kind: str) -> ProviderOrganization:
        """An organization of a kind that serves the member's line and age; a clinic where there is none of that kind."""
        return random.choice(self.providers.organizations(self.line, kind, self.age < 18))

    def clinician(self, random: Random, organization: ProviderOrganization, staff: list[str]) -> Clinician:
        """Who sees the member there: the same person each time, of the first profession the place has."""
        for profession in staff:
            known = self._teams.get((organization.id, profession))
            if known is not None:
                return known
            there = self.providers.staff(organization.id, profession)
            if there:
                chosen = random.choice(there)
                self._teams[(organization.id, profession)] = chosen
                return chosen
        return random.choice(self.providers.staff(organization.id, ""))

    def visit(
        self,
        random: Random,
        kind: str,
        day: date,
        pathway: str,
        organization: ProviderOrganization,
        diagnoses: tuple[str, ...],
        *,
        part2: bool = False,
        **more: Any,
    ) -> Visit:
        """A contact of a kind on a day, or on the next the member is not in a hospital, when nobody else sees them."""
        row = table("codes/services.yaml")["visits"][kind]
        clinician = self.clinician(random, organization, row["staff"])
        hour, minute = random.randint(8, 16), random.choice((0, 15, 30, 45))
        telehealth = random.random() < row.get("telehealth", 0)
        low, high = row["minutes"]
        length = timedelta(minutes=random.randrange(low, high + 1, 5))
        start = self.at(day, hour, minute) if "admission" in more else self._free(day, hour, minute, length)
        facts: dict[str, Any] = {
            "encounter_class": "VR" if telehealth else row["class"],
            "end": start + length,
            "telehealth": telehealth,
            "network": organization.in_network,
            "location": clinician.site,
        }
        visit = Visit(
            id=self.new_id("enc"),
            kind=kind,
            pathway=pathway,
            start=start,
            clinician=clinician.id,
            organization=organization.id,
            diagnoses=diagnoses,
            part2=part2,
            **{**facts, **more},
        )
        self.visits.append(visit)
        return visit

    def stay_between(self, first: date, last: date) -> None:
        """Remember that the member is in a hospital or a home for treatment from one day to another."""
        self._stays.append((first, last))

    def clear_for_stay(self, first: date, last: date) -> bool:
        """Take back the contacts between two days, as the member was in a hospital; false where other facts rest on one of them."""
        if any(begins <= last and first <= ends for begins, ends in self._stays):
            return False
        dropped = {one.id for one in self.visits if first <= one.start.date() <= last}
        if not dropped:
            return True
        kept = {one.visit for one in self.medications} | {one.visit for one in self.diagnoses}
        kept |= {one.visit for one in self.social_needs} | {one.subject for one in self.authorizations}
        if dropped & kept:
            return False
        self.visits = [one for one in self.visits if one.id not in dropped]
        self.assessments = [one for one in self.assessments if one.visit not in dropped]
        self.measurements = [one for one in self.measurements if one.visit not in dropped]
        self.labs = [one for one in self.labs if one.visit not in dropped]
        self.services = [one for one in self.services if one.visit not in dropped]
        self.documents = [one for one in self.documents if one.visit not in dropped]
        return True

    def _free(self, day: date, hour: int, minute: int, length: timedelta) -> datetime:
        """A start that day, as near after the one wished for as other contacts leave room; days in a stay are passed over."""
        day = self._outside_stays(day)
        taken = self._busy.setdefault(day, [])
        start = self.at(day, hour, minute)
        for _ in range(40):
            clash = next((end for begin, end in taken if begin < start + length and start < end), None)
            if clash is None:
                break
            start = clash if clash.hour < 18 else self.at(day, 6) + timedelta(minutes=15 * len(taken))
        taken.append((start, start + length))
        return start

    def _outside_stays(self, day: date) -> date:
        """The day itself, the day after the stay it falls into, or the one before where the story ends in a stay."""
        wished = day
        stays = sorted(self._stays)
        for begins, ends in stays:
            if begins <= day <= ends:
                day = ends + timedelta(days=1)
        if day <= self.ends:
            return day
        day = wished
        for begins, ends in reversed(stays):
            if begins <= day <= ends:
                day = begins - timedelta(days=1)
        return day

    def measure(
        self,
        kind: str,
        visit: Visit | None,
        value: float | int | Code | None,
        when: datetime | None = None,
        **more: Any,
    ) -> Measurement:
        """A measurement at a visit."""
        moment = when or (visit.start + timedelta(minutes=5) if visit else self.at(self.as_of, 9))
        measurement = Measurement(
            id=self.new_id("obs"),
            kind=kind,
            when=moment,
            visit=visit.id if visit else None,
            value=value,
            clinician=more.pop("clinician", visit.clinician if visit else None),
            # What names a visit under Part 2 would tell of it, so it is under Part 2 too.
            part2=more.pop("part2", False) or bool(visit and visit.part2),
            **more,
        )
        self.measurements.append(measurement)
        return measurement

    def order_laboratory(
        self, random: Random, panel: str, visit: Visit, reason: str | None, shift: float, part2: bool
    ) -> None:
        """Tests ordered at a visit, drawn the same or next day, reported within two."""
        tables = table("codes/laboratory.yaml")
        collected = visit.start + timedelta(hours=random.choice((1, 2, 20, 22)))
        issued = collected + timedelta(hours=random.randint(6, 40))
        if issued.date() > self.ends:  # reported the same evening, as nothing is known of later days
            collected = visit.start + timedelta(hours=1)
            issued = max(visit.end, collected) + timedelta(hours=3)
        identifier = self.new_id("lab")
        results = []
        for number, name in enumerate(tables["panels"][panel]["tests"], start=1):
            test = tables["tests"][name]
            value: float | Code
            if test.get("coded"):
                positive = random.random() < test["positive"] * (0.4 + shift * 1.6)
                value = Code(SNOMED, "10828004", "Positive") if positive else Code(SNOMED, "260385009", "Negative")
            else:
                drawn = max(random.gauss(test["mean"] + shift * test["sd"], test["sd"]), test["mean"] * 0.4)
                value = round(drawn, test["digits"]) if test["digits"] else round(drawn)
            results.append(
                Measurement(
                    id=f"{identifier}-{number}",
                    kind=name,
                    when=collected,
                    visit=visit.id,
                    value=value,
                    clinician=None,
                    part2=part2,
                )
            )
        laboratory = random.choice(self.providers.organizations(self.line, "laboratory", False))
        self.labs.append(
            LabOrder(
                id=identifier,
                panel=panel,
                ordered=visit.start + timedelta(minutes=10),
                collected=collected,
                issued=issued,
                visit=visit.id,
                clinician=visit.clinician,
                laboratory=laboratory.id,
                reason=reason,
                results=tuple(results),
                part2=part2,
            )
        )

    def document(self, kind: str, visit: Visit, text: str, **more: Any) -> ClinicalDocument:
        """A note written after a visit."""
        document = ClinicalDocument(
            id=self.new_id("doc"),
            kind=kind,
            when=visit.end + timedelta(minutes=30),
            visit=visit.id,
            author=visit.clinician,
            organization=visit.organization,
            text=text,
            part2=visit.part2,
            **more,
        )
        self.documents.append(document)
        return document
