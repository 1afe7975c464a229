"""Provenance tells that the payer passed the data on: PDEX-PROVENANCE-01 (PDex, provenance)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from suites.kit.outcomes import Inconclusive, findings, judged, not_applicable
from suites.kit.target import Target
from suites.record.generation import claimed_guides
from suites.record.judge import Judge

MOST = 400


def role_codes(agent: dict[str, Any]) -> set[str]:
    """The codes of what an agent did."""
    kinds = [agent.get("type"), *(agent.get("role") or [])]
    return {str(one.get("code")) for kind in kinds if isinstance(kind, dict) for one in kind.get("coding") or []}


@pytest.mark.requirement("PDEX-PROVENANCE-01")
def test_payer_is_transmitter(
    judges: Callable[[str], Judge], target: Target, needs_type: Callable[[str], None]
) -> None:
    """Each Provenance names who transmitted the data, by an organization."""
    needs_type("Provenance")
    if not claimed_guides(target, "pdex"):
        not_applicable("the target claims no version of PDex")
    count = 0
    with findings() as found:
        for record in judges("fhir").records:
            try:
                held = record.by_revinclude("Provenance", "target")
            except Inconclusive:
                continue
            for resource, evidence in held.resources():
                if count >= MOST:
                    break
                count += 1
                agents = [one for one in resource.get("agent") or [] if isinstance(one, dict)]
                found.check(
                    any("transmitter" in role_codes(one) and one.get("who") for one in agents),
                    "a Provenance names the transmitter",
                    expected="an agent of type transmitter with who",
                    found=f"{sorted({code for one in agents for code in role_codes(one)})} in Provenance/{resource.get('id')}",
                    path="agent",
                    evidence=evidence,
                )
    judged(count, "Provenance")
