"""The payer as processes: what it acknowledged outlives kill -9, and its workers act as one."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from simulators.payer.authorization.records import digest
from simulators.payer.deployment import load
from tests.unit.payer.running import CONTEXT, App, Running, dataset

FHIR = load("reference").endpoints.fhir


@dataclass
class Remote:
    """A payer in a process of its own, as far as `App` asks."""

    url: str
    process: subprocess.Popen[str]
    clients: dict[str, dict[str, Any]]

    @property
    def fhir(self) -> str:
        return self.url + FHIR

    def at(self, endpoint: str) -> str:
        return self.url + str(getattr(load("reference").endpoints, endpoint))

    def app(self, client: str = "public") -> App:
        return App(cast(Running, self), client)


@contextmanager
def serving(folder: Path, name: str = "reference", workers: int = 1) -> Iterator[Remote]:
    target = folder / "target.toml"
    command = [
        sys.executable, "-m", "patient_access", "serve", "--port", "0", "--dataset", str(folder / "dataset"), "--deployment", name,
        "--database", str(folder / "payer.sqlite"), "--workers", str(workers), "--write-target", str(target),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        clients = {entry["name"]: entry for entry in tomllib.loads(target.read_text("utf-8"))["client"]}
        yield Remote(url, process, clients)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dataset(tmp_path / "dataset")
    (tmp_path / "roomy.toml").write_text(
        'name = "roomy"\n[limits]\nrequests = 1000000\nper_seconds = 60\ntoken_requests = 1000000\nregistrations = 1000000\n', "utf-8"
    )  # fmt: skip
    return tmp_path


@dataclass
class Acknowledged:
    """What the payer said is done."""

    clients: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)


def register(at: Remote, done: Acknowledged) -> None:
    answer = httpx.post(
        at.at("register"),
        json={"client_name": "Kept", "redirect_uris": ["https://app.example/callback"], "grant_types": ["authorization_code"],
              "token_endpoint_auth_method": "none", "scope": "patient/*.read"}, verify=CONTEXT)  # fmt: skip
    assert answer.status_code == 201, answer.text
    done.clients.append(answer.json()["client_id"])


def refresh(app: App, tokens: dict[str, Any], done: Acknowledged) -> None:
    answer = app.refresh(tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    tokens.update(answer.json())
    done.tokens.append(answer.json()["access_token"])


def read(app: App, token: str, member: str, done: Acknowledged) -> None:
    assert app.read(token, f"Patient/{member}").status_code == 200
    done.reads[member] += 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_payer_has_lost_nothing_it_acknowledged(folder: Path, seed: int) -> None:
    done = Acknowledged()
    with serving(folder, str(folder / "roomy.toml")) as at:
        apps = {member: at.app() for member in ("m1", "m2")}
        tokens = {member: app.tokens(f"member{member[1:]}") for member, app in apps.items()}
        done.tokens += [found["access_token"] for found in tokens.values()]
        other, others = at.app("second"), {}
        others.update(other.tokens("member3"))

        def repeat(act: Callable[[], None]) -> None:
            try:
                while True:
                    act()
            except httpx.TransportError:
                return  # it was killed: this one was not acknowledged

        acts: list[Callable[[], None]] = [
            lambda: register(at, done),
            lambda: refresh(other, others, done),
            lambda: read(apps["m1"], tokens["m1"]["access_token"], "m1", done),
            lambda: read(apps["m2"], tokens["m2"]["access_token"], "m2", done),
        ]
        threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        time.sleep(1 + random.Random(seed).random())
        at.process.kill()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert done.clients
    assert len(done.tokens) > 2
    assert min(done.reads["m1"], done.reads["m2"]) > 5
    with sqlite3.connect(folder / "payer.sqlite") as kept:

        def column(statement: str) -> list[str]:
            return [row[0] for row in kept.execute(statement)]

        assert set(done.clients) <= set(column("SELECT client_id FROM clients"))
        assert {digest(token) for token in done.tokens} <= set(column("SELECT digest FROM tokens"))
        assert set(done.clients) <= set(column("SELECT client_id FROM audit WHERE action = 'register'"))
        delivered = Counter(column("SELECT patient FROM deliveries"))
        for member, count in done.reads.items():
            assert count <= delivered[member] <= count + 1  # the one under way may be in the log already


def test_workers_refuse_at_the_declared_limit_together(folder: Path) -> None:
    (folder / "few.toml").write_text('name = "few"\n[limits]\nrequests = 40\nper_seconds = 60\n', "utf-8")
    with serving(folder, str(folder / "few.toml"), workers=2) as at:
        answers = [httpx.get(f"{at.url}/directory/Practitioner/prac-1", verify=CONTEXT) for _ in range(60)]
    assert [answer.status_code for answer in answers] == [200] * 40 + [429] * 20
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in answers[40:])


def test_a_revocation_counts_at_every_workers_next_request(folder: Path) -> None:
    with serving(folder, str(folder / "roomy.toml"), workers=2) as at:
        app = at.app()
        token = app.tokens()["access_token"]

        def statuses() -> set[int]:
            """A connection each, so that every worker gets some."""
            headers = {"authorization": f"Bearer {token}"}
            return {httpx.get(f"{at.fhir}/Patient/m1", headers=headers, verify=CONTEXT).status_code for _ in range(20)}

        assert statuses() == {200}
        answer = app.http.post(at.at("revoke"), data={"token": token, "client_id": app.client["client_id"]})
        assert answer.status_code == 200
        assert statuses() == {401}


def test_the_usage_log_tells_what_each_page_delivered(folder: Path) -> None:
    with serving(folder) as at:
        app = at.app()
        token = app.tokens()["access_token"]
        first = app.read(token, "Observation?patient=m1&_count=2").json()
        link = next(one["url"] for one in first["link"] if one["relation"] == "next")
        assert app.http.get(link, headers={"authorization": f"Bearer {token}"}).status_code == 200
        app.read(token, "Patient/m1")
        app.read(token, "Patient/m2")
        app.http.head(f"{at.fhir}/Patient/m1", headers={"authorization": f"Bearer {token}"})
    with sqlite3.connect(folder / "payer.sqlite") as kept:
        rows = kept.execute("SELECT interaction, status, resources FROM deliveries ORDER BY id").fetchall()
    assert rows == [("search Observation", 200, 2), ("search Observation", 200, 2), ("read Patient", 200, 1)]
