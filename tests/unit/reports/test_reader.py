"""The reader reads whole runs and refuses everything else by name."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reports.model import CheckResult, Finding, Footer, Header, Requirement
from reports.reader import BadRun, exchanges, load, read
from reports.schema import accepts, schema
from tests.unit.reports.runs import HEADER, RESULTS, evidence, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def lines(run: Path) -> list[str]:
    return (run / "run.jsonl").read_text().splitlines()


def rewrite(run: Path, new: list[str]) -> Path:
    (run / "run.jsonl").write_text("".join(line + "\n" for line in new))
    return run


def test_a_run_comes_back_as_it_was_written(run: Path) -> None:
    whole = load(run)
    assert whole.header == HEADER
    assert whole.results == RESULTS
    assert whole.footer.counts["PASS"] == 3
    assert load(run / "run.jsonl") == whole
    assert list(exchanges(run)) == evidence()


def test_the_schema_names_exactly_the_fields_of_the_model() -> None:
    for definition, kind in [
        ("header", Header),
        ("check", CheckResult),
        ("footer", Footer),
        ("finding", Finding),
        ("requirement", Requirement),
    ]:
        named = set(schema()["$defs"][definition]["properties"]) - {"kind"}
        assert named == {field.name for field in fields(kind)}, definition


def test_the_schema_is_a_schema_and_every_line_fits_it(run: Path) -> None:
    Draft202012Validator.check_schema(schema())
    validator = Draft202012Validator(schema())
    assert [line for line in lines(run) if not validator.is_valid(json.loads(line))] == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda all_: all_[:-1], "no footer after 6 checks"),
        (lambda all_: [*all_[:-1], all_[-1][:20]], "not JSON"),
        (lambda all_: [*all_[:2], all_[1], *all_[2:]], "is told twice"),
        (lambda all_: [all_[0], '{"kind":"footer","counts":{},"finished":"2026-07-01T16:02:00Z","seconds":0}'], "without a single check"),
        (lambda all_: [], "the file is empty"),
        (lambda all_: [all_[0].replace('"format": 1', '"format": 2'), *all_[1:]], "format 2, but this version reads format 1"),
        (lambda all_: all_[1:], "the first line is not a header"),
        (lambda all_: [*all_, all_[1]], "a line after the footer"),
        (lambda all_: [all_[0], *all_[2:]], "the footer counts 3 PASS, the file holds 2"),
        (lambda all_: [*all_[:3], "", *all_[3:]], "an empty line"),
        (lambda all_: [all_[0], all_[1].replace('"PASS"', '"PASSED"'), *all_[2:]], "'PASSED' is not one of"),
        (lambda all_: [all_[0], all_[1].replace('"judged": 1', '"judged": -1'), *all_[2:]], "judged: -1 is less than"),
        (lambda all_: [all_[0], "[1]", *all_[1:]], "is a JSON object"),
    ],
)  # fmt: skip
def test_what_is_not_a_whole_run_is_refused_by_name_and_line(run: Path, spoil: Any, message: str) -> None:
    rewrite(run, spoil(lines(run)))
    with pytest.raises(BadRun, match=r"run\.jsonl") as refused:
        load(run)
    assert message in str(refused.value)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="no such run"):
        load(tmp_path)


def test_results_are_streamed_before_the_end_is_known(run: Path) -> None:
    rewrite(run, lines(run)[:-1])
    parts = read(run)
    assert isinstance(next(parts), Header)
    assert isinstance(next(parts), CheckResult)


def test_broken_evidence_is_named_by_file_and_line(run: Path) -> None:
    with (run / "evidence" / "main.jsonl").open("a") as file:
        file.write('{"id": "main/9"\n')
    with pytest.raises(BadRun, match=r"main.jsonl:5"):
        list(exchanges(run))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([r.as_line() for r in RESULTS]), st.data())
def test_the_quick_test_and_jsonschema_agree(line: dict[str, Any], data: st.DataObject) -> None:
    spoiled = json.loads(json.dumps(line))
    name = data.draw(st.sampled_from([*spoiled, "unknown"]))
    if data.draw(st.booleans()):
        spoiled.pop(name, None)
    else:
        spoiled[name] = data.draw(JSON)
    whole = {"$ref": "#/$defs/check", "$defs": schema()["$defs"]}
    assert accepts("check")(spoiled) == Draft202012Validator(whole).is_valid(spoiled)
