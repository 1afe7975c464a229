"""Writing a run in parts: its header and footer tell the whole time, whole or cut short."""

from __future__ import annotations

import json
from pathlib import Path

from suites.kit.run_writer import RunWriter, read_results, read_times
from suites.kit.target import load

TARGET = """
name = "somewhere"
[server]
fhir_base = "http://127.0.0.1:1/fhir"
payer_type = "ma"
guides = ["us-core@3.1.1"]
"""


def writer(folder: Path) -> RunWriter:
    place = folder / "target.toml"
    place.write_text(TARGET, encoding="utf-8")
    return RunWriter(folder / "run.jsonl", load(place), 7, (), ())


def test_a_run_that_goes_on_tells_when_it_began_and_its_whole_time(tmp_path: Path) -> None:
    writer(tmp_path).finish()
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text("utf-8").splitlines()]
    lines[0]["started"], lines[-1]["seconds"] = "2026-01-01T00:00:00Z", 70.0
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    second = writer(tmp_path)
    second.go_on_from(*read_times(tmp_path / "run.jsonl"))
    second.finish()
    started, seconds = read_times(tmp_path / "run.jsonl")
    assert started == "2026-01-01T00:00:00Z"
    assert 70.0 <= seconds < 80.0


def test_a_run_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    begun = writer(tmp_path)
    with begun.part.open("a", encoding="utf-8") as file:
        file.write('{"kind":"check","che')
    assert read_results(tmp_path / "run.jsonl") == []
    assert read_times(tmp_path / "run.jsonl") == (begun.header.started, 0.0)
