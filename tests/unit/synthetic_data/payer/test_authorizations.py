"""Prior authorizations: clocks, outcomes, units, and that the metrics can be computed from what is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from synthetic_data.payer import render
from synthetic_data.payer.authorization_eob import EVENT, authorization_eob
from synthetic_data.payer.authorizations import COURSES, Authorization, authorizations_of
from synthetic_data.payer.fhir import Json
from synthetic_data.records import Member
from tests.unit.synthetic_data.payer.sample import AS_OF, member, moment, world

WISHES = tuple(COURSES)


def asking(*wishes: str, expedited: bool = False, days_ago: int = 60) -> Member:
    """A member who asks for one thing after another."""
    person = member(1)
    need = person.authorizations[0]
    requested = AS_OF - timedelta(days=days_ago)
    return replace(
        person,
        authorizations=tuple(
            replace(
                need,
                id=f"m00001-auth-{place + 1}",
                subject="",
                wish=wish,
                expedited=expedited,
                requested=requested + timedelta(hours=place),
                start=requested.date() + timedelta(days=3),
                end=requested.date() + timedelta(days=63),
            )
            for place, wish in enumerate(wishes)
        ),
    )


def answered(*wishes: str, expedited: bool = False, days_ago: int = 60) -> list[Authorization]:
    """What becomes of the wishes."""
    return list(authorizations_of(asking(*wishes, expedited=expedited, days_ago=days_ago), world()))


@pytest.mark.parametrize("expedited", [False, True])
@pytest.mark.parametrize("wish", [wish for wish in WISHES if COURSES[wish].initial])
def test_answers_come_within_their_clock(wish: str, expedited: bool) -> None:
    (found,) = answered(wish, expedited=expedited)
    assert found.determined is not None
    taken = found.determined - found.received
    if found.extension:
        assert found.extension.taken < found.determined <= found.extension.until
    else:
        assert taken <= (timedelta(hours=72) if expedited else timedelta(days=7))


def test_outcomes_are_what_was_wished_for() -> None:
    found = dict(zip(WISHES, answered(*WISHES), strict=True))
    outcomes = {wish: (each.initial, each.outcome) for wish, each in found.items()}
    assert outcomes == {
        "pending": ("", "queued"),
        "pending-extended": ("", "queued"),
        "approved": ("approved", "approved"),
        "expedited": ("approved", "approved"),
        "expired": ("approved", "approved"),
        "units-used": ("approved", "approved"),
        "extended": ("approved", "approved"),
        "partially-approved": ("partial", "partial"),
        "denied": ("denied", "denied"),
        "appealed": ("denied", "approved"),
        "appeal-upheld": ("denied", "denied"),
        "appeal-awaited": ("denied", "denied"),
        "withdrawn": ("", "withdrawn"),
    }
    assert found["appeal-awaited"].appeal is not None
    assert found["appeal-awaited"].appeal.decided is None
    assert found["partially-approved"].approved_units == 40
    assert all(bool(each.reason) == (each.initial in {"denied", "partial"}) for each in found.values())


def test_units_used_never_pass_the_units_approved() -> None:
    for each in answered(*WISHES):
        assert 0 <= each.used_units <= each.approved_units <= each.units


def test_a_request_of_this_morning_is_queued() -> None:
    (found,) = answered("approved", days_ago=0)
    assert (found.outcome, found.determined, found.approved_units) == ("queued", None, 0)


def test_a_later_request_names_the_one_before() -> None:
    first, second = answered("approved", "approved")
    assert second.previous == first.number
    resource = authorization_eob(second, member(1), world())
    assert resource["related"][0]["reference"]["value"] == first.number


def events(resource: Json) -> dict[str, Json]:
    """The intervals of a prior authorization by name."""
    return {
        each["category"]["coding"][0]["code"]: each
        for each in resource["supportingInfo"]
        if each["category"]["coding"][0]["system"] == EVENT
    }


def test_the_metrics_can_be_read_from_what_is_shown() -> None:
    for each in answered(*WISHES):
        resource = authorization_eob(each, member(1), world())
        shown = events(resource)
        request = shown["request"]["timingPeriod"]
        assert datetime.fromisoformat(request["start"]) == each.received == datetime.fromisoformat(resource["created"])
        assert ("end" in request) == (each.determined is not None)
        if each.determined:
            assert datetime.fromisoformat(request["end"]) == each.determined
            assert shown["request"]["code"]["coding"][0]["code"] == each.initial
        assert ("extension" in shown) == (each.extension is not None)
        assert ("appeal" in shown) == (each.appeal is not None)
        assert resource["outcome"] == {"queued": "queued", "partial": "partial"}.get(each.outcome, "complete")
        assert resource["status"] == ("cancelled" if each.outcome == "withdrawn" else "active")


def test_a_denial_gives_a_specific_reason() -> None:
    (found,) = answered("denied")
    resource = authorization_eob(found, member(1), world())
    reasons = [
        entry["reason"]
        for entry in resource["item"][0]["adjudication"]
        if entry["category"]["coding"][0]["code"] == "denialreason"
    ]
    assert len(reasons) == 1
    assert len(reasons[0]["text"]) > 30
    assert "preAuthRefPeriod" not in resource


def test_a_request_approved_in_part_is_an_item_that_is_and_one_that_is_not() -> None:
    (found,) = answered("partially-approved")
    approved, rest = authorization_eob(found, member(1), world())["item"]
    codes = []
    for item in (approved, rest):
        (review,) = item["adjudication"][0]["extension"]
        codes.append(review["extension"][1]["valueCodeableConcept"]["coding"][0]["code"])
    assert codes == ["A1", "A3"]
    assert approved["quantity"]["value"] + rest["quantity"]["value"] == found.units
    kinds = [[entry["category"]["coding"][0]["code"] for entry in item["adjudication"]] for item in (approved, rest)]
    assert ("denialreason" in kinds[0], "denialreason" in kinds[1]) == (False, True)


def test_what_is_authorized_and_used_is_worth_no_more_than_what_was_asked_for() -> None:
    for each in answered(*WISHES):
        totals = {
            entry["category"]["coding"][0]["code"]: entry["amount"]["value"]
            for entry in authorization_eob(each, member(1), world())["total"]
        }
        amounts = [totals["submitted"], totals.get("eligible", 0), totals.get("utilized", 0)]
        assert all(first >= second for first, second in pairwise(amounts))


def test_a_denied_stay_is_not_paid_and_an_authorized_one_names_its_number() -> None:
    person = member(1)
    for wish, paid in (("denied", False), ("approved", True)):
        wishing = replace(person, authorizations=(replace(person.authorizations[0], wish=wish),))
        resources = render(wishing, world())
        stay = next(each for each in resources if each["id"] == "m00001-eob-adm-3")
        assert (stay["payment"]["amount"]["value"] > 0) is paid
        assert ("preAuthRef" in stay) is paid


def test_drugs_are_left_out() -> None:
    person = member(1)
    need = replace(person.authorizations[0], service="naltrexone_injection_no_such_procedure")
    assert authorizations_of(replace(person, authorizations=(need,)), world()) == ()


def test_pdex_1_0_0_has_no_prior_authorizations() -> None:
    uses = {each.get("use") for each in render(member(1), world("legacy", pdex="1.0.0"))}
    assert "claim" in uses
    assert "preauthorization" not in uses


def test_a_future_request_is_not_known_yet() -> None:
    person = member(1)
    need = replace(person.authorizations[0], requested=moment(date(2026, 7, 2)))
    assert authorizations_of(replace(person, authorizations=(need,)), world()) == ()
