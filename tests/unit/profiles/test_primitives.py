"""Primitive values: what each type allows (FHIR R4 datatypes.html#primitive)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles.engine.primitives import checker

GOOD: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -1, 2147483647, -2147483648],
    "unsignedInt": [0, 1],
    "positiveInt": [1],
    "decimal": [0, Decimal("1.50"), Decimal("-1e3")],
    "string": ["a", " padded ", "line\nbreak\ttab", "ünï"],
    "markdown": ["# a"],
    "code": ["a", "a b"],
    "id": ["a", "A-1.b", "x" * 64],
    "uri": ["http://a.example/b", "urn:oid:1.2.3", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "relative/path"],
    "url": ["https://a.example", "mailto:a@b.example"],
    "canonical": ["http://a.example/b|1.0", "#inside"],
    "oid": ["urn:oid:2.16.840.1.113883.6.238"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "date": ["2024", "2024-02", "2024-02-29", "9999-12-31"],
    "dateTime": ["2024", "2024-02-29", "2024-02-29T23:59:60Z", "2024-05-06T07:08:09.123+14:00"],
    "instant": ["2024-02-29T00:00:00Z", "2024-05-06T07:08:09.1-13:59"],
    "time": ["00:00:00", "23:59:60.5"],
    "base64Binary": ["", "YQ==", "YWJj"][1:],
}
BAD: dict[str, list[Any]] = {
    "boolean": ["true", 1, 0, None],
    "integer": ["1", Decimal("1.0"), True, 2147483648, -2147483649],
    "unsignedInt": [-1, "0"],
    "positiveInt": [0, -1],
    "decimal": ["1.5", True],
    "string": ["", "   ", 1, True, "bell\x07", [], {}],
    "code": ["", " a", "a ", "a  b", 5],
    "id": ["", "has space", "x" * 65, "ünï", 7],
    "uri": [
        "",
        "has space",
        "oid:1.2",
        "uuid:1",
        "urn:oid:9.1",
        "urn:uuid:zz",
        "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
        1,
    ],
    "canonical": ["relative/path", "has space"],
    "oid": ["2.16.840", "http://a.example"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520"],
    "date": ["2024-02-30", "2023-02-29", "2024-13-01", "24-01-01", "2024-1-1", "01/02/2024", "0000-01-01", "", 2024],
    "dateTime": ["2024-01-01T10:00:00", "2024-01-01T25:00:00Z", "2024-05-06T07:08Z", "2024-02-30T00:00:00Z"],
    "instant": ["2024", "2024-05-06", "2024-05-06T07:08:09"],
    "time": ["24:00:00", "7:08:09", "07:08"],
    "base64Binary": ["YQ=", "Y", "a.b.", ""],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_good_values_pass(kind: str, value: Any):
    assert checker(kind)(value) is None


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_bad_values_are_told(kind: str, value: Any):
    complaint = checker(kind)(value)
    assert complaint is not None
    assert complaint[0]
    assert complaint[1]


@given(st.dates())
def test_every_day_of_the_calendar_is_a_date(day: Any):
    assert checker("date")(day.isoformat()) is None


@given(st.text(max_size=20) | st.integers() | st.none() | st.booleans(), st.sampled_from(sorted(GOOD)))
def test_no_value_makes_a_check_raise(value: Any, kind: str):
    assert checker(kind)(value) is None or len(checker(kind)(value) or ()) == 2
