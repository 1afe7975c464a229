"""How many matches a page holds: FHIR-SEARCH-04 (FHIR R4 search, page count)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.outcomes import Inconclusive, control, findings, judged
from suites.record.held import matched
from suites.record.judge import Judge

TYPES = ("ExplanationOfBenefit", "Observation", "Condition", "Encounter", "Coverage", "Procedure")


@pytest.mark.requirement("FHIR-SEARCH-04")
@pytest.mark.parametrize("count", [1, 2])
def test_a_page_holds_no_more_than_count(judges: Callable[[str], Judge], count: int) -> None:
    """A page holds no more matches than _count asks for, and some where there are any."""
    asked = 0
    with findings() as found:
        for record in judges("fhir").records:
            for type in TYPES:
                try:
                    held = record.of(type)
                except Inconclusive:
                    continue
                if held.count <= count:
                    continue
                answer = record.fhir.search(type, (*held.query, ("_count", str(count))))
                matches = len(list(matched(expect_json(answer, 200, FHIR_JSON), type)))
                asked += 1
                found.check(
                    1 <= matches <= count,
                    f"a page of {type} holds no more matches than _count asks for",
                    expected=f"1 to {count} of {held.count} matches",
                    found=f"{matches} matches",
                    evidence=answer.evidence,
                )
    control(asked, f"some member has more than {count} resources of a type")
    judged(asked, "page")
