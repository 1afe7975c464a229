"""The suite's own evaluator of searches, against the specification's own examples and rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.record import instants
from suites.record.matching import answers, split_values
from suites.record.verdict import Match

YES, NO, MAYBE = Match.YES, Match.NO, Match.MAYBE


@pytest.mark.parametrize(
    ("element", "value", "match"),
    [
        ("2024-03-01", "2024-03-01", YES),
        ("2024-03-01T10:00:00Z", "2024-03", MAYBE),  # the zone of the asked month is not known
        ("2024-03-15T10:00:00Z", "2024-03", YES),
        ("2024-03", "2024-03-05", NO),  # a whole month is not within a day
        ("2024-03", "lt2024-03-05", YES),
        ("2024-03", "gt2024-03-05", YES),
        ("2024-03", "sa2024-03-05", NO),
        ("2024-03-06", "sa2024-03-05", YES),
        ("2024-03-04", "eb2024-03-05", YES),
        ({"start": "2024-01-01"}, "ge2030", YES),  # an open period has no end
        ({"start": "2024-01-01", "end": "2024-02-01"}, "ge2024-02-02", NO),
        ({"start": "2024-01-01", "end": "2024-02-01"}, "le2024-01-15", YES),
        ("2024-02-29", "ne2024-02-29", NO),
        ("2024-02-29", "2024-02-30", NO),
        ("2024-03-01T00:30:00Z", "2024-03-01T00:30:00.000Z", NO),
        ("2024-03-01T00:30:00.000Z", "2024-03-01T00:30:00Z", YES),
        ({"repeat": {"boundsPeriod": {"start": "2024-01-01", "end": "2024-01-31"}}}, "2024-01", YES),
        ({"event": ["2024-01-01", "2024-03-01"]}, "gt2024-02-01", YES),
    ],
)
def test_dates(element: Any, value: str, match: Match) -> None:
    assert answers("date", [element], value) is match


CODED = {"coding": [{"system": "http://loinc.org", "code": "44261-6"}, {"system": "urn:x", "code": "Abc"}]}


@pytest.mark.parametrize(
    ("element", "value", "match"),
    [
        (CODED, "44261-6", YES),
        (CODED, "http://loinc.org|44261-6", YES),
        (CODED, "urn:x|44261-6", NO),
        (CODED, "http://loinc.org|", YES),
        (CODED, "|44261-6", NO),
        (CODED, "abc", MAYBE),
        ({"coding": [{"code": "plain"}]}, "|plain", YES),
        ({"system": "urn:id", "value": "7"}, "urn:id|7", YES),
        ({"system": "phone", "value": "555-0100", "use": "home"}, "555-0100", YES),
        (True, "true", YES),
        ("final", "final,preliminary", YES),
        ("final", "preliminary", NO),
    ],
)
def test_tokens(element: Any, value: str, match: Match) -> None:
    assert answers("token", [element], value) is match


@pytest.mark.parametrize(
    ("element", "value", "match"),
    [
        ({"family": "Núñez", "given": ["Ana María"]}, "nunez", YES),
        ({"family": "Núñez", "given": ["Ana María"]}, "maria", MAYBE),
        ({"family": "O'Brien"}, "obrien", MAYBE),
        ({"family": "Stone", "use": "official"}, "official", NO),
        ({"line": ["1 Elm St"], "city": "Fresno"}, "fres", YES),
        ("Fresno", "x", NO),
    ],
)
def test_strings(element: Any, value: str, match: Match) -> None:
    assert answers("string", [element], value) is match


@pytest.mark.parametrize(
    ("held", "value", "match"),
    [
        ("Patient/a", "a", YES),
        ("Patient/a", "Patient/a", YES),
        ("Patient/a", "Group/a", NO),
        ("Patient/a/_history/2", "Patient/a", YES),
        ("http://one.example/fhir/Patient/a", "Patient/a", YES),
        ("http://one.example/fhir/Patient/a", "http://two.example/fhir/Patient/a", MAYBE),
        ("Patient/ab", "a", NO),
    ],
)
def test_references(held: str, value: str, match: Match) -> None:
    assert answers("reference", [{"reference": held}], value) is match


@pytest.mark.parametrize(
    ("value", "match"),
    [("5.4", YES), ("5", YES), ("5.40", YES), ("5.41", NO), ("gt5.3", YES), ("lt5.4", NO), ("5.4|http://u|mg", YES), ("5.4||g", NO), ("x", NO)],
)  # fmt: skip
def test_quantities(value: str, match: Match) -> None:
    assert answers("quantity", [{"value": 5.4, "system": "http://u", "code": "mg"}], value) is match


def test_nothing_answers_nothing() -> None:
    assert answers("token", [], "x") is NO


def test_a_kind_nobody_can_judge_is_left_open() -> None:
    assert answers("special", ["x"], "y") is MAYBE


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_escaped_alternatives_come_apart_again(parts: list[str]) -> None:
    written = ",".join(p.replace("\\", "\\\\").replace(",", "\\,").replace("|", "|") for p in parts)
    assert split_values(written) == parts


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
def test_an_instant_equals_itself_and_lies_between_its_neighbours(moment: Any) -> None:
    text = moment.replace(microsecond=0).isoformat() + "Z"
    later = (moment + timedelta(seconds=2)).replace(microsecond=0).isoformat() + "Z"
    span, after = instants.span_of(text), instants.span_of(later)
    assert span is not None
    assert after is not None
    assert instants.compare("eq", span, span) is YES
    assert instants.compare("lt", span, after) is YES
    assert instants.compare("sa", after, span) is YES
    assert instants.compare("ge", span, after) is NO


@given(st.text(max_size=30))
def test_any_text_is_a_span_or_none(text: str) -> None:
    span = instants.span_of(text)
    assert span is None or span.start < span.end
