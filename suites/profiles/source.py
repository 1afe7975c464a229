"""JSON as it was sent: a parsed tree beside its original text (RFC 8259; FHIR R4 json.html).

Decimals keep their digits (`1.50` stays `1.50`), a property sent twice is found, and what JSON does not allow (NaN, a
byte order mark, another encoding than UTF-8, half of a surrogate pair, nesting without end) is told with its place
instead of being mended silently. Lines and columns are looked up only when somebody asks for them.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from json.scanner import make_scanner
from typing import Any

from suites.profiles.text_places import TOKEN, Step, line_and_column, places

LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Characters of one resource; more is refused so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the text itself. `fatal` when no tree could be read."""

    rule: str
    message: str
    line: int | None = None
    column: int | None = None
    fatal: bool = False
    warning: bool = False


@dataclass(slots=True)
class Source:
    """A document: its text, its tree (`None` with a fatal problem) and what is wrong with the text."""

    text: str
    tree: Any = None
    problems: list[Problem] = field(default_factory=list)

    def position(self, steps: Sequence[Step]) -> tuple[int, int] | None:
        """Line and column (from 1) of the element at `steps` (JSON keys and indices), or of its nearest ancestor."""
        return self.positions([steps])[0]

    def positions(self, ways: Sequence[Sequence[Step]]) -> list[tuple[int, int] | None]:
        """`position` of many elements, in one walk through the text."""
        return places(self.text, ways)


class _Duplicate(Exception):
    pass


class _Constant(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _no_constant(name: str) -> Any:
    raise _Constant(name)


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_constant)
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_decoder)  # type: ignore[arg-type]  # its stub asks for what it makes
_lenient = json.JSONDecoder(
    parse_float=Decimal,
    parse_constant=_no_constant,
    parse_int=lambda digits: int(digits) if len(digits) < 400 else Decimal(digits),
).decode
_ESCAPED_SURROGATE = re.compile(r"\\u[dD]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_USUAL_START = (b"{", b"[", b" ", b"\n")
"""First bytes of no byte order mark."""


def parse(document: bytes | str, largest: int = LARGEST_DOCUMENT) -> Source:
    """Read one document. Never raises on what it holds: everything wrong is a `Problem`."""
    if len(document) > largest:
        return Source(
            "",
            None,
            [
                Problem(
                    "document-too-large",
                    f"the document has {len(document):,} bytes; at most {largest:,} are read",
                    1,
                    1,
                    fatal=True,
                )
            ],
        )
    source = Source("")
    text = _decoded(document, source) if isinstance(document, bytes) else document
    if text is None:
        return source
    if text.startswith("\ufeff"):
        text = text[1:]
        source.problems.append(
            Problem(
                "byte-order-mark",
                "a byte order mark stands before the document; RFC 8259 section 8.1 says not to send one",
                1,
                1,
                warning=True,
            )
        )
    source.text = text
    try:
        source.tree = _strict(text)
    except _Duplicate:
        _read_again(source)
        _tell_duplicates(source)
    except (ValueError, _Constant, RecursionError, ArithmeticError):
        _read_again(source)
    if ("\\" in text and _ESCAPED_SURROGATE.search(text)) or (
        document is text and not text.isascii() and _SURROGATE.search(text)
    ):
        _find_lone_surrogate(source)
    return source


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _strict(text: str) -> Any:
    """The tree, straight from the scanner where nothing stands around the value."""
    try:
        tree, end = _scan(text, 0)
    except StopIteration:
        return _decoder.decode(text)
    return tree if end == len(text) else _decoder.decode(text)


def _decoded(document: bytes, source: Source) -> str | None:
    start = document[:2]
    if start[:1] not in _USUAL_START:
        for mark, name in _MARKS:
            if document.startswith(mark):
                return _foreign(document, name, source)
    if 0 in start:
        return _foreign(document, "utf-16-be" if document[0] == 0 else "utf-16-le", source)
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as wrong:
        before = document[: wrong.start]
        line, column = before.count(b"\n") + 1, wrong.start - before.rfind(b"\n")
        source.problems.append(
            Problem(
                "not-utf-8",
                f"byte {wrong.start} (0x{document[wrong.start]:02x}) is not UTF-8; FHIR JSON is UTF-8",
                line,
                column,
                fatal=True,
            )
        )
        return None
    return text


def _foreign(document: bytes, encoding: str, source: Source) -> str | None:
    source.problems.append(Problem("not-utf-8", f"the document is {encoding.upper()}; FHIR JSON is UTF-8", 1, 1))
    try:
        return document.decode(encoding)
    except UnicodeDecodeError:
        source.problems.append(Problem("not-utf-8", f"the document is not {encoding.upper()} either", 1, 1, fatal=True))
        return None


def _read_again(source: Source) -> None:
    """The slow way: name what the fast reader stumbled over, with its place."""
    text = source.text
    try:
        source.tree = _lenient(text)
    except RecursionError:
        source.problems.append(
            Problem("too-deep", "objects and arrays are nested too deep to be read", 1, 1, fatal=True)
        )
        return
    except _Constant as wrong:
        line, column = _place_of_constant(text, str(wrong))
        source.problems.append(Problem("not-json", f"{wrong} is not JSON", line, column, fatal=True))
        return
    except json.JSONDecodeError as wrong:
        source.problems.append(Problem("not-json", f"not JSON: {wrong.msg}", wrong.lineno, wrong.colno, fatal=True))
        return
    except (ValueError, ArithmeticError):
        message = "not readable as JSON: it holds a number beyond any that can be reckoned with"
        source.problems.append(Problem("not-json", message, 1, 1, fatal=True))
        return


def _tell_duplicates(source: Source) -> None:
    for name, offset in _duplicates(source.text):
        line, column = line_and_column(source.text, offset)
        message = f"property '{name}' is there more than once in the same object"
        source.problems.append(Problem("duplicate-property", message, line, column))


def _place_of_constant(text: str, name: str) -> tuple[int, int]:
    for token in TOKEN.finditer(text):
        if token.group() == name:
            return line_and_column(text, token.start())
    return 1, 1


def _duplicates(text: str) -> list[tuple[str, int]]:
    """Names that stand twice in one object, with the offset of the second."""
    found: list[tuple[str, int]] = []
    names: list[set[str] | None] = []
    last: re.Match[str] | None = None
    for token in TOKEN.finditer(text):
        mark = token.group()
        if mark == "{":
            names.append(set())
        elif mark == "[":
            names.append(None)
        elif mark in "}]":
            names.pop()
        elif mark == ":" and last is not None and names:
            name, seen = json.loads(last.group()), names[-1]
            if seen is not None:
                if name in seen:
                    found.append((name, last.start()))
                seen.add(name)
        last = token
    return found


def _find_lone_surrogate(source: Source) -> None:
    for token in TOKEN.finditer(source.text):
        mark = token.group()
        if mark[0] == '"' and ("\\u" in mark or _SURROGATE.search(mark)):
            try:
                value = json.loads(mark)
            except ValueError:
                continue
            if _SURROGATE.search(value):
                line, column = line_and_column(source.text, token.start())
                source.problems.append(
                    Problem(
                        "lone-surrogate", "half of a surrogate pair (\\ud800 to \\udfff) is no character", line, column
                    )
                )
                return
