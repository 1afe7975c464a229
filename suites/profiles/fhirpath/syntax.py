"""FHIRPath text to a syntax tree (FHIRPath N1, appendix B): tokens, then operators by binding power.

Limits keep hostile expressions bounded: length, and depth of nesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from suites.profiles.fhirpath.errors import NotFHIRPath
from suites.profiles.fhirpath.times import Moment, moment_literal

LONGEST = 20_000
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `value` None stands for the empty collection `{}`."""

    value: str | bool | int | Decimal | Moment | None


@dataclass(frozen=True, slots=True)
class QuantityLiteral:
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class This:
    """`$this`."""


@dataclass(frozen=True, slots=True)
class Special:
    """`$index` or `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`source.name`; `source` None is the start of a path."""

    source: Tree | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`source.name(arguments)`; `source` None means `$this`."""

    source: Tree | None
    name: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Index:
    source: Tree
    at: Tree


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Tree


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is T` or `operand as T`."""

    operator: str
    operand: Tree
    type: str


Tree = Literal | QuantityLiteral | This | Special | Variable | Member | Call | Index | Unary | Binary | TypeTest

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*|/\*(?:.|\n)*?\*/)
    | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<variable>%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
    | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CALENDAR = frozenset(
    f"{unit}{s}"
    for unit in ["year", "month", "week", "day", "hour", "minute", "second", "millisecond"]
    for s in ("", "s")
)
# Binding power of each binary operator; `is` and `as` bind between `+` and `|`.
_POWER = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_UNARY = 11
_WORD_OPERATORS = frozenset(("implies", "or", "xor", "and", "in", "contains", "is", "as", "div", "mod"))
_NAMES_TOO = frozenset(("as", "is", "contains", "in"))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotFHIRPath(f"cannot read {text[at : at + 20]!r} at character {at + 1}")
        kind = found.lastgroup or ""
        if kind != "space":
            yield _Token(kind, found.group(), at)
        at = found.end()
    yield _Token("end", "", len(text))


def unescaped(text: str) -> str:
    """The characters a quoted text stands for."""
    return _ESCAPE.sub(
        lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "u" and len(m[1]) == 5 else _ESCAPES.get(m[1], m[1]), text
    )


def parse(text: str) -> Tree:
    """The tree of an expression; `NotFHIRPath` says where it is not one."""
    if len(text) > LONGEST:
        raise NotFHIRPath(f"the expression has {len(text)} characters; at most {LONGEST} are read")
    return _Parser(list(_tokens(text))).whole()


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._expression(0)
        if self._here.kind != "end":
            raise self._unexpected("the end")
        return tree

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _is(self, text: str) -> bool:
        return self._here.kind == "symbol" and self._here.text == text

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._unexpected(repr(text))
        self._next += 1

    def _unexpected(self, wanted: str) -> NotFHIRPath:
        found = repr(self._here.text) if self._here.text else "the end"
        return NotFHIRPath(f"expected {wanted}, not {found}, at character {self._here.at + 1}")

    def _expression(self, power: int) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotFHIRPath(f"nested more than {DEEPEST} deep at character {self._here.at + 1}")
        left = self._unary()
        while (binding := self._binding()) > power:
            operator = self._take().text
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self._type_name())
            else:
                left = Binary(operator, left, self._expression(binding))
        self._depth -= 1
        return left

    def _binding(self) -> int:
        token = self._here
        if token.kind == "symbol" or (token.kind == "word" and token.text in _WORD_OPERATORS):
            return _POWER.get(token.text, 0)
        return 0

    def _unary(self) -> Tree:
        if self._is("+") or self._is("-"):
            operator = self._take().text
            return Unary(operator, self._expression(_UNARY))
        return self._path()

    def _path(self) -> Tree:
        tree = self._term()
        while True:
            if self._is("."):
                self._next += 1
                tree = self._invocation(tree)
            elif self._is("["):
                self._next += 1
                at = self._expression(0)
                self._expect("]")
                tree = Index(tree, at)
            else:
                return tree

    def _term(self) -> Tree:
        token = self._here
        if token.kind == "symbol":
            if token.text == "(":
                self._next += 1
                tree = self._expression(0)
                self._expect(")")
                return tree
            if token.text == "{":
                self._next += 1
                self._expect("}")
                return Literal(None)
            raise self._unexpected("an expression")
        if token.kind == "string":
            self._next += 1
            return Literal(unescaped(token.text[1:-1]))
        if token.kind == "number":
            return self._number()
        if token.kind in ("date", "time"):
            self._next += 1
            return Literal(moment_literal(token.text))
        if token.kind == "variable":
            self._next += 1
            name = token.text[1:]
            return Variable(unescaped(name[1:-1]) if name[0] in "`'\"" else name)
        if token.kind == "word" and token.text in ("true", "false"):
            self._next += 1
            return Literal(token.text == "true")
        return self._invocation(None)

    def _number(self) -> Tree:
        text = self._take().text
        if self._here.kind == "string":
            return QuantityLiteral(Decimal(text), unescaped(self._take().text[1:-1]))
        if self._here.kind == "word" and self._here.text in _CALENDAR:
            return QuantityLiteral(Decimal(text), self._take().text)
        return Literal(Decimal(text) if "." in text else int(text))

    def _invocation(self, source: Tree | None) -> Tree:
        token = self._here
        if token.kind == "special":
            self._next += 1
            return This() if token.text == "$this" else Special(token.text[1:])
        name = self._identifier()
        if not self._is("("):
            return Member(source, name)
        self._next += 1
        if name in ("is", "as", "ofType"):
            type_name = self._type_name()
            self._expect(")")
            return Call(source, name, (Literal(type_name),))
        arguments = []
        if not self._is(")"):
            arguments.append(self._expression(0))
            while self._is(","):
                self._next += 1
                arguments.append(self._expression(0))
        self._expect(")")
        return Call(source, name, tuple(arguments))

    def _identifier(self) -> str:
        token = self._here
        if token.kind == "quoted":
            self._next += 1
            return unescaped(token.text[1:-1])
        if token.kind == "word" and (token.text not in _WORD_OPERATORS or token.text in _NAMES_TOO):
            self._next += 1
            return token.text
        raise self._unexpected("a name")

    def _type_name(self) -> str:
        """`Patient`, `FHIR.Patient`, `System.String`; some guides quote it or put it in parentheses."""
        if self._here.kind == "string":
            return unescaped(self._take().text[1:-1])
        if self._is("("):
            self._next += 1
            name = self._type_name()
            self._expect(")")
            return name
        name = self._identifier()
        while self._is("."):
            self._next += 1
            name = f"{name}.{self._identifier()}"
        return name
