"""Does this element answer this value? One line a question, by the type of the parameter (FHIR R4 search)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.record.matching import (
    answers,
    element_spans,
    reference_parts,
    split_prefix,
    split_values,
    string,
    token_pairs,
)
from suites.record.verdict import Match, all_of

YES, MAYBE, NO = Match.YES, Match.MAYBE, Match.NO
MONEY = {"value": 12.5, "currency": "USD"}
DOSE = {"value": 5, "unit": "milligram", "system": "http://unitsofmeasure.org", "code": "mg"}
BASE = "https://payer.example/fhir"

# number: what is written means plus or minus half of its last digit; sa and eb leave that whole range behind.
NUMBERS = [
    (100, "100", YES), (100.4, "100", YES), (99.5, "100", YES), (100.5, "100", NO), (99.4, "100", NO), (100.4, "100.0", NO),
    (100.04, "100.0", YES), (149, "1e2", YES), (150, "1e2", NO), (50, "1e2", YES), (49, "1e2", NO), (100, "eq100", YES), (101, "eq100", NO),
    (100.4, "ne100", NO), (100.5, "ne100", YES), (100.1, "gt100", YES), (100, "gt100", NO), (99.9, "lt100", YES), (100, "lt100", NO),
    (100, "ge100", YES), (99.9, "ge100", NO), (100, "le100", YES), (100.1, "le100", NO), (100.5, "sa100", YES), (100.4, "sa100", NO),
    (99.4, "eb100", YES), (99.5, "eb100", NO), (1, "ap100", MAYBE), (-5, "-5", YES), ("x", "100", NO), (100, "x", NO),
    (1, "NaN", NO), (1, "Infinity", NO), ("NaN", "1", NO), ("-Infinity", "lt1", NO),
]  # fmt: skip
QUANTITIES = [
    (DOSE, "5", YES), (DOSE, "6", NO), (DOSE, "gt4", YES), (DOSE, "5|http://unitsofmeasure.org|mg", YES), (DOSE, "5||mg", YES),
    (DOSE, "5||milligram", YES), (DOSE, "5||g", NO), (DOSE, "5|http://other.example|mg", NO), (DOSE, "5|http://unitsofmeasure.org|", YES),
    (MONEY, "12.5||USD", YES), (MONEY, "12.5||EUR", NO), (MONEY, "12.5|http://unitsofmeasure.org|USD", NO), (5, "5", NO),
    ({"value": "5"}, "5", NO), ({"unit": "mg"}, "5", NO),
]  # fmt: skip
REFERENCES = [
    ({"reference": "Patient/1"}, "1", YES), ({"reference": "Patient/1"}, "Patient/1", YES), ({"reference": "Patient/1"}, "Patient/2", NO),
    ({"reference": "Patient/1"}, "Group/1", NO), ({"reference": "Patient/1/_history/3"}, "Patient/1", YES),
    ({"reference": f"{BASE}/Patient/1"}, "Patient/1", YES), ({"reference": "Patient/1"}, f"{BASE}/Patient/1", YES),
    ({"reference": f"{BASE}/Patient/1"}, f"{BASE}/Patient/1/_history/2", YES),
    ({"reference": f"{BASE}/Patient/1"}, "https://other.example/Patient/1", MAYBE), ("Patient/1", "Patient/1", YES), ({"display": "x"}, "1", NO),
    ({"reference": f"{BASE}/Patient/1"}, f"{BASE}/Patient/1", YES), ({"reference": f"{BASE}/Patient/1/_history/2"}, f"{BASE}/Patient/1", YES),
    ({"reference": ""}, "", YES), ({"reference": "Patient/"}, "1", NO), (None, "1", NO),
]  # fmt: skip
STRINGS = [
    ("Müller", "mul", YES), ("Müller", "LLER", MAYBE), ("Müller", "x", NO), ({"family": "O'Brien", "use": "official"}, "obrien", MAYBE),
    ({"family": "Smith", "use": "official"}, "official", NO), ({"line": ["1 Main St"], "period": {"start": "2020"}}, "2020", NO),
    ({"text": "Home", "id": "home-1", "extension": [{"valueString": "ext"}], "type": "postal", "system": "phone"}, "home", YES),
    ({"id": "zz", "text": "a"}, "zz", NO), ({"extension": [{"valueString": "zz"}], "text": "a"}, "zz", NO), ({"type": "zz", "text": "a"}, "zz", NO),
    ({"system": "zz", "text": "a"}, "zz", NO), ({"given": ["Ann", "Lee"]}, "lee", YES), ("van der Berg", "vanderberg", MAYBE), ("a", "-", NO),
    (7, "7", NO),
]  # fmt: skip
TOKENS = [
    (True, "true", YES), (True, "false", NO), (True, "|true", YES), (False, "false", YES), (False, "true", NO), ("final", "final", YES), ("final", "|final", YES),
    ("final", "Final", MAYBE), ({"system": "s", "code": "c"}, "s|c", YES), ({"system": "s", "code": "c"}, "s|", YES),
    ({"system": "s", "code": "c"}, "t|", NO), ({"system": "s", "code": "c"}, "|c", NO), ({"code": "c"}, "|c", YES), ({"system": "s"}, "s|", YES),
    ({"system": "s", "value": "v"}, "s|v", YES), ({"value": "v"}, "|v", YES), ({"value": "v"}, "v", YES), ({"display": "d"}, "d", NO), (7, "7", NO),
    ({"coding": [{"code": "a"}, {"system": "s", "code": "b"}]}, "s|b", YES), ({"coding": [], "code": "x"}, "x", NO),
]  # fmt: skip
ASKED = [
    (kind, element, value, match)
    for kind, cases in (
        ("number", NUMBERS), ("quantity", QUANTITIES), ("reference", REFERENCES), ("string", STRINGS), ("token", TOKENS),
        ("uri", [("urn:a", "urn:a", YES), ("urn:a", "urn:A", NO)]), ("composite", [("a", "a", MAYBE)]),
    )
    for element, value, match in cases
]  # fmt: skip


@pytest.mark.parametrize(("kind", "element", "value", "match"), ASKED)
def test_an_element_answers_a_value(kind: str, element: Any, value: str, match: Match) -> None:
    assert answers(kind, [element], value) is match


def test_alternatives_and_elements_are_joined_by_or_and_conditions_by_and() -> None:
    assert answers("token", ["a"], "x,a") is YES
    assert answers("token", ["b", "a"], "a") is YES
    assert answers("token", [], "a") is NO
    assert all_of([YES, MAYBE]) is MAYBE
    assert all_of([YES, NO, MAYBE]) is NO
    assert all_of([]) is YES


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("", [""]), ("ab", ["ab"]), ("ab,cd", ["ab", "cd"]), ("a\\,bc,d", ["a,bc", "d"]), ("a\\\\,b", ["a\\", "b"]), (",", ["", ""]),
        ("a\\,b,c,d", ["a,b", "c", "d"]),
    ],
)  # fmt: skip
def test_commas_separate_unless_a_backslash_keeps_them(value: str, parts: list[str]) -> None:
    assert split_values(value) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1", ("", "1")), ("Patient/1", ("Patient", "1")), ("Patient/1/", ("Patient", "1")), ("Patient/1/_history/2", ("Patient", "1")),
        (f"{BASE}/Patient/1", ("Patient", "1")), ("", ("", "")),
    ],
)  # fmt: skip
def test_a_reference_has_a_type_and_an_id(text: str, parts: tuple[str, str]) -> None:
    assert reference_parts(text) == parts


def test_a_prefix_is_one_only_before_a_number() -> None:
    assert split_prefix("ge2020") == ("ge", "2020")
    assert split_prefix("ge-5") == ("ge", "-5")
    assert split_prefix("general") == ("eq", "general")


def test_a_token_without_system_or_code_is_told_as_empty() -> None:
    assert token_pairs({"system": "s"}) == [("s", "")]
    assert token_pairs({"code": "c"}) == [("", "c")]
    assert token_pairs({"value": "v"}) == [("", "v")]
    assert token_pairs({"display": "d"}) == token_pairs(None) == []


def test_a_squeezed_search_needs_a_letter() -> None:
    assert string("a-b", "_-") is NO
    assert string("a-b c", "ab-c") is MAYBE


def test_a_timing_spans_its_events_or_its_bounds() -> None:
    events = element_spans({"event": ["2020-03-01", "2020-01-01", 7, "nonsense"]})
    assert [(span.start.isoformat()[:10], span.end.isoformat()[:10]) for span in events] == [
        ("2020-01-01", "2020-03-02")
    ]
    assert element_spans({"event": []}) == element_spans({"event": ["nonsense"]}) == []
    assert element_spans({"repeat": {"boundsPeriod": {"start": "2020-01-01", "end": "2020-01-31"}}}) == element_spans(
        {"start": "2020-01-01", "end": "2020-01-31"}
    )
    assert len(element_spans({"end": "2020-01-31"})) == 1
    assert element_spans({"repeat": {}}) == element_spans({}) == element_spans("nonsense") == element_spans(None) == []
    assert element_spans({"start": "nonsense", "end": "nonsense"}) == []
    assert [span.loose for span in element_spans({"event": ["2020-01-01", "2020-01-02"]})] == [
        any(span.loose for span in element_spans("2020-01-01"))
    ]
