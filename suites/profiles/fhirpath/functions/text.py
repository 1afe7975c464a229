"""Strings (FHIRPath N1 §5.6)."""

from __future__ import annotations

import base64
import html
import urllib.parse
from collections.abc import Callable
from typing import Any

from suites.profiles.fhirpath import regular
from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.values import plain


def string(items: Items, name: str) -> str | None:
    """The single string of a collection, None if there is none."""
    value = plain(one(items, f"{name}()"))
    if value is None or value.__class__ is str:
        return value
    raise EvaluationError(f"{name}() needs a string, not {value!r:.60}")


def _tested(name: str, test: Callable[[str, str], bool]) -> Function:
    def run(items: Items, env: Env, argument: Items) -> Items:
        subject, wanted = string(items, name), string(argument, name)
        return [] if subject is None or wanted is None else [test(subject, wanted)]

    return run


def _mapped(name: str, change: Callable[[str], Any]) -> Function:
    def run(items: Items, env: Env) -> Items:
        subject = string(items, name)
        return [] if subject is None else [change(subject)]

    return run


def matches(items: Items, env: Env, argument: Items) -> Items:
    subject, regex = string(items, "matches"), string(argument, "matches")
    return [] if subject is None or regex is None else [regular.found(regex, subject)]


def matches_full(items: Items, env: Env, argument: Items) -> Items:
    subject, regex = string(items, "matchesFull"), string(argument, "matchesFull")
    return [] if subject is None or regex is None else [regular.found(regex, subject, whole=True)]


def replace_matches(items: Items, env: Env, regex: Items, substitution: Items) -> Items:
    subject, wanted, put = (string(i, "replaceMatches") for i in (items, regex, substitution))
    if subject is None or wanted is None or put is None:
        return []
    return [regular.replaced(wanted, put, subject)]


def replace(items: Items, env: Env, old: Items, new: Items) -> Items:
    subject, wanted, put = (string(i, "replace") for i in (items, old, new))
    return [] if subject is None or wanted is None or put is None else [subject.replace(wanted, put)]


def substring(items: Items, env: Env, start: Items, length: Items | None = None) -> Items:
    subject = string(items, "substring")
    at = plain(one(start, "substring()"))
    if subject is None or at is None:
        return []
    if at.__class__ is not int or not 0 <= at < len(subject):
        return []
    if length is None:
        return [subject[at:]]
    count = plain(one(length, "substring()"))
    return [subject[at:]] if count is None else [subject[at : at + max(0, int(count))]]


def index_of(items: Items, env: Env, argument: Items) -> Items:
    subject, wanted = string(items, "indexOf"), string(argument, "indexOf")
    return [] if subject is None or wanted is None else [subject.find(wanted)]


def last_index_of(items: Items, env: Env, argument: Items) -> Items:
    subject, wanted = string(items, "lastIndexOf"), string(argument, "lastIndexOf")
    return [] if subject is None or wanted is None else [subject.rfind(wanted)]


def split(items: Items, env: Env, argument: Items) -> Items:
    subject, wanted = string(items, "split"), string(argument, "split")
    if subject is None or wanted is None:
        return []
    return list(subject.split(wanted)) if wanted else list(subject)


def join(items: Items, env: Env, argument: Items | None = None) -> Items:
    between = string(argument, "join") if argument else ""
    parts = [plain(i) for i in items]
    if any(p.__class__ is not str for p in parts):
        raise EvaluationError("join() needs strings")
    return [(between or "").join(parts)] if parts else []


_ENCODINGS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "base64": (
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.b64decode(s).decode(),
    ),
    "urlbase64": (
        lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
        lambda s: base64.urlsafe_b64decode(s).decode(),
    ),
    "hex": (lambda s: s.encode().hex(), lambda s: bytes.fromhex(s).decode()),
}
_ESCAPES: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "html": (html.escape, html.unescape),
    "json": (
        lambda s: s.replace("\\", "\\\\").replace('"', '\\"'),
        lambda s: s.replace('\\"', '"').replace("\\\\", "\\"),
    ),
    "url": (urllib.parse.quote, urllib.parse.unquote),
}


def _coded(name: str, table: dict[str, tuple[Callable[[str], str], Callable[[str], str]]], way: int) -> Function:
    def run(items: Items, env: Env, argument: Items) -> Items:
        subject, form = string(items, name), string(argument, name)
        if subject is None or form is None or form not in table:
            return []
        try:
            return [table[form][way](subject)]
        except ValueError:
            return []

    return run


FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "startsWith": (1, 1, _tested("startsWith", str.startswith)),
    "endsWith": (1, 1, _tested("endsWith", str.endswith)),
    "contains": (1, 1, _tested("contains", lambda subject, wanted: wanted in subject)),
    "matches": (1, 1, matches),
    "matchesFull": (1, 1, matches_full),
    "replaceMatches": (2, 2, replace_matches),
    "replace": (2, 2, replace),
    "substring": (1, 2, substring),
    "indexOf": (1, 1, index_of),
    "lastIndexOf": (1, 1, last_index_of),
    "length": (0, 0, _mapped("length", len)),
    "upper": (0, 0, _mapped("upper", str.upper)),
    "lower": (0, 0, _mapped("lower", str.lower)),
    "trim": (0, 0, _mapped("trim", str.strip)),
    "toChars": (0, 0, lambda items, env: list(string(items, "toChars") or "")),
    "split": (1, 1, split),
    "join": (0, 1, join),
    "encode": (1, 1, _coded("encode", _ENCODINGS, 0)),
    "decode": (1, 1, _coded("decode", _ENCODINGS, 1)),
    "escape": (1, 1, _coded("escape", _ESCAPES, 0)),
    "unescape": (1, 1, _coded("unescape", _ESCAPES, 1)),
}
