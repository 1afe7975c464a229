"""US Core: the searches its CapabilityStatement asks of servers, each with values of the members' own records."""

from __future__ import annotations

import pytest

from suites.record.cases import Case
from suites.record.judge import Judge


@pytest.mark.requirement("USCORE-SEARCH-01", "FHIR-SEARCH-01")
@pytest.mark.generated("us-core", "search", "SHALL")
def test_required_search(case: Case, judge: Judge) -> None:
    """A required search returns everything that answers it and nothing else."""
    judge.search(case)


@pytest.mark.requirement("USCORE-SEARCH-01")
@pytest.mark.generated("us-core", "read", "SHALL")
def test_read(case: Case, judge: Judge) -> None:
    """What a search returned can be read by its id and is the same."""
    judge.read(case)
