"""Exceptions to must-support: each names elements, profiles and a reason, and none is said twice."""

from __future__ import annotations

from synthetic_data.yaml_tables import table


def test_every_exception_has_a_reason_and_is_said_once() -> None:
    rows = table("must_support_exceptions.yaml")["exceptions"]
    assert rows
    said = [(row["element"], profile) for row in rows for profile in row["profiles"]]
    assert len(said) == len(set(said))
    assert all(len(row["reason"]) > 12 and "." in row["element"] for row in rows)
