"""A dataset into the store: when it is filled, in which order, and so that a load that is killed leaves nothing half done.

Provenance goes last: it belongs to the record of what it is about. Leaves to others: reading lines (rows.py).
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from simulators.payer.database import DatabaseUnusable, Sqlite, sqlite_file
from simulators.payer.deployment import Deployment
from simulators.payer.fhir import veil
from simulators.payer.fhir.bases import bases_of
from simulators.payer.fhir.rows import BadDataset, RowReader, rows
from simulators.payer.store import Store
from simulators.payer.stored import Row

__all__ = ["BadDataset", "ensure_loaded", "fill_new_file", "read_manifest"]

# A change here means that stores filled before must be filled again.
FORMAT = "3"
_AT_ONCE = 2000
_ASIDE = ".filling-"


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


def fill_new_file(url: str, folder: Path, deployment: Deployment) -> None:
    """A database file that is not there yet is filled beside its place and put there whole.

    Nobody else can have it open and nothing is lost if the load is killed, so it needs no journal, which costs as much as the insertions.
    """
    path = sqlite_file(url)
    if path is None or path.exists():
        return
    try:
        _remove_left(path)
        aside = path.with_name(f"{path.name}{_ASIDE}{os.getpid()}")
        try:
            database = Sqlite(str(aside), journal=False)
            try:
                ensure_loaded(Store(database), folder, deployment)
            finally:
                database.close()
            with aside.open("rb+") as file:
                os.fsync(file.fileno())
            _put_in_place(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise DatabaseUnusable(f"database {url!r} cannot be made: {error}") from error


def _remove_left(path: Path) -> None:
    """What loads that were killed left beside the place."""
    for left in path.parent.glob(f"{path.name}{_ASIDE}*"):
        number = left.name.rpartition("-")[2]
        if os.name == "posix" and number.isdigit():
            try:
                os.kill(int(number), 0)
            except ProcessLookupError:
                left.unlink(missing_ok=True)
            except OSError:
                continue  # somebody's, and alive


def _put_in_place(aside: Path, path: Path) -> None:
    """Unless another payer was first: its file stays."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            aside.replace(path)


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
        filled = store.fact("dataset") != ""
        if filled:
            store.clear()
        # Whoever reads a store that is filled anew needs its indexes, and would wait for them.
        with nullcontext() if filled else store.unindexed():
            count = store.load(rows([path for path in files if path.stem != "Provenance"], reader))
        # Provenance is in the record of what it is about, which is there by now.
        about_others = rows([path for path in files if path.stem == "Provenance"], reader)
        count += store.load(placed(about_others, store))
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


def placed(about_others: Iterable[Row], store: Store) -> Iterator[Row]:
    """Provenance in the record of the first of its targets that is in one, kept back as far as its targets are."""
    about_others = iter(about_others)
    while batch := list(islice(about_others, _AT_ONCE)):
        names = {target: _name(target) for row in batch for target in row.targets}
        known = store.whose(name for name in names.values() if name[0])
        for row in batch:
            theirs = [(target, *known.get(names[target], ("", ""))) for target in row.targets]
            row = veil.noted(row, {target: labels for target, _, labels in theirs if labels})
            patient = row.patient or next((record for record in map(_record, theirs) if record), "")
            yield row._replace(patient=patient, keys=()) if patient else row


def _name(target: str) -> tuple[str, str]:
    """The (type, id) a reference ends in."""
    place, _, id = target.rpartition("/")
    return place.rpartition("/")[2], id


def _record(target: tuple[str, str, str]) -> str:
    """Whose record a target is in; a Patient's own, whether or not it is there."""
    reference, record, _ = target
    kind, id = _name(reference)
    return id if kind == "Patient" else record


def as_of(manifest: dict[str, Any]) -> int:
    """The moment the dataset describes, in milliseconds; what changed later arrives when the clock gets there."""
    return int(datetime.fromisoformat(manifest["as_of"]).timestamp() * 1000)
