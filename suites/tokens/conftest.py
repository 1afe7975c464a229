"""Whether Proof Key for Code Exchange bears on the target (RFC 7636, SMART App Launch 2.0)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.outcomes import not_applicable
from suites.kit.target import Target


@pytest.fixture
def uses_pkce(smart_configuration: dict[str, Any], target: Target) -> None:
    """Whether this server knows PKCE: SMART 2, or it says so."""
    if not target.smart_at_least("2.0.0") and not smart_configuration.get("code_challenge_methods_supported"):
        not_applicable(f"SMART {target.server.smart} has no PKCE and the server advertises none")


@pytest.fixture
def requires_pkce(uses_pkce: None, target: Target) -> None:
    """Whether this server must insist on PKCE: SMART 2 does."""
    if not target.smart_at_least("2.0.0"):
        not_applicable(f"SMART {target.server.smart} does not require PKCE")
