"""The evidence of one worker: `evidence/WORKER.jsonl`, one masked exchange a line, written as it happens.

Leaves to others: masking (masking.py), who speaks (http.py, browser.py).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from reports.model import Exchange
from suites.kit.masking import Masker
from suites.kit.outcomes import trail

BODY_LIMIT = 64 * 1024  # recorded of a body; its length and hash are of the whole


class Recorder:
    """Writes exchanges and keeps them, so that a check can quote one; without a folder it only keeps them."""

    def __init__(self, folder: Path | None, worker: str, masker: Masker) -> None:
        self.folder = folder
        self.worker = worker
        self.masker = masker
        self.exchanges: dict[str, Exchange] = {}
        self._file: TextIO | None = None
        self._number = 0
        self._lock = threading.Lock()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{worker}.jsonl"
            # A resumed run goes on after what is there, so that earlier references stay true.
            self._number = sum(1 for _ in path.open(encoding="utf-8")) if path.exists() else 0
            self._file = path.open("a", encoding="utf-8")

    @property
    def count(self) -> int:
        """How many exchanges there are, earlier parts of a resumed run included."""
        return self._number

    def http(
        self,
        method: str,
        url: str,
        request_headers: Iterable[tuple[str, str]],
        request_body: bytes,
        *,
        status: int = 0,
        response_headers: Iterable[tuple[str, str]] = (),
        response_body: bytes = b"",
        seconds: float = 0.0,
        note: str = "",
        kind: str = "http",
    ) -> str:
        """Record one exchange; gives its evidence id and tells the running check."""
        request_headers, response_headers = list(request_headers), list(response_headers)
        sent_type, got_type = header(request_headers, "content-type"), header(response_headers, "content-type")
        # What the answer hands out is learnt first, so that it is masked in its own headers too.
        shown = self.masker.body(response_body[:BODY_LIMIT], got_type)
        return self._write(
            Exchange(
                id=self._next(),
                kind=kind,
                method=method,
                url=self.masker.url(url),
                status=status,
                request_headers=self.masker.headers(request_headers),
                request_body=self.masker.body(request_body[:BODY_LIMIT], sent_type),
                response_headers=self.masker.headers(response_headers),
                response_body=shown,
                response_bytes=len(response_body),
                response_sha256=hashlib.sha256(response_body).hexdigest() if response_body else "",
                started=datetime.now(UTC).isoformat(timespec="milliseconds"),
                seconds=round(seconds, 4),
                note=self.masker.text(note),
            )
        )

    def browser(self, url: str, note: str, text: str = "", screenshot: bytes = b"", status: int = 0) -> str:
        """Record one step in a browser: where it was, what the page said, what it looked like."""
        id, picture = self._next(), ""
        if screenshot and self.folder is not None:
            picture = id.replace("/", "-") + ".png"
            (self.folder / picture).write_bytes(screenshot)
        shown = self.masker.text(text[:BODY_LIMIT])
        return self._write(
            Exchange(
                id=id,
                kind="browser",
                method="GET",
                url=self.masker.url(url),
                status=status,
                response_body=shown,
                response_bytes=len(text.encode()),
                started=datetime.now(UTC).isoformat(timespec="milliseconds"),
                note=self.masker.text(note),
                screenshot=picture,
            )
        )

    def _next(self) -> str:
        with self._lock:
            self._number += 1
            return f"{self.worker}/{self._number}"

    def _write(self, exchange: Exchange) -> str:
        # In memory without what was answered: the file has it, and thousands of answers would not be small.
        self.exchanges[exchange.id] = replace(exchange, response_body="") if self._file is not None else exchange
        if len(self.exchanges) > 2000:
            self.exchanges.pop(next(iter(self.exchanges)))
        if self._file is not None:
            with self._lock:
                self._file.write(json.dumps(asdict(exchange), ensure_ascii=False, separators=(",", ":")) + "\n")
                self._file.flush()
        trail().saw(exchange.id)
        return exchange.id

    def close(self) -> None:
        """No more evidence."""
        if self._file is not None:
            self._file.close()
            self._file = None


def header(headers: Iterable[tuple[str, str]], name: str) -> str:
    """The first value of a header, empty without it."""
    return next((value for key, value in headers if key.lower() == name), "")
