"""Validators that the tests of the profile engine share: compiling a guide once is enough."""

from __future__ import annotations

import pytest

from suites.profiles import Validator


@pytest.fixture(scope="session")
def validator() -> Validator:
    """US Core 3.1.1 and CARIN BB 2.0.0."""
    return Validator(guides=["us-core@3.1.1", "carin-bb@2.0.0"])
