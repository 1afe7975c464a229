"""Servers that are faulty as servers: the payer signs members in, then a front before it spoils the answers its FHIR interface gives.

What never came whole is undecided (exit 3) and never a finding; what came and is wrong is a breach (exit 1). Redirects are judged and never
followed. Servers that are faulty from the first request on: tests/contract/test_bad_targets.py.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.mutants.payer import COMMAND, RunningPayer, running

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
OPEN = ("/fhir/metadata", "/fhir/.well-known")  # answered as they are: what is spoiled comes after the sign-in
CHAPTER = "patient_data"


class Front(BaseHTTPRequestHandler):
    """Passes everything on; what the FHIR interface answers to a token goes through `spoil`."""

    protocol_version = "HTTP/1.1"
    behind: tuple[str, int] = ("127.0.0.1", 0)
    spoil: Callable[[Front, bytes], None] | None = None

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = HTTPConnection(*type(self).behind, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        spoil = type(self).spoil
        if spoil is not None and self.path.startswith("/fhir/") and not self.path.startswith(OPEN):
            spoil(self, content)
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_OPTIONS = do_HEAD = do_DELETE = do_PUT = pass_on

    def head(self, status: int = 200, kind: str = "application/fhir+json", **headers: str) -> None:
        """Status and headers; whoever spoils says how long the body is."""
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def resets(front: Front, content: bytes) -> None:
    """The connection is reset instead of an answer."""
    front.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    front.connection.close()
    front.close_connection = True


def closes(front: Front, content: bytes) -> None:
    """The connection is closed without a word."""
    front.connection.shutdown(socket.SHUT_RDWR)
    front.close_connection = True


def hangs(front: Front, content: bytes) -> None:
    """No answer for longer than anyone waits."""
    time.sleep(4)
    front.close_connection = True


def half_a_body(front: Front, content: bytes) -> None:
    """Half of the promised bytes, then the end."""
    front.head(Content_Length=str(len(content)))
    front.wfile.write(content[: len(content) // 2])
    front.close_connection = True


def chunks_that_break_off(front: Front, content: bytes) -> None:
    """Chunked, without the last chunk."""
    front.head(Transfer_Encoding="chunked")
    front.wfile.write(f"{len(content):x}\r\n".encode() + content[:20])
    front.close_connection = True


def gzip_that_is_none(front: Front, content: bytes) -> None:
    """Plain bytes under Content-Encoding: gzip."""
    front.head(Content_Encoding="gzip", Content_Length=str(len(content)))
    front.wfile.write(content)


def two_lengths(front: Front, content: bytes) -> None:
    """Two Content-Length headers that contradict each other."""
    front.send_response_only(200)
    front.send_header("Content-Type", "application/fhir+json")
    front.send_header("Content-Length", str(len(content)))
    front.send_header("Content-Length", str(len(content) + 7))
    front.end_headers()
    front.wfile.write(content)
    front.close_connection = True


def drips(front: Front, content: bytes) -> None:
    """A byte every quarter of a second."""
    front.head(Content_Length=str(len(content)))
    for place in range(16):
        front.wfile.write(content[place : place + 1])
        front.wfile.flush()
        time.sleep(0.25)
    front.close_connection = True


def not_http(front: Front, content: bytes) -> None:
    """Bytes that are no HTTP at all."""
    front.wfile.write(b"\x15\x03\x01\x00\x02\x02\x46")
    front.close_connection = True


def length_too_short(front: Front, content: bytes) -> None:
    """A Content-Length that cuts the document off."""
    front.head(Content_Length=str(len(content) // 2))
    front.wfile.write(content[: len(content) // 2])


def html_with_200(front: Front, content: bytes) -> None:
    """A maintenance page, as 200."""
    page = b"<html><body>Back soon</body></html>"
    front.head(kind="text/html", Content_Length=str(len(page)))
    front.wfile.write(page)


def redirects_nowhere(front: Front, content: bytes) -> None:
    """A redirect to a host no name server knows."""
    front.head(302, kind="text/plain", Location="https://fhir.payer.invalid" + front.path, Content_Length="0")


def redirects_to_itself(front: Front, content: bytes) -> None:
    """A redirect that leads back."""
    front.head(307, kind="text/plain", Location=front.path, Content_Length="0")


@dataclass(frozen=True)
class Wanted:
    """How the run must end under a fault, and what its messages must say."""

    code: int
    said: str
    verdict: str = field(default="INCONCLUSIVE")


WANTED: dict[Callable[[Front, bytes], None], Wanted] = {
    resets: Wanted(3, "the connection broke"),
    closes: Wanted(3, "cut short"),
    hangs: Wanted(3, "no answer in time"),
    half_a_body: Wanted(3, "cut short"),
    chunks_that_break_off: Wanted(3, "cut short"),
    gzip_that_is_none: Wanted(3, "Content-Encoding"),
    two_lengths: Wanted(3, "breaks HTTP"),
    drips: Wanted(3, "not complete"),
    not_http: Wanted(3, "breaks HTTP"),
    length_too_short: Wanted(1, "no JSON", "FAIL"),
    html_with_200: Wanted(1, "text/html", "FAIL"),
    redirects_nowhere: Wanted(1, "302", "FAIL"),
    redirects_to_itself: Wanted(1, "307", "FAIL"),
}


@contextmanager
def front() -> Iterator[tuple[str, type[Front]]]:
    """A front on a free port; what it stands before and what it spoils is set later."""
    handler = type("Handler", (Front,), {})

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Broken connections are what these tests are about."""

    server = Quiet(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningPayer, type[Front]]]:
    """A payer behind a front; its target file waits a second and a half for an answer."""
    port = free_port()
    with front() as (address, handler):
        handler.behind = ("127.0.0.1", port)
        with running(tmp_path_factory.mktemp("fronted"), "--port", str(port), "--public-url", address) as payer:
            text = payer.target.read_text(encoding="utf-8")
            payer.target.write_text(text + "\n[network]\nanswer_seconds = 1.5\n", encoding="utf-8")
            yield payer, handler


def certify(payer: RunningPayer, out: Path, *chapters: str) -> tuple[int, list[dict[str, object]], str]:
    """Judge some chapters; exit code, results, what was said on stderr."""
    words = [COMMAND, "certify", "server", "--target", str(payer.target), "--jobs", "1", "--out", str(out)]
    words += ["--check-seconds", "12", *(word for one in chapters for word in ("--suite", one))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400, check=False)
    lines = (out / "run.jsonl").read_text(encoding="utf-8").splitlines() if (out / "run.jsonl").exists() else []
    return done.returncode, [one for line in lines if (one := json.loads(line))["kind"] == "check"], done.stderr


def test_the_front_alone_spoils_nothing(fronted: tuple[RunningPayer, type[Front]], tmp_path: Path) -> None:
    payer, handler = fronted
    handler.spoil = None
    code, results, said = certify(payer, tmp_path, CHAPTER)
    assert code == 0, said[-2000:]
    assert sum(one["verdict"] == "PASS" for one in results) >= 15


@pytest.mark.parametrize("spoil", WANTED, ids=lambda one: one.__name__)
def test_a_server_that_spoils_its_answers_gets_the_right_verdict(
    fronted: tuple[RunningPayer, type[Front]], spoil: Callable[[Front, bytes], None], tmp_path: Path
) -> None:
    payer, handler = fronted
    handler.spoil = staticmethod(spoil)  # type: ignore[assignment]
    wanted = WANTED[spoil]
    code, results, said = certify(payer, tmp_path, CHAPTER)
    assert code == wanted.code, said[-2000:]
    assert any(wanted.said in str(one["message"]) for one in results if one["verdict"] == wanted.verdict), said[-2000:]
    if wanted.code == 3:
        assert [one["check"] for one in results if one["verdict"] == "FAIL"] == []
    assert [one["check"] for one in results if "the check itself failed" in str(one["message"])] == []


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_off_by_a_day_is_found_where_times_are_judged_and_nowhere_else(
    fronted: tuple[RunningPayer, type[Front]], days: int, tmp_path: Path
) -> None:
    payer, handler = fronted
    handler.spoil = None
    httpx.post(
        f"{payer.control}/clock", json={"advance": days * 86_400}, timeout=10, trust_env=False
    ).raise_for_status()
    try:
        code, results, said = certify(payer, tmp_path, "openid", CHAPTER)
    finally:
        httpx.post(f"{payer.control}/clock", json={"reset": True}, timeout=10, trust_env=False).raise_for_status()
    failed = {str(one["check"]) for one in results if one["verdict"] == "FAIL"}
    assert code == 1, said[-2000:]
    assert failed
    assert {one for one in failed if not one.startswith("openid.id_token")} == set()
    assert [one["check"] for one in results if "the check itself failed" in str(one["message"])] == []
