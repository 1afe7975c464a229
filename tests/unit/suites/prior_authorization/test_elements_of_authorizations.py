"""What an authorization shows, read from the places the guides have for it, and the worked retention cases of the rule."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from suites.prior_authorization import elements


def concept(code: str, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": "urn:x", "code": code, **more}]}


def item(*adjudications: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"productOrService": concept("H0004"), "adjudication": list(adjudications), **more}


def denial(**reason: Any) -> dict[str, Any]:
    return {"category": concept("denialreason"), "reason": reason}


APPROVED = {
    "status": "active",
    "outcome": "complete",
    "disposition": "Approved.",
    "preAuthRefPeriod": [{"start": "2027-03-01", "end": "2027-08-31"}],
    "meta": {"lastUpdated": "2027-03-01T10:00:00Z"},
    "item": [
        item(
            {"category": concept("allowedunits"), "value": 24},
            extension=[{"url": "http://x/extension-itemPreAuthIssueDate", "valueDate": "2027-03-01"}],
        )
    ],
}
ACTION = {
    "extension": [
        {
            "url": "http://x/extension-reviewAction",
            "extension": [{"url": "http://x/extension-reviewActionCode", "valueCodeableConcept": concept("A3")}],
        }
    ]
}


def test_an_approved_authorization_shows_everything() -> None:
    assert elements.has_status(APPROVED)
    assert elements.decision_days(APPROVED) == ["2027-03-01"]
    assert elements.end_days(APPROVED) == ["2027-08-31"]
    assert not list(elements.unnamed_items(APPROVED))
    assert list(elements.quantities(APPROVED)) == [("item[0]", 24)]
    assert not elements.is_denied(APPROVED)
    assert not elements.is_pending(APPROVED)


def test_what_is_missing_is_missed() -> None:
    assert not elements.has_status({"status": "active", "outcome": "complete"})
    assert list(elements.unnamed_items({})) == ["item"]
    assert list(elements.unnamed_items({"item": [{}]})) == ["item[0].productOrService"]
    assert list(elements.quantities({"item": [{}]})) == [("item[0]", None)]
    assert elements.decision_days({"item": [{}]}) == []


@pytest.mark.parametrize(
    "one",
    [
        {"item": [item(denial(text="why"))]},
        {"item": [item(ACTION)]},
        {"item": [item({"category": concept("allowedunits"), "value": 0})]},
    ],
    ids=["reason", "review action", "nothing allowed"],
)
def test_denials_are_known_by_any_of_their_signs(one: dict[str, Any]) -> None:
    assert elements.is_denied(one)


@pytest.mark.parametrize(
    ("reason", "coded", "specific"),
    [
        ("The information sent does not show why this level of care is needed", False, True),
        ("Denied.", False, False),
        ("Other", True, False),
        ("too short", False, False),
        ("N386", True, True),
        ("", True, False),
    ],
)
def test_specific_reasons(reason: str, coded: bool, specific: bool) -> None:
    assert elements.is_specific(reason, coded) is specific


def test_reasons_are_the_text_else_the_display_else_the_code() -> None:
    one = {"item": [item(denial(text="a"), denial(**concept("N1", display="b")), denial(**concept("N2")))]}
    assert elements.reasons(one) == ["a", "b", "N2"]


def test_drugs_are_known_by_their_code_system() -> None:
    ndc = {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "00000000000"}]}
    assert elements.drugs({"item": [{"productOrService": ndc}]}) == ["00000000000"]
    assert elements.drugs(APPROVED) == []


@pytest.mark.parametrize(
    ("changed", "end", "removal"),
    [
        (date(2027, 3, 1), date(2027, 8, 31), date(2028, 8, 31)),
        (date(2027, 7, 15), None, date(2028, 7, 15)),
        (date(2027, 4, 10), date(2028, 12, 31), date(2029, 12, 31)),
        (date(2028, 2, 29), None, date(2029, 3, 1)),
    ],
)
def test_one_year_after_the_last_change(changed: date, end: date | None, removal: date) -> None:
    assert elements.earliest_removal(changed, end) == removal


def test_due_to_stay_until_the_day_before() -> None:
    assert elements.due_to_stay(APPROVED, date(2028, 8, 30))
    assert not elements.due_to_stay(APPROVED, date(2028, 8, 31))
    assert not elements.due_to_stay({}, date(2027, 1, 1))
