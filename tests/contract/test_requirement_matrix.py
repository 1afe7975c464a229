"""docs/traceability.* says what the catalogue, the checks and the faults say today."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patient_access import app


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    done = CliRunner().invoke(app, ["requirements", "--format", "json"])
    assert done.exit_code == 0, done.stderr
    file = tmp_path_factory.mktemp("catalogue") / "requirements.json"
    file.write_text(done.stdout)
    return file


@pytest.mark.parametrize("kind", ["md", "csv", "json"])
def test_the_committed_matrix_is_not_stale(catalogue: Path, kind: str) -> None:
    fresh = catalogue.with_suffix(f".fresh.{kind}")
    done = CliRunner().invoke(app, ["traceability", str(catalogue), "--format", kind, "-o", str(fresh)])
    assert done.exit_code == 0, done.stderr
    committed = Path(f"docs/traceability.{kind}").read_text(encoding="utf-8")
    assert fresh.read_text(encoding="utf-8") == committed, "docs/traceability.* is stale: run `make matrix` and commit"


def test_the_matrix_has_every_requirement_once_and_no_row_without_a_word(catalogue: Path) -> None:
    entries = json.loads(catalogue.read_text())["entries"]
    with Path("docs/traceability.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["id"] for row in rows) == sorted(entry["id"] for entry in entries)
    assert [row["id"] for row in rows if not (row["checks"] or row["reason"] or row["status"] == "open")] == []
