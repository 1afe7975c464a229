"""One reference payer for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mutants.payer import RunningPayer, running


@pytest.fixture(scope="session")
def payer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPayer]:
    """The reference payer on loopback."""
    with running(tmp_path_factory.mktemp("payer")) as started:
        yield started
