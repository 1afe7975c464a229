"""Whatever is sent: a finding with its place, bounded time and memory, and the next resource is still validated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suites.profiles import Validator
from suites.profiles.documents import documents
from suites.profiles.validation_jobs import Settings, judged
from tests.unit.profiles.good_resources import as_sent, good

PATIENT = '{"resourceType": "Patient", "id": "p"}'
NESTED = '{"resourceType":"Patient","contact":' * 1 + "[" * 10_000 + "]" * 10_000 + "}"


def rules(validator: Validator, document: bytes | str) -> list[str]:
    return [issue.rule for issue in validator.validate(document).errors()]


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ("not json", "not-json"),
        ('{"resourceType": "Patient", "multipleBirthInteger": NaN}', "not-json"),
        ("[]", "not-a-resource"),
        ("null", "not-a-resource"),
        ('"Patient"', "not-a-resource"),
        ("{}", "resource-type"),
        ('{"resourceType": "Zebra"}', "resource-type"),
        ('{"resourceType": 5}', "resource-type"),
        ('{"resourceType": "DomainResource"}', "resource-type"),
        ('{"resourceType": "Patient", "active": true, "active": false}', "duplicate-property"),
        ('{"resourceType": "Patient", "language": "\\ud800"}', "lone-surrogate"),
        (NESTED, "too-deep"),
        (PATIENT.encode("utf-16"), "not-utf-8"),
        (b"\xff\xfe", "not-json"),
    ],
)
def test_what_cannot_be_a_resource_is_told(validator: Validator, document: bytes | str, rule: str):
    assert rule in rules(validator, document)


def test_a_byte_order_mark_does_not_make_a_resource_invalid(validator: Validator):
    report = validator.validate(b"\xef\xbb\xbf" + PATIENT.encode())
    assert report.valid
    assert [issue.rule for issue in report.issues] == ["byte-order-mark"]


def test_items_nested_a_thousand_deep_are_a_finding(validator: Validator):
    text = '{"resourceType":"Questionnaire","status":"active","item":['
    text += '{"linkId":"a","type":"group","item":[' * 300 + "]}" * 300 + "]}"
    assert rules(validator, text)


def test_contained_resources_that_refer_to_each_other_are_judged_once(validator: Validator):
    def ring(number: int) -> dict[str, object]:
        return {
            "resourceType": "Organization",
            "id": f"o{number}",
            "name": "x",
            "partOf": {"reference": f"#o{(number + 1) % 3}"},
        }

    resource = {
        "resourceType": "Patient",
        "contained": [ring(n) for n in range(3)],
        "managingOrganization": {"reference": "#o0"},
    }
    assert validator.validate(json.dumps(resource)).valid


def test_a_long_list_of_errors_is_cut_short_and_counted(validator: Validator):
    resource = {"resourceType": "Patient", "name": [{"family": 5} for _ in range(5_000)]}
    report = validator.validate(json.dumps(resource, indent=1))
    assert len(report.issues) == 1_001
    last = report.issues[-1]
    assert (last.severity, last.rule) == ("error", "too-many-findings")
    assert last.message == "more was found and is not listed: 4,000 of severity error"
    assert [issue.line for issue in report.located()][:3] == [5, 8, 11]


def test_errors_behind_a_wall_of_warnings_still_count(validator: Validator):
    empty = {"family": "x", "given": []}
    report = validator.validate(json.dumps({"resourceType": "Patient", "name": [empty] * 1_500, "gender": "none"}))
    assert not report.valid
    assert {issue.severity for issue in report.issues[:-1]} == {"warning"}


def test_thousands_of_contained_resources_are_judged_in_the_time_it_takes_to_read_them(validator: Validator):
    inside = [{"resourceType": "Organization", "id": f"o{n}", "name": "x"} for n in range(3_000)]
    started = time.process_time()
    report = validator.validate(json.dumps({"resourceType": "Patient", "contained": inside}))
    assert report.located()[999].path == "Patient.contained[999]"
    assert time.process_time() - started < 10


def test_half_a_surrogate_pair_in_a_name_is_printed_as_an_escape(tmp_path: Path):
    file = tmp_path / "half.json"
    file.write_text('{"resourceType": "Patient", "a\\ud800": "é"}')
    for form in ("text", "ndjson"):
        command = [sys.executable, "-m", "patient_access", "validate", "--format", form, str(file)]
        said = subprocess.run(
            command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=False
        )
        assert said.returncode == 1, said.stderr
        assert b"unrecognized property 'a\\ud800'" in said.stdout


def test_a_line_beyond_the_limit_is_told_and_the_next_is_read(tmp_path: Path):
    file = tmp_path / "many.ndjson"
    file.write_bytes(
        PATIENT.encode() + b"\n" + b" " * 5_000 + b"\n" + b'{"a":"' + b"x" * 5_000 + b'"}\n\n' + PATIENT.encode()
    )
    read = list(documents([str(file)], largest=1_000))
    assert [(d.source.rpartition(":")[2], len(d.content)) for d in read] == [("1", 39), ("3", 1_001), ("5", 38)]
    validator = Validator(largest=1_000)
    assert [validator.validate(d.content).valid for d in read] == [True, False, True]


def test_one_bad_line_does_not_stop_the_others(tmp_path: Path):
    file = tmp_path / "many.ndjson"
    file.write_text("\n".join([PATIENT, "{", '{"resourceType": "Zebra"}', NESTED, PATIENT]))
    results = list(judged([str(file)], Settings(), jobs=1))
    assert [result["valid"] for result in results] == [True, False, False, False, True]
    assert [result["source"].rpartition(":")[2] for result in results] == ["1", "2", "3", "4", "5"]


def test_several_processes_say_the_same_in_the_same_order(tmp_path: Path):
    file = tmp_path / "many.ndjson"
    file.write_text(
        "\n".join(
            json.dumps({"resourceType": "Patient", "id": f"p{n}", "gender": "female" if n % 3 else "x"})
            for n in range(200)
        )
    )
    alone = list(judged([str(file)], Settings(), jobs=1))
    together = list(judged([str(file)], Settings(), jobs=2))
    assert alone == together
    assert len(alone) == 200


# ---- the command


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    from patient_access import app

    result = CliRunner().invoke(app, ["validate", *arguments], input=stdin)
    return result.exit_code, result.stdout


def test_the_command_prints_one_line_a_resource(tmp_path: Path):
    (tmp_path / "good.json").write_text(PATIENT)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "bad.json").write_text('{"resourceType": "Patient",\n "gender": "x"}')
    (tmp_path / "notes.txt").write_text("not looked at")
    code, out = run("--format", "ndjson", str(tmp_path))
    good, bad = map(json.loads, out.splitlines())
    assert code == 1
    assert (good["source"], good["resourceType"], good["id"], good["valid"]) == (
        str(tmp_path / "good.json"),
        "Patient",
        "p",
        True,
    )
    assert good.keys() == {"source", "resourceType", "id", "profiles", "valid", "not_checked", "issues"}
    (issue,) = bad["issues"]
    assert (issue["severity"], issue["rule"], issue["path"], issue["line"]) == (
        "error",
        "binding-required",
        "Patient.gender",
        2,
    )


def test_the_command_reads_standard_input_as_lines_or_as_one_document():
    code, out = run("--format", "ndjson", "-", stdin=f"{PATIENT}\n{PATIENT}\n")
    assert (code, len(out.splitlines())) == (0, 2)
    code, out = run("--format", "ndjson", "-", stdin=json.dumps(json.loads(PATIENT), indent=2))
    assert (code, len(out.splitlines())) == (0, 1)


def test_the_command_prints_json_and_text(tmp_path: Path):
    file = tmp_path / "p.json"
    file.write_text(PATIENT)
    code, out = run("--format", "json", str(file), str(file))
    assert (code, len(json.loads(out))) == (0, 2)
    code, out = run(str(file))
    assert (code, out.split()[0]) == (0, "valid")


def test_the_command_prints_must_support_coverage_last(tmp_path: Path):
    (tmp_path / "p.ndjson").write_text(f"{as_sent(good('patient'))}\n" * 2)
    code, out = run("--format", "ndjson", "--guide", "us-core@3.1.1", "--must-support", "--jobs", "2", str(tmp_path))
    *verdicts, coverage = map(json.loads, out.splitlines())
    assert (code, len(verdicts)) == (0, 2)
    seen = {element["element"]: element["seen_in"] for element in coverage["must_support"]["elements"]}
    assert coverage["must_support"]["resources"] == 2
    assert seen["Patient.extension:race"] == ["Patient/p1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["/no/such/file"],
        ["--guide", "us-core@9.9.9", "-"],
        ["--guide", "nonsense", "-"],
        ["--profile", "http://none.example/p", "-"],
        ["--package", "/no/such.tgz", "-"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]):
    assert run(*arguments, stdin=PATIENT)[0] == 2


def test_nothing_to_validate_is_exit_code_3(tmp_path: Path):
    assert run(str(tmp_path))[0] == 3


def test_a_dataset_is_judged_by_the_guides_it_names(tmp_path: Path):
    """Without a guide an extension of US Core is unknown; a dataset's index, for the folder or for lines in it, brings the guide."""
    race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    told = {"url": race, "extension": [{"url": "text", "valueString": "Asian"}]}
    (tmp_path / "Patient.ndjson").write_text(json.dumps({"resourceType": "Patient", "id": "p", "extension": [told]}))
    lines = str(tmp_path / "Patient.ndjson")
    assert run(lines)[0] == run(str(tmp_path))[0] == 1
    (tmp_path / "manifest.json").write_text(json.dumps({"generator": "1", "guides": {"us_core": "3.1.1"}}))
    assert run(lines)[0] == run(str(tmp_path))[0] == 0
    assert run("--guide", "plan-net@1.1.0", lines)[0] == 0  # it brings the US Core it rests on
    assert run("--guide", "r4@4.0.1", lines)[0] == 1, "a guide that is named counts, and the index does not"
    for broken in ("{", "[]", '{"generator": "1", "guides": [1]}', '{"guides": {"us_core": "3.1.1"}}'):
        (tmp_path / "manifest.json").write_text(broken)
        assert run(lines)[0] == 1, broken
    (tmp_path / "manifest.json").write_text(json.dumps({"generator": "1", "guides": {"us_core": "9.9"}}))
    assert run(lines)[0] == 2
