"""A front before the payer that passes everything on, and spoils what the FHIR interface answers to a token as a test asks."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.mutants.payer import COMMAND, RunningPayer

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
OPEN = ("/fhir/metadata", "/fhir/.well-known")  # answered as they are: what is spoiled comes after the sign-in


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
        if spoil is not None and self.path.startswith(("/fhir/", "/fhir?")) and not self.path.startswith(OPEN):
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


def certify(
    payer: RunningPayer, out: Path, *chapters: str, only: Sequence[str] = (), seconds: int = 12
) -> tuple[int, list[dict[str, object]], str]:
    """Judge some chapters, or some requirements in them; exit code, results, what was said on stderr."""
    words = [COMMAND, "certify", "server", "--target", str(payer.target), "--jobs", "1", "--out", str(out)]
    words += ["--check-seconds", str(seconds), *(word for one in chapters for word in ("--suite", one))]
    words += [word for one in only for word in ("--requirement", one)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400, check=False)
    lines = (out / "run.jsonl").read_text(encoding="utf-8").splitlines() if (out / "run.jsonl").exists() else []
    return done.returncode, [one for line in lines if (one := json.loads(line))["kind"] == "check"], done.stderr
