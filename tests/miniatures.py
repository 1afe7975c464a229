"""Small wrong servers for tests: one behaviour and one docstring each, on loopback ports of their own."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answering = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serving(answer: Answering, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server whose every answer is written by one function; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            answer(self)

        do_GET = do_POST = do_OPTIONS = do_DELETE = do_HEAD = do_PUT = handle_any

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gives up is what these tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def send(
    handler: BaseHTTPRequestHandler, body: bytes, kind: str = "application/json", status: int = 200, **headers: str
) -> None:
    """One whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def html_with_200(handler: BaseHTTPRequestHandler) -> None:
    """An error page in HTML, with status 200, whatever is asked."""
    send(handler, b"<html><body><h1>Maintenance</h1></body></html>", "text/html")


def invalid_json(handler: BaseHTTPRequestHandler) -> None:
    """JSON cut off in the middle."""
    send(handler, b'{"authorization_endpoint": "http://127.0.0.1/')


def wrong_content_type(handler: BaseHTTPRequestHandler) -> None:
    """The right document, labelled text/html."""
    base = f"http://{handler.headers['Host']}"
    document = {
        "authorization_endpoint": f"{base}/a",
        "token_endpoint": f"{base}/t",
        "capabilities": ["launch-standalone"],
    }
    send(handler, json.dumps(document).encode(), "text/html")


def redirect_loop(handler: BaseHTTPRequestHandler) -> None:
    """Every address redirects to itself."""
    send(handler, b"", "text/plain", 302, Location=handler.path)


def endless_body(handler: BaseHTTPRequestHandler) -> None:
    """A hundred megabytes where a small document belongs."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(100 * 1024 * 1024))
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" " * 1024 * 1024)


def closes_mid_body(handler: BaseHTTPRequestHandler) -> None:
    """Promises a thousand bytes, sends ten, hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"issuer":')
    handler.close_connection = True


def slow_drip(handler: BaseHTTPRequestHandler) -> None:
    """One byte every fifth of a second, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.2)


def hangs(handler: BaseHTTPRequestHandler) -> None:
    """Takes the request and never answers."""
    time.sleep(60)


def duplicate_headers(handler: BaseHTTPRequestHandler) -> None:
    """The same header twice, with different values."""
    base = f"http://{handler.headers['Host']}"
    document = {
        "authorization_endpoint": f"{base}/a",
        "token_endpoint": f"{base}/t",
        "capabilities": ["launch-standalone"],
    }
    body = json.dumps(document).encode()
    handler.send_response(200)
    for value in ("https://one.example", "https://two.example"):
        handler.send_header("Access-Control-Allow-Origin", value)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def target_file(folder: Path, base: str, more: str = "") -> Path:
    """A target file for a base URL, with an app and two members."""
    path = folder / "target.toml"
    path.write_text(
        f'''name = "miniature"
[server]
fhir_base = "{base}/fhir"
smart = "2.0.0"

[[client]]
name = "public"
type = "public"
client_id = "app"
redirect_uri = "http://127.0.0.1:8765/callback"
scopes = "launch/patient openid fhirUser offline_access patient/*.read"

[[member]]
label = "first"
username = "first"
password = "first-password"
patient = "p1"

[[member]]
label = "second"
username = "second"
password = "second-password"
patient = "p2"

[network]
connect_seconds = 1.0
answer_seconds = 1.0
max_megabytes = 4

[login]
plain_forms = true
[[login.step]]
do = "fill"
at = "input[name=username]"
value = "{{username}}"
[[login.step]]
do = "click"
at = "button[name=go]"
{more}
''',
        encoding="utf-8",
    )
    return path
