"""The page of disagreements: reasons are complete, and what no reason explains is listed, not swallowed."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.benchmarks.validator_disagreements import KINDS, Disagreement, page, sorted_out

FACTS = tomllib.loads(KINDS.read_text(encoding="utf-8"))["kind"]


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts["id"])
def test_every_kind_says_who_is_right_and_where_that_is_written(facts: dict[str, str]):
    assert facts["finds"] in ("official", "ours")
    assert facts["right"] in ("ours", "theirs")
    assert facts["title"]
    assert facts["why"].endswith(".")
    assert re.fullmatch(r"\[[^\]]+\]\(http://hl7\.org/fhir/R4/.+", facts["paragraph"])
    for name in ("rule", "message", "edited"):
        re.compile(facts.get(name, ""))
    assert facts["rule"]


def test_ids_are_used_once():
    assert len({facts["id"] for facts in FACTS}) == len(FACTS)


def case(**edit: object) -> dict[str, object]:
    return {"family": "r4", "file": "package/X-1.json", "kind": "change_code", "edit": {"op": "set", **edit}}


def test_a_case_is_explained_only_when_all_that_was_found_is_of_the_kind():
    base64 = (
        "TYPE_SPECIFIC_CHECKS_DT_ATT_B64_DECODE_FAIL",
        "Media.content",
        "The base64 content in the data element is bad",
    )
    other = ("Validation_VAL_Profile_Minimum", "Media", "Media.status: minimum required = 1, but only found 0")
    pure = Disagreement(case(path=["width"]), "official", [base64])
    mixed = Disagreement(case(path=["status"]), "official", [base64, other])
    kinds, rest = sorted_out([pure, mixed])
    assert [kind.facts["id"] for kind in kinds if kind.cases] == ["base64-white-space"]
    assert rest == [mixed]
    told = page({"made": 2}, kinds, rest)
    assert "One case:" in told
    assert "- r4: X-1, change code at `status`; official finds" in told


def test_nothing_unexplained_is_said_so():
    assert page({"made": 0}, *sorted_out([])).endswith("\n\nNone.")
