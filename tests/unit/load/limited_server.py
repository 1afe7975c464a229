"""A small server with a request limit, and ways of getting the limit wrong; one behaviour a class attribute."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Limited(BaseHTTPRequestHandler):
    """GET answers 200 until `requests` came in a window of `seconds`, then 429."""

    protocol_version = "HTTP/1.1"
    requests, seconds = 30, 1.0
    retry_after = True
    outcome = True
    refuses_below = False
    never_refuses = False
    stays_closed = False
    lock = threading.Lock()
    window = (0.0, 0)
    total = 0

    def do_GET(self) -> None:
        kind = type(self)
        with kind.lock:
            now = time.monotonic()
            start, count = kind.window
            if now - start >= kind.seconds and not (kind.stays_closed and count > kind.requests):
                start, count = now, 0
            kind.window = (start, count + 1)
            kind.total += 1
            most = kind.requests // 10 if kind.refuses_below else kind.requests
            refused = count >= most and not kind.never_refuses
        status = 429 if refused else 200
        body = {"resourceType": "OperationOutcome" if refused and kind.outcome else "Patient"}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(text)))
        if refused and kind.retry_after:
            self.send_header("Retry-After", str(int(start + kind.seconds - now) + 1))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(**behaviour: object) -> Iterator[str]:
    """The base URL of a server with that behaviour."""
    handler = type("Handler", (Limited,), {**behaviour, "lock": threading.Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
