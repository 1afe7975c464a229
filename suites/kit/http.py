"""The HTTP client of the checks: every exchange recorded, original bytes kept, bounded in time and size.

Transport faults before an answer are retried for safe methods only, and said in the evidence. Redirects are never followed by
itself. What does not come over the wire is TargetUnreachable (undecided); what does come is judged.
"""

from __future__ import annotations

import json as jsonlib
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from reports.model import Finding
from suites.kit.outcomes import (
    CertificateRefused,
    Inconclusive,
    NonConformance,
    TargetUnreachable,
    expect,
    shorten,
    trail,
)
from suites.kit.recorder import Recorder
from suites.kit.target import Network

Params = Mapping[str, str] | Iterable[tuple[str, str]]
RETRIED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.PoolTimeout)
RETRIES = 2
MOST_PARTS = 1_000_000  # of one JSON document, so that memory stays bounded
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Answer:
    """One answer as it came: status, headers in order, the exact body bytes, and its evidence."""

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    evidence: str
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """The first value of a header, empty without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header sent more than once."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is shown escaped."""
        return self.body.decode("utf-8", "backslashreplace")

    def json(self) -> Any:
        """The body as JSON; NonConformance says what came instead. Call `expect_json` to judge the content type too."""
        trail().saw(self.evidence)
        parts = self.body.count(b"{") + self.body.count(b"[")
        if parts > MOST_PARTS:
            raise Inconclusive(
                f"{self.method} {shorten(self.url, 120)} answered with {parts:,} objects and lists; more than {MOST_PARTS:,} are not read at once"
            )
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            pass  # what only a stricter reader refuses (a byte order mark, NaN) is the profile engine's to tell
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError) as wrong:
            what = (
                "HTML"
                if self.body.lstrip()[:1] == b"<"
                else f"{len(self.body)} bytes of {self.media_type or 'no type'}"
            )
            raise NonConformance(
                Finding(
                    f"{self.method} {self.url} must answer with JSON",
                    "a JSON document",
                    f"{what} that is no JSON ({wrong}): {shorten(self.text, 120)}",
                    evidence=(self.evidence,),
                )
            ) from None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        document = self.json()
        expect(
            isinstance(document, dict),
            f"{self.method} {self.url} must answer with a JSON object",
            found=type(document).__name__,
            evidence=self.evidence,
        )
        assert isinstance(document, dict)
        return document


class TooMuch(Exception):
    """A body past the size limit or an answer past its time."""


class Http:
    """A client for one worker. `send` is the one door; the rest are its common forms."""

    def __init__(self, network: Network, recorder: Recorder, verify: ssl.SSLContext | bool | None = None) -> None:
        self.network = network
        self.recorder = recorder
        context = tls_context(network) if verify is None else verify
        self._client = httpx.Client(
            verify=context,
            proxy=network.proxy or None,
            follow_redirects=False,
            trust_env=False,
            # Cookies are the business of who keeps a session (forms.py): nothing is remembered between requests.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": "patient-access-conformance", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=10),
        )
        self.unreachable_in_a_row = 0
        self.last_trouble = ""  # what went wrong on the wire last, in a person's words

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, url: str, params: Params = (), headers: Mapping[str, str] | None = None, token: str = "") -> Answer:
        """GET, with a bearer token in the header where one is given."""
        return self.send("GET", url, params=params, headers=headers, token=token)

    def post_form(self, url: str, form: Params, headers: Mapping[str, str] | None = None, token: str = "") -> Answer:
        """POST of a urlencoded form, pairs in order, duplicates kept."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        self.recorder.masker.learn_from_form(pairs)
        return self.send(
            "POST",
            url,
            body=urlencode(pairs).encode("ascii"),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                **(headers or {}),
            },
            token=token,
        )

    def post_json(self, url: str, document: Any, headers: Mapping[str, str] | None = None, token: str = "") -> Answer:
        """POST of a JSON document."""
        return self.send(
            "POST",
            url,
            body=jsonlib.dumps(document, separators=(",", ":")).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", **(headers or {})},
            token=token,
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        token: str = "",
        cookies: Mapping[str, str] | None = None,
        note: str = "",
    ) -> Answer:
        """Send one request and record what came."""
        sent = {**self.network.headers, **(headers or {})}
        if token:
            self.recorder.masker.learn("access_token", token)
            sent["Authorization"] = f"Bearer {token}"
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        query: list[tuple[str, str | int | float | bool | None]] = [
            *(params.items() if isinstance(params, Mapping) else params)
        ]
        try:
            request = self._client.build_request(
                method, url, params=query or None, headers=sent, content=body or None, timeout=self._timeout()
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError) as wrong:
            raise TargetUnreachable(f"{method} {shorten(url)} cannot be sent: {wrong}") from None
        return self._exchange(request, body, note)

    def _exchange(self, request: httpx.Request, body: bytes, note: str) -> Answer:
        tries = 1 + (RETRIES if request.method in SAFE else 0)
        notes = [note] if note else []
        for attempt in range(1, tries + 1):
            started = time.monotonic()
            try:
                return self._once(request, body, started, "; ".join(notes))
            except (httpx.HTTPError, httpx.InvalidURL, TooMuch, ssl.SSLError, OSError) as wrong:
                notes.append(f"try {attempt}: {explained(wrong)}")
                again = (
                    isinstance(wrong, RETRIED)
                    and "CERTIFICATE_VERIFY_FAILED" not in str(wrong)
                    and attempt < tries
                    and self._time_left() > 2
                )
                if not again:
                    self._gave_up(request, body, time.monotonic() - started, notes, wrong)
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")

    def _once(self, request: httpx.Request, body: bytes, started: float, note: str) -> Answer:
        limit, deadline = self.network.max_megabytes * 1024 * 1024, started + self._time_left()
        received = bytearray()
        response = self._client.send(request, stream=True)
        try:
            encoded = response.headers.get("content-encoding", "identity") not in ("", "identity")
            chunks = response.iter_bytes() if encoded else response.iter_raw()
            for chunk in chunks:
                received += chunk
                if len(received) > limit:
                    raise TooMuch(f"the body is larger than {self.network.max_megabytes} MB and was cut off")
                if time.monotonic() > deadline:
                    raise TooMuch(f"the answer was not complete after {time.monotonic() - started:.0f} s")
        finally:
            response.close()
        self.unreachable_in_a_row = 0
        seconds = time.monotonic() - started
        headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in response.headers.raw)
        evidence = self.recorder.http(
            request.method,
            str(request.url),
            request.headers.multi_items(),
            body,
            status=response.status_code,
            response_headers=headers,
            response_body=bytes(received),
            seconds=seconds,
            note=note and f"retried after a transport fault: {note}",
        )
        return Answer(
            request.method, str(request.url), response.status_code, headers, bytes(received), evidence, seconds
        )

    def _gave_up(
        self, request: httpx.Request, body: bytes, seconds: float, notes: list[str], wrong: BaseException
    ) -> None:
        distrusted = "CERTIFICATE_VERIFY_FAILED" in str(wrong)
        if not isinstance(wrong, TooMuch) and not distrusted:
            self.unreachable_in_a_row += 1
        self.recorder.http(
            request.method,
            str(request.url),
            request.headers.multi_items(),
            body,
            seconds=seconds,
            note="; ".join(notes),
        )
        where = f"{request.method} {request.url.copy_with(query=None)}"
        self.last_trouble = f"{where}: {explained(wrong)}" + (f" ({len(notes)} tries)" if len(notes) > 1 else "")
        kind = CertificateRefused if distrusted else TargetUnreachable
        raise kind(self.last_trouble) from None

    def _time_left(self) -> float:
        deadline = trail().deadline
        allowed = self.network.answer_seconds
        return max(0.1, min(allowed, deadline - time.monotonic())) if deadline else allowed

    def _timeout(self) -> httpx.Timeout:
        left = self._time_left()
        return httpx.Timeout(left, connect=min(self.network.connect_seconds, left))


def tls_context(network: Network) -> ssl.SSLContext:
    """Trust and client certificate as the target file says."""
    context = ssl.create_default_context(cafile=str(network.ca_file) if network.ca_file else None)
    if network.client_certificate:
        context.load_cert_chain(network.client_certificate, network.client_key)
    return context


def explained(wrong: BaseException) -> str:
    """A transport fault in a person's words."""
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (TooMuch, str(wrong)),
        (httpx.ConnectTimeout, "no connection in time"),
        (httpx.ReadTimeout, "connected, but no answer in time"),
        (httpx.WriteTimeout, "the request could not be sent in time"),
        (httpx.ConnectError, f"the connection failed: {wrong}"),
        (httpx.RemoteProtocolError, f"the answer breaks HTTP or was cut short: {wrong}"),
        (httpx.ReadError, "the connection broke while the answer was read"),
        (httpx.DecodingError, f"the body is not what its Content-Encoding says: {wrong}"),
    )
    for kind, text in kinds:
        if isinstance(wrong, kind):
            return text.strip()
    return f"{type(wrong).__name__}: {wrong}".strip(": ")
