"""A dataset into the store: each line as it stands, with its version noted, and what searches need of it.

Lines are kept byte for byte but for `meta.versionId`, which the server adds where the dataset has none. Provenance goes last:
it belongs to the record of what it is about.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from simulators.payer.deployment import Deployment
from simulators.payer.fhir import veil
from simulators.payer.fhir.bases import bases_of
from simulators.payer.fhir.dates import range_of
from simulators.payer.fhir.index import Indexer, subject_of
from simulators.payer.fhir.privacy import labels_of
from simulators.payer.store import Store
from simulators.payer.stored import DIRECTORY, FORMULARY, MEMBER, Row

# A change here means that stores filled before must be filled again.
FORMAT = "3"
_PIECE = 1_000_000
_WORTH_PROCESSES = 12_000_000
_PLAN_NET, _FORMULARY = "/us/davinci-pdex-plan-net/", "/us/davinci-drug-formulary/"


class BadDataset(ValueError):
    """A dataset that cannot be read; the message says which file and line, and what is wrong."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The dataset's manifest."""
    path = folder / "manifest.json"
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadDataset(
            f"{folder}: no manifest.json; make a dataset with: patient-access generate --out {folder}"
        ) from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadDataset(f"{path}: cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != 1:
        raise BadDataset(f"{path}: not a dataset manifest of format 1")
    return manifest


def ensure_loaded(store: Store, folder: Path, deployment: Deployment) -> int:
    """Fill the store from the dataset unless it holds just that already; how many resources were loaded now."""
    manifest = read_manifest(folder)
    catalogs = [base.catalog for base in bases_of(deployment, "")]
    about = "|".join(f"{catalog.stamp} {' '.join(catalog.types)}" for catalog in catalogs)
    stamp = hashlib.sha256(
        b"\0".join((FORMAT.encode(), about.encode(), (folder / "manifest.json").read_bytes()))
    ).hexdigest()
    if store.fact("dataset") == stamp:
        return 0
    files = sorted(folder.glob("*.ndjson"))
    if not files:
        raise BadDataset(f"{folder}: holds no .ndjson files")
    reader = RowReader(deployment, as_of(manifest))
    with store.database.transaction(), collector_at_rest():
        if store.fact("dataset"):
            store.clear()
        count = store.load(rows([path for path in files if path.stem != "Provenance"], reader))
        # Provenance is in the record of what it is about, which is there by now.
        about_others = rows([path for path in files if path.stem == "Provenance"], reader)
        count += store.load(placed(row, store) for row in about_others)
        store.remember("dataset", stamp)
    return count


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Loading makes millions of objects and no cycles: looking for some costs a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def rows(files: list[Path], reader: RowReader) -> Iterator[Row]:
    """Every resource of some files, ready for the store; large files are read by several processes."""
    size = sum(path.stat().st_size for path in files)
    processes = min(4, os.cpu_count() or 1)
    if size < _WORTH_PROCESSES or processes == 1 or "fork" not in multiprocessing.get_all_start_methods():
        for piece in pieces(files):
            yield from reader.rows(piece)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, initializer=_adopt, initargs=(reader,)) as pool:
        waiting: deque[Future[list[Row]]] = deque()
        for piece in pieces(files):
            waiting.append(pool.submit(_read, piece))
            if len(waiting) > 2 * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


Piece = tuple[Path, int, list[bytes]]
_adopted: list[RowReader] = []  # in a reading process: its reader, inherited and not sent


def _adopt(reader: RowReader) -> None:
    _adopted.append(reader)


def _read(piece: Piece) -> list[Row]:
    return _adopted[-1].rows(piece)


def pieces(files: list[Path]) -> Iterator[Piece]:
    """The lines of some files a megabyte at a time, with the number of the first."""
    for path in files:
        with path.open("rb") as file:
            number = 1
            while lines := file.readlines(_PIECE):
                yield path, number, lines
                number += len(lines)


def placed(row: Row, store: Store) -> Row:
    """A Provenance in the record of the first of its targets that is in one, kept back as far as its targets are."""
    row = veil.noted(row, store.labels_of(row.targets))
    for target in () if row.patient else row.targets:
        kind, id = target.rpartition("/")[0].rpartition("/")[2], target.rpartition("/")[2]
        stored = store.read(kind, id) if kind and kind != "Patient" else None
        patient = id if kind == "Patient" else stored.patient if stored is not None else ""
        if patient:
            return replace(row, patient=patient, keys=())
    return row


def as_of(manifest: dict[str, Any]) -> int:
    """The moment the dataset describes, in milliseconds; what changed later arrives when the clock gets there."""
    return int(datetime.fromisoformat(manifest["as_of"]).timestamp() * 1000)


class RowReader:
    """Bytes of resources to what the store keeps of them; types no base serves are left out."""

    def __init__(self, deployment: Deployment, as_of: int) -> None:
        bases = bases_of(deployment, "")
        self.indexer = Indexer(base.catalog for base in bases)
        self.types = frozenset(name for base in bases for name in base.types)
        self.as_of = as_of

    def rows(self, piece: Piece) -> list[Row]:
        """The resources of some lines."""
        path, number, lines = piece
        found = []
        for place, line in enumerate(lines, number):
            line = line.strip()
            try:
                row = self.row(line) if line else None
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                raise BadDataset(
                    f"{path}:{place}: not a FHIR resource with id and meta.lastUpdated: {error!r}"
                ) from error
            if row is not None and row.type in self.types:
                found.append(row)
        return found

    def row(self, line: bytes) -> Row:
        """One resource, ready for the store."""
        resource = orjson.loads(line)
        type_name, id = resource["resourceType"], resource["id"]
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
            () if patient else tuple(self.indexer.keys(resource, index)),
            line if b'"versionId"' in line else line.replace(b'"meta":{', b'"meta":{"versionId":"1",', 1),
            tuple(index.get("target", ())) if type_name == "Provenance" else (),
        )


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
