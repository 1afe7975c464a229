"""Whatever bytes a file holds, the readers of this room answer with what they read or with a refusal in words."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.metrics import BadInput, Refused, pa_fhir
from reports.metrics.pa_figures import Rules, figures
from reports.metrics.pa_requests import ROLES, Setup, read
from reports.metrics.sources import audit_rows
from reports.package import BadPackage, verify, write
from reports.reader import BadRun, exchanges, load
from tests.unit.reports.runs import write_run

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FHIR_KEYS = st.sampled_from(
    [
        "resourceType",
        "use",
        "item",
        "extension",
        "adjudication",
        "supportingInfo",
        "category",
        "coding",
        "code",
        "status",
        "entity",
        "agent",
        "who",
        "what",
        "role",
    ]
)


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    return (write_run(tmp_path / "run") / "run.jsonl").read_bytes()


def outcome(call: Callable[[], Any], *refusals: type[Exception]) -> tuple[Any, str]:
    """What a call gave, or the words of its refusal; anything else it raises fails the test."""
    try:
        return call(), ""
    except refusals as refused:
        return None, str(refused) or "a refusal without words"


@ANY
@given(at=st.floats(0, 1), junk=st.binary(max_size=12), cut=st.booleans())
def test_a_damaged_run_is_read_or_refused(tmp_path: Path, whole: bytes, at: float, junk: bytes, cut: bool) -> None:
    place = int(at * len(whole))
    (tmp_path / "run.jsonl").write_bytes(whole[:place] + junk + (b"" if cut else whole[place + len(junk) :]))
    run, words = outcome(lambda: load(tmp_path), BadRun)
    assert run.results if run else "run.jsonl" in words


@ANY
@given(st.lists(JSON, max_size=3))
def test_any_evidence_line_is_read_or_refused(tmp_path: Path, lines: list[Any]) -> None:
    (tmp_path / "evidence").mkdir(exist_ok=True)
    (tmp_path / "evidence" / "main.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, words = outcome(lambda: list(exchanges(tmp_path)), BadRun)
    assert "main.jsonl:" in words if words else len(found) == len(lines)


CELLS = st.text(max_size=12) | st.sampled_from(["standard", "approved", "2026-03-01T09:00Z", "yes", "u"])


@ANY
@given(st.lists(st.lists(CELLS, max_size=12), max_size=4))
def test_any_table_of_requests_is_read_or_refused(tmp_path: Path, rows: list[list[str]]) -> None:
    with (tmp_path / "r.csv").open("w", encoding="utf-8", newline="", errors="replace") as file:
        csv.writer(file).writerows([list(ROLES), *rows])
    found, words = outcome(
        lambda: figures(read(str(tmp_path / "r.csv"), Setup()), Rules(2026), Setup()), BadInput, Refused
    )
    assert words or found is not None


@ANY
@given(st.dictionaries(FHIR_KEYS | st.text(max_size=4), JSON, max_size=6))
def test_any_resource_is_a_row_or_a_named_refusal(tmp_path: Path, resource: dict[str, Any]) -> None:
    for kind in ("ExplanationOfBenefit", "ClaimResponse"):
        told = {**resource, "resourceType": kind, "use": "preauthorization"}
        (tmp_path / "x.ndjson").write_text(json.dumps(told) + "\n")
        found, words = outcome(lambda: list(pa_fhir.rows([tmp_path / "x.ndjson"])), BadInput)
        assert "x.ndjson:1" in words if words else len(found) == 1
    (tmp_path / "audit.ndjson").write_text(json.dumps({**resource, "resourceType": "AuditEvent"}) + "\n")
    opened, words = outcome(lambda: list(audit_rows([tmp_path / "audit.ndjson"])), BadInput)
    assert "audit.ndjson:1" in words if words else "at" in opened[0]


@ANY
@given(at=st.floats(0, 1), junk=st.binary(min_size=1, max_size=8))
def test_a_damaged_package_is_never_taken_for_whole(tmp_path: Path, at: float, junk: bytes) -> None:
    package = tmp_path / "e.zip"
    if not package.exists():
        write(load(write_run(tmp_path / "run")), package)
    good = package.read_bytes()
    place = int(at * (len(good) - len(junk)))
    (tmp_path / "bad.zip").write_bytes(good[:place] + junk + good[place + len(junk) :])
    manifest, words = outcome(lambda: verify(tmp_path / "bad.zip"), BadPackage)
    # Bytes of the container that are no content (times, attributes) may differ; what was signed may not.
    assert words or contents(package) == contents(tmp_path / "bad.zip")
    assert words or manifest["format"] == 1


def contents(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
