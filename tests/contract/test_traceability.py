"""What `requirements` says of faults agrees with the payer's own catalogue of faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from simulators.payer.rules import CATALOG
from suites.kit import faults
from tests.contract.test_payer_faults import all_faults

COMMAND = str(Path(sys.executable).with_name("patient-access"))


def test_faults_read_as_text_are_those_declared() -> None:
    all_faults()
    wanted: dict[str, set[str]] = {}
    for fault in CATALOG.values():
        for requirement in {fault.violates, *fault.also}:
            wanted.setdefault(requirement, set()).add(fault.id)
    assert {id: set(found) for id, found in faults.declared().items()} == wanted


def test_the_matrix_counts_every_entry_once() -> None:
    done = subprocess.run(
        [COMMAND, "requirements", "--format", "json"], capture_output=True, text=True, timeout=60, check=True
    )
    matrix = json.loads(done.stdout)
    assert matrix["total"] == len(matrix["entries"])
    assert matrix["total"] == sum(matrix[name] for name in ("automated", "review", "not_tested", "open"))
    replay = next(row for row in matrix["entries"] if row["id"] == "RFC6749-CODE-01")
    assert "code-replay-accepted" in replay["faults"]
    assert "tokens.codes.code_is_refused_the_second_time" in replay["checks"]
