"""The suites judge the payer as well behind an HTTP proxy: the payer calls itself by the proxy's address (--public-url)."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.mutants.payer import COMMAND, running

CHAPTERS = ("discovery", "launch", "refresh", "patient_data")
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Forward(BaseHTTPRequestHandler):
    """Ten lines that pass everything on to the payer behind."""

    protocol_version = "HTTP/1.1"
    behind = ("127.0.0.1", 0)

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = HTTPConnection(*type(self).behind, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*HOP_BY_HOP, "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_OPTIONS = do_HEAD = do_DELETE = do_PUT = pass_on

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def proxy() -> Iterator[tuple[str, type[Forward]]]:
    """A forwarding proxy on a free port; where it forwards to is set once that is known."""
    handler = type("Handler", (Forward,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
    finally:
        server.shutdown()
        server.server_close()


def test_the_suites_run_through_a_proxy(tmp_path: Path) -> None:
    port = free_port()
    with proxy() as (address, handler):
        handler.behind = ("127.0.0.1", port)
        with running(tmp_path, "--port", str(port), "--public-url", address) as payer:
            target = payer.target.read_text(encoding="utf-8")
            assert f'fhir_base = "{address}/fhir"' in target
            out = tmp_path / "run"
            command = [COMMAND, "certify", "server", "--target", str(payer.target), "--jobs", "1", "--out", str(out)]
            suites = [word for name in CHAPTERS for word in ("--suite", name)]
            done = subprocess.run([*command, *suites], capture_output=True, text=True, timeout=300, check=False)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stderr[-3000:]
    assert summary["failed"] == 0
    assert summary["passed"] > 50
    urls = {
        json.loads(line)["url"] for file in (out / "evidence").glob("*.jsonl") for line in file.open(encoding="utf-8")
    }
    assert not [url for url in urls if f":{port}/" in url], "something led past the proxy"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
