"""The prior authorizations of the records at hand, and from when the rule binds the payer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from suites.kit.http import Answer
from suites.kit.outcomes import Inconclusive, not_applicable, trail
from suites.kit.target import Member, Target
from suites.profiles.guides import parse_guide
from suites.protocol.applicability import binds_from
from suites.record.generation import claimed_guides
from suites.record.held import Record
from suites.record.judge import Judge

PLANTED = "prior-authorizations"


@dataclass(frozen=True)
class Shown:
    """One authorization, whose it is and where it was seen."""

    resource: dict[str, Any]
    record: Record
    evidence: str

    @property
    def name(self) -> str:
        """Type and id."""
        return f"ExplanationOfBenefit/{self.resource.get('id')}"


@pytest.fixture(scope="session")
def target_today(capability_statement_answer: Answer) -> date:
    """The target's own day, from its Date header."""
    try:
        return parsedate_to_datetime(capability_statement_answer.header("date")).astimezone(UTC).date()
    except (TypeError, ValueError):
        return datetime.now(UTC).date()


@pytest.fixture
def in_force(target: Target, target_today: date) -> None:
    """The rule binds this payer, or its data are there already and are judged by it."""
    first = binds_from("prior-authorization-data", target.server.payer_type, target.server.rating_period_start)
    if first is None:
        not_applicable(f"no rule asks a payer of type {target.server.payer_type} for prior authorization data")
    if target_today < first:
        trail().notes.append(
            f"42 CFR 431.60(b)(5) binds this payer from {first}; what it shows before then is judged all the same"
        )


@pytest.fixture(scope="session")
def planted(target: Target, target_today: date) -> tuple[str, ...]:
    """The members who are known to have prior authorizations to show; none while neither the rule nor PDex 2 asks for them."""
    first = binds_from("prior-authorization-data", target.server.payer_type, target.server.rating_period_start)
    bound = first is not None and first <= target_today
    # PDex has had a profile for prior authorizations since 2.0.0.
    versions = [parse_guide(one).version for one in claimed_guides(target, "pdex")]
    claims = any(not one.startswith(("0.", "1.")) for one in versions)
    return tuple(one.label for one in target.member if PLANTED in one.planted_for) if bound or claims else ()


@pytest.fixture(scope="session")
def gathered(
    judges: Callable[[str], Judge], target: Target, planted: tuple[str, ...], member_record: Callable[[Member], Record]
) -> tuple[Shown, ...]:
    """Every prior authorization of the members at hand, those planted for it among them."""
    found: list[Shown] = []
    problems: list[str] = []
    at_hand = judges("fhir").records
    labels = {record.label for record in at_hand}
    more = [member_record(one) for one in target.member if one.label in planted and one.label not in labels]
    for record in (*at_hand, *more):
        try:
            found += [
                Shown(one, record, page)
                for one, page in record.of("ExplanationOfBenefit").resources()
                if one.get("use") == "preauthorization"
            ]
        except Inconclusive as undecided:
            problems.append(str(undecided))
    if problems and not found:
        raise Inconclusive(problems[0])
    return tuple(found)


@pytest.fixture
def authorizations(
    gathered: tuple[Shown, ...], target: Target, target_today: date, in_force: None
) -> tuple[Shown, ...]:
    """The authorizations to judge; not applicable while there are none and the rule does not bind yet."""
    if not gathered:
        first = binds_from("prior-authorization-data", target.server.payer_type, target.server.rating_period_start)
        if first is not None and target_today < first:
            not_applicable(f"the rule binds this payer from {first}, and no member at hand has a prior authorization")
        raise Inconclusive("no member at hand has a prior authorization")
    trail().member = trail().member or gathered[0].record.label
    return gathered
