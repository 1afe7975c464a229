"""The one repository of FHIR resources: bytes as stored, beside the facts searches ask for.

A resource belongs to one member's record (`patient`) or to nobody's (empty: practitioners, plans, drugs). `apis` says which bases
show it. `visible` is when it first arrived, `updated` when it last changed, both in milliseconds; searches look at one record, so
their cost grows with that record and not with the number of members. Works the same on sqlite3 and PostgreSQL.

Leaves to others: what is noted of a resource (fhir/index.py), who may see it (fhir/compartment.py), loading (fhir/loading.py).
"""

# ruff: noqa: S608 - statements are put together from the column lists and table names in this file, never from values

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import orjson

from simulators.payer.database import Database
from simulators.payer.stored import Candidate, Record, Row, Stored

# Made after a first load: sorting once costs less than keeping order in every insertion.
_INDEXES = (
    ("resource_name", "CREATE UNIQUE INDEX resource_name ON resource (type, id)"),
    ("resource_record", "CREATE INDEX resource_record ON resource (patient, type, rid)"),
    ("search_key_of", "CREATE INDEX search_key_of ON search_key (rid)"),
)
_TABLES = (
    f"""
    CREATE TABLE resource (
        rid BIGINT PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, patient TEXT NOT NULL, apis INTEGER NOT NULL,
        version INTEGER NOT NULL, visible BIGINT NOT NULL, updated BIGINT NOT NULL, deleted INTEGER NOT NULL,
        labels TEXT NOT NULL, found BYTES NOT NULL, body BYTES NOT NULL);
    CREATE TABLE search_key (type TEXT NOT NULL, parameter TEXT NOT NULL, value TEXT BYTEWISE NOT NULL, rid BIGINT NOT NULL,
        PRIMARY KEY (type, parameter, value, rid)) COMPACT;
    CREATE TABLE history (type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, updated BIGINT NOT NULL,
        deleted INTEGER NOT NULL, body BYTES NOT NULL, PRIMARY KEY (type, id, version));
    CREATE TABLE store_fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    {"; ".join(statement for _, statement in _INDEXES)}
    """,
)
_CACHED_CANDIDATES = 12_000
_CACHED_BYTES = 16_000_000
_REVISION_CHECK_SECONDS = 0.05
_SEVERAL = 200  # how many rows one statement asks for by number
_BATCH = 2000


_STORED = "rid, type, id, patient, apis, version, visible, updated, deleted, labels, body"
_CANDIDATE = "rid, type, id, patient, apis, visible, updated, labels, found"
_COLUMNS = (
    *("rid", "version", "deleted"),
    *("type", "id", "patient", "apis", "visible", "updated", "labels", "found", "body"),  # as in a Row
)
_OF_ROW = len(_COLUMNS) - 3
_INSERT = f"INSERT INTO resource ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_KEY = "INSERT INTO search_key (type, parameter, value, rid) VALUES (?, ?, ?, ?)"


class Store:
    """Resources of one payer in its database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.migrate("store", _TABLES)
        self._cache: OrderedDict[tuple[str, str], Record] = OrderedDict()
        self._cached = 0
        self._bodies: dict[int, bytes] = {}
        self._kept_bytes = 0
        self._revision = ""
        self._checked = 0.0
        self._shared: frozenset[str] | None = None
        self._newest: int | None = None
        self._only_shared: dict[str, bool] = {}

    # --- facts of the store ---

    def fact(self, name: str) -> str:
        """A remembered fact, such as which dataset is loaded; empty when there is none."""
        row = self.database.one("SELECT value FROM store_fact WHERE name = ?", (name,))
        return row[0] if row else ""

    def remember(self, name: str, value: str) -> None:
        """Keep a fact."""
        self.database.execute(
            "INSERT INTO store_fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def _changed(self) -> None:
        row = self.database.one("SELECT value FROM store_fact WHERE name = 'revision'")
        self.remember("revision", str(int(row[0]) + 1 if row else 1))
        self.forget_cached()

    def forget_cached(self) -> None:
        """Drop what this process remembers of records."""
        self._cache.clear()
        self._cached = 0
        self._bodies.clear()
        self._kept_bytes = 0
        self._checked = 0.0
        self._shared = None
        self._newest = None
        self._only_shared.clear()

    def _fresh(self) -> None:
        """Other processes write too: look now and then whether what is remembered still holds."""
        now = time.monotonic()
        if now - self._checked > _REVISION_CHECK_SECONDS:
            revision = self.fact("revision")
            if revision != self._revision:
                self.forget_cached()
                self._revision = revision
            self._checked = now

    # --- reading ---

    def read(self, type_name: str, id: str) -> Stored | None:
        """The current version of one resource, deleted or not."""
        row = self.database.one(f"SELECT {_STORED} FROM resource WHERE type = ? AND id = ?", (type_name, id))
        return Stored(*row) if row else None

    def versions(self, type_name: str, id: str) -> list[tuple[int, int, bool, bytes]]:
        """(version, updated, deleted, body) of earlier versions, newest first; the current one is not among them."""
        return [
            (version, updated, bool(deleted), body)
            for version, updated, deleted, body in self.database.query(
                "SELECT version, updated, deleted, body FROM history WHERE type = ? AND id = ? ORDER BY version DESC",
                (type_name, id),
            )
        ]

    def record(self, type_name: str, patient: str) -> Record:
        """What is noted of every resource of a type in one record (or, for '', in nobody's), in order of arrival."""
        self._fresh()
        key = (type_name, patient)
        cached = self._cache.get(key)
        if cached is not None:
            self._cache.move_to_end(key)
            return cached
        rows = self.database.query(
            f"SELECT {_CANDIDATE} FROM resource WHERE patient = ? AND type = ? AND deleted = 0 ORDER BY rid",
            (patient, type_name),
        )
        found = Record(patient, (_candidate(row) for row in rows))
        if len(found) < _CACHED_CANDIDATES:
            self._cache[key] = found
            self._cached += len(found) + 1
            while self._cached > _CACHED_CANDIDATES:
                self._cached -= len(self._cache.popitem(last=False)[1]) + 1
        return found

    def shared_types(self) -> frozenset[str]:
        """The types that have resources in nobody's record."""
        self._fresh()
        if self._shared is None:
            rows = self.database.query("SELECT DISTINCT type FROM resource WHERE patient = ''")
            self._shared = frozenset(row[0] for row in rows)
        return self._shared

    def only_shared(self, type_name: str) -> bool:
        """Whether every resource of a type is in nobody's record."""
        if type_name not in self.shared_types():
            return False
        if type_name not in self._only_shared:
            row = self.database.one("SELECT 1 FROM resource WHERE type = ? AND patient <> '' LIMIT 1", (type_name,))
            self._only_shared[type_name] = row is None
        return self._only_shared[type_name]

    def with_key(self, type_name: str, parameter: str, values: Sequence[str], *, prefix: bool) -> list[Candidate]:
        """Resources in nobody's record that have one of these keys, or keys that begin so."""
        rids: set[int] = set()
        for value in values:
            if prefix:
                rows = self.database.query(
                    "SELECT rid FROM search_key WHERE type = ? AND parameter = ? AND value >= ? AND value < ?",
                    (type_name, parameter, value, value + "\U0010ffff"),
                )
            else:
                rows = self.database.query(
                    "SELECT rid FROM search_key WHERE type = ? AND parameter = ? AND value = ?",
                    (type_name, parameter, value),
                )
            rids.update(row[0] for row in rows)
        return self.candidates(sorted(rids))

    def candidates(self, rids: Sequence[int]) -> list[Candidate]:
        """What is noted of the resources of these numbers, in order of arrival."""
        found = []
        for start in range(0, len(rids), _SEVERAL):
            some = rids[start : start + _SEVERAL]
            found += self.database.query(
                f"SELECT {_CANDIDATE} FROM resource WHERE rid IN ({_marks(len(some))}) AND deleted = 0 ORDER BY rid",
                some,
            )
        return [_candidate(row) for row in found]

    def named(self, names: Iterable[tuple[str, str]]) -> list[Candidate]:
        """What is noted of the resources of these (type, id), in their order."""
        wanted = list(dict.fromkeys(names))
        by_type: dict[str, list[str]] = {}
        for type_name, id in wanted:
            by_type.setdefault(type_name, []).append(id)
        found = {}
        for type_name, ids in by_type.items():
            for start in range(0, len(ids), _SEVERAL):
                some = ids[start : start + _SEVERAL]
                rows = self.database.query(
                    f"SELECT {_CANDIDATE} FROM resource WHERE type = ? AND id IN ({_marks(len(some))}) AND deleted = 0",
                    (type_name, *some),
                )
                for candidate in map(_candidate, rows):
                    found[candidate.type, candidate.id] = candidate
        return [found[name] for name in wanted if name in found]

    def whose(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
        """The record and the labels of those resources of these (type, id) that are there, deleted or not."""
        by_type: dict[str, list[str]] = {}
        for type_name, id in dict.fromkeys(names):
            by_type.setdefault(type_name, []).append(id)
        found = {}
        for type_name, ids in by_type.items():
            for start in range(0, len(ids), _SEVERAL):
                some = ids[start : start + _SEVERAL]
                rows = self.database.query(
                    f"SELECT id, patient, labels FROM resource WHERE type = ? AND id IN ({_marks(len(some))})",
                    (type_name, *some),
                )
                found.update({(type_name, id): (patient, labels) for id, patient, labels in rows})
        return found

    def bodies(self, rids: Sequence[int]) -> list[bytes]:
        """The bytes of these resources, in the order asked for."""
        self._fresh()
        found: dict[int, bytes] = {}
        wanted = []
        for rid in rids:
            body = self._bodies.get(rid)
            if body is None:
                wanted.append(rid)
            else:
                found[rid] = body
        for start in range(0, len(wanted), _SEVERAL):
            some = wanted[start : start + _SEVERAL]
            rows = self.database.query(f"SELECT rid, body FROM resource WHERE rid IN ({_marks(len(some))})", some)
            found.update(rows)
            self._keep_bodies(rows)
        return [found[rid] for rid in rids if rid in found]

    def _keep_bodies(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """The bytes shown last stay at hand, within a bound; what is shown often is soon there again."""
        for rid, body in rows:
            self._bodies[rid] = body
            self._kept_bytes += len(body)
        if self._kept_bytes > _CACHED_BYTES:
            self._bodies.clear()
            self._kept_bytes = 0

    def every(self, type_name: str, after: int = 0, limit: int = 1000) -> list[Candidate]:
        """A stretch of all resources of a type in order of arrival, whoever's record they are in."""
        rows = self.database.query(
            f"SELECT {_CANDIDATE} FROM resource WHERE type = ? AND deleted = 0 AND rid > ? ORDER BY rid LIMIT ?",
            (type_name, after, limit),
        )
        return [_candidate(row) for row in rows]

    def patients(self) -> Iterator[str]:
        """The ids of all Patients."""
        for row in self.database.query("SELECT id FROM resource WHERE type = 'Patient' AND deleted = 0 ORDER BY rid"):
            yield row[0]

    def counts(self) -> dict[str, int]:
        """How many resources there are, by type."""
        return dict(self.database.query("SELECT type, COUNT(*) FROM resource WHERE deleted = 0 GROUP BY type"))

    def newest(self) -> int:
        """The number of the latest arrival: what a first page is taken of, later arrivals are not in."""
        self._fresh()
        if self._newest is None:
            row = self.database.one("SELECT MAX(rid) FROM resource")
            self._newest = row[0] if row and row[0] is not None else 0
        return self._newest

    # --- writing ---

    @contextmanager
    def unindexed(self) -> Iterator[None]:
        """Around loads into an empty store: its indexes are made when all is there."""
        for name, _ in _INDEXES:
            self.database.execute(f"DROP INDEX {name}")
        yield
        for _, statement in _INDEXES:
            self.database.execute(statement)

    def load(self, rows: Iterable[Row]) -> int:
        """Add many new resources in one transaction; how many."""
        with self.database.transaction():
            self._newest = None
            rid = first = self.newest()
            rows = iter(rows)
            while batch := list(islice(rows, _BATCH)):
                self.database.insert_many(
                    "resource", _COLUMNS, [(number, 1, 0, *row[:_OF_ROW]) for number, row in enumerate(batch, rid + 1)]
                )
                keys = [
                    (row.type, name, value, number)
                    for number, row in enumerate(batch, rid + 1)
                    for name, value in row.keys
                ]
                if keys:
                    self.database.insert_many("search_key", ("type", "parameter", "value", "rid"), keys)
                rid += len(batch)
            self._changed()
        return rid - first

    def put(self, row: Row, *, version: int) -> None:
        """Add one resource, or replace the current version, which goes to its history."""
        with self.database.transaction():
            old = self.read(row.type, row.id)
            if old is None:
                self._newest = None
                rid = self.newest() + 1
                visible = row.visible
            else:
                rid, visible = old.rid, old.visible
                self._retire(old)
                self.database.execute("DELETE FROM resource WHERE rid = ?", (rid,))
                self.database.execute("DELETE FROM search_key WHERE rid = ?", (rid,))
            self.database.execute(_INSERT, (rid, version, 0, *row._replace(visible=visible)[:_OF_ROW]))
            for name, value in row.keys:
                self.database.execute(_INSERT_KEY, (row.type, name, value, rid))
            self._changed()

    def delete(self, type_name: str, id: str, at: int) -> None:
        """Mark one resource as deleted; its last version stays in its history."""
        with self.database.transaction():
            old = self.read(type_name, id)
            if old is not None and not old.deleted:
                self._retire(old)
                self.database.execute(
                    "UPDATE resource SET deleted = 1, version = version + 1, updated = ? WHERE rid = ?", (at, old.rid)
                )
                self._changed()

    def _retire(self, old: Stored) -> None:
        self.database.execute(
            "INSERT INTO history (type, id, version, updated, deleted, body) VALUES (?, ?, ?, ?, ?, ?)",
            (old.type, old.id, old.version, old.updated, int(old.deleted), old.body),
        )

    def clear(self) -> None:
        """Remove every resource and fact."""
        with self.database.transaction():
            for table in ("resource", "search_key", "history", "store_fact"):
                self.database.execute(f"DELETE FROM {table}")
            self._changed()


def _candidate(row: tuple[Any, ...]) -> Candidate:
    rid, type_name, id, patient, apis, visible, updated, labels, found = row
    return Candidate(rid, type_name, id, patient, apis, visible, updated, labels, orjson.loads(found))


def _marks(count: int) -> str:
    return ",".join("?" * count)
