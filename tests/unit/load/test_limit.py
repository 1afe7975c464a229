"""The limit proof: green on a server that keeps its limit, red once per way of breaking it. Real Locust, real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.load.limited_server import serving


def prove(base: str, folder: Path, requests: int = 30, seconds: float = 1) -> tuple[int, dict[str, object]]:
    target = folder / "target.toml"
    target.write_text(
        f'name = "small"\n[server]\nfhir_base = "{base}"\n[limits]\nrequests = {requests}\nper_seconds = {seconds}\n'
    )
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps([{"member": "first", "patient": "p1", "access_token": "t"}]))
    command = [sys.executable, "-m", "patient_access", "load", "--target", str(target), "--scenario", "limit"]
    done = subprocess.run(
        [*command, "--tokens", str(tokens), "--out", str(folder / "out")], capture_output=True, text=True, timeout=90
    )
    found = json.loads((folder / "out" / "load.json").read_text()) if (folder / "out" / "load.json").exists() else {}
    return done.returncode, found


def verdicts(found: dict[str, object]) -> list[str]:
    findings = found["findings"]
    assert isinstance(findings, list)
    return [finding["verdict"] for finding in findings]


def test_a_server_that_keeps_its_limit_passes(tmp_path: Path) -> None:
    with serving() as base:
        code, found = prove(base, tmp_path)
    assert (code, verdicts(found)) == (0, ["PASS"] * 4), found
    phases = {phase["name"]: phase for phase in found["phases"]}  # type: ignore[attr-defined]
    assert phases["below"]["refused"] == 0
    assert phases["above"]["refused"] > 0
    assert phases["after"]["requests"] == 1


@pytest.mark.parametrize(
    ("behaviour", "code", "expected"),
    [
        ({"refuses_below": True}, 1, ["FAIL", "PASS", "PASS", "PASS"]),
        ({"never_refuses": True}, 1, ["PASS", "FAIL"]),
        ({"retry_after": False}, 1, ["PASS", "FAIL", "PASS"]),
        ({"outcome": False}, 1, ["PASS", "PASS", "FAIL", "PASS"]),
        ({"stays_closed": True}, 1, ["PASS", "PASS", "PASS", "FAIL"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_broken_limit_turns_its_finding_red(
    tmp_path: Path, behaviour: dict[str, object], code: int, expected: list[str]
) -> None:
    with serving(**behaviour) as base:
        ended, found = prove(base, tmp_path)
    assert (ended, verdicts(found)) == (code, expected), found


def test_a_server_that_is_not_there_is_undecided(tmp_path: Path) -> None:
    code, found = prove("http://127.0.0.1:1", tmp_path)
    assert (code, verdicts(found)) == (3, ["INCONCLUSIVE"])
