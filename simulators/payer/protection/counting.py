"""Counts of requests in fixed windows: in this process, or in memory that the workers of one payer share.

A window begins with the first request it counts. The counts of workers lie in one anonymous mapping made before they are started,
behind a lock of the operating system that ends with its holder: a worker that is killed leaves neither a lock nor a wrong count.
Leaves to others: what is counted and what is answered (limits.py); counts of several machines (Redis, by way of `limits`).
"""

from __future__ import annotations

import hashlib
import math
import mmap
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

MOST_CALLERS = 65_536
_SLOT = struct.Struct("<16sdQ")  # caller, end of its window, requests in it
_PROBES = 16

Clock = Callable[[], float]


class Counts(Protocol):
    """What a limit asks of its counts."""

    def hit(self, caller: str, requests: int, seconds: int) -> int:
        """Count one request; 0 when it is within the allowance, else the whole seconds until the window ends."""

    def reset(self) -> None:
        """Nobody has asked for anything."""


def _wait(ends: float, now: float) -> int:
    return max(1, math.ceil(ends - now))


class OwnCounts:
    """Of one process, in a dictionary."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, int], list[float]] = {}  # [end, count]

    def hit(self, caller: str, requests: int, seconds: int) -> int:
        now = self._clock()
        key = (caller, seconds)
        window = self._windows.get(key)
        if window is None or now >= window[0]:
            if window is None and len(self._windows) >= MOST_CALLERS:
                self._forget_ended(now)
            window = self._windows[key] = [now + seconds, 0.0]
        window[1] += 1
        return 0 if window[1] <= requests else _wait(window[0], now)

    def _forget_ended(self, now: float) -> None:
        """Make room: windows that ended, or the oldest half when hardly any has."""
        self._windows = {key: window for key, window in self._windows.items() if window[0] > now}
        if len(self._windows) >= MOST_CALLERS // 2:
            for key in list(self._windows)[: MOST_CALLERS // 2]:
                del self._windows[key]

    def reset(self) -> None:
        self._windows.clear()


class SharedCounts:
    """Of the workers of one payer on one machine; make it before they are forked."""

    def __init__(self, slots: int = MOST_CALLERS, clock: Clock = time.monotonic) -> None:
        self._clock = clock  # monotonic time is the same in all processes of a machine
        self._slots = slots
        self._memory = mmap.mmap(-1, slots * _SLOT.size)
        # Record locks belong to a process, so that the inherited file serves every worker.
        self._locked = tempfile.TemporaryFile(prefix="payer-limits-")  # noqa: SIM115 - open as long as the counts are

    def hit(self, caller: str, requests: int, seconds: int) -> int:
        name = hashlib.blake2b(f"{seconds} {caller}".encode(), digest_size=16).digest()
        now = self._clock()
        with self._lock():
            place, ends, count = self._slot(name, now)
            if now >= ends:
                ends, count = now + seconds, 0
            count += 1
            _SLOT.pack_into(self._memory, place, name, ends, count)
        return 0 if count <= requests else _wait(ends, now)

    def _slot(self, name: bytes, now: float) -> tuple[int, float, int]:
        """Where a caller is counted: its own slot, one whose window ended, or else the one that was asked least."""
        first = int.from_bytes(name[:8], "little")
        free: int | None = None
        least, fewest = 0, 1 << 63
        for step in range(_PROBES):
            place = (first + step) % self._slots * _SLOT.size
            known, ends, count = _SLOT.unpack_from(self._memory, place)
            if known == name:
                return place, ends, count
            if now >= ends:
                free = place if free is None else free
            elif count < fewest:
                least, fewest = place, count
        return (least if free is None else free), 0.0, 0

    @contextmanager
    def _lock(self) -> Iterator[None]:
        import fcntl

        fcntl.lockf(self._locked, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._locked, fcntl.LOCK_UN)

    def reset(self) -> None:
        with self._lock():
            self._memory[:] = bytes(len(self._memory))


class RedisCounts:
    """Of several machines, in Redis."""

    def __init__(self, url: str) -> None:
        self._storage = storage_from_string(url)
        self._strategy = FixedWindowRateLimiter(self._storage)

    def hit(self, caller: str, requests: int, seconds: int) -> int:
        item = RateLimitItemPerSecond(requests, seconds)
        if self._strategy.hit(item, caller):
            return 0
        return _wait(self._strategy.get_window_stats(item, caller).reset_time, time.time())

    def reset(self) -> None:
        self._storage.reset()


def counts_for(redis_url: str, workers: int) -> Counts:
    """The counts of a payer: of one process, of its workers, or of several machines."""
    if redis_url:
        return RedisCounts(redis_url)
    return OwnCounts() if workers == 1 else SharedCounts()
