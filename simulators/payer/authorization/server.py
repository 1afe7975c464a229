"""The authorization server of one payer: its settings, its records, its keys, and what it keeps in memory between requests.

What it keeps is dropped when the epoch of the records moves, so that a revocation by one worker counts in every other at its next
request. Leaves to others: every decision.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from simulators.payer.authorization import keys
from simulators.payer.authorization.records import Client, Ledger
from simulators.payer.context import Grant, Payer

TIDY_EVERY = 60.0
LONGEST_TURN = 1.0  # seconds after which a turn counts as over, should its loop have ended without saying so
MOST_REMEMBERED = 50_000


class Server:
    """One a process and payer; `of(payer)` finds it."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.settings = payer.deployment.authorization
        self.ledger = Ledger(payer.database)
        self.keys = keys.ring_of(payer)
        self.grants: dict[bytes, Grant] = {}  # what access.py verified, by Authorization header
        self._looked_until = 0.0  # for changes by other workers: until this turn of the event loop is over
        self.touched: dict[str, float] = {}  # last access by consent, not yet written
        self.fetched_keys: dict[str, tuple[float, dict[str, Any]]] = {}
        self._clients: dict[str, Client] = {}
        self._tidied = time.monotonic()
        # A start sets what this payer was started with, not what an earlier one left in the database.
        self.ledger.share("faults", sorted(payer.faults))
        self.ledger.share("clock", payer.clock.state())
        self._epoch = self.ledger.epoch()
        payer.on_reset.append(self.forget)

    @property
    def issuer(self) -> str:
        """The issuer identifier: the public address, plus the path of the deployment."""
        return self.payer.url(self.payer.deployment.endpoints.issuer)

    @property
    def fhir_base(self) -> str:
        """The FHIR base address, the only `aud` of an authorization request."""
        return self.payer.url(self.payer.deployment.endpoints.fhir)

    def endpoint(self, name: str) -> str:
        """Absolute address of a named endpoint; empty when this payer does not offer it."""
        path: str = getattr(self.payer.deployment.endpoints, name)
        return self.payer.url(path) if path else ""

    def refresh(self) -> None:
        """Look whether another worker changed something; called before each request is answered."""
        epoch = self.ledger.epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            self.grants.clear()
            self._clients.clear()
            self.keys.load()
            self.adopt_shared_state()
        if time.monotonic() - self._tidied > TIDY_EVERY:
            self._tidy()

    def refresh_for_request(self) -> None:
        """`refresh`, once for the requests that one turn of the event loop answers.

        All of them were read before the turn: what another worker had told anybody by then is seen by the first one's look.
        """
        now = time.monotonic()
        if now < self._looked_until:
            return
        try:
            # Asked once a turn only: it asks the system for the number of the process.
            asyncio.get_running_loop().call_soon(self._turn_is_over)
            self._looked_until = now + LONGEST_TURN
        except RuntimeError:  # outside a loop there are no turns
            pass
        self.refresh()

    def _turn_is_over(self) -> None:
        self._looked_until = 0.0

    def _tidy(self) -> None:
        """Drop what nobody can use any more, and keep what is remembered in memory within bounds."""
        self._tidied = time.monotonic()
        # By the earlier of both clocks: a payer sent into the future for a test forgets nothing of the present.
        self.ledger.drop_expired(min(self.payer.clock.timestamp(), time.time()) - 86_400)
        for kept in (self.grants, self.touched, self.fetched_keys, self._clients):
            if len(kept) > MOST_REMEMBERED:
                kept.clear()

    def adopt_shared_state(self) -> None:
        """Faults and clock as the control interface set them last, whichever worker heard it."""
        faults = self.ledger.shared("faults")
        if faults is not None:
            self.payer.faults = frozenset(faults)
        clock = self.ledger.shared("clock")
        if clock is not None:
            self.payer.clock.adopt(clock)

    def client(self, client_id: str) -> Client | None:
        """A registration by its id."""
        self.refresh()
        if client_id not in self._clients:
            found = self.ledger.client(client_id)
            if found is None:
                return None
            self._clients[client_id] = found
        return self._clients[client_id]

    def forget(self) -> None:
        """Begin again: no clients, no tokens, nothing remembered."""
        self.ledger.forget()
        self.grants.clear()
        self.touched.clear()
        self._clients.clear()
        self.fetched_keys.clear()
        self._epoch = self.ledger.epoch()


def of(payer: Payer) -> Server:
    """The authorization server of this payer."""
    server: Server | None = payer.parts.get("authorization")
    if server is None:
        server = payer.parts["authorization"] = Server(payer)
    return server
