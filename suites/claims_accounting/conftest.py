"""The audit of all claims at hand, made once by each worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suites.claims_accounting.audit import Audit, audit
from suites.record.judge import Judge


@pytest.fixture(scope="session")
def claims(judges: Callable[[str], Judge]) -> Audit:
    """What every rule found over the claims of the members at hand."""
    return audit(judges("fhir").records, judges("fhir").guides)
