"""Every route of both ports under requests nobody should send: an answer that says no, never a failure of the server.

Bounded: one payer on loopback, a fixed list of spoiled requests, each sent once to each route.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from simulators.payer import control
from simulators.payer.app import ROUTES
from tests.unit.payer.running import CONTEXT, Running, hidden_fields

EVIL = "evil.example"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO")
BODIES: Sequence[tuple[bytes, str]] = (
    (b"", FORM), (b"\xff\xfe\x00", FORM), (b"a=%ff", FORM), (b"a=1&" * 70, FORM), (b"grant_type=x&grant_type=y", FORM),
    (b"a=" + b"x" * 140_000, FORM), (b"a=1", "text/plain"), (b"a=1", ""), (b"--x\r\n", "multipart/form-data; boundary=x"),
    (b"[" * 20_000, JSON), (b'{"a":' * 5_000, JSON), (b"null", JSON), (b'{"client_name":"\\u0000","redirect_uris":["\\ud800"]}', JSON),
    (b'{"redirect_uris":5,"scope":[],"jwks":7,"grant_types":{"a":1},"contacts":3}', JSON),
    (b'{"freeze":"9999-12-31T23:59:59-12:00"}', JSON), (b'{"freeze":"0001-01-01T00:00:00+00:00"}', JSON), (b'{"advance":1e308}', JSON),
    (b'{"active":[1]}', JSON), (b'{"status":{}}', JSON),
)  # fmt: skip
HEADERS: Sequence[dict[str, Any]] = (
    {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer " + "x" * 9000},
    {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}, {"Authorization": b"Bearer \xff\xfe"},
    {"Cookie": "pa_member=x; pa_browser=\x7f; pa_administrator=" + "y" * 4000}, {"Origin": f"https://{EVIL}"}, {"Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "Forwarded": f"host={EVIL}"}, {"Accept-Language": b"\xff,,;q=x"},
    {"Content-Encoding": "gzip"},
)  # fmt: skip
QUERIES = (
    "a=%ff", "a=1&" * 100, "a=" + "x" * 60_000, "transaction=%00", "lang=../../etc", "client_id=a&client_id=b", "%", "q=%00",
    f"client_id=test-public&redirect_uri=https://{EVIL}/&state=1", "page=99999999999999999999", "since=abc", "a[]=1",
)  # fmt: skip
PATHS = (
    "/%00", "/../../etc/passwd", "/static/../../../../etc/passwd", "/static/..%2f..%2f..%2fetc/passwd", "/%ff", f"//{EVIL}/", "/" + "a" * 50_000,
    "/oauth//token", "/developers/%2e%2e/%2e%2e/etc/passwd",
)  # fmt: skip


def public_paths(at: Running) -> list[str]:
    """The paths of every page and endpoint of the public port, with something in each placeholder."""
    found = {route.path for routes in ROUTES for route in routes(at.payer)}  # type: ignore[attr-defined]
    return [re.sub(r"\{\w+(:\w+)?\}", "abc", path) for path in sorted(found)]


def control_paths(at: Running) -> list[str]:
    """Those of the control port that change nothing for all."""
    application: Any = control.create_control(at.payer)
    inner = application.__closure__[0].cell_contents
    found = {route.path for route in inner.routes} - {"/reset", "/keys/rotate"}
    return [re.sub(r"\{\w+(:\w+)?\}", "7", path) for path in sorted(found)]


def spoiled(path: str) -> Iterator[dict[str, Any]]:
    """Requests for one path."""
    for method in METHODS:
        yield {"method": method, "url": path}
    for content, kind in BODIES:
        yield {"method": "POST", "url": path, "content": content, "headers": {"Content-Type": kind}}
    yield {"method": "PUT", "url": path, "content": b"{}", "headers": {"Content-Type": JSON}}
    for headers in HEADERS:
        yield {"method": "GET", "url": path, "headers": headers}
        yield {"method": "POST", "url": path, "headers": headers}
    for query in QUERIES:
        yield {"method": "GET", "url": f"{path}?{query}"}


def wrong_with(answer: httpx.Response) -> str:
    """What no answer may be; empty when it is in order."""
    if answer.status_code >= 500:
        return f"answered {answer.status_code}: {answer.text[:100]}"
    if EVIL in answer.headers.get("location", "") or EVIL in answer.text:
        return f"speaks of {EVIL}"
    page = answer.headers.get("content-type", "").startswith("text/html")
    if page and "frame-ancestors 'none'" not in answer.headers.get("content-security-policy", ""):
        return "a page that may be framed"
    if "Traceback" in answer.text:
        return "shows its inside"
    return ""


@pytest.mark.parametrize("port", ["public", "control"])
def test_no_request_makes_the_server_fail(at: Running, port: str) -> None:
    base, paths = (at.url, public_paths(at)) if port == "public" else (at.control, control_paths(at))
    assert len(paths) > 15
    sent, wrong = 0, []
    with httpx.Client(base_url=base, timeout=20) as http:
        for path in (*paths, *PATHS):
            for request in spoiled(path) if path not in PATHS else [{"method": "GET", "url": base + path}]:
                answer = http.request(**request)
                sent += 1
                if trouble := wrong_with(answer):
                    wrong.append(f"{request['method']} {str(request['url'])[:60]}: {trouble}")
    assert wrong == []
    assert sent > 1000


def test_the_clock_cannot_be_sent_where_no_date_is(at: Running) -> None:
    for order in ({"freeze": "9999-12-31T23:59:59-12:00"}, {"freeze": "1969-01-01T00:00:00Z"}, {"advance": 3.1e9 * 2}):
        assert httpx.post(f"{at.control}/clock", json=order, verify=CONTEXT).status_code == 400
    for _ in range(3):
        httpx.post(f"{at.control}/clock", json={"advance": 3e9}, verify=CONTEXT)
    assert httpx.get(f"{at.control}/clock", verify=CONTEXT).status_code == 200
    assert httpx.get(f"{at.fhir}/metadata", verify=CONTEXT).status_code == 200


def test_an_administrators_own_request_finds_no_failure(at: Running) -> None:
    with httpx.Client(base_url=at.control, timeout=20, follow_redirects=True) as http:
        account = http.get("/administrator").json()
        page = http.get("/admin/sign-in")
        http.post(
            "/admin/sign-in", data={**hidden_fields(page.text), **{k: account[k] for k in ("username", "password")}}
        )
        assert http.get("/admin/utilisation/99999999999999999999999.csv").status_code == 404
        form_token = hidden_fields(http.get("/admin/utilisation").text)["form_token"]
        for month in ("", "2026-13", "2026-07\n", "٢٠٢٦-٠٧-٠١", "x" * 10_000):
            answer = http.post("/admin/utilisation", data={"form_token": form_token, "county": "<b>", "month": month})
            assert answer.status_code == 400, month[:20]
        for text in ("'; DROP TABLE audit;--", "%", "_", "<script>alert(1)</script>", "\x00"):
            answer = http.get("/admin/audit", params={"text": text, "q": text, "day": text})
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
