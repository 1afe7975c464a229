"""Progress on stderr: how much is done, what was tried last, how long it will take."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from suites.proving.jobs import Task

QUIET_SECONDS = 15.0  # between lines where there is no terminal


class Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("prove"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("{task.description}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)
        self._total, self._done = 0.0, 0.0
        self._begun, self._said = time.monotonic(), time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bar.stop()

    def total(self, weight: float) -> None:
        """How much there is to do."""
        self._total, self._begun = weight, time.monotonic()
        self._bar.update(self._task, total=weight)

    def done(self, task: Task, seconds: float, wrong: str) -> None:
        """One thing was tried; what is wrong with it is said at once."""
        with self._lock:
            if wrong:
                self.console.print(f"prove: {wrong}", highlight=False, markup=False, soft_wrap=True)
            self._done += task.weight
            self._bar.update(self._task, advance=task.weight, description=f"{task.title} {seconds:.1f} s")
            now = time.monotonic()
            if not self.console.is_terminal and now - self._said >= QUIET_SECONDS:
                self._said = now
                self.console.print(self._line(now, task), highlight=False)

    def _line(self, now: float, task: Task) -> str:
        left = (now - self._begun) * (self._total - self._done) / self._done if self._done else 0.0
        return f"prove: {100 * self._done / max(self._total, 1e-9):.0f} %, about {left:.0f} s left ({task.title})"
