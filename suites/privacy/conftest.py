"""One member's record seen by two apps: one the member agreed to share substance-use records with, one they did not (42 CFR 2.31).

What only the first app sees, and what carries the labels of such records, is what must stay hidden from the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from suites.kit.app import App
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import Inconclusive, not_applicable, trail
from suites.kit.recipe import Choices
from suites.kit.target import Client, Member, Target
from suites.record.held import Record

PART2 = frozenset(
    ("42CFRPart2", "SUD", "ETH", "ETHUD", "OPIOIDUD", "SUDDATA")
)  # v3-ActCode, sensitivity and policy codes
TYPES = (
    "Condition", "Encounter", "Observation", "Procedure", "MedicationRequest", "MedicationDispense", "DiagnosticReport",
    "DocumentReference", "CarePlan", "CareTeam", "Goal", "ExplanationOfBenefit", "Immunization", "AllergyIntolerance",
)  # fmt: skip
WITHHELD = Choices(sensitive=False)
MOST_TRIED = 4  # members looked at for such records


def is_labelled(resource: dict[str, Any]) -> bool:
    """Whether a resource says that it is under 42 CFR Part 2 or about substance use."""
    labels = (resource.get("meta") or {}).get("security") or []
    return any(isinstance(one, dict) and one.get("code") in PART2 for one in labels)


@dataclass(repr=False)
class Sights:
    """What an app with the member's consent sees, and what one without it sees."""

    given: Record
    withheld: Record
    labelled: dict[str, dict[str, Any]] = field(default_factory=dict)

    def types(self) -> Iterator[str]:
        """The types both apps can search."""
        for type in TYPES:
            try:
                self.given.of(type)
                self.withheld.of(type)
            except Inconclusive:
                continue
            yield type


def candidates(target: Target) -> list[Member]:
    """Members to look at: those planted for such records first."""
    return sorted(target.member, key=lambda one: not any(what.startswith("part2") for what in one.planted_for))


@pytest.fixture(scope="session")
def consent_can_be_withheld(target: Target) -> None:
    """The login recipe says which tick consents to sensitive records, or a scope of its own does."""
    if not any(step.sensitive for step in target.login.step):
        not_applicable(
            "no step of the login recipe is marked sensitive = true: consent to such records is not asked there"
        )


@pytest.fixture(scope="session")
def sights(target: Target, http: Http, app_of: Callable[[Client], App], consent_can_be_withheld: None) -> Sights:
    """The first member whose shared record holds records under Part 2, seen both ways."""
    app = app_of(target.client[0])
    for member in candidates(target)[:MOST_TRIED]:
        grant = app.fresh_grant(member)
        given = Record(FhirClient(http, target.server.fhir_base, grant.access_token), grant.patient, member.label)
        labelled: dict[str, dict[str, Any]] = {}
        for type in TYPES:
            try:
                held = given.of(type)
            except Inconclusive:
                continue
            labelled |= {f"{type}/{one.get('id')}": one for one, _ in held.resources() if is_labelled(one)}
        if not labelled and not any(what.startswith("part2-with-") for what in member.planted_for):
            continue
        shut = app.fresh_grant(member, choices=WITHHELD, fresh=True)
        withheld = Record(FhirClient(http, target.server.fhir_base, shut.access_token), shut.patient, member.label)
        trail().member = member.label
        return Sights(given, withheld, labelled)
    raise Inconclusive("no member at hand has records labelled as substance use or 42 CFR Part 2")


@pytest.fixture(scope="session")
def hidden(sights: Sights) -> dict[str, dict[str, Any]]:
    """What must not be seen without consent: all that is labelled, or that only the first app sees."""
    found = dict(sights.labelled)
    for type in sights.types():
        seen = sights.withheld.of(type).ids()
        found |= {
            f"{type}/{one.get('id')}": one
            for one, _ in sights.given.of(type).resources()
            if str(one.get("id")) not in seen
        }
    if not found:
        raise Inconclusive("nothing of this record is labelled or kept back without consent")
    return found
