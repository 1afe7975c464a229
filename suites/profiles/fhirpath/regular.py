"""Regular expressions of guides on texts of anybody, in bounded time.

Python's matcher backtracks: a repetition inside a repetition, or several in a row, can take it longer than anyone waits.
Such an expression goes to RE2 (it is inside DuckDB), which takes time in proportion to the text. What RE2 does not know
(look-around, back references) is then refused rather than risked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from suites.profiles.fhirpath.errors import EvaluationError

_MANY = 16
_MOST_STEPS = 10_000_000
_LONGEST = 1_000_000
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")


@lru_cache(maxsize=512)
def compiled(text: str) -> re.Pattern[str]:
    """An expression as guides write them (Java's and PCRE's common part); a dot meets line ends too."""
    try:
        return re.compile(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as broken:
        raise EvaluationError(f"{text!r:.100} is not a regular expression ({broken})") from None


def found(text: str, subject: str, *, whole: bool = False) -> bool:
    """Whether the expression matches somewhere in the subject, or all of it."""
    pattern = compiled(text)
    if len(subject) > _LONGEST:
        raise EvaluationError(f"a text of {len(subject):,} characters is too long to match {text!r:.60}")
    if is_safe(text, len(subject)):
        return (pattern.fullmatch(subject) if whole else pattern.search(subject)) is not None
    return _by_re2(text, subject, whole)


def replaced(text: str, put: str, subject: str) -> str:
    """The subject with every match replaced; `$1` and `${name}` in `put` stand for groups."""
    pattern = compiled(text)
    if not is_safe(text, len(subject)):
        raise EvaluationError(f"{text!r:.60} could take too long on a text of {len(subject):,} characters")
    by_group = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", put.replace("\\", "\\\\"))
    try:
        return pattern.sub(by_group, subject)
    except (re.error, IndexError) as broken:
        raise EvaluationError(f"{put!r} does not fit {text!r:.60} ({broken})") from None


def is_safe(text: str, length: int) -> bool:
    """Whether a backtracking matcher is done with a text of that length in no time."""
    nested, repetitions = _repetitions(text)
    return not nested and (length + 1) ** max(1, repetitions) <= _MOST_STEPS


@lru_cache(maxsize=512)
def _repetitions(text: str) -> tuple[bool, int]:
    """Whether a long repetition stands inside another, and how many long ones there are (a search itself is one)."""
    nested, count = False, 1 if not text.startswith("^") else 0
    groups = [False]
    closed = False
    at = 0
    while at < len(text):
        letter = text[at]
        long = letter in "*+"
        if letter == "\\":
            at += 1
        elif letter == "[":
            at = _end_of_class(text, at)
        elif letter == "(":
            groups.append(False)
        elif letter == "{" and (counted := _COUNTED.match(text, at)):
            long = (counted[2] and not counted[3]) or int(counted[3] or counted[1] or 0) > _MANY
            at = counted.end() - 1
        if long:
            nested = nested or closed
            groups[-1] = True
            count += 1
        if letter == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
        elif letter not in "?*+{":
            closed = False
        at += 1
    return nested, count


def _end_of_class(text: str, at: int) -> int:
    """Where a class that opens here closes; a bracket that comes first belongs to it."""
    at += 1
    if text[at : at + 1] == "^":
        at += 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at


@lru_cache(maxsize=1)
def _database() -> Any:
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1})


@lru_cache(maxsize=4096)
def _by_re2(text: str, subject: str, whole: bool) -> bool:
    import duckdb

    name = "regexp_full_match" if whole else "regexp_matches"
    try:
        answer = _database().execute(f"select {name}(?, ?, 's')", [subject, text]).fetchone()
    except duckdb.Error as refused:
        reason = str(refused).partition("\n")[0]
        raise EvaluationError(f"{text!r:.60} could take too long, and RE2 does not know it ({reason:.100})") from None
    return bool(answer[0])
