"""The last step of every resource on its way out: as stored, or dressed as the deployment asks.

The rule here is the seat of the data faults (data_faults/): each makes the content wrong in one way a requirement names.
"""

from __future__ import annotations

from typing import Any

from simulators.payer.context import Payer
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.data_faults.altering import altered
from simulators.payer.fhir.dates import DAY, range_of
from simulators.payer.fhir.shaping import dressed, needs_dressing
from simulators.payer.rules import rule


@rule
def as_stored(bodies: list[bytes]) -> list[bytes]:
    """Resources leave as they were stored."""
    return bodies


@rule
def keeps_its_content(bodies: list[bytes], now: int) -> list[bytes]:
    """A resource stays as it is until its source changes, which moves `meta.lastUpdated` (FHIR R4 Resource.meta)."""
    return bodies


@keeps_its_content.fault("claims-change-without-saying-so", violates="FHIR-CONTENT-03", also=("CARIN-META-01",))
def changes_silently(bodies: list[bytes], now: int) -> list[bytes]:
    """A month after its last change a claim is told otherwise, under the old `meta.lastUpdated`."""

    def change(resource: dict[str, Any]) -> None:
        if range_of(resource["meta"]["lastUpdated"])[0] + 30 * DAY < now:
            resource["disposition"] = "Processed, and looked at again."

    return altered(bodies, "ExplanationOfBenefit", change)


def bodies(payer: Payer, base: Base, stored: list[bytes]) -> list[bytes]:
    """Resources as they leave."""
    found = keeps_its_content(payer.faults, as_stored(payer.faults, stored), int(payer.clock.timestamp() * 1000))
    fhir = payer.deployment.fhir
    return [dressed(fhir, base, body) for body in found] if needs_dressing(fhir) else found
