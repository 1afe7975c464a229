"""What a value of limited precision may stand for at least and at most."""

from __future__ import annotations

from decimal import Decimal

import pytest

from suites.profiles.fhirpath import compile_expression


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("1.587", "1.58650000", "1.58750000"),
        ("1", "0.50000000", "1.50000000"),
        ("@2014", "2014-01-01T00:00:00+14:00", "2014-12-31T23:59:59.999-12:00"),
        ("@2024-02", "2024-02-01T00:00:00+14:00", "2024-02-29T23:59:59.999-12:00"),
        ("@2014-01-01T08", "2014-01-01T08:00:00+14:00", "2014-01-01T08:59:59.999-12:00"),
        ("@2014-01-01T08:05:03Z", "2014-01-01T08:05:03Z", "2014-01-01T08:05:03Z"),
        ("@T10:30", "10:30:00", "10:30:59.999"),
    ],
)
def test_the_least_and_the_greatest(expression: str, low: str, high: str):
    (least,) = compile_expression(f"{expression}.lowBoundary()")({})
    (greatest,) = compile_expression(f"{expression}.highBoundary()")({})
    assert (str(least).replace(":00.000", ":00"), str(greatest)) == (low, high)


def test_periods_are_in_order_as_far_as_they_state():
    holds = compile_expression("start.lowBoundary() <= end.highBoundary()").holds
    assert holds({"start": "2024-05-06T10:00:00Z", "end": "2024-05"})
    assert holds({"start": "2024-05-06", "end": "2024-05-06T00:00:00Z"})
    assert not holds({"start": "2024-05-06", "end": "2024-04"})
    assert not holds({"start": "2024-05-06"})


def test_digits_are_counted():
    assert compile_expression("value.precision()")({"value": Decimal("1.50")}) == [2]
    assert compile_expression("birthDate.precision()")({"birthDate": "2014-03"}) == [6]
    assert compile_expression("nothing.precision()")({}) == []
