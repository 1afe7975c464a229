"""Authorization at speed: whole code-flow exchanges on one worker, discovery, bearer tokens; printed as rates beside a baseline.

The payer runs in a process of its own, so that the client does not take its time. The baseline is one SHA-256 of a megabyte.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from simulators.payer.deployment import load
from tests.unit.payer.running import App, Running, dataset, running

FLOWS = 60


def _serve(folder: str, told: Any, stop: Any) -> None:
    with running(Path(folder)) as at:
        told.put((at.url, at.control, at.clients))
        stop.wait()


class Elsewhere:
    """As much of a payer as an app needs to know of one in another process."""

    def __init__(self, url: str) -> None:
        self.public_url, self.deployment = url, load("reference")

    def url(self, path: str) -> str:
        return self.public_url + path


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = dataset(tmp_path_factory.mktemp("dataset"))
    context = multiprocessing.get_context("spawn")
    told, stop = context.Queue(), context.Event()
    process = context.Process(target=_serve, args=(str(folder), told, stop), daemon=True)
    process.start()
    url, control, clients = told.get(timeout=60)
    found = Running(Elsewhere(url), control, clients)  # type: ignore[arg-type]
    found.process = process.pid  # type: ignore[attr-defined]
    yield found
    stop.set()
    process.join(10)


def milliseconds(action: Callable[[], object], times: int) -> float:
    """The median time of an action."""
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        spans.append((time.perf_counter() - began) * 1000)
    return sorted(spans)[times // 2]


def test_code_flows_discovery_and_bearer_tokens(at: Running) -> None:
    baseline = milliseconds(lambda: hashlib.sha256(b"x" * 1_000_000).digest(), 50)
    App(at).tokens()
    server = psutil.Process(at.process)  # type: ignore[attr-defined]
    before, began = sum(server.cpu_times()[:2]), time.perf_counter()
    for number in range(FLOWS):
        assert App(at).tokens(f"member{1 + number % 3}")["access_token"]
    rate = FLOWS / (time.perf_counter() - began) * 60
    spent = (sum(server.cpu_times()[:2]) - before) / FLOWS
    with httpx.Client() as http:
        discovery = milliseconds(lambda: http.get(f"{at.fhir}/.well-known/smart-configuration"), 300)
        bare = milliseconds(lambda: http.get(f"{at.url}/nowhere"), 300)
    print(
        f"\ncode flows: {rate:,.0f} a minute with the client beside it, {60 / spent:,.0f} a minute of the worker's own processor time; "
        f"discovery: {discovery:.2f} ms ({bare:.2f} ms for a 404); baseline {baseline:.2f} ms"
    )
    assert rate > 0
