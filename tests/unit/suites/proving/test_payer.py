"""The members made for the payers that faults are tried on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from suites.proving.payer import make_dataset


def test_members_are_asked_for_in_guides_they_are_made_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.extend(words)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    make_dataset(tmp_path, ["us-core@6.1.0", "us-core@3.1.1", "hrex@0.2.0", "pdex@1.0.0"], 3)
    assert [one for one in asked if "@" in one and "/" not in one] == ["pdex@1.0.0", "us-core@6.1.0"]
