"""Two runs against one server, days apart: what is new, gone or changed is told by the snapshot the first one kept.

The server is our own, judged as a foreign one is: its control interface is for the test alone and not in the target file.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from suites.kit.target import load
from suites.protocol.business_days import visible_by
from suites.record.generation import MOST_MEMBERS, arrivals_of_claims, reading_members
from tests.mutants.payer import COMMAND, RunningPayer, active_faults, running

REQUIREMENTS = ("CMS9115-431.60-h-STAYS", "FHIR-CONTENT-03", "CMS9115-431.60-b1")
A_WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def payer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningPayer, datetime]]:
    """A payer whose target file names no control interface, and when its first new claim is due."""
    with running(tmp_path_factory.mktemp("payer")) as started:
        whole = load(started.target)
        coming = arrivals_of_claims(whole)
        first = min(coming[one.patient][0] for one in reading_members(whole)[:MOST_MEMBERS] if one.patient in coming)
        text = started.target.read_text("utf-8")
        started.target.write_text(text[: text.index("[control]")], "utf-8")
        yield started, visible_by(first, ZoneInfo(whole.server.time_zone))


def stand_at(payer: RunningPayer, moment: datetime) -> None:
    httpx.post(
        f"{payer.control}/clock", json={"freeze": moment.isoformat()}, timeout=10, trust_env=False
    ).raise_for_status()


def run(payer: RunningPayer, out: Path, *options: str) -> dict[str, str]:
    """The verdicts of the two-look checks."""
    words = [COMMAND, "certify", "server", "--target", str(payer.target), "--out", str(out), "--jobs", "1"]
    words += ["--suite", "freshness", *(word for one in REQUIREMENTS for word in ("--requirement", one)), *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200, check=False)
    assert (out / "run.jsonl").exists(), done.stderr[-2000:]
    lines = [json.loads(line) for line in (out / "run.jsonl").read_text("utf-8").splitlines()]
    return {
        one["check"].rpartition(".")[2]: one["verdict"]
        for one in lines
        if one["kind"] == "check" and one["check"].startswith("freshness.snapshots.")
    }


@pytest.mark.parametrize(
    ("fault", "first", "second", "red"),
    [
        # Looked at while the first new claim is under way, and when it has come: in time.
        ("", -A_WEEK, timedelta(minutes=1), set()),
        ("claims-appear-a-week-late", timedelta(minutes=1), A_WEEK, {"new_claims_came_in_time"}),
        ("new-claims-disappear-after-a-month", timedelta(minutes=1), 5 * A_WEEK, {"nothing_disappeared"}),
        ("claims-change-without-saying-so", timedelta(minutes=1), 6 * A_WEEK, {"changes_move_last_updated"}),
    ],
)
def test_a_later_run_tells_what_an_earlier_one_saw(
    payer: tuple[RunningPayer, datetime], fault: str, first: timedelta, second: timedelta, red: set[str], tmp_path: Path
) -> None:
    started, due = payer
    active_faults(started.control, [fault] if fault else [])
    stand_at(started, due + first)
    assert set(run(started, tmp_path / "first").values()) == {"NOT_APPLICABLE"}
    kept = tmp_path / "first" / "snapshot.json"
    document = json.loads(kept.read_bytes())
    # The first run took this machine's time for the server's, as it does with every server not ours.
    document["taken"] = (due + first).isoformat()
    kept.write_text(json.dumps(document), "utf-8")
    stand_at(started, due + second)
    verdicts = run(started, tmp_path / "second", "--since", str(tmp_path / "first"))
    assert {name for name, verdict in verdicts.items() if verdict == "FAIL"} == red
    if not fault:
        assert set(verdicts.values()) == {"PASS"}


def test_a_snapshot_of_another_server_is_refused(payer: tuple[RunningPayer, datetime], tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_text(
        json.dumps(
            {
                "format": 1,
                "fhir_base": "https://other.example/fhir",
                "taken": "2026-07-01T00:00:00Z",
                "salt": "",
                "members": {},
            }
        ),
        "utf-8",
    )
    words = [
        COMMAND,
        "certify",
        "server",
        "--target",
        str(payer[0].target),
        "--out",
        str(tmp_path / "run"),
        "--since",
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "other.example" in done.stderr) == (2, True)
