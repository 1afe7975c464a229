"""How checks are shared out to workers: one by one, but modules that build on one launch stay together on one worker.

A module says so by `pytestmark = pytest.mark.together`. (xdist's own groups need node ids that newer pytest no longer lets it change.)
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SUITES = Path(__file__).parent.parent


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's scheduler with units of one check, or of one module where it asks to stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if stays_together(file) else nodeid


@functools.cache
def stays_together(file: str) -> bool:
    """Whether a module asks to stay on one worker; node ids may begin at the folder of the suites or above it."""
    path = SUITES / Path(file).parent.name / Path(file).name
    return path.exists() and "pytest.mark.together" in path.read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """The scheduler of a run with several workers."""
    return Sharing(config, log)
