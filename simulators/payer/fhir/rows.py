"""Lines of a dataset's files to rows of the store, by several processes where there is enough to read.

Lines are kept byte for byte but for `meta.versionId`, which the server adds where the dataset has none. Leaves to others: what is noted
of a resource (index.py, privacy.py), when a store is filled (loading.py).
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from simulators.payer.deployment import Deployment
from simulators.payer.fhir.bases import bases_of
from simulators.payer.fhir.dates import range_of
from simulators.payer.fhir.index import Indexer, subject_of
from simulators.payer.fhir.privacy import labels_of
from simulators.payer.stored import DIRECTORY, FORMULARY, MEMBER, Row

_PIECE = 1_000_000
_WORTH_PROCESSES = 12_000_000
_PLAN_NET, _FORMULARY = "/us/davinci-pdex-plan-net/", "/us/davinci-drug-formulary/"


class BadDataset(ValueError):
    """A dataset that cannot be read; the message says which file and line, and what is wrong."""


class Piece(NamedTuple):
    """The lines of a file that begin in a stretch of its bytes."""

    path: Path
    start: int
    end: int


def pieces(files: list[Path]) -> Iterator[Piece]:
    """Some files a megabyte at a time."""
    for path in files:
        size = path.stat().st_size
        for start in range(0, size, _PIECE):
            yield Piece(path, start, min(size, start + _PIECE))


def lines_of(piece: Piece) -> tuple[int, list[bytes]]:
    """The lines of a piece and where in the file the first begins."""
    with piece.path.open("rb") as file:
        begins = piece.start
        if begins:  # the line that runs over the edge belongs to the piece before
            file.seek(begins - 1)
            begins += len(file.readline()) - 1
        text = file.read(piece.end - begins) if begins < piece.end else b""
        if text and not text.endswith(b"\n"):
            text += file.readline()
    return begins, text.split(b"\n")


def rows(files: list[Path], reader: RowReader) -> Iterator[Row]:
    """Every resource of some files, ready for the store, in their order; large files are read by several processes."""
    size = sum(path.stat().st_size for path in files)
    processes = min(4, os.cpu_count() or 1)
    if size < _WORTH_PROCESSES or processes == 1 or "fork" not in multiprocessing.get_all_start_methods():
        for piece in pieces(files):
            yield from reader.rows(piece)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, initializer=_adopt, initargs=(reader,)) as pool:
        waiting: deque[Future[list[tuple[Any, ...]]]] = deque()
        for piece in pieces(files):
            waiting.append(pool.submit(_read, piece))
            if len(waiting) > 2 * processes:
                yield from map(Row._make, waiting.popleft().result())
        while waiting:
            yield from map(Row._make, waiting.popleft().result())


_adopted: list[RowReader] = []  # in a reading process: its reader, inherited and not sent


def _adopt(reader: RowReader) -> None:
    _adopted.append(reader)


def _read(piece: Piece) -> list[tuple[Any, ...]]:
    return list(map(tuple, _adopted[-1].rows(piece)))  # plain tuples take a third of the time to send


class RowReader:
    """Bytes of resources to what the store keeps of them; types no base serves are left out."""

    def __init__(self, deployment: Deployment, as_of: int) -> None:
        bases = bases_of(deployment, "")
        self.indexer = Indexer(base.catalog for base in bases)
        self.types = frozenset(name for base in bases for name in base.types)
        self.as_of = as_of

    def rows(self, piece: Piece) -> list[Row]:
        """The resources of some lines."""
        begins, lines = lines_of(piece)
        found = []
        for place, line in enumerate(lines):
            line = line.strip()
            try:
                row = self.row(line) if line else None
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                number = _lines_before(piece.path, begins) + place + 1
                raise BadDataset(
                    f"{piece.path}:{number}: not a FHIR resource with id and meta.lastUpdated: {error!r}"
                ) from error
            if row is not None and row.type in self.types:
                found.append(row)
        return found

    def row(self, line: bytes) -> Row:
        """One resource, ready for the store."""
        resource = orjson.loads(line)
        type_name, id = sys.intern(resource["resourceType"]), resource["id"]
        updated = range_of(resource["meta"]["lastUpdated"])[0]
        index = self.indexer.values(resource)
        patient = subject_of(resource)
        return Row(
            type_name,
            id,
            patient,
            _apis(resource),
            updated if updated > self.as_of else 0,
            updated,
            labels_of(resource),
            orjson.dumps(index),
            line if b'"versionId"' in line else line.replace(b'"meta":{', b'"meta":{"versionId":"1",', 1),
            () if patient else tuple(self.indexer.keys(resource, index)),
            tuple(index.get("target", ())) if type_name == "Provenance" else (),
        )


def _lines_before(path: Path, position: int) -> int:
    with path.open("rb") as file:
        return file.read(position).count(b"\n")


def _apis(resource: dict[str, Any]) -> int:
    """Which bases show a resource: told by its profile, where it has one of an open guide."""
    profiles = " ".join(resource.get("meta", {}).get("profile", ()))
    shown = 0
    if _FORMULARY in profiles:
        shown |= FORMULARY | (MEMBER if resource["resourceType"] in ("List", "MedicationKnowledge") else 0)
    if _PLAN_NET in profiles:
        shown |= DIRECTORY | MEMBER
        if resource["resourceType"] == "Organization":
            shown |= FORMULARY  # whose plans they are
    return shown or MEMBER
