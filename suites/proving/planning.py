"""From the command line to an order: what is declared is looked through before anything is tried.

Faults and deployments nobody declared are refused with the nearest name; a catalogue of faults with which nothing can be proved is
refused before a payer is started.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suites.kit import catalogue, faults
from suites.proving.catalogue import (
    REFERENCE,
    BadCatalogueOfFaults,
    Fault,
    System,
    chosen,
    from_control,
    matching,
    named,
    systems,
)
from suites.proving.jobs import Order
from suites.proving.payer import make_dataset, running

EXPECTED = Path(__file__).parents[2] / "tests" / "expected"  # in a checkout


@dataclass(frozen=True)
class Request:
    """What was asked on the command line."""

    faults: Sequence[str]
    variants: Sequence[str]
    out: Path
    jobs: int = 2
    members: int = 36  # planted ones and a few more
    full: bool = False
    expected: Path | None = None


def plan(request: Request) -> Order:
    """What to try. Without a choice everything; a choice of faults leaves the variants out, and the other way round."""
    wrong = faults.wrong(frozenset(catalogue.load()))
    if wrong:
        raise BadCatalogueOfFaults("; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""))
    known = systems()
    ids = faults.ids()
    for prefix in request.faults:
        matching(prefix, ids)
    if request.variants:
        variants = named(request.variants, known)
    else:
        kinds = ("variant", "deployment") if request.full else ("variant",)
        variants = [] if request.faults else [one for one in known.values() if one.kind in kinds]
    expected = request.expected or (EXPECTED if EXPECTED.is_dir() else None)
    declared = [] if request.variants and not request.faults else _declared(request, known)
    return Order(
        faults=chosen(declared, request.faults) if declared else [],
        reference=known[REFERENCE],
        systems=known,
        variants=variants,
        out=request.out,
        members=request.members,
        jobs=request.jobs,
        full=request.full,
        whole_reference=not (request.faults or request.variants),
        expected=expected,
    )


def _declared(request: Request, known: dict[str, System]) -> list[Fault]:
    """The faults as a running payer tells them."""
    data = make_dataset(request.out / "members", known[REFERENCE].guides, request.members)
    with running(request.out / "places" / "catalogue", data, REFERENCE) as payer:
        declared = from_control(payer.catalogue())
    for one in declared:
        if one.on not in known:
            raise BadCatalogueOfFaults(f"fault {one.id!r} is to be tried on {one.on!r}, which is no deployment")
    return declared
