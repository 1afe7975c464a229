"""The TestReport we write is valid by the validator we ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from patient_access import app
from reports import testreport
from reports.model import Finding
from reports.reader import load
from tests.unit.reports.runs import HEADER, RESULTS, write_run


def test_the_testreport_of_a_run_is_valid_fhir(tmp_path: Path) -> None:
    wild = replace(
        RESULTS[1], check="odd", title="  ", message="", findings=(Finding("", found="bell \x07 \u2028 end "),)
    )
    runs = {"whole": (RESULTS, HEADER), "odd": ([wild], replace(HEADER, target={}, versions={}))}
    for name, (results, header) in runs.items():
        testreport.write(load(write_run(tmp_path / name, results, header)), tmp_path / f"{name}.json")
        done = CliRunner().invoke(app, ["validate", str(tmp_path / f"{name}.json"), "--format", "ndjson"])
        told = json.loads(done.stdout.splitlines()[0])
        errors = [issue for issue in told["issues"] if issue["severity"] == "error"]
        assert (done.exit_code, told["valid"], errors) == (0, True, [])
        assert told["resourceType"] == "TestReport"
