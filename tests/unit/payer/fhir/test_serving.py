"""`patient-access serve` as people run it: one line when ready, one line when it cannot, nothing left when it stops."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir.loading import fill_new_file

SERVE = [sys.executable, "-m", "patient_access", "serve"]


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [*SERVE, "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        assert url.startswith("http://127.0.0.1:"), process.communicate(timeout=10)
        yield url, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def raw(url: str, sent: bytes) -> bytes:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        with suppress(OSError):  # the server may end the connection before it has read everything
            connection.sendall(sent)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def refused(*options: str) -> str:
    ended = subprocess.run([*SERVE, *options], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    return ended.stderr


def test_what_keeps_it_from_starting_is_said_in_one_line(dataset: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused("--dataset", str(dataset), "--port", str(port))
        assert f"port {port}" in refused("--dataset", str(dataset), "--port", "0", "--control-port", str(port))
    assert "patient-access generate" in refused("--port", "0")
    assert "manifest.json" in refused("--dataset", str(tmp_path / "nowhere"), "--port", "0")
    assert "did you mean 'reference'" in refused("--dataset", str(dataset), "--deployment", "referense", "--port", "0")
    assert "did you mean" in refused("--dataset", str(dataset), "--fault", "another-member-record", "--port", "0")
    assert "database" in refused("--dataset", str(dataset), "--database", "oracle://x", "--port", "0")
    assert "cannot be reached" in refused(
        "--dataset", str(dataset), "--database", "postgresql://127.0.0.1:1/none", "--port", "0"
    )
    assert "--workers needs a database" in refused("--dataset", str(dataset), "--workers", "2", "--port", "0")


def test_a_broken_line_of_a_dataset_is_named_and_nothing_is_kept(dataset: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in dataset.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    with (broken / "Encounter.ndjson").open("ab") as file:
        file.write(b'{"resourceType":"Encounter"}\n')
    number = len((broken / "Encounter.ndjson").read_bytes().splitlines())
    database = tmp_path / "payer.sqlite"
    message = refused("--dataset", str(broken), "--port", "0", "--database", str(database))
    assert f"Encounter.ndjson:{number}:" in message
    assert not list(tmp_path.glob("payer.sqlite*"))
    open_database(str(database)).close()
    assert f"Encounter.ndjson:{number}:" in refused(
        "--dataset", str(broken), "--port", "0", "--database", str(database)
    )
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT COUNT(*) FROM resource").fetchone() == (0,)


def test_a_load_that_is_killed_leaves_nothing_and_what_it_left_beside_is_swept(dataset: Path, tmp_path: Path) -> None:
    database, gone = tmp_path / "payer.sqlite", subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f"payer.sqlite.filling-{gone.pid}"
    left.write_bytes(b"half a database")
    theirs = tmp_path / f"payer.sqlite.filling-{os.getppid()}"
    theirs.write_bytes(b"a load that is going on")
    fill_new_file(str(database), dataset, load("reference"))
    assert database.is_file()
    assert not left.exists()
    assert theirs.exists()
    before = database.stat().st_ino
    fill_new_file(f"sqlite:///{database}", dataset, load("reference"))
    assert database.stat().st_ino == before


def test_it_serves_until_ctrl_c_and_writes_its_target(dataset: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.toml"
    with serving("--dataset", str(dataset), "--write-target", str(target), "--control-port", "0") as (url, process):
        assert url in target.read_text("utf-8")
        assert httpx.get(f"{url}/fhir/metadata").json()["implementation"]["url"] == f"{url}/fhir"
        for nonsense in (
            b"GET /fhir/Patient?name=" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        ):
            answer = raw(url, nonsense)
            assert answer.startswith(b"HTTP/1.1 4")
            assert b"OperationOutcome" in answer
        refusal = httpx.get(f"{url}/fhir/Patient/m1")
        assert refusal.status_code == 401
        assert refusal.headers["www-authenticate"].startswith("Bearer")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)


def test_it_calls_itself_by_its_public_address(dataset: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.toml"
    options = ("--dataset", str(dataset), "--public-url", "https://payer.example/", "--write-target", str(target))
    process = subprocess.Popen([*SERVE, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "https://payer.example"
        assert 'fhir_base = "https://payer.example/fhir"' in target.read_text("utf-8")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_workers_share_a_store_and_stop_together(dataset: Path, tmp_path: Path) -> None:
    with serving(
        "--dataset", str(dataset), "--workers", "2", "--database", str(tmp_path / "payer.sqlite"), "--control-port", "0"
    ) as (url, process):
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2
        for _ in range(20):
            assert httpx.get(f"{url}/directory/Practitioner/prac-1").status_code == 200
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []


def test_a_killed_payer_keeps_what_it_acknowledged_and_starts_again_at_once(dataset: Path, tmp_path: Path) -> None:
    options = ("--dataset", str(dataset), "--database", str(tmp_path / "payer.sqlite"))
    with serving(*options) as (url, process):
        registered = httpx.post(
            f"{url}/oauth/register",
            json={"client_name": "Kept", "redirect_uris": ["https://app.example/callback"], "grant_types": ["authorization_code"], "token_endpoint_auth_method": "none", "scope": "patient/*.read"},
        )  # fmt: skip
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with serving(*options) as (url, _):
        assert httpx.get(f"{url}/directory/Practitioner/prac-1").status_code == 200
    assert registered.status_code == 201, registered.text
    with sqlite3.connect(tmp_path / "payer.sqlite") as connection:
        kept = "\n".join(connection.iterdump())
    assert registered.json()["client_id"] in kept
