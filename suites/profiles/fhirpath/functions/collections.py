"""Existence, subsetting, combining and walking (FHIRPath N1 §5.1, §5.3, §5.4, §5.8)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from suites.profiles.fhirpath.environment import Env, Function, Items, one
from suites.profiles.fhirpath.equality import distinct, key_of
from suites.profiles.fhirpath.errors import EvaluationError
from suites.profiles.fhirpath.times import Moment
from suites.profiles.fhirpath.values import children, descendants, plain


def _booleans(items: Items, name: str) -> list[bool]:
    values = [plain(i) for i in items]
    if any(v.__class__ is not bool for v in values):
        raise EvaluationError(f"{name}() needs booleans")
    return values


def all_true(items: Items, env: Env) -> Items:
    return [all(_booleans(items, "allTrue"))]


def any_true(items: Items, env: Env) -> Items:
    return [any(_booleans(items, "anyTrue"))]


def all_false(items: Items, env: Env) -> Items:
    return [not any(_booleans(items, "allFalse"))]


def any_false(items: Items, env: Env) -> Items:
    return [not all(_booleans(items, "anyFalse"))]


def subset_of(items: Items, env: Env, other: Items) -> Items:
    return [{key_of(i) for i in items} <= {key_of(i) for i in other}]


def superset_of(items: Items, env: Env, other: Items) -> Items:
    return [{key_of(i) for i in items} >= {key_of(i) for i in other}]


def count(items: Items, env: Env) -> Items:
    return [len(items)]


def is_distinct(items: Items, env: Env) -> Items:
    return [len({key_of(i) for i in items}) == len(items)]


def distinct_items(items: Items, env: Env) -> Items:
    return distinct(items)


def single(items: Items, env: Env) -> Items:
    one(items, "single()")
    return items


def first(items: Items, env: Env) -> Items:
    return items[:1]


def last(items: Items, env: Env) -> Items:
    return items[-1:]


def tail(items: Items, env: Env) -> Items:
    return items[1:]


def _number(argument: Items, name: str) -> int:
    value = plain(one(argument, f"the argument of {name}()"))
    if value.__class__ is not int:
        raise EvaluationError(f"{name}() needs an integer")
    return int(value)


def skip(items: Items, env: Env, number: Items) -> Items:
    return items[max(0, _number(number, "skip")) :]


def take(items: Items, env: Env, number: Items) -> Items:
    return items[: max(0, _number(number, "take"))]


def intersect(items: Items, env: Env, other: Items) -> Items:
    held = {key_of(i) for i in other}
    return distinct([i for i in items if key_of(i) in held])


def exclude(items: Items, env: Env, other: Items) -> Items:
    held = {key_of(i) for i in other}
    return [i for i in items if key_of(i) not in held]


def union(items: Items, env: Env, other: Items) -> Items:
    return distinct([*items, *other])


def combine(items: Items, env: Env, other: Items) -> Items:
    return [*items, *other]


def all_children(items: Items, env: Env) -> Items:
    return [child for item in items for child in children(item)]


def all_descendants(items: Items, env: Env) -> Items:
    return list(descendants(items))


def now(items: Items, env: Env) -> Items:
    t = datetime.now(UTC)
    second = Decimal(t.second) + Decimal(t.microsecond // 1000) / 1000
    return [Moment("dateTime", (t.year, t.month, t.day, t.hour, t.minute, second), 0)]


def today(items: Items, env: Env) -> Items:
    t = datetime.now(UTC)
    return [Moment("date", (t.year, t.month, t.day))]


def time_of_day(items: Items, env: Env) -> Items:
    t = datetime.now(UTC)
    return [Moment("time", (t.hour, t.minute, Decimal(t.second)))]


FUNCTIONS: dict[str, tuple[int, int, Function]] = {
    "allTrue": (0, 0, all_true),
    "anyTrue": (0, 0, any_true),
    "allFalse": (0, 0, all_false),
    "anyFalse": (0, 0, any_false),
    "subsetOf": (1, 1, subset_of),
    "supersetOf": (1, 1, superset_of),
    "count": (0, 0, count),
    "isDistinct": (0, 0, is_distinct),
    "distinct": (0, 0, distinct_items),
    "single": (0, 0, single),
    "first": (0, 0, first),
    "last": (0, 0, last),
    "tail": (0, 0, tail),
    "skip": (1, 1, skip),
    "take": (1, 1, take),
    "intersect": (1, 1, intersect),
    "exclude": (1, 1, exclude),
    "union": (1, 1, union),
    "combine": (1, 1, combine),
    "children": (0, 0, all_children),
    "descendants": (0, 0, all_descendants),
    "now": (0, 0, now),
    "today": (0, 0, today),
    "timeOfDay": (0, 0, time_of_day),
}
