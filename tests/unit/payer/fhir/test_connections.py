"""Answers leave in one piece, and one look at other workers serves the requests of one turn: what was made quick is still right."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulators.payer.authorization.server import of
from simulators.payer.connections import Answer
from simulators.payer.context import Payer

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4"), (b"etag", b'W/"1"')]}
BODY = {"type": "http.response.body", "body": b"four"}


class Exchange:
    """A connection of the server as an answer sees it."""

    def __init__(self, **differing: Any) -> None:
        self.written: list[bytes] = []
        self.passed_on: list[str] = []
        self.told = 0
        known = {
            "response_started": False, "response_complete": False, "disconnected": False, "keep_alive": True, "access_log": False,
            "waiting_for_100_continue": False, "flow": SimpleNamespace(write_paused=False), "scope": {"method": "GET"},
            "default_headers": [(b"date", b"today")], "transport": SimpleNamespace(write=self.written.append),
            "message_event": asyncio.Event(), "on_response": self.complete,
        }  # fmt: skip
        self.cycle = SimpleNamespace(**known | differing)

    def complete(self) -> None:
        self.told += 1

    async def pass_on(self, message: Any) -> None:
        self.passed_on.append(message["type"])

    def answer(self, *messages: Any) -> Exchange:
        async def sent() -> None:
            answer = Answer(self.cycle, self.pass_on)  # type: ignore[arg-type]
            for message in messages:
                await answer.send(message)

        asyncio.run(sent())
        return self


def test_head_and_body_are_one_write() -> None:
    done = Exchange().answer(HEAD, BODY)
    assert done.written == [b'HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 4\r\netag: W/"1"\r\n\r\nfour']
    assert (done.passed_on, done.told) == ([], 1)
    assert done.cycle.response_started
    assert done.cycle.response_complete


@pytest.mark.parametrize(
    ("differing", "head", "body"),
    [
        ({"scope": {"method": "HEAD"}}, HEAD, BODY),
        ({"keep_alive": False}, HEAD, BODY),
        ({"disconnected": True}, HEAD, BODY),
        ({"flow": SimpleNamespace(write_paused=True)}, HEAD, BODY),
        ({}, HEAD, {**BODY, "more_body": True}),
        ({}, HEAD, {**BODY, "body": b"five!"}),
        ({}, {**HEAD, "headers": []}, BODY),
        ({}, {**HEAD, "headers": [*HEAD["headers"], (b"connection", b"close")]}, BODY),  # type: ignore[misc]
        ({}, {**HEAD, "headers": [*HEAD["headers"], (b"location", b"/\r\nset-cookie: a=b")]}, BODY),  # type: ignore[misc]
    ],
)
def test_what_is_more_than_that_goes_the_servers_own_way(
    differing: dict[str, Any], head: dict[str, Any], body: dict[str, Any]
) -> None:
    done = Exchange(**differing).answer(head, body)
    assert (done.written, done.passed_on) == ([], ["http.response.start", "http.response.body"])


def test_other_workers_are_looked_at_once_a_turn_and_again_in_the_next(
    make_payer: Callable[..., Payer], tmp_path: Path
) -> None:
    database = tmp_path / "payer.sqlite"
    server = of(make_payer(database=str(database)))
    header = b"Bearer of a token that another worker revokes"

    async def turns() -> list[bool]:
        known = []
        server.refresh_for_request()
        server.grants[header] = None  # type: ignore[assignment]
        with sqlite3.connect(database) as other:
            other.execute("UPDATE epochs SET value = value + 1")
        server.refresh_for_request()  # read in the same turn, before the other worker told anybody
        known.append(header in server.grants)
        await asyncio.sleep(0)
        server.refresh_for_request()
        known.append(header in server.grants)
        return known

    assert asyncio.run(turns()) == [True, False]
    server.grants[header] = None  # type: ignore[assignment]
    with sqlite3.connect(database) as other:
        other.execute("UPDATE epochs SET value = value + 1")
    server.refresh_for_request()  # outside a loop there are no turns
    assert header not in server.grants
