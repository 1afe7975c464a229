"""Elements a search parameter looks at, where the published expression is written otherwise than FHIRPath reads it."""

from __future__ import annotations

from suites.profiles.facts import SearchParameter
from suites.record.cases import parameters
from suites.record.expressions import elements

GUIDES = ("carin-bb@1.0.0", "us-core@3.1.1")


def test_service_date_of_carin_1_finds_days_and_periods_of_lines() -> None:
    parameter: SearchParameter = parameters(GUIDES, "carin-bb@1.0.0", "ExplanationOfBenefit")["service-date"]
    claim = {
        "resourceType": "ExplanationOfBenefit",
        "billablePeriod": {"start": "2025-09-01"},
        "item": [{"servicedDate": "2025-09-03"}, {"servicedPeriod": {"start": "2025-09-04"}}],
    }
    assert elements(parameter, claim) == [{"start": "2025-09-01"}, "2025-09-03", {"start": "2025-09-04"}]
