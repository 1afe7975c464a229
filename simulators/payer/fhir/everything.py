"""Patient/$everything: the whole record of one member, and what it refers to (FHIR R4 Patient operation).

Leaves to others: what the token reaches (compartment.py), pages (paging.py), Bundles (bundles.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.payer.errors import FhirError
from simulators.payer.fhir import dates
from simulators.payer.fhir.includes import forward
from simulators.payer.fhir.matching import invalid
from simulators.payer.fhir.query import Include
from simulators.payer.fhir.requests import Parameters
from simulators.payer.fhir.search import World
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate

TYPE = "$everything"
_CARE_DATES = ("date", "service-date", "onset-date", "authoredon", "authored", "period", "target-date")


@dataclass(frozen=True)
class Asked:
    """The parameters of the operation."""

    patient: str
    types: frozenset[str] = frozenset()
    since: int | None = None
    start: int | None = None
    end: int | None = None
    count: int | None = None


@rule
def whole_record(types: frozenset[str]) -> frozenset[str]:
    """The record is of every type the token may read."""
    return types


@whole_record.fault("everything-leaves-out-claims", violates="FHIR-EVERYTHING-01")
def without_claims(types: frozenset[str]) -> frozenset[str]:
    """$everything has no claims."""
    return types - {"ExplanationOfBenefit"}


@whole_record.fault("everything-leaves-out-observations", violates="FHIR-EVERYTHING-01")
def without_observations(types: frozenset[str]) -> frozenset[str]:
    """$everything has no observations."""
    return types - {"Observation"}


@rule
def record_of(patient: str, asked: str, households: tuple[str, ...]) -> tuple[str, ...]:
    """Whose records $everything is of: the one asked for, which is the token's own."""
    return (asked,)


@record_of.fault("everything-spills-another-record", violates="FHIR-COMPARTMENT-03")
def spilled(patient: str, asked: str, households: tuple[str, ...]) -> tuple[str, ...]:
    """$everything also holds observations of another member."""
    others = [one for one in households if one != asked]
    return (asked, *others[:1])


def parse(patient: str, parameters: Parameters) -> Asked:
    """What was asked, or a refusal naming the parameter."""
    types: frozenset[str] = frozenset()
    since = start = end = count = None
    for name, value in parameters:
        try:
            match name:
                case "_since":
                    since = dates.range_of(value)[0]
                case "start":
                    start = dates.range_of(value)[0]
                case "end":
                    end = dates.range_of(value)[1]
                case "_type":
                    types = frozenset(part for part in value.split(",") if part)
                case "_count":
                    if not value.isascii() or not value.isdigit() or not int(value[:9]) > 0:
                        raise invalid(name, f"{value!r} is not a whole number above zero")
                    count = int(value[:9])
                case _:
                    continue
        except dates.NotADate as error:
            raise invalid(name, f"{value!r} is not a date") from error
    return Asked(patient, types, since, start, end, count)


def record(world: World, asked: Asked) -> list[Candidate]:
    """The member's record in a steady order: the Patient, then type by type, then what it refers to."""
    reach = world.reach
    if asked.types - reach.base.types:
        raise invalid("_type", f"{', '.join(sorted(asked.types - reach.base.types))}: not served here")
    types = whole_record(reach.active, frozenset(name for name in reach.base.types if reach.permits(name, "r")))
    neighbours = tuple(world.store.patients()) if reach.active else ()
    found: list[Candidate] = []
    for patient in record_of(reach.active, reach.patient, asked.patient, neighbours):
        reach.records |= {patient}
        for type_name in sorted(types, key=lambda name: (name != "Patient", name)):
            if patient == asked.patient or type_name == "Observation":
                found += [
                    one for one in world.visible(world.store.record(type_name, patient)) if world.may_include(one)
                ]
    own = [one for one in found if _concerns(one, asked)]
    if not any(one.type == "Patient" for one in found) and "Patient" in types:
        raise FhirError(404, "not-found", f"Patient/{asked.patient} is not known")
    everything = [*own, *_referred(world, own)]
    return [one for one in everything if not asked.types or one.type in asked.types]


def _referred(world: World, own: list[Candidate]) -> list[Candidate]:
    known = {(one.type, one.id) for one in own}
    found = []
    for one in forward(world, own, [Include(kind, "*") for kind in sorted(world.reach.base.types)]):
        if (one.type, one.id) not in known and not one.patient:
            known.add((one.type, one.id))
            found.append(one)
    return found


def _concerns(candidate: Candidate, asked: Asked) -> bool:
    if asked.since is not None and candidate.updated < asked.since:
        return False
    if asked.start is None and asked.end is None:
        return True
    spans = [span for name in _CARE_DATES for span in candidate.index.get(name, ()) if candidate.type != "Patient"]
    if not spans:
        return True
    return any(
        (asked.end is None or low is None or low < asked.end)
        and (asked.start is None or high is None or high > asked.start)
        for low, high in spans
    )
