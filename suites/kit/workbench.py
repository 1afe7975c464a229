"""What one worker works with: target, client, browser, its share of the members, randomness from the run's seed.

Also the circuit breaker: when the target stops answering, the checks that follow are undecided at once instead of waiting each.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from suites.kit.browser import Browser
from suites.kit.forms import Cookies, Forms
from suites.kit.http import Http
from suites.kit.masking import Masker
from suites.kit.outcomes import Inconclusive, TargetUnreachable
from suites.kit.recipe import last_typed
from suites.kit.recorder import Recorder
from suites.kit.target import Member, Target
from suites.protocol import urls

OPENS_AFTER = 4  # transport faults in a row
PROBE_EVERY = 5.0  # seconds between looks whether the target is back


@dataclass
class Workbench:
    """One worker's tools."""

    target: Target
    recorder: Recorder
    http: Http
    browser: Browser
    forms: Forms
    worker: int = 0
    workers: int = 1
    seed: int = 7
    rng: random.Random = field(default_factory=random.Random)
    portal_sessions: dict[str, Cookies] = field(default_factory=dict)  # of members, by user name
    _probed: float = -1e9

    @property
    def members(self) -> list[Member]:
        """This worker's share of the members; two workers never share one, so that neither steps on the other's session."""
        share = [one for index, one in enumerate(self.target.member) if index % self.workers == self.worker]
        return share or list(self.target.member)

    def rested_member(self) -> Member:
        """Who can sign in anew without waiting: the member of this worker's share whose one-time code was typed longest ago; the first without codes."""
        return min(self.members, key=lambda one: last_typed(one.totp_seed) if one.totp_seed else 0)

    def member_planted_for(self, what: str) -> Member | None:
        """A member the data were planted for, of this worker's share if possible; only for checks that read."""
        for one in (*self.members, *self.target.member):
            if what in one.planted_for:
                return one
        return None

    def check_circuit(self) -> None:
        """Raise TargetUnreachable while the target is down."""
        if self.http.unreachable_in_a_row < OPENS_AFTER:
            return
        now = time.monotonic()
        if now - self._probed >= PROBE_EVERY:
            self._probed = now
            try:
                self.http.get(urls.below(self.target.server.fhir_base, "metadata"))
                return
            except TargetUnreachable:
                pass
        raise TargetUnreachable(
            f"the target stopped answering; the check was not tried; last: {self.http.last_trouble}"
        )

    def close(self) -> None:
        """Stop everything this worker started."""
        self.browser.close()
        self.http.close()
        self.recorder.close()


def open_workbench(
    target: Target, folder: Path | None, worker: int, workers: int, seed: int, visible: bool = False
) -> Workbench:
    """Set one worker up; randomness differs by worker and is the same for the same seed."""
    masker = Masker(target.masks_people)
    for one in target.member:
        masker.learn("password", one.password)
        masker.learn("totp_seed", one.totp_seed)
        for answer in one.answers.values():
            masker.learn("answer", answer)
    name = f"gw{worker}" if workers > 1 else "main"
    recorder = Recorder(folder / "evidence" if folder else None, name, masker)
    try:
        http = Http(target.network, recorder)
    except OSError as wrong:
        raise Inconclusive(f"the network settings of the target file cannot be used: {wrong}") from None
    browser = Browser(target.network, target.login, recorder, visible)
    # Seeded per worker and per start, so that a resumed run does not send the states and verifiers of the first again.
    rng = random.Random(f"{seed}/{worker}/{recorder.count}")
    forms = Forms(http, target.login.step)
    return Workbench(target, recorder, http, browser, forms, worker, workers, seed, rng)
