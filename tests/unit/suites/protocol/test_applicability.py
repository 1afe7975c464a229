"""The dates of the rules by payer type: county contracts on the fiscal and on the calendar year, and payers a rule leaves out."""

from __future__ import annotations

from datetime import date

import pytest

from suites.protocol.applicability import binds, binds_from, table

JULY, JANUARY = date(2026, 7, 1), date(2025, 1, 1)
CASES = [
    ("decision-limits", "medicaid-managed-care", JULY, date(2026, 7, 1)),
    ("prior-authorization-data", "medicaid-managed-care", JULY, date(2027, 7, 1)),
    ("decision-limits", "medicaid-managed-care", JANUARY, date(2026, 1, 1)),
    ("prior-authorization-data", "medicaid-managed-care", JANUARY, date(2027, 1, 1)),
    ("prior-authorization-data", "chip-managed-care", date(2024, 2, 29), date(2027, 3, 1)),
    ("prior-authorization-data", "medicaid-managed-care", None, date(2027, 1, 1)),
    ("prior-authorization-data", "ma", JULY, date(2027, 1, 1)),
    ("prior-authorization-data", "qhp", JANUARY, date(2027, 1, 1)),
    ("denial-reason", "qhp", JULY, date(2026, 1, 1)),
    ("decision-limits", "qhp", JANUARY, None),
    ("provider-directory", "qhp", None, None),
    ("patient-access", "chip-ffs", None, date(2021, 1, 1)),
]


@pytest.mark.parametrize(("obligation", "payer", "start", "first"), CASES)
def test_first_day(obligation: str, payer: str, start: date | None, first: date | None) -> None:
    assert binds_from(obligation, payer, start) == first


def test_binds_from_the_first_day_on_and_not_the_day_before() -> None:
    assert not binds("prior-authorization-data", "medicaid-managed-care", date(2027, 6, 30), JULY)
    assert binds("prior-authorization-data", "medicaid-managed-care", date(2027, 7, 1), JULY)
    assert not binds("decision-limits", "qhp", date(2030, 1, 1))


def test_every_obligation_names_its_source() -> None:
    assert all(one["source"] for one in table().values())
