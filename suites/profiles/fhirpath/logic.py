"""Closures for logic and comparison (FHIRPath N1 §6.1 to §6.5): true, false, or None for empty."""

from __future__ import annotations

from typing import Any

from suites.profiles.fhirpath.environment import Env, Many, Truth
from suites.profiles.fhirpath.equality import all_equal, equal, key_of
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.operators import ORDERED, order


def connected(sign: str, left: Truth, right: Truth) -> Truth:
    def both(this: Any, env: Env) -> bool | None:
        first = left(this, env)
        if first is False:
            return False
        second = right(this, env)
        return False if second is False else (None if first is None or second is None else True)

    def either(this: Any, env: Env) -> bool | None:
        first = left(this, env)
        if first is True:
            return True
        second = right(this, env)
        return True if second is True else (None if first is None or second is None else False)

    def exactly_one(this: Any, env: Env) -> bool | None:
        first, second = left(this, env), right(this, env)
        return None if first is None or second is None else first != second

    def follows(this: Any, env: Env) -> bool | None:
        first = left(this, env)
        if first is False:
            return True
        second = right(this, env)
        if first is True:
            return second
        return True if second is True else None

    return {"and": both, "or": either, "xor": exactly_one, "implies": follows}[sign]


def equal_to(first: Many, second: Many) -> Truth:
    return lambda this, env: all_equal(first(this, env), second(this, env))


def equal_to_text(first: Many, text: str) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = first(this, env)
        if len(items) == 1:
            item = items[0]
            return item == text if item.__class__ is str else equal(item, text)
        return False if items else None

    return run


def negation(inner: Truth) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        value = inner(this, env)
        return None if value is None else not value

    return run


def is_in(item: Many, collection: Many, texts: frozenset[str] | None) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        found = item(this, env)
        if not found:
            return None
        if len(found) > 1:
            raise EvaluationError(f"'in' needs one item and was given {len(found)}")
        if texts is not None and found[0].__class__ is str:
            return found[0] in texts
        wanted = key_of(found[0])
        return any(key_of(other) == wanted or equal(found[0], other) is True for other in collection(this, env))

    return run


def ordered(sign: str, first: Many, second: Many) -> Truth:
    decide = ORDERED[sign]

    def run(this: Any, env: Env) -> bool | None:
        left, right = first(this, env), second(this, env)
        if not left or not right:
            return None
        if len(left) > 1 or len(right) > 1:
            raise EvaluationError(f"'{sign}' compares one item with one; there are {len(left)} and {len(right)}")
        a, b = left[0], right[0]
        if a.__class__ is int and b.__class__ is int:
            return decide(a - b)
        found = order(a, b)
        return None if found is None else decide(found)

    return run
