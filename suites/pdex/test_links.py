"""PDex: reading what was found, and what it is linked to.

Generated from the guide's own tables, with values of the records at hand.
"""

from __future__ import annotations

import pytest

from suites.record import links
from suites.record.cases import Case
from suites.record.judge import Judge


@pytest.mark.requirement("FHIR-READ-06", "FHIR-READ-01")
@pytest.mark.generated("pdex", "read", "SHALL")
def test_read(case: Case, judge: Judge) -> None:
    """What a search returned can be read by its id and is the same."""
    judge.read(case)


@pytest.mark.requirement("FHIR-READ-04")
@pytest.mark.generated("pdex", "vread", "SHOULD")
def test_version_read(case: Case, judge: Judge) -> None:
    """The version a resource names can be read."""
    links.expect_versions(judge, case)


@pytest.mark.requirement("FHIR-CONTENT-01")
@pytest.mark.generated("pdex", "references", "SHALL")
def test_references_resolve(case: Case, judge: Judge) -> None:
    """What resources refer to can be read and is of the type named."""
    links.resolves(judge, case)


@pytest.mark.requirement("FHIR-INCLUDE-01", "FHIR-SEARCH-10")
@pytest.mark.generated("pdex", "include", "SHALL")
def test_include(case: Case, judge: Judge) -> None:
    """An include brings what the matches refer to and only that."""
    links.include(judge, case)


@pytest.mark.requirement("PDEX-PROVENANCE-02", "FHIR-INCLUDE-01", "FHIR-SEARCH-10")
@pytest.mark.generated("pdex", "revinclude", "SHALL")
def test_revinclude(case: Case, judge: Judge) -> None:
    """A reverse include brings what refers to the matches and only that."""
    links.revinclude(judge, case)
