"""Servers that are faulty as servers: the payer signs members in, then a front before it spoils the answers its FHIR interface gives.

What never came whole is undecided (exit 3) and never a finding; what came and is wrong is a breach (exit 1). Redirects are judged and never
followed. Servers that are faulty from the first request on: tests/contract/test_bad_targets.py.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.mutants.payer import RunningPayer
from tests.servers.front import Front, certify

CHAPTER = "patient_data"


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
