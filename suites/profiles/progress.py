"""How far a long validation is: one line on a terminal's standard error, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType

EVERY = 0.5


class Progress:
    """Counts resources; silent unless standard error is a terminal and the work takes longer than a moment."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty() and not sys.stdout.isatty()
        self._started = time.monotonic()
        self._next = self._started + 1.0
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def advance(self, found: Counter[str]) -> None:
        if not self._shows:
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY
            rate = found["resources"] / max(now - self._started, 0.001)
            sys.stderr.write(f"\r{found['resources']:,} resources, {found['invalid']:,} invalid, {rate:,.0f} a second ")
            sys.stderr.flush()
            self._shown = True

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\n")
