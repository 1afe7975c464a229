"""Functions whose arguments are expressions, evaluated for each item: where, select, repeat, iif, aggregate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suites.profiles.fhirpath.closures import criterion, many, uses_index
from suites.profiles.fhirpath.environment import Env, Focus, Items, Many
from suites.profiles.fhirpath.equality import key_of
from suites.profiles.fhirpath.syntax import Tree

Build = Callable[[Many, tuple[Tree, ...]], Many]


def where(source: Many, arguments: tuple[Tree, ...]) -> Many:
    criteria = criterion(arguments[0])

    def run(this: Any, env: Env) -> Items:
        items = source(this, env)
        env.spend(len(items))
        return [item for item in items if criteria(item, env) is True]

    def counted(this: Any, env: Env) -> Items:
        outer, found = env.index, []
        try:
            items = source(this, env)
            env.spend(len(items))
            for at, item in enumerate(items):
                env.index = at
                if criteria(item, env) is True:
                    found.append(item)
        finally:
            env.index = outer
        return found

    return counted if uses_index(arguments[0]) else run


def select(source: Many, arguments: tuple[Tree, ...]) -> Many:
    projection = many(arguments[0])

    def run(this: Any, env: Env) -> Items:
        outer, found = env.index, []
        try:
            for at, item in enumerate(source(this, env)):
                env.index = at
                projected = projection(item, env)
                env.spend(len(projected) + 1)
                found.extend(projected)
        finally:
            env.index = outer
        return found

    return run


def repeat(source: Many, arguments: tuple[Tree, ...]) -> Many:
    projection = many(arguments[0])

    def run(this: Any, env: Env) -> Items:
        found: dict[Any, Any] = {}
        waiting = list(source(this, env))
        while waiting:
            below: Items = []
            for item in waiting:
                projected = projection(item, env)
                env.spend(len(projected) + 1)
                for new in projected:
                    key = id(new) if new.__class__ is dict else key_of(new)
                    if key not in found:
                        found[key] = new
                        below.append(new)
            waiting = below
        return list(found.values())

    return run


def iif(source: Many, arguments: tuple[Tree, ...]) -> Many:
    test = criterion(arguments[0])
    then = many(arguments[1])
    otherwise = many(arguments[2]) if len(arguments) > 2 else None

    def run(this: Any, env: Env) -> Items:
        items = source(this, env)
        focus = items[0] if len(items) == 1 else Focus(items)
        if test(focus, env) is True:
            return then(focus, env)
        return [] if otherwise is None else otherwise(focus, env)

    return run


def aggregate(source: Many, arguments: tuple[Tree, ...]) -> Many:
    step = many(arguments[0])
    start = many(arguments[1]) if len(arguments) > 1 else None

    def run(this: Any, env: Env) -> Items:
        outer, outer_index = env.total, env.index
        try:
            env.total = [] if start is None else start(this, env)
            for at, item in enumerate(source(this, env)):
                env.index = at
                env.total = step(item, env)
                env.spend(len(env.total) + 1)
            return env.total
        finally:
            env.total, env.index = outer, outer_index

    return run


def trace(source: Many, arguments: tuple[Tree, ...]) -> Many:
    """Says nothing: what is traced is for the author of an expression, who is not here."""
    return source


LAMBDAS: dict[str, tuple[int, int, Build]] = {
    "where": (1, 1, where),
    "select": (1, 1, select),
    "repeat": (1, 1, repeat),
    "iif": (2, 3, iif),
    "aggregate": (1, 2, aggregate),
    "trace": (1, 2, trace),
}
