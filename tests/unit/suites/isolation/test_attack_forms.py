"""Attacks cover every form with every type, come out the same for a seed, and what they bring is judged by whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from suites.isolation.attacks import WAYS, Attack, Known, Prey, attacks, leaked

PREY = Prey(
    "b",
    "a",
    "https://payer.example/fhir",
    (Known("Patient", "b"), Known("Condition", "b-1", "3", "urn:x|77"), Known("Condition", "b-2")),
    own={"Condition": 4},
)
READ = Attack("read", "Condition", "Condition/b-1")
COUNT = Attack("total", "Condition", "Condition", (("patient", "b"),), counts=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_seed_makes_the_same_attacks_and_as_many_as_asked_for(way: str) -> None:
    made = list(attacks(way, PREY, 200, 7))
    assert made == list(attacks(way, PREY, 200, 7))
    assert len(made) == 200
    assert {one.type for one in made} == {"Patient", "Condition"}


def test_searches_are_sent_by_get_and_by_post() -> None:
    assert {one.post for one in attacks("search", PREY, 50, 7)} == {True, False}


def test_nothing_known_makes_no_attack() -> None:
    assert not list(attacks("read", Prey("b", "a", "https://payer.example", ()), 10, 7))


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources], **more}


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Condition", "id": "b-1"},
        {"resourceType": "Condition", "id": "new", "subject": {"reference": "Patient/b"}},
        {"resourceType": "Coverage", "id": "new", "beneficiary": {"reference": "https://payer.example/fhir/Patient/b"}},
        bundle({"resourceType": "Patient", "id": "b"}),
        bundle(bundle({"resourceType": "Condition", "id": "b-2"})),
        bundle({"resourceType": "Condition", "id": "c-1", "subject": {"reference": "Patient/c"}}),
    ],
)
def test_what_is_of_another_member_leaks(body: dict[str, Any]) -> None:
    assert leaked(READ, PREY, 200, body, "")


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "OperationOutcome"},
        bundle(),
        bundle({"resourceType": "Condition", "id": "a-1", "subject": {"reference": "Patient/a"}}),
        bundle({"resourceType": "Patient", "id": "a"}),
        {"resourceType": "Coverage", "id": "a-1", "beneficiary": {"reference": "Patient/c"}},
    ],
)
def test_the_own_record_and_nothing_are_no_leak(body: dict[str, Any]) -> None:
    assert leaked(READ, PREY, 200, body, "") == ""


def test_a_refusal_is_no_leak_even_when_it_repeats_the_id() -> None:
    assert leaked(READ, PREY, 404, {"resourceType": "Condition", "id": "b-1"}, "") == ""


def test_totals_leak_when_they_are_neither_zero_nor_the_own() -> None:
    assert leaked(COUNT, PREY, 200, bundle(total=9), "")
    assert leaked(COUNT, PREY, 200, bundle(total=0), "") == ""
    assert leaked(COUNT, PREY, 200, bundle(total=4), "") == ""


def test_ids_in_an_answer_that_is_no_json_leak() -> None:
    assert leaked(READ, PREY, 200, None, '<Condition><id value="b-1"/></Condition>')
    assert leaked(READ, PREY, 200, None, "<html>hello</html>") == ""


def test_a_document_leaks_whatever_it_says() -> None:
    one = Attack("document", "Binary", "Binary/x")
    assert leaked(one, PREY, 200, None, "text")
    assert leaked(one, PREY, 200, {"resourceType": "Binary"}, "{}")
    assert leaked(one, PREY, 404, {"resourceType": "OperationOutcome"}, "{}") == ""


def test_a_page_link_that_works_leaks_even_an_empty_page() -> None:
    one = Attack("page link", "Condition", "https://payer.example/fhir/page")
    assert leaked(one, PREY, 200, bundle(), "")
    assert leaked(one, PREY, 403, {"resourceType": "OperationOutcome"}, "") == ""
