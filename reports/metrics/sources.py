"""Opens an access log as an Ibis table: NDJSON, CSV, Parquet, FHIR AuditEvent, or a table of a database.

Files are read by DuckDB, every text column as text, so that a bad value is seen and counted instead of stopping the reader.
A database URL is queried where it is; nothing is copied out of it.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reports.metrics import BadInput, audit_event
from reports.metrics.mapping import NEEDED, Mapping

SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Log:
    """An opened log: the connection it lives on, the raw table, and the mapping made whole."""

    con: Any
    table: Any
    mapping: Mapping
    name: str
    lines: tuple[Path, ...] = ()  # files of NDJSON, whose lines may be no JSON


def is_web(source: str) -> bool:
    """Whether an input is fetched, such as the simulator's own usage log."""
    return source.startswith(("http://", "https://"))


def is_database(source: str) -> bool:
    """Whether an input names a database rather than a file or a page."""
    return "://" in source and not is_web(source)


def find_mapping(source: str, given: Path | None) -> Path | None:
    """The mapping to use: the one given, or `mapping.toml` in the input folder."""
    inside = Path(source) / "mapping.toml"
    return given or (inside if "://" not in source and inside.is_file() else None)


def duckdb(memory: str = "3GB") -> Any:
    """A DuckDB connection of bounded memory that spills into the system's temporary folder."""
    import ibis

    return ibis.duckdb.connect(
        memory_limit=memory, temp_directory=str(Path(tempfile.gettempdir()) / "patient-access-duckdb")
    )


def open_log(source: str, mapping: Mapping, con: Any = None) -> Log:
    """Open an access log."""
    if is_database(source):
        return _open_database(source, mapping)
    if is_web(source):
        with _fetched(source) as file:
            log = open_log(str(file), mapping if mapping.format else replace(mapping, format="ndjson"), con)
            # The file ends with this block, so its rows move into the connection.
            return replace(
                log, table=log.con.create_table(f"fetched_{uuid.uuid4().hex}", log.table, temp=True), name=source
            )
    files = log_files(source, mapping)
    kind = mapping.format or SUFFIXES.get(files[0].suffix, "")
    names = [str(file) for file in files]
    con = con or duckdb()
    try:
        if kind == "parquet":
            table = con.read_parquet(names)
        elif kind == "csv":
            table = con.read_csv(names, all_varchar=True, header=True, union_by_name=True, quote='"', escape='"')
        elif kind == "ndjson":
            said = set(mapping.columns.values())
            there = _names(files, {mapping.columns[role] for role in NEEDED if role in mapping.columns})
            if not said & there:
                raise BadInput(f"{source}: its rows have none of the columns {', '.join(sorted(said))}")
            # A column of few rows, such as the kind of a test app, may first be written after millions.
            optional = {name for role, name in mapping.columns.items() if role not in (*NEEDED, "row")}
            wanted = dict.fromkeys(sorted(said & there | optional), "VARCHAR")
            table = con.read_json(names, columns=wanted, format="newline_delimited", ignore_errors=True)
        elif kind == "audit-event":
            return Log(con, _audit_events(con, files), replace(mapping, columns=dict(audit_event.COLUMNS)), source)
        else:
            raise BadInput(f"{files[0]}: cannot tell its format by its name; say format = … in a mapping file")
    except BadInput:
        raise
    except Exception as error:
        # The reader's own errors name the line; the first sentence is enough for people.
        raise BadInput(f"{source}: cannot be read as {kind}: {str(error).splitlines()[0]}") from None
    return Log(con, table, fitting(table, mapping, source), source, tuple(files) if kind == "ndjson" else ())


def broken_lines(log: Log, most: int) -> Iterator[str]:
    """Where an NDJSON log holds lines that are no JSON object."""
    for file in log.lines:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if most <= 0:
                    return
                try:
                    broken = bool(line.strip()) and not isinstance(json.loads(line), dict)
                except ValueError:
                    broken = True
                if broken:
                    most -= 1
                    yield f"{file.name}:{number} (not a JSON object)"


def log_files(source: str, mapping: Mapping) -> list[Path]:
    """The files of an input: itself, or those in the folder that the mapping's pattern or their names choose."""
    path = Path(source)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    if mapping.files:
        found = sorted(path.glob(mapping.files))
    else:
        aside = {mapping.identities, mapping.units, "mapping.toml"}
        found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.name not in aside)
    if not found:
        raise BadInput(f'{path}: holds no access log; name the files in a mapping file (files = "*.ndjson")')
    if len({file.suffix for file in found}) > 1:
        raise BadInput(f"{path}: holds logs of several kinds; choose by files = … in a mapping file")
    return found


def fitting(table: Any, mapping: Mapping, source: str) -> Mapping:
    """The mapping without columns the log does not have, unless the metric needs them."""
    present = set(table.columns)
    columns = {
        role: name for role, name in mapping.columns.items() if name in present and role not in mapping.constants
    }
    for role in NEEDED:
        if role not in columns and role not in mapping.constants and not (role == "unit" and mapping.units):
            said = mapping.columns.get(role, role)
            raise BadInput(
                f"{source}: has no column {said!r} for {role!r}; it has {', '.join(sorted(present)[:12])}. "
                "Write a mapping file, or a value under [constants] if the log need not say it"
            )
    return replace(mapping, columns=columns)


def _names(files: list[Path], needed: set[str]) -> set[str]:
    """The names rows of NDJSON have, from a thousand lines of each file and on until all that is needed was seen.

    Text that is no NDJSON at all is refused.

    DuckDB would fill a column nobody wrote with nulls, and a log without `resources` would count to zero instead of being refused.
    """
    found: set[str] = set()
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines):
                if number >= 1000 and needed <= found:
                    break
                try:
                    row = json.loads(line) if line.strip() else {}
                except ValueError:
                    row = None
                if isinstance(row, dict):
                    found |= row.keys()
                elif number == 0:
                    raise BadInput(f"{file}: is not NDJSON: its first line is no JSON object")
    return found


def _open_database(url: str, mapping: Mapping) -> Log:
    import ibis

    if not mapping.table:
        raise BadInput("a database needs table = … in a mapping file (--mapping)")
    schema, _, name = mapping.table.rpartition(".")
    try:
        con = ibis.connect(url)
        table = con.table(name, database=schema or None)
    except Exception as error:
        shown = url.partition("://")[0] + "://…"  # the address may hold a password
        raise BadInput(f"{shown}: table {mapping.table!r} cannot be opened: {str(error).splitlines()[0]}") from None
    return Log(con, table, fitting(table, mapping, mapping.table), mapping.table)


@contextmanager
def _fetched(url: str) -> Iterator[Path]:
    """A log over HTTP in a temporary file."""
    import httpx

    with tempfile.TemporaryDirectory(prefix="patient-access-log-") as folder:
        target = Path(folder) / "log.ndjson"
        try:
            with httpx.stream("GET", url, timeout=60, follow_redirects=False) as answer, target.open("wb") as file:
                if answer.status_code != 200:
                    raise BadInput(f"{url}: answered {answer.status_code}")
                for piece in answer.iter_bytes():
                    file.write(piece)
        except httpx.HTTPError as error:
            raise BadInput(f"{url}: {type(error).__name__}: {error}") from None
        yield target


def _audit_events(con: Any, files: list[Path]) -> Any:
    """AuditEvents flattened to a file of rows that DuckDB streams, so memory stays flat."""
    folder = Path(tempfile.mkdtemp(prefix="patient-access-audit-"))
    flat = folder / "rows.ndjson"
    try:
        with flat.open("w", encoding="utf-8") as out:
            for row in audit_rows(files):
                out.write(json.dumps(row) + "\n")
        wanted = dict.fromkeys(audit_event.COLUMNS.values(), "VARCHAR")
        read = con.read_json(str(flat), columns=wanted, format="newline_delimited")
        return con.create_table(f"audit_events_{uuid.uuid4().hex}", read, temp=True)
    finally:
        flat.unlink(missing_ok=True)
        folder.rmdir()


def audit_rows(files: list[Path]) -> Iterator[dict[str, Any]]:
    """Rows of NDJSON files of AuditEvents; BadInput names the line that is none."""
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield audit_event.row(json.loads(line), f"{file.name}:{number}")
                except (ValueError, TypeError, AttributeError, KeyError) as error:
                    raise BadInput(f"{file}:{number}: not an AuditEvent: {error}") from None
