"""CARIN Blue Button: the searches its CapabilityStatement asks of servers.

Generated from the guide's own tables, with values of the records at hand.
"""

from __future__ import annotations

import pytest

from suites.record import variations
from suites.record.cases import Case
from suites.record.judge import Judge


@pytest.mark.requirement("CARIN-SEARCH-01", "FHIR-SEARCH-01")
@pytest.mark.generated("carin-bb", "search", "SHALL")
def test_required_search(case: Case, judge: Judge) -> None:
    """A required search returns everything that answers it and nothing else."""
    judge.search(case)


@pytest.mark.requirement("CARIN-SEARCH-03")
@pytest.mark.generated("carin-bb", "search", "SHOULD")
def test_recommended_search(case: Case, judge: Judge) -> None:
    """A recommended search returns everything that answers it and nothing else."""
    judge.search(case)


@pytest.mark.requirement("CARIN-SEARCH-04", "FHIR-SEARCH-04")
@pytest.mark.generated("carin-bb", "date_search", "SHALL")
def test_date_comparators(case: Case, judge: Judge) -> None:
    """gt, ge, lt and le split the record as its dates do."""
    variations.comparators(judge, case)


@pytest.mark.requirement("FHIR-SEARCH-05")
@pytest.mark.generated("carin-bb", "token_search", "SHALL")
def test_code_with_system(case: Case, judge: Judge) -> None:
    """A code with its system finds what has both."""
    variations.with_system(judge, case)


@pytest.mark.requirement("FHIR-SEARCH-07")
@pytest.mark.generated("carin-bb", "token_parameter", "SHALL")
def test_several_values(case: Case, judge: Judge) -> None:
    """Values joined by a comma find what any of them finds."""
    variations.several_values(judge, case)


@pytest.mark.requirement("FHIR-SEARCH-17")
@pytest.mark.generated("carin-bb", "selective_parameter", "SHALL")
def test_nothing_found(case: Case, judge: Judge) -> None:
    """A value nobody has finds an empty searchset."""
    variations.nothing(judge, case)


@pytest.mark.requirement("FHIR-SEARCH-02")
@pytest.mark.generated("carin-bb", "post", "SHALL")
def test_search_by_post(case: Case, judge: Judge) -> None:
    """A search by POST gives what GET gives."""
    variations.by_post(judge, case)


@pytest.mark.requirement("FHIR-PAGING-01", "FHIR-SEARCH-18")
@pytest.mark.generated("carin-bb", "pages", "SHALL")
def test_pages(case: Case, judge: Judge) -> None:
    """Small pages together are the whole, each resource once."""
    variations.pages(judge, case)
