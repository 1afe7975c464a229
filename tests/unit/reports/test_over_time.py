"""Comparison of two runs, and the history of a folder of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports.compare import as_text, compare
from reports.history import history
from reports.html.charts import columns, lines
from reports.model import Finding, Verdict
from reports.reader import BadRun, load
from tests.unit.reports.runs import HEADER, RESULTS, evidence, write_run

PASSING, FAILING, CLAIMS, MUST_SUPPORT, LATER, OPEN = RESULTS


def test_new_failures_fixes_and_drift_are_told_apart(tmp_path: Path) -> None:
    before = [PASSING, FAILING, CLAIMS, MUST_SUPPORT, OPEN]
    after = [
        replace(PASSING, verdict=Verdict.FAIL, message="no longer announced"),
        replace(FAILING, verdict=Verdict.PASS, findings=()),
        replace(CLAIMS, seconds=3.0),
        replace(MUST_SUPPORT, judged=39),
        replace(LATER, check="new.check"),
    ]
    found = compare(load(write_run(tmp_path / "a", before)), load(write_run(tmp_path / "b", after)))
    assert [one.check for one in found.new_failures] == [PASSING.check]
    assert [one.check for one in found.fixed] == [FAILING.check]
    assert [one.check for one in found.slower] == [CLAIMS.check]
    assert [(one.check, one.note) for one in found.changed_evidence] == [(MUST_SUPPORT.check, "judged 40, now 39")]
    assert [one.check for one in found.added] == ["new.check"]
    assert [one.check for one in found.gone] == [OPEN.check]
    assert found.same == 2
    assert "new failures: 1" in as_text(found)


def test_another_finding_or_another_status_is_other_evidence(tmp_path: Path) -> None:
    other = replace(FAILING, findings=(Finding("something else"),))
    first = write_run(tmp_path / "a", [FAILING, CLAIMS])
    answered = [replace(one, status=206) for one in evidence()]
    second = write_run(tmp_path / "b", [other, CLAIMS], HEADER, answered)
    notes = {one.check: one.note for one in compare(load(first), load(second)).changed_evidence}
    assert notes[FAILING.check] == "1 findings appeared, 1 vanished"
    assert notes[CLAIMS.check] == "answers were GET Patient/{id} 200, now GET Patient/{id} 206"


def test_a_load_phase_that_slowed_down_is_drift(tmp_path: Path) -> None:
    runs = []
    for name, latency in (("a", 8.0), ("b", 20.0)):
        folder = write_run(tmp_path / name, [PASSING])
        phases = [{"name": "below", "p95_ms": latency}, {"name": "above", "p95_ms": 9.0}]
        (folder / "load.json").write_text(json.dumps({"scenario": "limit", "phases": phases}))
        runs.append(load(folder))
    assert [(one.check, one.before, one.after) for one in compare(*runs).slower] == [
        ("load.limit.below", "8.0 ms", "20.0 ms")
    ]
    (tmp_path / "b" / "load.json").write_text("{}")
    with pytest.raises(BadRun, match="cannot be read"):
        compare(*runs)


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    run = load(write_run(tmp_path / "a"))
    found = compare(run, run)
    assert (found.same, found.new_failures, found.changed_evidence, found.slower) == (len(RESULTS), (), (), ())


def test_the_command_exits_1_for_new_failures_and_writes_a_page(tmp_path: Path) -> None:
    first, second = (
        write_run(tmp_path / "a", [PASSING]),
        write_run(tmp_path / "b", [replace(PASSING, verdict=Verdict.FAIL)]),
    )
    arguments = ["compare", str(first), str(second)]
    done = CliRunner().invoke(app, [*arguments, "--format", "html", "-o", str(tmp_path / "c.html")])
    assert done.exit_code == 1
    assert "verdict: PASS -> FAIL" in done.stdout
    assert "New failures" in (tmp_path / "c.html").read_text()
    CliRunner().invoke(app, [*arguments, "--format", "json", "-o", str(tmp_path / "c.json")])
    assert json.loads((tmp_path / "c.json").read_text())["verdicts"] == ["PASS", "FAIL"]
    assert CliRunner().invoke(app, [*arguments, "--format", "json"]).exit_code == 2
    assert CliRunner().invoke(app, ["compare", str(second), str(first)]).exit_code == 0


def test_a_history_has_runs_in_order_with_changes_and_lists_what_it_cannot_read(tmp_path: Path) -> None:
    for day, results in (("03", [FAILING]), ("01", [PASSING, FAILING]), ("02", [PASSING])):
        write_run(tmp_path / "runs" / day, results, replace(HEADER, started=f"2026-07-{day}T16:00:00Z"))
    (tmp_path / "runs" / "cut").mkdir()
    (tmp_path / "runs" / "cut" / "run.jsonl").write_text("{")
    found = history(tmp_path / "runs")
    assert [point.folder for point in found.points] == ["01", "02", "03"]
    assert [(point.new_failures, point.fixed) for point in found.points] == [
        ((), ()),
        ((), (FAILING.check,)),
        ((FAILING.check,), ()),
    ]
    assert [name for name, _ in found.unreadable] == ["cut"]
    done = CliRunner().invoke(app, ["history", str(tmp_path / "runs"), "-o", str(tmp_path / "h.html")])
    assert done.exit_code == 0
    assert "cut: left out" in done.stderr
    page = (tmp_path / "h.html").read_text()
    assert "Failed checks, run by run" in page
    assert "Runs that could not be read" in page
    CliRunner().invoke(app, ["history", str(tmp_path / "runs"), "--format", "json", "-o", str(tmp_path / "h.json")])
    assert len(json.loads((tmp_path / "h.json").read_text())["runs"]) == 3
    assert CliRunner().invoke(app, ["history", str(tmp_path / "none"), "-o", str(tmp_path / "x.html")]).exit_code == 2


def test_a_chart_says_in_words_what_it_shows_and_breaks_where_nothing_is_known() -> None:
    drawn = str(lines({"FAIL": [3.0, None, 1.0, 2.0]}, ["a", "b", "c", "d<"], "Failures", "checks"))
    assert "Fail: lowest 1 checks at c, highest 3 checks at a, last 2 checks." in drawn
    assert drawn.count("<polyline") == 2
    assert "d&lt;" in drawn
    assert str(lines({}, [], "nothing")) == ""
    assert str(columns([1.0, 2.0], ["x", "y"], "Two")).count("<rect") == 2
