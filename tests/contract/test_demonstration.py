"""The demonstration: what it refuses, and that an interrupt leaves no child behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demonstration import StepFailed, fresh


def test_a_folder_with_other_content_is_not_cleared(tmp_path: Path) -> None:
    keep = tmp_path / "thesis.txt"
    keep.write_text("mine")
    with pytest.raises(StepFailed, match="choose another --out"):
        fresh(tmp_path)
    assert keep.read_text() == "mine"


def test_an_earlier_demonstration_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.json").write_text("{}")
    fresh(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_every_child(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "demo"
    demo = subprocess.Popen(
        [sys.executable, "-m", "patient_access", "demo", "--members", "4", "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr is not None
    try:
        for line in demo.stderr:
            if line.startswith("demo 3/5"):
                break
        time.sleep(2)
        children = psutil.Process(demo.pid).children(recursive=True)
        assert len(children) >= 2, "the payer and the suites run by now"
        demo.send_signal(number)
        demo.communicate(timeout=60)
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert [one.name() for one in alive] == []
    assert demo.returncode in (130, 143)
