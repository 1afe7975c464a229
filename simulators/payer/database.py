"""One small SQL interface over sqlite3 (WAL, file or memory) and PostgreSQL (psycopg 3).

Statements are written once, with `?` for parameters and words that the back ends spell differently: `BYTES` (blob or bytea),
`IDENTITY` (a generated integer primary key), `NUMBER_OF_ROW` (one that may come again after its row was deleted), `REAL8` (a double), after a column `BYTEWISE` (compared byte by byte) and after a
table `COMPACT` (rows live in the primary key). Each room brings its own numbered migrations; a
version stamp a room says how far its tables are. Calls are synchronous: a read takes microseconds, less than a hop between threads.

Leaves to others: what is stored (store.py and the rooms).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

Row = tuple[Any, ...]
Parameters = Sequence[Any]


class DatabaseUnusable(Exception):
    """The database cannot be opened or is of a later version; the message says which and why."""


class Database(Protocol):
    """What the rooms may ask of a database."""

    dialect: str  # sqlite | postgresql
    durable: bool  # whether what is written outlives the process

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a statement that reads, or of one with RETURNING."""

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement that writes; how many rows it touched. Durable on return outside a transaction."""

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for many rows, in one transaction."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Parameters]) -> None:
        """Add many rows the fastest way there is, in one transaction."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; a transaction inside another is part of the outer one."""

    def migrate(self, room: str, steps: Sequence[str]) -> None:
        """Bring a room's tables to the newest version: step n (from 1) runs once, ever; `;` separates statements."""

    def close(self) -> None:
        """Let go of every connection."""


def open_database(url: str) -> Database:
    """`postgresql://…`, `sqlite:///path`, a path, or `:memory:`."""
    if url.startswith(("postgresql://", "postgres://")):
        return Postgres(url)
    if url.startswith("sqlite://"):
        url = unquote(urlsplit(url).path.removeprefix("/")) or ":memory:"
    elif "://" in url:
        raise DatabaseUnusable(f"database {url!r}: the scheme is neither postgresql:// nor sqlite://")
    return Sqlite(url)


def sqlite_file(url: str) -> Path | None:
    """The file such an address means; None where it is no file of sqlite3."""
    if url.startswith("sqlite://"):
        url = unquote(urlsplit(url).path.removeprefix("/"))
    return None if "://" in url or url in ("", ":memory:") else Path(url)


def _stamped(database: Database, room: str, steps: Sequence[str], lock: str = "") -> None:
    if lock:
        database.query(lock)
    database.execute("CREATE TABLE IF NOT EXISTS versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL)")
    row = database.one("SELECT version FROM versions WHERE room = ?", (room,))
    done = row[0] if row else 0
    if done > len(steps):
        raise DatabaseUnusable(
            f"the database is of a later version: {room} is at {done}, this program knows {len(steps)}"
        )
    for step in steps[done:]:
        for statement in filter(str.strip, step.split(";")):
            database.execute(statement)
    database.execute(
        "INSERT INTO versions (room, version) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
        (room, len(steps)),
    )


class Sqlite:
    """The embedded back end. One connection a process, guarded by a lock; other processes share the file through WAL."""

    dialect = "sqlite"

    def __init__(self, path: str, *, journal: bool = True) -> None:
        """Without a journal nothing can be taken back: for a file nobody needs until it is whole."""
        self._lock = threading.RLock()
        self._depth = 0
        self.durable = path != ":memory:"
        try:
            if path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, cached_statements=1024, timeout=30
            )
            # WAL with synchronous=NORMAL keeps every acknowledged write when the process is killed.
            for pragma in (
                "journal_mode=WAL" if journal else "journal_mode=OFF",
                "synchronous=NORMAL" if journal else "synchronous=OFF",
                "temp_store=MEMORY",
                "cache_size=-32000",
                "mmap_size=67108864",
                "foreign_keys=ON",
                # A checkpoint waits for the disk, and requests wait for it: a fourth as often as by default.
                "wal_autocheckpoint=4000",
            ):
                self.connection.execute(f"PRAGMA {pragma}")
        except (sqlite3.Error, OSError) as error:
            raise DatabaseUnusable(f"database {path!r} cannot be opened: {error}") from error

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        with self._lock:
            return self.connection.execute(_sqlite(sql), parameters).fetchall()

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        with self._lock:
            row: Row | None = self.connection.execute(_sqlite(sql), parameters).fetchone()
            return row

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._lock:
            return self.connection.execute(_sqlite(sql), parameters).rowcount

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        with self.transaction():
            self.connection.executemany(_sqlite(sql), rows)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Parameters]) -> None:
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - names of tables

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            self.connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            else:
                self.connection.execute("COMMIT")
            finally:
                self._depth = 0

    def migrate(self, room: str, steps: Sequence[str]) -> None:
        with self.transaction():
            _stamped(self, room, steps)

    def close(self) -> None:
        with self._lock:
            self.connection.close()


@lru_cache(maxsize=2048)
def _sqlite(sql: str) -> str:
    return (
        sql.replace("IDENTITY", "INTEGER PRIMARY KEY AUTOINCREMENT")
        .replace("NUMBER_OF_ROW", "INTEGER PRIMARY KEY")
        .replace("BYTES", "BLOB")
        .replace("REAL8", "REAL")
        .replace("COMPACT", "WITHOUT ROWID")
        .replace("BYTEWISE ", "")
        .replace("rid BIGINT PRIMARY KEY", "rid INTEGER PRIMARY KEY")
    )


@lru_cache(maxsize=2048)
def _postgres(sql: str) -> str:
    return (
        sql.replace("%", "%%")
        .replace("?", "%s")
        .replace("NUMBER_OF_ROW", "IDENTITY")
        .replace("IDENTITY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .replace("BYTES", "BYTEA")
        .replace("REAL8", "DOUBLE PRECISION")
        .replace("COMPACT", "")
        .replace("BYTEWISE", 'COLLATE "C"')
    )


class Postgres:
    """The back end for more than one machine. One connection a process; statements are prepared by the driver."""

    dialect = "postgresql"
    durable = True

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise DatabaseUnusable(
                "PostgreSQL needs the extra: pip install 'patient-access-conformance[postgres]'"
            ) from error
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=1, connect_timeout=10)
        except psycopg.Error as error:
            raise DatabaseUnusable(f"database cannot be reached: {' '.join(str(error).split())}") from error

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        with self._lock:
            return self.connection.execute(_postgres(sql).encode(), parameters).fetchall()

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        with self._lock:
            return self.connection.execute(_postgres(sql).encode(), parameters).fetchone()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._lock:
            return self.connection.execute(_postgres(sql).encode(), parameters).rowcount

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        with self.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(_postgres(sql).encode(), rows)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Parameters]) -> None:
        names = ", ".join(columns)
        with self.transaction(), self.connection.cursor() as cursor:
            types = cursor.execute(f"SELECT {names} FROM {table} LIMIT 0".encode()).description or ()  # noqa: S608 - names of tables
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
                copy.set_types([column.type_code for column in types])
                for row in rows:
                    copy.write_row(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            self._depth = 1
            try:
                with self.connection.transaction():
                    yield
            finally:
                self._depth = 0

    def migrate(self, room: str, steps: Sequence[str]) -> None:
        with self.transaction():
            # Workers that start together must not run the same step twice.
            _stamped(self, room, steps, lock="SELECT pg_advisory_xact_lock(4310422)")

    def close(self) -> None:
        with self._lock:
            self.connection.close()
