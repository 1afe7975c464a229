"""The requirement matrix in each of its forms."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from patient_access import app
from tests.unit.reports.runs import REQUIREMENTS, write_run

KEYS = ("id", "level", "actor", "text", "source", "document", "chapter", "review", "not_tested")


def catalogue(folder: Path) -> Path:
    entries = [
        {
            **{key: getattr(one, key) for key in KEYS},
            "checks": ["a.b|c"] if one.id == "OAUTH-CODE-02" else [],
            "faults": ["code-replay-accepted"] if one.id == "OAUTH-CODE-02" else [],
            "status": "automated"
            if one.id == "OAUTH-CODE-02"
            else "review"
            if one.review
            else "not_tested"
            if one.not_tested
            else "open",
        }
        for one in REQUIREMENTS
    ]
    (folder / "requirements.json").write_text(json.dumps({"entries": entries}))
    return folder / "requirements.json"


def test_each_form_tells_checks_faults_reasons_and_what_is_open(tmp_path: Path) -> None:
    told = {}
    for kind in ("md", "csv", "json", "html"):
        done = CliRunner().invoke(
            app, ["traceability", str(catalogue(tmp_path)), "--format", kind, "-o", str(tmp_path / f"t.{kind}")]
        )
        assert done.exit_code == 0, done.stderr
        told[kind] = (tmp_path / f"t.{kind}").read_text()
    for text in told.values():
        assert "code-replay-accepted" in text
        assert "retention cannot be seen from outside" in text
    assert "`a.b\\|c`" in told["md"]
    assert "**open**" in told["md"]
    assert "7 requirements: 1 checked, 1 a person reviews, 1 not tested, 4 open." in told["md"]
    assert told["md"].index("## Regulations") < told["md"].index("## OAuth")
    assert len(json.loads(told["json"])) == len(REQUIREMENTS)


def test_a_run_adds_its_verdicts(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    arguments = [
        "traceability",
        str(catalogue(tmp_path)),
        "--format",
        "md",
        "--run",
        str(run),
        "-o",
        str(tmp_path / "t.md"),
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    row = next(line for line in (tmp_path / "t.md").read_text().splitlines() if "OAUTH-CODE-02" in line)
    assert row.endswith("| FAIL |")


def test_what_is_no_catalogue_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    done = CliRunner().invoke(app, ["traceability", str(tmp_path / "x.json"), "-o", str(tmp_path / "t.html")])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "requirements --format json" in done.stderr
    assert CliRunner().invoke(app, ["traceability", str(tmp_path / "none.json")]).exit_code == 2
