"""What happened, by phase and by second: counts, refusals, failures and latencies in constant memory.

Latencies go into logarithmic buckets of about 5 %, so a percentile is exact to that and a run of any length costs the same.
Worker processes send their buckets to the master, which adds them up.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

STEP = math.log(1.05)


def bucket(milliseconds: float) -> int:
    """The logarithmic bucket of a latency."""
    return math.floor(math.log(max(milliseconds, 0.01)) / STEP)


def milliseconds_of(number: int) -> float:
    """The middle of a bucket."""
    return math.exp((number + 0.5) * STEP)


def percentile(buckets: Counter[int], share: float) -> float:
    """Latency in ms below which `share` of the requests fell; 0 when there were none."""
    total = sum(buckets.values())
    if not total:
        return 0.0
    wanted, seen = math.ceil(total * share), 0
    for number in sorted(buckets):
        seen += buckets[number]
        if seen >= wanted:
            return round(milliseconds_of(number), 2)
    return 0.0


@dataclass
class Tally:
    """Counts of one phase or second. `refused` are answers 429, `failures` every other answer that is not what was asked for.

    Latencies are those of all but the refusals, which cost a server nothing and would make a busy one look quick.
    """

    requests: int = 0
    refused: int = 0
    failures: int = 0
    latencies: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, milliseconds: float, status: int, failure: str) -> None:
        """Count one answer; status 0 stands for none at all."""
        self.requests += 1
        if status == 429:
            self.refused += 1
            return
        self.latencies[bucket(milliseconds)] += 1
        if failure:
            self.failures += 1
            self.reasons[failure[:200]] += 1

    def merge(self, other: Tally) -> None:
        """Add what another worker counted."""
        self.requests += other.requests
        self.refused += other.refused
        self.failures += other.failures
        self.latencies.update(other.latencies)
        self.reasons.update(other.reasons)


@dataclass
class Recorder:
    """Tallies of a run by phase and by whole second since its start."""

    phases: dict[str, Tally] = field(default_factory=dict)
    seconds: dict[int, Tally] = field(default_factory=dict)

    def add(self, phase: str, second: int, milliseconds: float, status: int, failure: str = "") -> None:
        """Count one answer in its phase and second."""
        self.phases.setdefault(phase, Tally()).add(milliseconds, status, failure)
        self.seconds.setdefault(second, Tally()).add(milliseconds, status, failure)

    def take(self) -> dict[str, Any]:
        """What was counted since the last call, as plain data for the master; starts anew."""
        taken = {
            kind: [
                [key, t.requests, t.refused, t.failures, list(t.latencies.items()), list(t.reasons.items())]
                for key, t in tallies.items()
            ]
            for kind, tallies in (("phases", self.phases), ("seconds", self.seconds))
        }
        self.phases.clear()
        self.seconds.clear()
        return taken

    def give(self, taken: dict[str, Any]) -> None:
        """Add what a worker took."""
        for kind, mine in (("phases", self.phases), ("seconds", self.seconds)):
            tallies: dict[Any, Tally] = mine
            for key, requests, refused, failures, latencies, reasons in taken.get(kind, ()):
                tallies.setdefault(key, Tally()).merge(
                    Tally(requests, refused, failures, Counter(dict(latencies)), Counter(dict(reasons)))
                )
