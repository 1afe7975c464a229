"""JUnit, JSON, CSV and summary.json tell the same run."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patient_access import app
from reports import csv_, json_, junit, sarif, testreport
from reports.model import Finding
from reports.reader import load
from reports.summary import summary
from tests.unit.reports.runs import RESULTS, write_run


def test_summary_counts_the_run(tmp_path: Path) -> None:
    assert summary(load(write_run(tmp_path / "run"))) == {
        "verdict": "FAIL", "checks": 6, "passed": 3, "failed": 1, "inconclusive": 1, "skipped": 0, "not_applicable": 1, "requirements": 4,
    }  # fmt: skip


def test_junit_has_a_suite_a_chapter_and_says_why(tmp_path: Path) -> None:
    spoiled = replace(
        RESULTS[1],
        findings=(
            Finding(
                "bell \x07 and <tag> & ]]>",
                "a\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
                "b",
            ),
        ),
    )
    junit.write(load(write_run(tmp_path / "run", [RESULTS[0], spoiled, *RESULTS[2:]])), tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("6", "1", "1", "1")
    failure = root.find(".//failure")
    assert failure is not None
    assert "<tag> & ]]>" in (failure.text or "")
    assert {case.get("classname") for case in root.iter("testcase")} >= {"tokens.code", "us_core.must_support"}


def test_csv_has_a_row_a_finding_and_no_formulas(tmp_path: Path) -> None:
    wild = replace(RESULTS[1], findings=(Finding("one", found="=HYPERLINK(1)"), Finding("two", found="-5")))
    csv_.write(load(write_run(tmp_path / "run", [RESULTS[0], wild])), tmp_path / "run.csv")
    rows = list(csv.DictReader((tmp_path / "run.csv").open()))
    assert [row["finding"] for row in rows] == ["", "one", "two"]
    assert [row["found"] for row in rows] == ["", "'=HYPERLINK(1)", "-5"]
    assert rows[1]["sources"] == "RFC 6749 section 4.1.2"


def test_json_holds_the_summary_and_every_check(tmp_path: Path) -> None:
    run = load(write_run(tmp_path / "run"))
    json_.write(run, tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["summary"] == summary(run)
    assert [check["check"] for check in told["checks"]] == [result.check for result in RESULTS]
    assert {entry["id"]: entry["verdict"] for entry in told["requirements"]}["OAUTH-CODE-02"] == "FAIL"


@pytest.mark.parametrize("format", ["html", "junit", "json", "csv", "sarif", "testreport", "summary", "package"])
def test_the_command_writes_each_format_and_names_the_file(tmp_path: Path, format: str) -> None:
    run = write_run(tmp_path / "run")
    done = CliRunner().invoke(app, ["report", str(run), "--format", format, "-o", str(tmp_path / "out")])
    assert (done.exit_code, done.stdout.strip()) == (0, str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_size > 50


def test_a_bad_run_is_one_line_exit_2_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("{}\n")
    done = CliRunner().invoke(app, ["report", str(tmp_path), "-o", str(tmp_path / "report.html")])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "the first line is not a header" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.jsonl"]


def test_sarif_has_a_rule_a_requirement_and_a_result_a_finding(tmp_path: Path) -> None:
    two = replace(RESULTS[1], findings=(Finding("one", path="http://127.0.0.1:8080/token"), Finding("two", "a", "b")))
    sarif.write(load(write_run(tmp_path / "run", [RESULTS[0], two, *RESULTS[2:]])), tmp_path / "run.sarif")
    log = json.loads((tmp_path / "run.sarif").read_text())
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    failed = [result for result in run["results"] if result["kind"] == "fail"]
    assert [result["level"] for result in failed] == ["error", "error"]
    # SARIF 3.27.10: a level other than none needs kind fail.
    assert {result["level"] for result in run["results"] if result["kind"] != "fail"} == {"none"}
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert failed[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "http://127.0.0.1:8080/token"
    assert len({result["partialFingerprints"]["check/v1"] for result in run["results"]}) == len(run["results"])


@pytest.mark.skipif("SARIF_SCHEMA" not in os.environ, reason="SARIF_SCHEMA names the official schema of SARIF 2.1.0")
def test_sarif_is_valid_by_the_official_schema(tmp_path: Path) -> None:
    from jsonschema import Draft4Validator, FormatChecker

    schema = json.loads(Path(os.environ["SARIF_SCHEMA"]).read_text())
    wild = replace(
        RESULTS[1], findings=(Finding("one", path="http://[::1]:80/a b?c=%zz"), Finding("two", path="Patient.name[0]"))
    )
    sarif.write(load(write_run(tmp_path / "run", [RESULTS[0], wild, *RESULTS[2:]])), tmp_path / "run.sarif")
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    told = json.loads((tmp_path / "run.sarif").read_text())
    assert [error.message for error in validator.iter_errors(told)] == []
    assert list(validator.iter_errors({**told, "version": "2.0"})) != []


def test_junit_names_a_case_with_dots_whole(tmp_path: Path) -> None:
    case = replace(RESULTS[0], check="us_core.profiles.profile[us-core@3.1.1-Patient-us-core-patient]")
    junit.write(load(write_run(tmp_path / "run", [case])), tmp_path / "junit.xml")
    (found,) = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")  # noqa: S314
    assert (found.get("classname"), found.get("name")) == (
        "us_core.profiles",
        "profile[us-core@3.1.1-Patient-us-core-patient]",
    )


def test_junit_has_only_what_build_servers_know(tmp_path: Path) -> None:
    junit.write(load(write_run(tmp_path / "run")), tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314
    known = {
        "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        "testcase": {"classname", "name", "time"}, "properties": set(), "property": {"name", "value"},
        "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"message"},
    }  # fmt: skip
    assert all(element.tag in known and set(element.attrib) <= known[element.tag] for element in root.iter())
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))


def test_testreport_has_a_test_a_check_and_only_printable_text(tmp_path: Path) -> None:
    wild = replace(RESULTS[1], findings=(Finding("bell \x07", found="x" * 9000), Finding("two")), message="")
    testreport.write(load(write_run(tmp_path / "run", [wild, *RESULTS[2:]])), tmp_path / "testreport.json")
    report = json.loads((tmp_path / "testreport.json").read_text())
    assert (report["resourceType"], report["status"], report["result"]) == ("TestReport", "completed", "fail")
    assert report["score"] == 66.67
    asserted = [action["assert"] for action in report["test"][0]["action"]]
    assert [one["result"] for one in asserted] == ["fail", "fail"]
    assert "\x07" not in asserted[0]["message"]
    assert len(asserted[0]["message"]) < 4100
    assert {one["action"][0]["assert"]["result"] for one in report["test"]} == {"pass", "fail", "skip", "error"}


def test_each_format_has_a_file_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    for format, name in (("junit", "junit.xml"), ("sarif", "report.sarif"), ("package", "evidence.zip")):
        assert CliRunner().invoke(app, ["report", str(run), "--format", format]).exit_code == 0
        assert (tmp_path / name).is_file()


def test_every_module_can_be_the_first_to_be_imported() -> None:
    modules = [
        path.with_suffix("").as_posix().replace("/", ".")
        for path in Path("reports").rglob("*.py")
        if path.stem != "__init__"
    ]
    # One interpreter, and ours forgotten before each: a circle of imports shows only from some of its beginnings.
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for one in [one for one in sys.modules if one.split('.')[0] == 'reports']: del sys.modules[one]\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *modules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
