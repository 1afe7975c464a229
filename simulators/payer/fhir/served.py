"""The last step of every resource on its way out: as stored, or dressed as the deployment asks.

The rule here is the seat of the data faults (data_faults/): each makes the content wrong in one way a requirement names.
"""

from __future__ import annotations

from simulators.payer.context import Payer
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.shaping import dressed, needs_dressing
from simulators.payer.rules import rule


@rule
def as_stored(bodies: list[bytes]) -> list[bytes]:
    """Resources leave as they were stored."""
    return bodies


def bodies(payer: Payer, base: Base, stored: list[bytes]) -> list[bytes]:
    """Resources as they leave."""
    found = as_stored(payer.faults, stored)
    fhir = payer.deployment.fhir
    return [dressed(fhir, base, body) for body in found] if needs_dressing(fhir) else found
