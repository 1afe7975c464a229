"""One reference payer on real sockets for the module; each test begins without faults and with real time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.payer.running import App, Running, dataset, running


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def reference(folder: Path) -> Iterator[Running]:
    with running(folder) as found:
        yield found


@pytest.fixture
def at(reference: Running) -> Iterator[Running]:
    yield reference
    reference.faults()
    reference.clock(reset=True)


@pytest.fixture
def app(at: Running) -> App:
    return App(at)
