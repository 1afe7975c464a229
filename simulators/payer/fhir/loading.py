"""A dataset into the store: each line as it stands, with its version noted, and what searches need of it.

Lines are kept byte for byte but for `meta.versionId`, which the server adds where the dataset has none. Provenance goes last:
it belongs to the record of what it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from simulators.payer.deployment import Deployment
from simulators.payer.fhir.bases import bases_of
from simulators.payer.fhir.dates import range_of
from simulators.payer.fhir.index import Indexer, subject_of
from simulators.payer.fhir.privacy import labels_of
from simulators.payer.store import DIRECTORY, FORMULARY, MEMBER, Row, Store

# A change here means that stores filled before must be filled again.
FORMAT = "1"
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
    with store.database.transaction():
        if store.fact("dataset"):
            store.clear()
        count = store.load(rows(folder, manifest, deployment, store))
        store.remember("dataset", stamp)
    return count


def rows(folder: Path, manifest: dict[str, Any], deployment: Deployment, store: Store) -> Iterator[Row]:
    """Every resource of the dataset, ready for the store."""
    reader = RowReader(deployment, as_of(manifest), store)
    files = sorted(folder.glob("*.ndjson"), key=lambda path: (path.stem == "Provenance", path.stem))
    if not files:
        raise BadDataset(f"{folder}: holds no .ndjson files")
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                line = line.strip()
                if line:
                    try:
                        yield reader.row(line)
                    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                        raise BadDataset(
                            f"{path}:{number}: not a FHIR resource with id and meta.lastUpdated: {error!r}"
                        ) from error


def as_of(manifest: dict[str, Any]) -> int:
    """The moment the dataset describes, in milliseconds; what changed later arrives when the clock gets there."""
    return int(datetime.fromisoformat(manifest["as_of"]).timestamp() * 1000)


class RowReader:
    """Bytes of one resource to what the store keeps of it."""

    def __init__(self, deployment: Deployment, as_of: int, store: Store) -> None:
        self.indexer = Indexer(base.catalog for base in bases_of(deployment, ""))
        self.as_of = as_of
        self.store = store
        self._records: dict[str, str] = {}  # whose record each resource read so far is in, for what Provenance is about

    def row(self, line: bytes) -> Row:
        """One resource, ready for the store."""
        resource = orjson.loads(line)
        type_name, id = resource["resourceType"], resource["id"]
        updated = range_of(resource["meta"]["lastUpdated"])[0]
        index = self.indexer.values(resource)
        patient = subject_of(resource)
        if type_name == "Provenance":
            patient = patient or self._record_of_targets(index)
        elif patient:
            self._records[f"{type_name}/{id}"] = patient
        return Row(
            type_name,
            id,
            patient,
            _apis(resource),
            updated if updated > self.as_of else 0,
            updated,
            labels_of(resource),
            index,
            () if patient else tuple(self.indexer.keys(resource, index)),
            line if b'"versionId"' in line else line.replace(b'"meta":{', b'"meta":{"versionId":"1",', 1),
        )

    def _record_of_targets(self, index: dict[str, list[Any]]) -> str:
        for target in index.get("target", ()):
            kind, id = target.rpartition("/")[0].rpartition("/")[2], target.rpartition("/")[2]
            if kind == "Patient":
                return str(id)
            record = self._records.get(f"{kind}/{id}")
            if record is None:
                stored = self.store.read(kind, id)
                record = stored.patient if stored is not None else ""
            if record:
                return record
        return ""


def _apis(resource: dict[str, Any]) -> int:
    """Which bases show a resource: told by its profile, where it has one of an open guide."""
    profiles = " ".join(resource.get("meta", {}).get("profile", ()))
    if _FORMULARY in profiles:
        return FORMULARY | (MEMBER if resource["resourceType"] in ("List", "MedicationKnowledge") else 0)
    if _PLAN_NET in profiles:
        return DIRECTORY | MEMBER | (FORMULARY if resource["resourceType"] == "Location" else 0)
    return MEMBER
