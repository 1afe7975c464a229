"""Counts of requests: a window at a time, whoever counts; shared by processes exactly, whatever happens to one of them."""

from __future__ import annotations

import os
import signal
import time

import pytest

from simulators.payer.protection import counting
from simulators.payer.protection.counting import Counts, OwnCounts, SharedCounts, counts_for


class Moment:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture(params=["own", "shared"])
def counts(request: pytest.FixtureRequest, clock: Moment) -> Counts:
    return OwnCounts(clock) if request.param == "own" else SharedCounts(64, clock)


def test_a_window_begins_with_its_first_request_and_is_waited_for(counts: Counts, clock: Moment) -> None:
    assert [counts.hit("app", 3, 10) for _ in range(3)] == [0, 0, 0]
    clock.now += 4.5
    assert counts.hit("app", 3, 10) == 6  # 5.5 s are left
    assert counts.hit("other", 3, 10) == 0
    clock.now += 5.5
    assert counts.hit("app", 3, 10) == 0


def test_each_length_of_window_is_counted_for_itself(counts: Counts) -> None:
    assert counts.hit("app", 1, 10) == 0
    assert counts.hit("app", 1, 60) == 0
    assert counts.hit("app", 1, 60) == 60


def test_counts_begin_again_when_told(counts: Counts) -> None:
    assert [counts.hit("app", 1, 10), counts.hit("app", 1, 10)] == [0, 10]
    counts.reset()
    assert counts.hit("app", 1, 10) == 0


def test_callers_without_end_take_no_room_without_end(counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_CALLERS", 64)
    for number in range(5000):
        assert counts.hit(f"address {number}", 5, 60) == 0
    kept = counts._windows if isinstance(counts, OwnCounts) else range(64)
    assert len(kept) <= 64


def test_who_asks_most_is_not_forgotten_for_others(clock: Moment) -> None:
    counts = SharedCounts(32, clock)
    for _ in range(50):
        counts.hit("busy", 50, 60)
    for number in range(500):
        counts.hit(f"address {number}", 5, 60)
    assert counts.hit("busy", 50, 60) == 60


def test_workers_count_together_and_let_in_exactly_what_is_declared() -> None:
    counts, allowed = SharedCounts(), 500
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            let_in = sum(counts.hit("app", allowed, 60) == 0 for _ in range(400))
            for _ in range(let_in):
                counts.hit("let in", 10**9, 60)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert counts.hit("let in", allowed + 1, 60) == 0  # this is the 501st,
    assert counts.hit("let in", allowed + 1, 60) > 0  # and this one more


def test_a_worker_killed_while_it_counts_stops_nobody() -> None:
    counts = SharedCounts()
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        with counts._lock():
            os.write(tell, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert counts.hit("app", 1, 60) == 0
    assert counts.hit("app", 1, 60) == 60
    os.close(ready)
    os.close(tell)


def test_several_workers_share_what_they_count() -> None:
    assert isinstance(counts_for("", 1), OwnCounts)
    assert isinstance(counts_for("", 2), SharedCounts)
