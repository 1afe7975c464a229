"""The payer's time: real, frozen or moved, so that expiry, freshness and retention can be seen in seconds.

Leaves to others: business days and federal holidays (the rule that needs them), who may move it (control.py).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall-clock time plus an offset, or a frozen instant. All instants are aware and in UTC."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._furthest: datetime | None = None  # where it stood whenever it was moved away

    @property
    def furthest(self) -> datetime:
        """The latest instant this clock has shown: what was noted by it can be no later."""
        return max(self._furthest or self.now(), self.now())

    def _leave(self) -> None:
        self._furthest = self.furthest

    def now(self) -> datetime:
        """The current instant, timezone-aware, UTC."""
        return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def timestamp(self) -> float:
        """Seconds since the epoch, as `now()`."""
        return self._frozen.timestamp() if self._frozen is not None else time.time() + self._offset.total_seconds()

    def freeze(self, at: datetime) -> None:
        """Stand still at an aware instant."""
        self._leave()
        self._frozen = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move on (or back) by a span, frozen or not."""
        self._leave()
        if self._frozen is not None:
            self._frozen += by
        else:
            self._offset += by

    def state(self) -> dict[str, float | None]:
        """What another process needs to tell the same time: the frozen instant, or the offset from real time; and how far it went."""
        frozen = self._frozen.timestamp() if self._frozen is not None else None
        furthest = self._furthest.timestamp() if self._furthest is not None else None
        return {"frozen": frozen, "offset": self._offset.total_seconds(), "furthest": furthest}

    def adopt(self, state: dict[str, float | None]) -> None:
        """Tell the time of another process, by its `state()`."""
        frozen, furthest = state["frozen"], state.get("furthest")
        self._frozen = None if frozen is None else datetime.fromtimestamp(frozen, UTC)
        self._offset = timedelta(seconds=state["offset"] or 0.0)
        self._furthest = None if furthest is None else datetime.fromtimestamp(furthest, UTC)

    def resume(self) -> None:
        """Run again from where a frozen clock stands."""
        if self._frozen is not None:
            self._offset = self._frozen - datetime.now(UTC)
            self._frozen = None

    def reset(self) -> None:
        """Back to real time."""
        self._leave()
        self._offset, self._frozen = timedelta(), None
