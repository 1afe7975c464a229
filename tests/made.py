"""Datasets that tests share: made once a run by `patient-access generate`, whichever worker asks first, and only read afterwards."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

FOLDER = "PATIENT_ACCESS_TEST_DATA"  # set once by the process that starts the workers (tests/conftest.py)


def dataset(*options: str) -> Path:
    """The dataset that `generate` makes with some options; nobody writes into it."""
    folder = Path(os.environ[FOLDER])
    made = folder / "_".join(one.strip("-").replace("@", "-") for one in options)
    with (folder / f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "manifest.json").exists():
            command = [sys.executable, "-m", "patient_access", "generate", *options, "--out", str(made)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stderr
    return made
