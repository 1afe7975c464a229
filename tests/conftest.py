"""What all tests share: one folder of datasets a run, and long modules first, so that the workers end together."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.made import FOLDER

HERE = Path(__file__).parent
# Modules that take a quarter of a minute or more, longest first; a module stays on one worker (--dist loadfile).
LONGEST: tuple[str, ...] = ()


def pytest_configure(config: pytest.Config) -> None:
    """The folder is made before workers are started, who find its name in their environment, and goes with the run."""
    missing = [one for one in LONGEST if not (HERE / one).exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: LONGEST names {', '.join(missing)}, which is not there")
    if FOLDER not in os.environ:
        folder = os.environ[FOLDER] = tempfile.mkdtemp(prefix="patient-access-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first; the order of the others, and within modules, stays."""
    rank = {HERE / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))
