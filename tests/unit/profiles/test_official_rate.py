"""The official validator's rate is read from its own passes, and one that judges nothing gives none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.benchmarks.validator_speed import official

JAVA = """#!{python}
import sys, time
passes = int(next(a for a in sys.argv if a.startswith("-Drepeat=")).partition("=")[2])
assert any(a.startswith("-Duser.home=/") for a in sys.argv) and sys.argv[-2:] == ["Oracle", "core#1"]
cases = sys.stdin.read().splitlines()
for one in range(passes):
    until = time.process_time() + {seconds} * (2 if one == 0 else 1)
    while time.process_time() < until:
        pass
    print("cases", len(cases), file=sys.stderr, flush=True)
    time.sleep(0.05)
{answers}
"""
ANSWERS = "for one in cases: print('{\"issues\": []}')"


def a_java(folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, answers: str) -> None:
    command = folder / "java"
    command.write_text(JAVA.format(python=sys.executable, seconds=seconds, answers=answers))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_rate_is_read_from_the_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(tmp_path, monkeypatch, 0.2, ANSWERS)
    monkeypatch.chdir(tmp_path)
    rate = official(Path("build"), ["core#1"], [b"{}"] * 10, 3)
    assert 5 < rate < 1000, "about fifty, were nothing else on the machine"


@pytest.mark.parametrize("answers", ["", "sys.exit(1)", "print('{\"crash\": 1}')"])
def test_one_that_judged_nothing_has_no_rate(answers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(tmp_path, monkeypatch, 0.02, answers)
    with pytest.raises(RuntimeError, match="judged 0 of 2 documents in 3 passes"):
        official(tmp_path, ["core#1"], [b"{}"] * 2, 3)
