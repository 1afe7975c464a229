"""Reads at the same time: FHIR-LOAD-01, a small part of what `patient-access load` drives at speed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from suites.kit.app import App, Grant
from suites.kit.fhir import FhirClient, matches
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, findings, judged, not_permitted
from suites.kit.target import Member, Target
from suites.protocol import urls

AT_ONCE = 6
ROUNDS = 5
PAGE = 3


@pytest.fixture
def reader(target: Target, app: App, member: Member, http: Http) -> tuple[FhirClient, Grant]:
    """A member's client, where many requests at once are permitted."""
    if not urls.is_loopback(target.server.fhir_base) and not target.permitted.load:
        not_permitted("[permitted] load is not true, and the target is not on this machine")
    grant = app.grant(member)
    return FhirClient(http, target.server.fhir_base, grant.access_token), grant


@pytest.mark.requirement("FHIR-LOAD-01")
def test_reads_at_the_same_time_are_answered_as_one_alone(reader: tuple[FhirClient, Grant]) -> None:
    """Thirty reads, six at a time, are answered and alike."""
    client, grant = reader
    alone = client.read("Patient", grant.patient)
    control(alone.status == 200, "a read alone is answered")
    found = at_once(lambda: client.read("Patient", grant.patient), AT_ONCE * ROUNDS)
    judged(len(found), "answer")
    wrong = [answer for answer in found if answer.status != 200 or answer.json() != alone.json()]
    expect(
        not wrong,
        "reads at the same time are answered as one alone",
        expected=f"{len(found)} answers of 200, all alike",
        found=f"{len(wrong)} others, the first {wrong[0].status if wrong else ''}",
        evidence=wrong[0].evidence if wrong else "",
    )


@pytest.mark.requirement("FHIR-LOAD-01")
def test_pages_hold_while_others_read(reader: tuple[FhirClient, Grant]) -> None:
    """Six readers who page through a member's claims at the same time find what one alone finds."""
    client, grant = reader
    params = (("patient", grant.patient), ("_count", str(PAGE)))

    def ids() -> list[str]:
        pages = client.pages("ExplanationOfBenefit", params)
        return sorted(str(one.get("id")) for _, bundle in zip(range(4), pages, strict=False) for one in matches(bundle))

    alone = ids()
    control(alone, "the member has claims")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda _: ids(), range(AT_ONCE)))
    judged(len(found) * len(alone), "entry")
    with findings() as told:
        for one in found:
            told.check(one == alone, "pages read at the same time hold what they hold alone", expected=alone, found=one)


def at_once(ask: Callable[[], Answer], number: int) -> list[Answer]:
    """Answers to the same question asked by several at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda _: ask(), range(number)))
