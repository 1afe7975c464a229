"""Waiting for something to expire: by the control interface of our own simulator, or in real time where the target file permits it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from suites.kit import recipe
from suites.kit.outcomes import Inconclusive, not_permitted
from suites.kit.target import Target


@dataclass
class TargetClock:
    """The target's time as a check may move it."""

    target: Target
    moved: bool = False

    def pass_by(self, seconds: float) -> None:
        """Let so much of the target's time go by."""
        if self.target.control.url:
            self._control({"advance": seconds})
            self.moved, present = True, self.now().timestamp() - time.time()
            recipe.tell_time_by(lambda: time.time() + present)
        elif self.target.permitted.wait_seconds >= seconds:
            time.sleep(seconds)
        else:
            not_permitted(
                f"it takes {seconds:.0f} s of waiting, which the target file does not permit: permitted.wait_seconds = {int(seconds) + 1}"
            )

    def stand_at(self, moment: datetime) -> None:
        """Stop the target's time at a moment; on our own simulator only."""
        if not self.target.control.url:
            not_permitted("only the clock of our own simulator can be set: control.url")
        self._control({"freeze": moment.isoformat()})
        self.moved = True
        recipe.tell_time_by(moment.timestamp)

    def now(self) -> datetime:
        """The target's present: our own simulator's clock, elsewhere that of this machine."""
        return datetime.fromisoformat(self._control()["now"]) if self.target.control.url else datetime.now(UTC)

    def put_back(self) -> None:
        """The clock as it was."""
        if self.moved:
            self._control({"reset": True})
            self.moved = False
            recipe.tell_time_by(None)

    def _control(self, order: dict[str, object] | None = None) -> Any:
        address, how = self.target.control.url.rstrip("/") + "/clock", "GET" if order is None else "POST"
        try:
            answer = httpx.request(how, address, json=order, timeout=10, trust_env=False)
        except httpx.HTTPError as wrong:
            raise Inconclusive(f"the control interface does not answer: {wrong}") from None
        if answer.status_code >= 300:
            raise Inconclusive(
                f"the control interface refused to move the clock: {answer.status_code} {answer.text[:200]}"
            )
        return answer.json()
