"""What happened: the audit log (who did what, 45 CFR 164.312(b)) and the usage log (what was delivered to which app, for CMS's counts).

Usage is on the path of every read, so what happens in one turn of the event loop is written in one transaction, and an answer leaves
when its line is in the database: a payer that is killed has told nobody what it did not log. A database in memory is written twice a
second, since it ends with its process anyway. Leaves to others: the counting (reports), the pages (portals/administrator.py).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson

from simulators.payer.context import Grant, Payer
from simulators.payer.rules import rule

MIGRATIONS = [
    """
    CREATE TABLE audit (
        id IDENTITY, at REAL8 NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, client_id TEXT NOT NULL,
        outcome TEXT NOT NULL, detail TEXT NOT NULL);
    CREATE INDEX audit_at ON audit (at);
    CREATE TABLE deliveries (
        id NUMBER_OF_ROW, at REAL8 NOT NULL, patient TEXT NOT NULL, client_id TEXT NOT NULL, subject TEXT NOT NULL, consent TEXT NOT NULL,
        status INTEGER NOT NULL, resources INTEGER NOT NULL, interaction TEXT NOT NULL, reporting_unit TEXT NOT NULL)
    """,
    """
    CREATE TABLE reviews (id IDENTITY, day TEXT NOT NULL, who TEXT NOT NULL, at REAL8 NOT NULL, note TEXT NOT NULL);
    CREATE TABLE utilisation (
        id IDENTITY, county TEXT NOT NULL, month TEXT NOT NULL, requested_at REAL8 NOT NULL, due TEXT NOT NULL, answered_at REAL8)
    """,
    # Each index is one more page in every commit that an answer waits for; who asks for a year of deliveries can wait instead.
    "DROP INDEX IF EXISTS deliveries_at",
]
WRITE_AFTER = 0.5
MOST_WAITING = 500
MOST_AT_ONCE = 50  # lines in one statement; each number of lines is prepared once
_COLUMNS = ("at", "patient", "client_id", "subject", "consent", "status", "resources", "interaction", "reporting_unit")
_INSERT = f"INSERT INTO deliveries ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608 - our own names
_PLACES = f"({', '.join('?' * len(_COLUMNS))})"


@rule
def delivery_counts(status: int, patient: str | None) -> bool:
    """Only a successful delivery of a member's data to their app is a transfer (CMS-0057-F usage metric)."""
    return 200 <= status < 300 and patient is not None


@delivery_counts.fault("failed-deliveries-counted", violates="CMS0057-USAGE-METRIC-07")
def failures_too(status: int, patient: str | None) -> bool:
    """Refused and failed requests are in the usage log as if data had been delivered."""
    return patient is not None


@delivery_counts.fault("deliveries-not-logged", violates="CMS0057-USAGE-METRIC-01")
def never(status: int, patient: str | None) -> bool:
    """Deliveries leave no trace in the usage log."""
    return False


@rule
def audited(action: str) -> bool:
    """Every access decision leaves a record."""
    return True


@audited.fault("revocations-not-audited", violates="HIPAA-164.312-b")
def forgetful(action: str) -> bool:
    """Ending an app's access leaves no audit record."""
    return not action.startswith(("revoke", "suspend"))


class Journal:
    """The logs of one payer."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self.waiting: list[tuple[Any, ...]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batch: asyncio.Future[None] | None = None
        self._unit = payer.deployment.payer.reporting_unit
        payer.database.migrate("protection", MIGRATIONS)

    def delivered(self, grant: Grant, status: int, resources: int, interaction: str) -> asyncio.Future[None] | None:
        """Note an answer of the FHIR API to an app; what to wait for before the answer leaves, if anything."""
        payer = self.payer
        if not delivery_counts(payer.faults, status, grant.patient):
            return None
        self.waiting.append(
            (payer.clock.timestamp(), grant.patient, grant.client_id, grant.subject, grant.consent_id, status, resources, interaction,
             self._unit)
        )  # fmt: skip
        if payer.database.durable:
            return self._written()
        self._write_soon()
        return None

    def _written(self) -> asyncio.Future[None]:
        if self._batch is None:
            loop = asyncio.get_running_loop()
            self._batch = loop.create_future()
            loop.call_soon(self._write_batch)
        return self._batch

    def _write_batch(self) -> None:
        batch, self._batch = self._batch, None
        assert batch is not None
        try:
            self.write()
        except Exception as error:  # whoever waits is told: their answers must not leave
            batch.set_exception(error)
        else:
            batch.set_result(None)

    def _write_soon(self) -> None:
        if len(self.waiting) >= MOST_WAITING:
            self.write()
        elif self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER, self.write)
            except RuntimeError:  # outside a loop nothing would come back to write it
                self.write()

    def write(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.waiting:
            rows, self.waiting = self.waiting, []
            for start in range(0, len(rows), MOST_AT_ONCE):
                some = rows[start : start + MOST_AT_ONCE]
                # One statement is its own transaction: no begin and commit to send beside it.
                statement = _INSERT + ", ".join([_PLACES] * len(some))
                self.payer.database.execute(statement, [value for row in some for value in row])

    def audit(
        self, actor: str, action: str, *, subject: str = "", client_id: str = "", outcome: str = "done", **detail: Any
    ) -> None:
        """Note who did what."""
        if audited(self.payer.faults, action):
            self.payer.database.execute(
                "INSERT INTO audit (at, actor, action, subject, client_id, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self.payer.clock.timestamp(),
                    actor,
                    action,
                    subject,
                    client_id,
                    outcome,
                    orjson.dumps(detail).decode(),
                ),
            )

    def usage_lines(self) -> list[dict[str, Any]]:
        """The usage log, oldest first."""
        self.write()
        rows = self.payer.database.query(
            "SELECT id, at, patient, client_id, status, resources, interaction, reporting_unit, consent FROM deliveries ORDER BY id"
        )
        return [
            {
                "row": row, "at": instant(at), "member": patient, "app": client_id, "app_kind": "third-party", "channel": "patient-access",
                "unit": unit, "program": self.payer.deployment.payer.program, "status": status, "resources": resources,
                "interaction": interaction, "consent": consent,
            }
            for row, at, patient, client_id, status, resources, interaction, unit, consent in rows
        ]  # fmt: skip

    def audit_lines(self, *, text: str = "", since: float = 0.0, most: int = 100_000) -> list[dict[str, Any]]:
        """The audit log, newest first, where actor, action, subject, app or outcome holds a text."""
        like = f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        rows = self.payer.database.query(
            "SELECT at, actor, action, subject, client_id, outcome, detail FROM audit WHERE at >= ? AND (actor LIKE ? ESCAPE '!' OR action "
            "LIKE ? ESCAPE '!' OR subject LIKE ? ESCAPE '!' OR client_id LIKE ? ESCAPE '!' OR outcome LIKE ? ESCAPE '!') ORDER BY id DESC LIMIT ?",
            (since, like, like, like, like, like, most),
        )
        return [
            {
                "time": instant(at),
                "actor": actor,
                "action": action,
                "subject": subject,
                "app": client,
                "outcome": outcome,
                "detail": orjson.loads(detail),
            }
            for at, actor, action, subject, client, outcome, detail in rows
        ]

    def forget(self) -> None:
        """Begin again."""
        self.waiting.clear()
        for table in ("audit", "deliveries", "reviews", "utilisation"):
            self.payer.database.execute(f"DELETE FROM {table}")  # noqa: S608 - constant


def instant(seconds: float) -> str:
    """An instant in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of(payer: Payer) -> Journal:
    """The logs of this payer."""
    journal: Journal | None = payer.parts.get("journal")
    if journal is None:
        journal = payer.parts["journal"] = Journal(payer)
        payer.on_reset.append(journal.forget)
    return journal
