"""Random streams: what a member is depends on the seed and the member's number, and on nothing else.

Each use of chance has a stream of its own, named for what it decides, so that a new decision in one place leaves every other
as it was, and shards, jobs and machines agree. Python's `hash()` and the order of sets never enter.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from random import Random


def stream(seed: int, *names: int | str) -> Random:
    """The stream for one purpose, as in `stream(7, 12, "claims")`: equal arguments, equal numbers, on any machine."""
    text = "\x1f".join((str(seed), *map(str, names)))
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big"))


def digits(seed: int, count: int, *names: int | str) -> str:
    """A string of decimal digits for identifiers, from its own digest."""
    text = "\x1f".join((str(seed), *map(str, names)))
    number = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
    return str(number % 10**count).zfill(count)


class Weighted:
    """Choices with weights, prepared once and drawn from often."""

    def __init__(self, choices: Sequence[tuple[object, float]]) -> None:
        """Keep the choices and their running sums."""
        self.values = [value for value, _ in choices]
        self.sums = list(accumulate(weight for _, weight in choices))

    def draw(self, random: Random) -> object:
        """One choice."""
        return self.values[bisect(self.sums, random.random() * self.sums[-1])]


def chance(random: Random, probability: float) -> bool:
    """True with the given probability."""
    return random.random() < probability
