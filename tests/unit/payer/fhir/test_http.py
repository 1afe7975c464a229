"""HTTP as it is spoken to the payer by anybody, on a real socket: framing, sizes, methods, negotiation, conditions, compression."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import brotli
import pytest

from simulators.payer import connections, serving
from simulators.payer.fhir.negotiation import encoding_for, json_accepted
from tests.unit.payer.fhir.conftest import Api

TOKEN = b"authorization: Bearer m1\r\n"


@pytest.fixture(scope="module")
def port(make_payer: Any) -> Iterator[int]:
    """The FHIR API alone behind the server that `serve` uses."""
    listening = serving.bind("127.0.0.1", 0)
    server = serving._server(Api(make_payer())._app)
    server.config.log_level = "critical"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join(5)


class Answer:
    """One response as it came."""

    def __init__(self, text: bytes) -> None:
        head, _, self.body = text.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.strip().lower().decode(): value.strip().decode() for name, _, value in (line.partition(b":") for line in lines)}  # fmt: skip

    @property
    def outcome(self) -> dict[str, Any]:
        """The one issue of the refusal."""
        told = json.loads(self.body)
        assert told["resourceType"] == "OperationOutcome", told
        (issue,) = told["issue"]
        assert issue["severity"] == "error"
        assert all(issue[name] for name in ("code", "diagnostics", "expression"))
        return dict(issue)


def talk(port: int, *sent: bytes, timeout: float = 10) -> bytes:
    """What comes back until the server closes or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        received = b""
        with suppress(OSError):  # it may end the connection before it has read everything
            for piece in sent:
                connection.sendall(piece)
        with suppress(TimeoutError, ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
        return received


def ask(port: int, request: bytes, timeout: float = 10) -> Answer:
    return Answer(talk(port, request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1), timeout=timeout))


def get(port: int, path: str, *headers: str, method: str = "GET") -> Answer:
    lines = "".join(f"{header}\r\n" for header in headers)
    return ask(port, f"{method} /fhir/{path} HTTP/1.1\r\nhost: x\r\n{lines}".encode() + TOKEN + b"\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /fhir/Patient/m1 HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"x: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /fhir/Patient/m1 HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"x: 1\r\n" * 300 + b"\r\n", 431),
        (b"GET /fhir/Patient/m1?_id=" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"\r\n", 414),
        (b"GET /fhir/Patient/m1?_id=" + b"a" * 90_000 + b" HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"\r\n", 400),
        (b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"content-length: 99999999999\r\n\r\n", 413),
        (b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"content-length: 99999999999999999999999\r\n\r\n", 400),
        (b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"content-length: -5\r\n\r\n", 400),
        (b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: x\r\n" + TOKEN + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /fhir/Patient/m1 HTTP/9.9\r\nhost: x\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_no_server_should_swallow_is_refused_in_form(port: int, request_: bytes, status: int) -> None:
    answer = Answer(talk(port, request_, timeout=3))
    assert answer.status == status
    assert answer.outcome
    assert get(port, "Patient/m1").status == 200  # and the server goes on


def test_headers_without_end_are_refused_as_they_come(port: int) -> None:
    answer = Answer(talk(port, b"GET /fhir/Patient/m1 HTTP/1.1\r\n", *[b"x: " + b"a" * 8000 + b"\r\n"] * 20))
    assert answer.status == 431


def test_headers_that_never_end_are_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLOWEST_HEAD", 0.2)
    answer = Answer(talk(port, b"GET /fhir/Patient/m1 HTTP/1.1\r\nhost: x\r\n"))
    assert (answer.status, answer.outcome["code"]) == (408, "timeout")


def test_requests_in_a_row_are_answered_in_their_order(port: int) -> None:
    one = b"GET /fhir/%b HTTP/1.1\r\nhost: x\r\n" + TOKEN
    text = talk(port, b"".join(one % path + b"\r\n" for path in (b"Patient/m1", b"Observation/m1-obs-1", b"Patient/m2")) + one % b"metadata" + b"connection: close\r\n\r\n")  # fmt: skip
    assert re.findall(rb"HTTP/1.1 (\d+)", text) == [b"200", b"200", b"404", b"200"]
    assert text.index(b'"id":"m1"') < text.index(b'"id":"m1-obs-1"') < text.index(b"CapabilityStatement")


def test_an_old_client_is_answered_and_the_connection_ends(port: int) -> None:
    answer = Answer(talk(port, b"GET /fhir/Patient/m1 HTTP/1.0\r\n" + TOKEN + b"\r\n"))
    assert answer.status == 200
    assert json.loads(answer.body)["id"] == "m1"


FORM = b"content-type: application/x-www-form-urlencoded\r\n"


def test_a_body_in_chunks_and_one_that_asks_first_are_read(port: int) -> None:
    head = b"POST /fhir/Observation/_search HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + TOKEN + FORM
    chunked = Answer(
        talk(port, head + b"transfer-encoding: chunked\r\n\r\n", b"8\r\npatient=\r\n", b"2\r\nm1\r\n0\r\n\r\n")
    )
    assert json.loads(chunked.body)["total"] == 5
    asking = talk(port, head + b"content-length: 10\r\nexpect: 100-continue\r\n\r\n", b"patient=m1")
    assert asking.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert json.loads(Answer(asking.partition(b"\r\n\r\n")[2]).body)["total"] == 5


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "Patient/m1", 405, "GET"), ("DELETE", "Patient/m1", 405, "GET"), ("PATCH", "Patient/m1", 405, "GET"), ("POST", "Patient", 405, "GET"),
        ("TRACE", "Patient/m1", 405, "GET"), ("GET", "Patient/_search", 405, "POST"), ("POST", "metadata", 405, "GET"), ("POST", "", 405, "GET"),
        ("HEAD", "Patient/m1", 200, None), ("HEAD", "Patient?_id=m1", 200, None), ("HEAD", "Patient/m2", 404, None), ("OPTIONS", "Patient/m1", 204, "GET"),
    ],
)  # fmt: skip
def test_methods(port: int, method: str, path: str, status: int, allow: str | None) -> None:
    answer = get(port, path, method=method)
    assert answer.status == status
    assert (allow in answer.headers["allow"]) if allow else "allow" not in answer.headers
    if status == 405:
        assert answer.outcome["expression"] == ["http.method"]
    else:
        assert answer.body == b""


@pytest.mark.parametrize(
    "path", ["Patient/m1", "Patient/m2", "Observation?patient=m1", "metadata", "Patient/m1/$everything"]
)
def test_head_says_what_get_would(port: int, path: str) -> None:
    for encoding in ("identity", "gzip", "br"):
        got, head = (get(port, path, f"accept-encoding: {encoding}", method=method) for method in ("GET", "HEAD"))
        same = ("content-type", "content-encoding", "etag", "last-modified", "vary")
        assert head.status == got.status
        assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]
        assert head.body == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (('if-none-match: W/"1"',), 304), (('if-none-match: "1"',), 304), (('if-none-match: "7", W/"1" , "9"',), 304), (("if-none-match: *",), 304),
        (('if-none-match: W/"11"',), 200), (("if-none-match: 1",), 200), (("if-none-match: garbage",), 200),
        (("if-modified-since: Mon, 01 Jun 2026 08:00:00 GMT",), 304), (("if-modified-since: Mon, 01 Jun 2026 07:59:59 GMT",), 200),
        (("if-modified-since: 99",), 200), (('if-none-match: "2"', "if-modified-since: Mon, 01 Jun 2026 08:00:00 GMT"), 200),
        (('if-match: W/"1"',), 200), (("if-match: *",), 200), (('if-match: "0", "1"',), 200), (('if-match: W/"2"',), 412), (("if-match: x",), 412),
        (("if-unmodified-since: Mon, 01 Jun 2026 08:00:00 GMT",), 200), (("if-unmodified-since: Mon, 01 Jun 2026 07:00:00 GMT",), 412),
        (('if-match: "1"', "if-unmodified-since: Mon, 01 Jun 2020 07:00:00 GMT"), 200), (('if-match: "2"', 'if-none-match: "1"'), 412),
    ],
)  # fmt: skip
def test_conditions(port: int, headers: tuple[str, ...], status: int) -> None:
    answer = get(port, "Patient/m1", *headers)
    assert answer.status == status
    if status == 412:
        assert answer.outcome["code"] == "conflict"
    else:
        assert answer.headers["etag"] == 'W/"1"'
        assert bool(answer.body) is (status == 200)
    assert get(port, "Patient/m2", *headers).status == 404  # what is out of reach has no version to be asked about


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ("", True), ("*/*", True), ("application/*", True), ("application/fhir+json", True), ("application/json", True),
        ("application/fhir+json;fhirVersion=4.0", True), ("application/fhir+json; fhirVersion=\"4.0.1\"; charset=utf-8", True),
        ("application/fhir+xml, application/fhir+json;q=0.2", True), ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("APPLICATION/FHIR+JSON", True), ("application/fhir+json;q=2", True), ("application/fhir+json ; q = 0.001", True),
        ("application/fhir+json;q=0, */*", False), ("application/json;q=0, */*", False), ("*/*;q=0", False), ("application/fhir+json;q=0.000", False),
        ("application/*;q=0, */*", False), ("application/fhir+json;fhirVersion=3.0", False), ("application/fhir+xml", False), ("text/*", False),
        ("image/png, text/turtle;q=0.9", False), (",", False),
    ],
)  # fmt: skip
def test_what_accept_accepts(accept: str, accepted: bool) -> None:
    assert json_accepted(accept) is accepted


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("gzip;q=1.0, br;q=0.5", "gzip"), ("br;q=0, gzip", "gzip"), ("br;q=0", ""),
        ("*", "br"), ("*;q=0", ""), ("gzip;q=0, *", "br"), ("identity", ""), ("", ""), ("brotli, xgzip", ""), ("GZIP", "gzip"), ("gzip;q=0.000", ""),
    ],
)  # fmt: skip
def test_compression_is_as_the_client_likes_it(port: int, sent: str, chosen: str) -> None:
    assert encoding_for(sent.encode()) == chosen.encode()
    answer = get(port, "Observation?patient=m1", f"accept-encoding: {sent}")
    assert answer.headers.get("content-encoding", "") == chosen
    plain = {"gzip": gzip.decompress, "br": brotli.decompress, "": bytes}[chosen](answer.body)
    assert json.loads(plain)["total"] == 5
    assert "accept-encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("Patient/m1?_format=json", "application/fhir+xml", 200), ("Patient/m1?_format=xml", "*/*", 406), ("Patient/m1?_format=application/fhir%2Bjson", "text/html", 200),
        ("Patient/m1?_format=application/fhir+json", "text/html", 200), ("Patient/m1?_format=application/json%3Bcharset%3Dutf-8", "", 200),
        ("Patient/m1", "application/fhir+xml", 406), ("metadata", "text/turtle", 406), ("metadata?_format=json", "text/turtle", 200),
    ],
)  # fmt: skip
def test_the_format_parameter_wins(port: int, path: str, accept: str, status: int) -> None:
    answer = get(port, path, f"accept: {accept}")
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/fhir+json")


def test_a_page_of_another_origin_may_ask(port: int) -> None:
    asked = (
        "origin: https://app.example",
        "access-control-request-method: GET",
        "access-control-request-headers: authorization, x-app-version",
    )
    answer = get(port, "Patient/m1", *asked, method="OPTIONS")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"authorization", "x-app-version"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert "x<script>" not in str(
        get(port, "Patient/m1", asked[0], "access-control-request-headers: x<script>", method="OPTIONS").headers
    )
    for path in ("Patient/m1", "Patient/m2", "Patient?birthdate=x"):
        assert get(port, path, asked[0]).headers["access-control-allow-origin"] == "*"


def test_private_data_stays_out_of_shared_caches(port: int) -> None:
    assert get(port, "Patient/m1").headers["cache-control"] == "private, no-cache"
