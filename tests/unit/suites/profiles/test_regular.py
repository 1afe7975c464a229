"""Regular expressions of guides: right answers in bounded time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.profiles.fhirpath import regular
from suites.profiles.fhirpath.errors import EvaluationError


@pytest.mark.parametrize(
    ("text", "length", "safe"),
    [
        ("^[0-9]{10}$", 1_000_000, True),
        ("^[A-Z]([A-Za-z0-9_]){0,254}$", 10_000, True),
        ("a+", 1000, True),
        ("a+b+", 20_000, False),
        ("(a+)+$", 5, False),
        ("((ab)*c)*", 5, False),
        (r"[(*+)]*\(+\*", 100, True),
        ("[]*(+]a*", 100, True),
        ("(a{2,3}b)*", 100, True),
        ("(a{2,})*", 100, False),
    ],
)
def test_what_a_backtracking_matcher_is_trusted_with(text: str, length: int, safe: bool) -> None:
    assert regular.is_safe(text, length) is safe


@pytest.mark.parametrize(
    ("text", "subject"),
    [("(a+)+$", "a" * 5000 + "!"), ("(x+x+)+y", "x" * 5000), ("a*a*a*a*b", "a" * 5000), ("(.*)*(.*)*z$", "ab" * 5000)],
)
def test_a_hostile_expression_answers_at_once(text: str, subject: str) -> None:
    started = time.monotonic()
    assert regular.found(text, subject) is False
    assert time.monotonic() - started < 10


def test_what_neither_matcher_can_do_safely_is_refused() -> None:
    with pytest.raises(EvaluationError, match="RE2 does not know it"):
        regular.found(r"((a+)+)\1$", "a" * 100)
    with pytest.raises(EvaluationError, match="could take too long on a text"):
        regular.replaced("(a+)+$", "", "a" * 100)


@given(
    st.sampled_from(["(a+b)*c", "(a|b+)+c", "a*b*c*d*e*f*g*", "(ab?)*$"]), st.text("abc\n", max_size=12), st.booleans()
)
def test_both_matchers_give_one_answer(text: str, subject: str, whole: bool) -> None:
    expected = re.compile(text, re.DOTALL)
    assert regular.found(text, subject, whole=whole) is bool(
        expected.fullmatch(subject) if whole else expected.search(subject)
    )
