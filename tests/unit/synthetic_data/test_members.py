"""Members: their stories hang together, and planted ones are what they are for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic_data.instruments import answer, items_of
from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.npi import is_valid_npi, npi
from synthetic_data.payer.claims import claims_of
from synthetic_data.people.demographics import years_between
from synthetic_data.planted import planted_members
from synthetic_data.records import FAMILIES, Member, World
from synthetic_data.seeds import Weighted, digits, stream
from synthetic_data.yaml_tables import table

AS_OF = datetime(2026, 7, 1, 7, tzinfo=UTC)
SOME = range(1, 90)


@cache
def makers(seed: int = 7) -> Makers:
    return Makers(seed, AS_OF, make_network(seed))


@cache
def world() -> World:
    return World(seed=7, as_of=AS_OF, family="current", guides=FAMILIES["current"], network=make_network(7))


@cache
def member(number: int) -> Member:
    return makers().member(number, 200)


def planted(purpose: str) -> Member:
    number = next(n for n, row in enumerate(planted_members(AS_OF.date()), start=1) if purpose in row.planted_for)
    return member(number)


def test_one_of_the_first_24_has_a_diagnosis_of_one_encounter_alone() -> None:
    """US Core 6.1 tells encounter diagnoses from problems; proofs run over 24 members."""
    found = [
        (one, of) for one in map(member, range(1, 25)) for of in one.diagnoses if of.category == "encounter-diagnosis"
    ]
    assert any("emergency" in one.flags for one, _ in found), "planted, so with any seed"
    for one, diagnosis in found:
        visit = next(visit for visit in one.visits if visit.id == diagnosis.visit)
        assert diagnosis.id in visit.diagnoses
        assert visit.start.date() == diagnosis.onset


def test_nothing_happens_before_birth_before_coverage_or_after_the_end() -> None:
    for number in SOME:
        one = member(number)
        if "before-2016" in one.planted_for:
            continue
        begins = min(span.start for span in one.coverages)
        assert begins >= one.person.birth_date
        for visit in one.visits:
            assert visit.start.date() >= begins, visit
            assert visit.end >= visit.start
            assert visit.start < AS_OF
            if one.person.deceased is not None:
                assert visit.start.date() <= one.person.deceased.date()


def test_ids_of_a_member_are_unique_and_carry_its_number() -> None:
    for number in SOME:
        one = member(number)
        identifiers = [
            record.id
            for records in (one.visits, one.diagnoses, one.assessments, one.measurements, one.medications, one.labs)
            for record in records
        ]
        assert len(identifiers) == len(set(identifiers))
        assert all(identifier.startswith(f"{one.id}-") for identifier in identifiers)


def test_totals_are_the_sum_of_the_answers() -> None:
    seen = set()
    for number in SOME:
        for one in member(number).assessments:
            assert one.total == sum(score for score in one.answers if score > 0)
            assert len(one.answers) == len(items_of(one.instrument))
            seen.add(one.instrument)
    assert seen == set(table("codes/instruments.yaml")["instruments"])


def test_depression_scores_fall_under_treatment() -> None:
    first, last = [], []
    for number in range(33, 200):
        scores = [one.total for one in member(number).assessments if one.instrument == "phq-9"]
        if len(scores) > 6:
            first.append(scores[0])
            last.append(sum(scores[-3:]) / 3)
    assert len(first) > 10
    assert sum(last) / len(last) < 0.75 * sum(first) / len(first)


def test_drugs_that_need_monitoring_are_monitored() -> None:
    watched = 0
    for number in range(1, 200):
        one = member(number)
        for course in one.medications:
            if course.drug == "clozapine" and ((course.end or AS_OF) - course.start).days > 90:
                watched += 1
                assert any(order.panel == "anc" for order in one.labs)
            if course.drug == "lithium" and ((course.end or AS_OF) - course.start).days > 200:
                watched += 1
                assert any(order.panel == "lithium_level" for order in one.labs)
    assert watched > 0


def test_substance_use_treatment_is_marked_as_part_2() -> None:
    one = planted("part2-with-consent")
    assert one.consents_to_substance_use_disclosure
    assert any(visit.part2 for visit in one.visits)
    assert all(visit.part2 for visit in one.visits if visit.pathway == "opioid_use")
    assert not any(visit.part2 for visit in one.visits if visit.pathway == "wellness")
    assert not planted("part2-without-consent").consents_to_substance_use_disclosure


def test_three_members_are_alike_but_for_their_consent() -> None:
    given_, withheld, revoked = (
        planted(one) for one in ("part2-with-consent", "part2-without-consent", "part2-consent-revoked")
    )
    assert [one.consents_to_substance_use_disclosure for one in (given_, withheld, revoked)] == [True, False, False]
    assert revoked.consent_revoked == date(2026, 6, 10)
    assert any(visit.part2 for visit in given_.visits)
    assert any(not visit.part2 for visit in given_.visits)
    stories = [
        [(one.kind, one.start, one.part2) for one in member.visits]
        + [(one.drug, one.start) for one in member.medications]
        for member in (given_, withheld, revoked)
    ]
    assert stories[0] == stories[1] == stories[2]
    claims = [
        [(claim.kind, claim.created, claim.payment, claim.status) for claim in claims_of(member, world(), ())]
        for member in (given_, withheld, revoked)
    ]
    assert len(claims[0]) > 50
    assert claims[0] == claims[1] == claims[2]


def test_a_representative_who_is_a_member_acts_within_dates() -> None:
    represented, representative = planted("represented"), planted("representative")
    (right,) = representative.acts_for
    assert (right.patient, right.relationship) == (represented.id, "personal-representative")
    assert right.until is not None
    assert right.until > AS_OF.date()
    assert right.related_person in {one.id for one in represented.delegates}
    assert not represented.acts_for


def test_planted_members_live_unless_they_are_planted_to_have_died() -> None:
    for seed in range(1, 9):
        for number, row in enumerate(planted_members(AS_OF.date()), start=1):
            dead = makers(seed).person(number).deceased is not None
            assert dead is ("deceased" in row.planted_for)


@pytest.mark.parametrize("day", [date(2028, 1, 30), date(2028, 2, 29), date(2024, 3, 20)])
def test_coming_of_age_on_a_leap_day_is_no_impossible_birth_date(day: date) -> None:
    assert planted_members(day)


def test_parents_act_for_their_children_until_majority() -> None:
    parent, child, nearly = planted("parent"), planted("minor"), planted("minor-turning-18")
    rights = {one.patient: one for one in parent.acts_for}
    grown = planted("came-of-age")
    assert set(rights) == {child.id, nearly.id, grown.id}
    ended = rights[grown.id].until
    assert ended == date(2026, 6, 11), "the right ended when the child came of age"
    assert rights[nearly.id].until == date(2026, 7, 31)
    assert years_between(nearly.person.birth_date, AS_OF.date()) == 17
    assert {one.member for one in child.delegates} >= {parent.id}


def test_planted_members_are_what_they_are_for() -> None:
    assert not planted("no-records").visits
    assert len(planted("thirty-pages").visits) > 30 * 20
    assert len(planted("many-pages").measurements) > 30 * 50
    assert planted("merged-identifiers").merged
    assert min(visit.start.year for visit in planted("before-2016").visits) <= 2013
    assert planted("deceased").person.deceased is not None
    assert planted("leap-day").person.birth_date == date(1980, 2, 29)
    assert planted("partial-birth-date").person.birth_date_text == "1949"
    assert len(planted("several-coverages").coverages) >= 2
    assert any(visit.received and visit.received > AS_OF for visit in planted("received-yesterday").visits)
    assert planted("must-support").devices
    assert planted("infant").person.birth_date.year >= 2023
    assert any(one.withheld for number in SOME for one in member(number).documents)


def test_every_purpose_is_planted_once() -> None:
    keys = [row.key for row in planted_members(AS_OF.date())]
    assert len(keys) == len(set(keys))


@given(st.integers(0, 99_999_999))
def test_every_npi_completes_its_check_digit_in_a_range_nobody_has(serial: int) -> None:
    number = npi(serial)
    assert is_valid_npi(number)
    assert number.startswith("2")
    assert not is_valid_npi(number[:9] + str((int(number[9]) + 1) % 10))


@given(st.integers(), st.text(), st.integers(1, 12))
def test_streams_and_digits_repeat(seed: int, name: str, count: int) -> None:
    assert stream(seed, 3, name).random() == stream(seed, 3, name).random()
    assert len(digits(seed, count, name)) == count


@given(st.lists(st.tuples(st.text(), st.floats(0.01, 100)), min_size=1, max_size=20), st.integers())
def test_a_weighted_draw_is_one_of_the_choices(choices: list[tuple[str, float]], seed: int) -> None:
    assert Weighted(choices).draw(stream(seed, "draw")) in [value for value, _ in choices]


@settings(max_examples=60)
@given(st.sampled_from(sorted(table("codes/instruments.yaml")["instruments"])), st.floats(0, 1), st.integers())
def test_answers_stay_within_their_scales(instrument: str, severity: float, seed: int) -> None:
    answers = answer(stream(seed, "answers"), instrument, severity)
    assert all(0 <= score <= highest for score, (highest, _) in zip(answers, items_of(instrument), strict=True))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_seed_makes_members(seed: int) -> None:
    other = makers(seed)
    assert len({other.member(number, 60).person.name for number in range(33, 60)}) > 20
