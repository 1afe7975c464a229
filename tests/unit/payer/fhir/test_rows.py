"""Files cut into pieces anywhere lose no line and show none twice; a store filled again holds what one filled once does."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir import rows
from simulators.payer.fhir.loading import ensure_loaded, fill_new_file
from simulators.payer.store import Store


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b" ")), max_size=12),
    st.integers(1, 9),
    st.booleans(),
)
def test_pieces_hold_every_line_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int, ended: bool
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "Patient.ndjson"
    text = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path.write_bytes(text)
    found = []
    for start in range(0, len(text), size):
        begins, some = rows.lines_of(rows.Piece(path, start, min(len(text), start + size)))
        for line in some:
            assert text[begins : begins + len(line)] == line
            begins += len(line) + 1
            found += [line] if line else []
    assert found == [line for line in lines if line]


def content(path: Path) -> list[list[Any]]:
    with sqlite3.connect(path) as connection:
        return [
            connection.execute("SELECT * FROM resource ORDER BY rid").fetchall(),
            connection.execute("SELECT * FROM search_key ORDER BY 1, 2, 3, 4").fetchall(),
            connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE tbl_name IN ('resource', 'search_key') ORDER BY 1"
            ).fetchall(),
        ]


def test_a_file_filled_aside_in_place_anew_and_by_several_processes_is_the_same(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = load("reference")
    aside, twice = tmp_path / "aside.sqlite", tmp_path / "twice.sqlite"
    fill_new_file(str(aside), dataset, deployment)
    monkeypatch.setattr(rows, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(rows, "_PIECE", 1000)
    database = open_database(str(twice))
    store = Store(database)
    assert ensure_loaded(store, dataset, deployment) > 0
    store.remember("dataset", "another")
    assert ensure_loaded(store, dataset, deployment) > 0
    assert ensure_loaded(store, dataset, deployment) == 0
    database.close()
    assert content(aside) == content(twice)
    assert content(aside)[0]
