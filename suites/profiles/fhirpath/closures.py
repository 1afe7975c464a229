"""Syntax trees to Python closures: `many` gives a collection, `truth` gives true, false or None (empty).

Truth closures exist because invariants are mostly logic: they stop early and build no lists. What they cannot say faster
falls back on the collection. Collections handed on may be the JSON's own lists, so nobody changes one.
"""

from __future__ import annotations

from typing import Any

from suites.profiles.fhirpath.choices import CHOICES
from suites.profiles.fhirpath.environment import LONGEST_TEXT, Env, Items, Many, Truth
from suites.profiles.fhirpath.equality import all_equivalent, distinct
from suites.profiles.fhirpath.errors import EvaluationError, NotFHIRPath
from suites.profiles.fhirpath.functions import FUNCTIONS
from suites.profiles.fhirpath.logic import connected, equal_to, equal_to_text, is_in, negation, ordered
from suites.profiles.fhirpath.operators import arithmetic, concatenated, negated
from suites.profiles.fhirpath.paths import (
    index,
    indexed,
    is_type,
    listed,
    member,
    of_type,
    path,
    root_member,
    single,
    this_item,
    total,
    variable,
)
from suites.profiles.fhirpath.syntax import (
    Binary,
    Call,
    Index,
    Literal,
    Member,
    QuantityLiteral,
    Special,
    This,
    Tree,
    TypeTest,
    Unary,
    Variable,
)
from suites.profiles.fhirpath.values import Quantity, plain

CHEAP = frozenset(("first", "last", "tail", "count", "hasValue", "toString", "length", "isDistinct", "resolve"))
"""Functions that give no more than they are given."""
_LOGIC = frozenset(("and", "or", "xor", "implies"))
_COMPARES = frozenset(("=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "contains"))
_ARITHMETIC = frozenset(("+", "-", "*", "/", "div", "mod"))


def many(tree: Tree) -> Many:
    """The collection an expression gives."""
    match tree:
        case Literal(None):
            return lambda this, env: []
        case Literal(value):
            constant = [value]
            return lambda this, env: constant
        case QuantityLiteral(number, unit):
            quantity = [Quantity(number, unit)]
            return lambda this, env: quantity
        case This():
            return this_item
        case Special(name):
            return index if name == "index" else total
        case Variable(name):
            return variable(name)
        case Member(source, name):
            if source is None or isinstance(source, This):
                return root_member(name)
            names = _names(tree)
            return path(names) if names else member(many(source), name)
        case Call():
            return _call(tree)
        case Index(source, at):
            return indexed(many(source), many(at))
        case Unary(sign, operand):
            inner = many(operand)
            return lambda this, env: negated(sign, inner(this, env))
        case TypeTest("as", operand, type_name):
            return of_type(many(operand), type_name)
        case Binary("|", left, right):
            first, second = many(left), many(right)
            return lambda this, env: _weighed(distinct([*first(this, env), *second(this, env)]), env)
        case Binary("&", left, right):
            first, second = many(left), many(right)
            return lambda this, env: _weighed(concatenated(first(this, env), second(this, env)), env)
        case Binary(sign, left, right) if sign in _ARITHMETIC:
            first, second = many(left), many(right)
            return lambda this, env: _weighed(arithmetic(sign, first(this, env), second(this, env)), env)
    return listed(truth(tree))


def _names(tree: Tree | None) -> list[str]:
    """The names of a path of elements from `$this`; none where something else is in it."""
    names: list[str] = []
    while isinstance(tree, Member):
        names.insert(0, tree.name)
        tree = tree.source
    return names if (tree is None or isinstance(tree, This)) and names[0][:1].islower() else []


def truth(tree: Tree) -> Truth:
    """Singleton evaluation as a boolean: None for empty, an error for several items."""
    match tree:
        case Literal(bool(value)):
            return lambda this, env: value
        case Binary(sign, left, right) if sign in _LOGIC:
            return connected(sign, truth(left), truth(right))
        case Binary(sign, left, right) if sign in _COMPARES:
            return _comparison(sign, left, right)
        case TypeTest("is", operand, type_name):
            return is_type(many(operand), type_name)
        case Call():
            special = _call_truth(tree)
            if special is not None:
                return special
    return single(many(tree))


def criterion(tree: Tree) -> Truth:
    """Truth where a criterion is asked for: several items count as true, as the official validator counts them."""
    if _is_boolean(tree):
        return truth(tree)
    inner = many(tree)

    def run(this: Any, env: Env) -> bool | None:
        items = inner(this, env)
        if len(items) == 1:
            value = plain(items[0])
            return value if value.__class__ is bool else True
        return bool(items)

    return run


def _is_boolean(tree: Tree) -> bool:
    match tree:
        case Binary(sign, _, _):
            return sign in _LOGIC or sign in _COMPARES
        case TypeTest("is", _, _):
            return True
        case Call(_, name, _):
            return name in ("exists", "empty", "not", "all", "is")
    return False


def _comparison(sign: str, left: Tree, right: Tree) -> Truth:
    first, second = many(left), many(right)
    if sign in ("=", "!="):
        same = (
            equal_to_text(first, right.value)
            if isinstance(right, Literal) and isinstance(right.value, str)
            else equal_to(first, second)
        )
        return same if sign == "=" else negation(same)
    if sign == "~":
        return lambda this, env: all_equivalent(first(this, env), second(this, env))
    if sign == "!~":
        return lambda this, env: not all_equivalent(first(this, env), second(this, env))
    if sign == "in":
        return is_in(first, second, _texts(right))
    if sign == "contains":
        return is_in(second, first, None)
    return ordered(sign, first, second)


def _texts(tree: Tree) -> frozenset[str] | None:
    """The texts of `('a' | 'b')`, looked up instead of compared one by one."""
    match tree:
        case Literal(str(value)):
            return frozenset((value,))
        case Binary("|", left, right):
            first, second = _texts(left), _texts(right)
            return None if first is None or second is None else first | second
    return None


def _source(tree: Call) -> Many:
    return this_item if tree.source is None else many(tree.source)


def _arity(tree: Call, fewest: int, most: int) -> None:
    if not fewest <= len(tree.arguments) <= most:
        takes = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise NotFHIRPath(f"{tree.name}() takes {takes} arguments and was given {len(tree.arguments)}")


def _call(tree: Call) -> Many:
    from suites.profiles.fhirpath.lambdas import LAMBDAS

    if tree.name in LAMBDAS:
        fewest, most, build = LAMBDAS[tree.name]
        _arity(tree, fewest, most)
        return build(_source(tree), tree.arguments)
    if tree.name in ("ofType", "as", "is"):
        return _type_call(tree)
    if tree.name in ("exists", "empty", "not", "all", "hasValue"):
        special = _call_truth(tree)
        if special is not None:
            return listed(special)
    if tree.name not in FUNCTIONS:
        raise NotFHIRPath(f"nobody knows the function {tree.name}()")
    fewest, most, function = FUNCTIONS[tree.name]
    _arity(tree, fewest, most)
    source = _source(tree)
    arguments = [many(a) for a in tree.arguments]
    if tree.name in CHEAP and not arguments:
        return lambda this, env: function(source(this, env), env)
    if len(arguments) == 1:
        only = arguments[0]
        return lambda this, env: _weighed(function(source(this, env), env, only(this, env)), env)
    return lambda this, env: _weighed(function(source(this, env), env, *(a(this, env) for a in arguments)), env)


def _weighed(items: Items, env: Env) -> Items:
    """What a function gave, counted: collections and texts can be made to double with every item."""
    env.spend(len(items))
    if len(items) == 1 and items[0].__class__ is str and len(items[0]) > LONGEST_TEXT:
        raise EvaluationError(f"gives a text of more than {LONGEST_TEXT:,} characters")
    return items


def _type_call(tree: Call) -> Many:
    _arity(tree, 1, 1)
    named = tree.arguments[0]
    type_name = str(named.value) if isinstance(named, Literal) else ""
    source = _source(tree)
    return listed(is_type(source, type_name)) if tree.name == "is" else of_type(source, type_name)


def _call_truth(tree: Call) -> Truth | None:
    if tree.name == "not":
        _arity(tree, 0, 0)
        return negation(single(this_item) if tree.source is None else truth(tree.source))
    if tree.name == "is":
        _arity(tree, 1, 1)
        named = tree.arguments[0]
        return is_type(_source(tree), str(named.value) if isinstance(named, Literal) else "")
    if tree.name in ("exists", "empty"):
        return _existence(tree)
    if tree.name == "all":
        _arity(tree, 1, 1)
        return _all(_source(tree), criterion(tree.arguments[0]), uses_index(tree.arguments[0]))
    if tree.name == "hasValue" and tree.source is not None:
        _arity(tree, 0, 0)
        return _has_value(many(tree.source))
    return None


def _has_value(source: Many) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = source(this, env)
        if len(items) != 1:
            return False
        value = plain(items[0])
        return value is not None and value.__class__ is not dict

    return run


def _existence(tree: Call) -> Truth:
    _arity(tree, 0, 1 if tree.name == "exists" else 0)
    source, criteria = tree.source, tree.arguments
    wanted = tree.name == "exists"
    if not criteria and isinstance(source, Call) and source.name == "where" and len(source.arguments) == 1:
        # where(…).exists() stops at the first item that passes.
        criteria, source = source.arguments, source.source
    items = this_item if source is None else many(source)
    if criteria:
        found = _any(items, criterion(criteria[0]), uses_index(criteria[0]))
        return found if wanted else negation(found)
    if (
        isinstance(source, Member)
        and (source.source is None or isinstance(source.source, This))
        and source.name[:1].islower()
    ):
        return _has_member(source.name, items, wanted)
    if wanted:
        return lambda this, env: bool(items(this, env))
    return lambda this, env: not items(this, env)


def _has_member(name: str, items: Many, wanted: bool) -> Truth:
    under, is_choice = f"_{name}", name in CHOICES

    def run(this: Any, env: Env) -> bool | None:
        if this.__class__ is dict and under not in this:
            value = this.get(name)
            if value is not None:
                return wanted if value != [] else not wanted
            if not is_choice:
                return not wanted
        return bool(items(this, env)) is wanted

    return run


def uses_index(tree: Tree) -> bool:
    """Whether a criterion asks for `$index` (of its own or an outer iteration)."""
    match tree:
        case Special("index"):
            return True
        case Member(source, _):
            return source is not None and uses_index(source)
        case Call(source, _, arguments):
            return (source is not None and uses_index(source)) or any(uses_index(a) for a in arguments)
        case Index(source, at):
            return uses_index(source) or uses_index(at)
        case Unary(_, operand) | TypeTest(_, operand, _):
            return uses_index(operand)
        case Binary(_, left, right):
            return uses_index(left) or uses_index(right)
    return False


def _any(source: Many, criteria: Truth, with_index: bool) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = source(this, env)
        if not items:
            return False
        env.spend(len(items))
        for item in items:  # noqa: SIM110 - a generator costs more than the loop
            if criteria(item, env) is True:
                return True
        return False

    def counted(this: Any, env: Env) -> bool | None:
        outer = env.index
        try:
            items = source(this, env)
            env.spend(len(items))
            for at, item in enumerate(items):
                env.index = at
                if criteria(item, env) is True:
                    return True
        finally:
            env.index = outer
        return False

    return counted if with_index else run


def _all(source: Many, criteria: Truth, with_index: bool) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = source(this, env)
        if not items:
            return True
        env.spend(len(items))
        for item in items:  # noqa: SIM110 - a generator costs more than the loop
            if criteria(item, env) is not True:
                return False
        return True

    def counted(this: Any, env: Env) -> bool | None:
        outer = env.index
        try:
            items = source(this, env)
            env.spend(len(items))
            for at, item in enumerate(items):
                env.index = at
                if criteria(item, env) is not True:
                    return False
        finally:
            env.index = outer
        return True

    return counted if with_index else run
