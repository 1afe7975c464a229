"""Members at speed, for Locust: `locust -f load/locustfile.py` with the plan's path in PATIENT_ACCESS_LOAD_PLAN.

The plan (load/plan.py) names the journey, phases and tokens. Runs alone, or distributed with Locust's own master and workers; the
master writes `load.json`. The limit proof is one sequence and so runs in one process.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, LoadTestShape, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

from load.journeys import limit, read_record
from load.outcome import LoadFinding, report, thresholds_met
from load.plan import PLAN_VARIABLE, Phase, Plan
from load.recorder import Recorder

PLAN = Plan.read(Path(os.environ[PLAN_VARIABLE]))
RECORDER = Recorder()
LENGTHS: dict[str, float] = {}
FINDINGS: list[LoadFinding] = []
STARTED = time.time()
TOKENS = cycle(PLAN.tokens)
IS_LIMIT = PLAN.journey == "limit"


def phase_at(elapsed: float) -> Phase | None:
    """The phase a moment of the run falls in, or none after the last."""
    end = 0.0
    for phase in PLAN.phases:
        end += phase.seconds
        if elapsed < end:
            return phase
    return None


class MemberUser(FastHttpUser):
    """One member's app with its token."""

    host = PLAN.fhir_base
    wait_time = constant(0)
    network_timeout = 30.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Take the next token in turn, so that members are spread evenly."""
        token = next(TOKENS)
        self.patient = token.patient
        self.headers = {"Authorization": f"Bearer {token.access_token}", "Accept": "application/fhir+json"}
        self.numbers = count()

    def ask(self, path: str, name: str, phase: str | None = None) -> limit.Answer:
        """One GET, counted in its phase."""
        url = path if path.startswith("http") else PLAN.fhir_base + path
        begun = time.perf_counter()
        with self.client.get(url, headers=self.headers, name=name, catch_response=True) as answer:
            took = (time.perf_counter() - begun) * 1000
            status = answer.status_code or 0
            failure = "" if status in (200, 429) else f"{name}: {status or answer.error}"
            answer.failure(failure) if failure else answer.success()
            elapsed = time.time() - STARTED
            current = phase_at(elapsed)
            RECORDER.add(phase or (current.name if current else "end"), int(elapsed), took, status, failure)
            headers = answer.headers or {}
            return limit.Answer(
                status, headers.get("Retry-After", ""), headers.get("Content-Type", ""), answer.text or ""
            )

    def fetch(self, path: str, name: str) -> dict[str, Any] | None:
        """A parsed body, or None for anything but a readable 200."""
        answer = self.ask(path, name)
        if answer.status != 200:
            return None
        try:
            body = json.loads(answer.body)
        except ValueError:
            current = phase_at(time.time() - STARTED)
            RECORDER.add(current.name if current else "end", 0, 0.0, 200, f"{name}: body is not JSON")
            return None
        return body if isinstance(body, dict) else None

    def pause(self, seconds: float) -> None:
        """Let time go by."""
        gevent.sleep(seconds)

    @task
    def journey(self) -> None:
        """One round of the plan's journey."""
        if not IS_LIMIT:
            read_record.story(self)
            return
        FINDINGS.extend(self.prove_limit())
        self.environment.runner.quit()

    def prove_limit(self) -> list[LoadFinding]:
        """The limit proof over one token; bursts use ten connections."""
        path = f"/Patient/{self.patient}"
        pool = Pool(10)
        begun: dict[str, float] = {}

        def begin(phase: str) -> None:
            begun.setdefault(phase, time.time())

        def end(phase: str) -> None:
            LENGTHS[phase] = time.time() - begun[phase]

        def timed(phase: str) -> limit.Answer:
            begin(phase)
            answer = self.ask(path, "Patient", phase)
            end(phase)
            return answer

        def burst(number: int) -> list[limit.Answer]:
            begin("above")
            answers = list(pool.imap_unordered(lambda _: self.ask(path, "Patient", "above"), range(number)))
            end("above")
            return answers

        proof = limit.Proof(PLAN.limit_requests, PLAN.limit_seconds, timed, gevent.sleep, time.time, burst)
        return proof.run()


class Phases(LoadTestShape):
    """Users over time as the plan says; the limit proof is one user until it has finished."""

    def tick(self) -> tuple[int, float] | None:
        """How many users now, arriving how fast; None ends the run."""
        elapsed = time.time() - STARTED
        if IS_LIMIT:
            return None if elapsed > 300 else (1, 1)
        phase = phase_at(elapsed)
        return (phase.users, phase.spawn_rate) if phase else None


@events.report_to_master.add_listener  # type: ignore[untyped-decorator]
def send_tallies(client_id: str, data: dict[str, Any]) -> None:
    """A worker sends what it counted."""
    data["tallies"] = RECORDER.take()


@events.worker_report.add_listener  # type: ignore[untyped-decorator]
def add_tallies(client_id: str, data: dict[str, Any]) -> None:
    """The master adds it."""
    RECORDER.give(data.get("tallies", {}))


@events.init.add_listener  # type: ignore[untyped-decorator]
def refuse_shared_proof(environment: Any, **_: Any) -> None:
    """The limit proof counts every request against one budget: it cannot be shared out."""
    if IS_LIMIT and isinstance(environment.runner, MasterRunner | WorkerRunner):
        raise SystemExit("the limit scenario runs in one process; leave out --master and --worker")


@events.quit.add_listener  # type: ignore[untyped-decorator]
def write_outcome(exit_code: int, **_: Any) -> None:
    """Write load.json beside the plan, whole or not at all."""
    if not PLAN.out:
        return
    lengths = LENGTHS if IS_LIMIT else {phase.name: phase.seconds for phase in PLAN.phases}
    if IS_LIMIT and not FINDINGS:
        FINDINGS.append(
            LoadFinding(limit.REQUIREMENT, "INCONCLUSIVE", "The proof ended before it decided.", "a decision", "none")
        )
    findings = FINDINGS if IS_LIMIT else thresholds_met(PLAN, RECORDER)
    started = datetime.fromtimestamp(STARTED, UTC).isoformat(timespec="seconds")
    content = report(PLAN, RECORDER, started, lengths, findings)
    part = Path(PLAN.out).with_suffix(".part")
    part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    part.replace(PLAN.out)
