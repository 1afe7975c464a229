"""US Core: every resource against its profile, and the must-support elements over all of them.

Generated from the guide's own tables, with values of the records at hand.
"""

from __future__ import annotations

import pytest

from suites.record import conforming
from suites.record.cases import Case
from suites.record.judge import Judge


@pytest.mark.requirement("USCORE-PROFILE-01", "USCORE-PROFILE-02")
@pytest.mark.generated("us-core", "profile", "SHALL")
def test_profile(case: Case, judge: Judge) -> None:
    """Every resource of a profile conforms to it."""
    conforming.conforms(judge, case)


@pytest.mark.requirement("USCORE-MUSTSUPPORT-01")
@pytest.mark.generated("us-core", "must_support", "SHALL")
def test_must_support(case: Case, judge: Judge) -> None:
    """Each must-support element of the profile is shown by some resource."""
    conforming.shows_must_support(judge, case)
