"""What the store keeps, in the shapes its callers need: a resource to read, a resource to search, a resource on its way in.

Leaves to others: where they are kept (store.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

MEMBER, DIRECTORY, FORMULARY = 1, 2, 4  # which bases show a resource, one bit each


@dataclass(slots=True, eq=False)
class Stored:
    """One resource as a read needs it."""

    rid: int
    type: str
    id: str
    patient: str
    apis: int
    version: int
    visible: int
    updated: int
    deleted: bool
    labels: str
    body: bytes


@dataclass(slots=True, eq=False)
class Candidate:
    """One resource as a search needs it: its facts and values, without its bytes."""

    rid: int
    type: str
    id: str
    patient: str
    apis: int
    visible: int
    updated: int
    labels: str
    index: dict[str, list[Any]]


class Record(list[Candidate]):
    """What is noted of all resources of a type in one record, with room for what searches worked out over it."""

    __slots__ = ("patient", "views")

    def __init__(self, patient: str, candidates: Iterable[Candidate]) -> None:
        super().__init__(candidates)
        self.patient = patient
        self.views: dict[Any, Any] = {}


class Row(NamedTuple):
    """One resource on its way into the store; a tuple, because millions of them go from process to process.

    The first nine are columns of the store, in its order.
    """

    type: str
    id: str
    patient: str
    apis: int
    visible: int
    updated: int
    labels: str
    found: bytes  # what index.py notes, as JSON
    body: bytes
    keys: tuple[tuple[str, str], ...] = ()
    targets: tuple[str, ...] = ()  # what a Provenance is about
