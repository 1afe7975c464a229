"""Fixtures of the tests over whole servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mutants.payer import RunningPayer, running
from tests.servers.front import Front, free_port, front


@contextmanager
def behind_a_front(folder: Path, answer_seconds: float) -> Iterator[tuple[RunningPayer, type[Front]]]:
    """A payer behind a front, and a target file that waits so long for an answer."""
    port = free_port()
    with front() as (address, handler):
        handler.behind = ("127.0.0.1", port)
        with running(folder, "--port", str(port), "--public-url", address) as payer:
            text = payer.target.read_text(encoding="utf-8")
            payer.target.write_text(text + f"\n[network]\nanswer_seconds = {answer_seconds}\n", encoding="utf-8")
            yield payer, handler


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningPayer, type[Front]]]:
    """A payer behind a front whose answers are not waited for long: for faults of the wire."""
    with behind_a_front(tmp_path_factory.mktemp("fronted"), 1.5) as made:
        yield made


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningPayer, type[Front]]]:
    """A payer behind a front that may take its time: for faults of what is said."""
    with behind_a_front(tmp_path_factory.mktemp("rewritten"), 20.0) as made:
        yield made
