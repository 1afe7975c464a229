"""Where elements stand in JSON text: lines and columns for findings, looked up only when somebody asks.

One walk through the text serves any number of elements, so that a document with thousands of findings is told in the
time it takes to read it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

Step = str | int
"""A JSON key or an index."""

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """From 1, as editors count."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Wanted:
    """A place asked for, what is asked for below it, and where its value begins."""

    __slots__ = ("below", "offset")

    def __init__(self) -> None:
        self.below: dict[Step, _Wanted] = {}
        self.offset: int | None = None


def places(text: str, ways: Sequence[Sequence[Step]]) -> list[tuple[int, int] | None]:
    """Line and column of the value at each way, or of its nearest ancestor that is there; None in an empty text."""
    root = _Wanted()
    for way in ways:
        here = root
        for step in way:
            here = here.below.setdefault(step, _Wanted())
    _walk(text, root)
    breaks = [found.start() for found in re.finditer("\n", text)] if len(ways) > 8 else None
    return [_told(text, _nearest(root, way), breaks) for way in ways]


def _nearest(root: _Wanted, way: Sequence[Step]) -> int | None:
    found, here = root.offset, root
    for step in way:
        here = here.below[step]
        if here.offset is None:
            break
        found = here.offset
    return found


def _told(text: str, offset: int | None, breaks: list[int] | None) -> tuple[int, int] | None:
    if offset is None or breaks is None:
        return None if offset is None else line_and_column(text, offset)
    line = bisect_left(breaks, offset)
    return line + 1, offset - (breaks[line - 1] if line else -1)


def _walk(text: str, root: _Wanted) -> None:
    """Note where the wanted values begin. The text is JSON: a parser has read it."""
    tokens = TOKEN.finditer(text)
    first = next(tokens, None)
    if first is not None:
        _value(first, tokens, root)


def _value(first: re.Match[str], tokens: Iterator[re.Match[str]], wanted: _Wanted) -> None:
    """Walk through one value. Recursion goes only as deep as places are wanted."""
    if wanted.offset is None:
        wanted.offset = first.start()
    mark = first.group()
    if not wanted.below or mark not in ("{", "["):
        _skip(tokens, mark)
        return
    index = 0
    for token in tokens:
        if token.group() in ("}", "]"):
            return
        if token.group() == ",":
            continue
        step: Step = index
        index += 1
        if mark == "{":
            step = _key(token.group())
            next(tokens)
            token = next(tokens)
        below = wanted.below.get(step)
        if below is None:
            _skip(tokens, token.group())
        else:
            _value(token, tokens, below)


def _key(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    key: str = json.loads(token)
    return key


def _skip(tokens: Iterator[re.Match[str]], mark: str) -> None:
    depth = 1 if mark in ("{", "[") else 0
    while depth:
        mark = next(tokens).group()
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
