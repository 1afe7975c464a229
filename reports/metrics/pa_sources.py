"""Opens prior authorization records as rows by our role names: CSV, NDJSON, Parquet, a database, or FHIR.

Every value comes as text or nothing; what it means is decided in `pa_requests.py`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.metrics import BadInput, pa_fhir

if TYPE_CHECKING:
    from reports.metrics.pa_requests import Setup

Row = tuple[str, dict[str, Any]]
KINDS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "fhir", ".parquet": "parquet"}
NEEDED = ("id", "class", "received", "outcome")


def rows(source: str, setup: Setup) -> Iterator[Row]:
    """Rows by our role names, each with where it stands."""
    if "://" in source:
        yield from _of_database(source, setup)
        return
    fhir: list[Path] = []
    for file in _files(Path(source), setup):
        kind = setup.format or KINDS.get(file.suffix, "")
        if kind == "csv":
            yield from _of_csv(file, setup)
        elif kind == "parquet":
            yield from _of_parquet(file, setup)
        elif kind in ("ndjson", "fhir") and (file.suffix == ".json" or _holds_fhir(file)):
            fhir.append(file)
        elif kind == "ndjson":
            yield from _of_ndjson(file, setup)
        else:
            raise BadInput(f"{file}: cannot tell its format by its name; say format = … in a mapping file")
    # A Claim and what answers it may stand in two files.
    yield from pa_fhir.rows(fhir)


def drawn_at(source: str) -> datetime | None:
    """When a generated dataset stands still, by its manifest; open requests are judged as of then."""
    manifest = Path(source) / "manifest.json"
    if "://" in source or not manifest.is_file():
        return None
    try:
        told = json.loads(manifest.read_bytes()).get("as_of", "")
        found = datetime.fromisoformat(told) if told else None
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"{manifest}: cannot be read: {error}") from None
    return found if found and found.tzinfo else None


def _files(path: Path, setup: Setup) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInput(f"{path}: no such file or folder")
    aside = {setup.items, "manifest.json"}  # the manifest of a dataset or of a bulk export
    found = sorted(
        file
        for file in path.glob(setup.files or "*")
        if file.name not in aside and (file.suffix in KINDS or setup.files) and file.is_file()
    )
    if not found:
        raise BadInput(f'{path}: holds no records; name them in a mapping file (files = "*.csv")')
    return found


def _holds_fhir(file: Path) -> bool:
    """Whether the first line is a FHIR resource; text that is no NDJSON is left for the reader to refuse by its line."""
    with file.open("rb") as lines:
        first = next((line for line in lines if line.strip()), b"")
    try:
        value = json.loads(first)
    except ValueError:
        return True
    return not isinstance(value, dict) or "resourceType" in value


def _complete(names: Mapping[str, Any] | set[str], file: Path | str, setup: Setup) -> None:
    missing = [setup.columns[role] for role in NEEDED if setup.columns[role] not in names]
    if missing:
        raise BadInput(f"{file}: has no column {', '.join(missing)}; write a mapping file with [columns]")


def _of_csv(file: Path, setup: Setup) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        try:
            _complete(set(reader.fieldnames or ()), file, setup)
            for row in reader:
                where = f"{file.name}:{reader.line_num}"
                if None in row:
                    raise BadInput(f"{where}: has more cells than the heading")
                yield where, {role: row.get(name) for role, name in setup.columns.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadInput(f"{file.name}:{reader.line_num + 1}: cannot be read as CSV: {error}") from None


def _of_ndjson(file: Path, setup: Setup) -> Iterator[Row]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{file.name}:{number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BadInput(f"{where}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise BadInput(f"{where}: not a JSON object")
            if number == 1:
                _complete(row, file, setup)
            yield where, {role: row.get(name) for role, name in setup.columns.items()}


def _of_parquet(file: Path, setup: Setup) -> Iterator[Row]:
    import ibis

    try:
        table = ibis.duckdb.connect().read_parquet(str(file))
    except Exception as error:
        raise BadInput(f"{file}: cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    _complete(set(table.columns), file, setup)
    yield from _of_table(table, file.name, setup)


def _of_database(url: str, setup: Setup) -> Iterator[Row]:
    import ibis

    if not setup.table:
        raise BadInput("a database needs table = … in a mapping file (--mapping)")
    schema, _, name = setup.table.rpartition(".")
    try:
        con = ibis.connect(url)
        table = con.table(name, database=schema or None)
        _complete(set(table.columns), setup.table, setup)
        yield from _of_table(table, setup.table, setup)
    except BadInput:
        raise
    except Exception as error:
        shown = url.partition("://")[0] + "://…"  # the address may hold a password
        raise BadInput(f"{shown}: table {setup.table!r} cannot be read: {str(error).splitlines()[0]}") from None


def _of_table(table: Any, name: str, setup: Setup) -> Iterator[Row]:
    """Rows of a table; a timestamp becomes text of the same instant, or of the same local time where it has no zone."""
    columns = {role: column for role, column in setup.columns.items() if column in table.columns}
    number = 0
    for batch in table.get_backend().to_pyarrow_batches(table.select(**{r: table[c] for r, c in columns.items()})):
        for row in batch.to_pylist():
            number += 1
            yield f"{name} row {number}", {role: _text(value) for role, value in row.items()}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
