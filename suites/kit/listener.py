"""A redirect listener on this machine, http or https: the app's side of an authorization request (RFC 8252 section 7.3).

Answers every request with a small page and remembers where the browser came back to.
"""

from __future__ import annotations

import queue
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

from suites.kit.outcomes import Inconclusive

LANDED = b"""<!doctype html><html lang="en" data-landed="yes"><meta charset="utf-8"><title>Back at the app</title>
<p>The authorization server has sent you back to the app. You can close this window.</p></html>"""


class Listener:
    """Listens where a redirect URI points, or on a free port; use as a context manager."""

    def __init__(self, redirect_uri: str, certificate: Path | None = None, key: Path | None = None) -> None:
        parts = urlsplit(redirect_uri)
        self._arrived: queue.Queue[str] = queue.Queue()
        arrived, scheme = self._arrived, parts.scheme

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                """Note where the browser came back to."""
                if self.path.partition("?")[0] == (parts.path or "/"):
                    arrived.put(f"{scheme}://{self.headers.get('Host', parts.netloc)}{self.path}")
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(LANDED)))
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(LANDED)

            def log_message(self, format: str, *args: object) -> None:
                """The recorded evidence is the log."""

        try:
            self._server = ThreadingHTTPServer((parts.hostname or "127.0.0.1", parts.port or 0), Handler)
        except OSError as wrong:
            raise Inconclusive(f"cannot listen at {redirect_uri}: {wrong.strerror or wrong}") from None
        self._server.daemon_threads = True
        if scheme == "https":
            if certificate is None:
                raise Inconclusive(f"{redirect_uri} needs a certificate to listen with")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        host = f"{parts.hostname}:{self._server.server_address[1]}"
        self.redirect_uri = urlunsplit((scheme, host, parts.path, parts.query, ""))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def arrived(self, seconds: float) -> str:
        """The URL the browser came back to, empty when it did not in time."""
        try:
            return self._arrived.get(timeout=seconds)
        except queue.Empty:
            return ""
