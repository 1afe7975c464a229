"""HTTP/1.1 on the payer's sockets: what is no request is refused, heads are bounded in size and time, answers leave in one piece.

Leaves to others: HTTP itself (uvicorn), what is answered (app.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from simulators.payer.errors import FhirError
from simulators.payer.fhir.outcomes import of
from simulators.payer.fhir.responses import FHIR_JSON

MOST_HEADERS, LARGEST_HEAD = 200, 65_536
SLOWEST_HEAD, LINGER = 20, 2  # seconds

Message = MutableMapping[str, Any]


class Answer:
    """One answer on its way to a connection: its head waits for its body, so that both are one call of the system and one packet.

    Two calls cost a read by id a fifth of its time. What is more than a head and one body goes the server's own way.
    """

    __slots__ = ("_cycle", "_head", "_send")

    def __init__(self, cycle: RequestResponseCycle, send: Callable[[Message], Awaitable[None]]) -> None:
        self._cycle = cycle
        self._send = send
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start" and not self._cycle.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if self._sent_whole(head, message):
                return
            await self._send(head)
        await self._send(message)

    def _sent_whole(self, head: Message, message: Message) -> bool:
        cycle, body = self._cycle, message.get("body", b"")
        if (
            message.get("more_body")
            or cycle.disconnected
            or cycle.flow.write_paused
            or not cycle.keep_alive
            or cycle.access_log
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        headers = [*cycle.default_headers, *head.get("headers", ())]
        names = {name for name, _ in headers}
        if (
            b"connection" in names
            or b"transfer-encoding" in names
            or (b"content-length", b"%d" % len(body)) not in headers
        ):
            return False
        text = STATUS_LINE[head["status"]] + b"".join([b"%b: %b\r\n" % header for header in headers])
        if text.count(b"\n") != len(headers) + 1 or text.count(b"\r") != len(headers) + 1 or b"\0" in text:
            return False  # a line end inside a header: the server refuses it
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"%b\r\n%b" % (text, body))
        cycle.message_event.set()
        cycle.on_response()
        return True


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it; what is no request at all is refused in the form every other refusal has."""

    _ended = False  # a refusal was sent: what still comes is read and forgotten
    _in_head = False
    _came = 0  # bytes since the last head ended, those just received included
    _deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        self._came += len(data)
        super().data_received(data)
        if not self._in_head:
            self._came = 0
        elif not self._ended:  # the head did not end with these bytes
            if self._came > LARGEST_HEAD:
                self._refuse_head()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(SLOWEST_HEAD, self._refuse_to_wait)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if len(self.headers) > MOST_HEADERS or (
            self._came > LARGEST_HEAD and sum(len(name) + len(value) for name, value in self.headers) > LARGEST_HEAD
        ):
            self._refuse_head()
            return
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        async def answered(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, Answer(cycle, send).send)

        super()._start_asgi_task(cycle, answered)

    def send_400_response(self, msg: str) -> None:
        """An address of more than 64 KiB, bytes that are no HTTP: 400 with an OperationOutcome, and the connection ends."""
        if not self._ended:
            text = "this is not an HTTP request: the address is too long or has bytes it may not have"
            self._end_with("400 Bad Request", FhirError(400, "invalid", text))

    def _refuse_head(self) -> None:
        """RFC 6585 section 5."""
        text = f"the headers are more than {MOST_HEADERS} or larger than {LARGEST_HEAD} bytes"
        self._end_with("431 Request Header Fields Too Large", FhirError(431, "too-long", text))

    def _refuse_to_wait(self) -> None:
        """RFC 9110 section 15.5.9."""
        text = f"the headers did not come within {SLOWEST_HEAD} seconds"
        self._end_with("408 Request Timeout", FhirError(408, "timeout", text))

    def _end_with(self, status: str, error: FhirError) -> None:
        body = of(error)
        head = f"HTTP/1.1 {status}\r\ncontent-type: {FHIR_JSON.decode()}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        # Closed at once, with bytes unread, the connection would be reset and the refusal might never arrive (RFC 9112 section 9.6).
        self._ended = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
