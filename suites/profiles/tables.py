"""Table files: JSON laid out so that one entry can be read without parsing its neighbours.

A table opens with the package it was made from and holds its entries in one object; the key of each entry stands at the
start of a line, everything inside an entry is indented. So an index of entries is one pass of a regular expression, and a
structure, value set or code system is parsed when it is first asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

SHIPPED = Path(__file__).parent / "tables"
_ENTRY = re.compile(rb'^"((?:[^"\\\n]|\\.)+)":', re.MULTILINE)
_CLOSING = b"}\n}\n"


class BadTable(ValueError):
    """A table file that was not written by `patient-access profiles compile`."""


class Table:
    """One file of tables, read lazily."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _data(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b"{}"

    @cached_property
    def _start(self) -> int:
        """Where entries begin: after the line that opens with `"entries"`."""
        at = self._data.find(b'\n"entries":{')
        return at + len(b'\n"entries":{') if at >= 0 else len(self._data)

    @cached_property
    def header(self) -> dict[str, Any]:
        """What stands before the entries: the package, and what the entries share."""
        if self._start == len(self._data):
            return {}
        opening = self._data[: self._start - len(b'\n"entries":{')].rstrip().rstrip(b",")
        return _parsed(opening + b"}", self.path)

    @cached_property
    def _spans(self) -> dict[str, tuple[int, int]]:
        if self._start == len(self._data):
            return {}
        if not self._data.endswith(_CLOSING):
            raise BadTable(f"{self.path}: the table does not end as tables do; compile it again")
        found = [(_unquoted(m.group(1)), m.end(), m.start()) for m in _ENTRY.finditer(self._data, self._start)]
        ends = [start - 1 for _, _, start in found[1:]] + [len(self._data) - len(_CLOSING)]
        return {key: (start, end) for (key, start, _), end in zip(found, ends, strict=True)}

    def __contains__(self, key: str) -> bool:
        return key in self._spans

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def entry(self, key: str) -> dict[str, Any] | None:
        """The whole entry, parsed now; the caller keeps what it makes of it."""
        span = self._spans.get(key)
        if span is None:
            return None
        return _parsed(self._data[span[0] : span[1]].rstrip().rstrip(b","), self.path)

    def first_line(self, key: str) -> dict[str, Any] | None:
        """The facts on the first line of an entry, without what follows it."""
        span = self._spans.get(key)
        if span is None:
            return None
        line = self._data[span[0] : span[1]].split(b"\n", 1)[0].rstrip().rstrip(b",")
        return _parsed(line if line.endswith(b"}") else line + b"}", self.path)


def _unquoted(key: bytes) -> str:
    text: str = orjson.loads(b'"' + key + b'"') if b"\\" in key else key.decode()
    return text


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        raise BadTable(f"{path}: not a table ({broken}); compile it again") from None
    if not isinstance(value, dict):
        raise BadTable(f"{path}: not a table; compile it again")
    return value
