"""Search parameter expressions compiled to plain functions: the FHIRPath subset the official SearchParameters use.

Unions, paths, choice elements, `as`, `ofType`, `.where(resolve() is X)`, `.where(name='value')`, `.where(hasExtension(…))`,
`extension('url')` and `X.exists() and X != false`. An expression outside the subset is given to fhirpathpy, at load time only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

Node = Any
Extractor = Callable[[dict[str, Any]], list[Node]]
Step = Callable[[list[Node]], list[Node]]

_PRESENT = re.compile(r"^([\w.]+)\.exists\(\) and \1 != false$")
_CAST = re.compile(r"^\(?\s*([\w.]+)\s+as\s+(\w+)\s*\)?$")
_CAST_THEN = re.compile(r"^\(\s*([\w.]+)\s+as\s+(\w+)\s*\)\.([\w.]+)$")
_TOKEN = re.compile(
    r"""(?P<where>where\((?P<condition>(?:[^()]|\([^()]*\))*)\))
    |(?P<cast>(?:as|ofType)\((?P<type>[\w.]+)\))
    |(?P<extension>extension\('(?P<url>[^']*)'\))
    |(?P<name>\w+)""",
    re.VERBOSE,
)
_EQUALS = re.compile(r"^(\w+)\s*=\s*'([^']*)'$")
_RESOLVES = re.compile(r"^resolve\(\) is (\w+)$")
_HAS_EXTENSION = re.compile(r"^hasExtension\('([^']*)'\)$")


class Part(NamedTuple):
    """One top-level element an expression starts from, and what selects within that element's values."""

    element: str
    within: Step | None  # None where the values themselves are meant
    child: str = ""  # the one name `within` begins with: an object without it has nothing for it


@dataclass(frozen=True)
class Path:
    """A compiled expression; `parts` says the same element by element, None where it looks at the resource as a whole."""

    extract: Extractor
    parts: tuple[Part, ...] | None


class OutsideSubset(ValueError):
    """An expression this module does not compile."""


def compile_expression(expression: str, type_name: str, choices: Mapping[str, list[str]]) -> Path:
    """The function that takes a resource of that type and returns what the expression selects, in order."""
    try:
        parts = [_path(part, type_name, choices) for part in _alternatives(expression, type_name)]
    except OutsideSubset:
        return Path(_by_fhirpath(expression), None)
    if len(parts) == 1:
        return parts[0]
    extracts = tuple(part.extract for part in parts)

    def union(resource: dict[str, Any]) -> list[Node]:
        return [node for extract in extracts for node in extract(resource)]

    if any(part.parts is None for part in parts):
        return Path(union, None)
    return Path(union, tuple(one for part in parts for one in part.parts or ()))


def concerning(expression: str, type_name: str) -> str:
    """An expression reduced to its parts about one type: two guides that say the same read the same."""
    return " | ".join(_alternatives(expression, type_name))


def _alternatives(expression: str, type_name: str) -> Iterable[str]:
    """The parts of a union that concern this type; a part that names no type (`name | alias`) concerns every one."""
    for part in re.split(r"\s*\|\s*(?![^(]*\))", expression.strip()):
        first = part.lstrip("( ").split(".")[0].split(" ")[0]
        if first in (type_name, "Resource", "DomainResource") or first[:1].islower() or first == "":
            yield part.strip()


def _path(text: str, type_name: str, choices: Mapping[str, list[str]]) -> Path:
    present = _PRESENT.match(text)
    if present:
        inner = _path(present[1], type_name, choices).extract
        return Path(lambda resource: [any(node is not False for node in inner(resource))], None)
    then = _CAST_THEN.match(text)
    if then:
        text = f"{then[1]}.as({then[2]}).{then[3]}"
    cast = _CAST.match(text)
    if cast:
        text = f"{cast[1]}.as({cast[2]})"
    steps: list[Step] = []
    firsts: tuple[str, ...] = ()
    child = ""
    names: list[str] = []
    position, at = 0, type_name

    def named(*elements: str) -> None:
        nonlocal firsts, child
        firsts = firsts if steps else elements
        child = elements[0] if len(steps) == 1 and len(elements) == 1 else child
        steps.append(_named(elements))

    pending: str | None = None  # a choice element waiting to hear which type is meant
    in_extension = False
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise OutsideSubset(text)
        position = token.end()
        if position < len(text):
            if text[position] != ".":
                raise OutsideSubset(text)
            position += 1
        if token["cast"]:
            if pending is not None:
                named(pending + token["type"][:1].upper() + token["type"][1:])
                pending = None
            continue
        if pending is not None:
            named(*_choice_names(pending, choices[at]))
            pending = None
        if token["where"]:
            steps.append(_filter(token["condition"]))
        elif token["extension"]:
            named("extension")
            steps.append(_filter(f"url = '{token['url']}'"))
            in_extension = True
        else:
            name = token["name"]
            if not names and name in (type_name, "Resource", "DomainResource") and not steps:
                names.append(name)
                continue
            names.append(name)
            at = f"{at}.{name}"
            if name == "value" and in_extension:
                steps.append(_any_value)
            elif at in choices:
                pending = name
            else:
                named(name)
            in_extension = in_extension or name == "extension"
    if pending is not None:
        named(*_choice_names(pending, choices[at]))
    if not steps or not firsts:
        return Path(_chained(steps), None)
    within = _chained_nodes(steps[1:])
    return Path(_chained(steps), tuple(Part(first, within, child) for first in firsts))


def _choice_names(name: str, types: Iterable[str]) -> tuple[str, ...]:
    return tuple(name + kind[:1].upper() + kind[1:] for kind in types)


def _chained(steps: list[Step]) -> Extractor:
    if not steps:
        return lambda resource: [resource]
    if len(steps) == 1:
        only = steps[0]
        return lambda resource: only([resource])
    first, rest = steps[0], tuple(steps[1:])

    def walk(resource: dict[str, Any]) -> list[Node]:
        nodes = first([resource])
        for step in rest:
            if not nodes:
                break
            nodes = step(nodes)
        return nodes

    return walk


def _chained_nodes(steps: list[Step]) -> Step | None:
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]
    first, rest = steps[0], tuple(steps[1:])

    def walk(nodes: list[Node]) -> list[Node]:
        nodes = first(nodes)
        for step in rest:
            if not nodes:
                break
            nodes = step(nodes)
        return nodes

    return walk


def _named(names: tuple[str, ...]) -> Step:
    if len(names) == 1:
        only = names[0]

        def child(nodes: list[Node]) -> list[Node]:
            found: list[Node] = []
            for node in nodes:
                if type(node) is dict and only in node:
                    value = node[only]
                    if type(value) is list:
                        found += value
                    else:
                        found.append(value)
            return found

        return child

    def children(nodes: list[Node]) -> list[Node]:
        return [node[name] for node in nodes if type(node) is dict for name in names if name in node]

    return children


def _any_value(nodes: list[Node]) -> list[Node]:
    return [value for node in nodes if type(node) is dict for key, value in node.items() if key.startswith("value")]


def _filter(condition: str) -> Step:
    condition = condition.strip()
    equals, resolves, extended = _EQUALS.match(condition), _RESOLVES.match(condition), _HAS_EXTENSION.match(condition)
    if equals:
        name, value = equals[1], equals[2]
        return lambda nodes: [node for node in nodes if type(node) is dict and node.get(name) == value]
    if resolves:
        wanted = resolves[1]
        return lambda nodes: [node for node in nodes if reference_type(node) == wanted]
    if extended:
        url = extended[1]
        return lambda nodes: [
            node
            for node in nodes
            if type(node) is dict and any(entry.get("url") == url for entry in node.get("extension", ()))
        ]
    raise OutsideSubset(condition)


def reference_type(node: Node) -> str | None:
    """The type a Reference points at, told from its address or its `type`, without resolving it."""
    if type(node) is not dict:
        return None
    address = node.get("reference")
    told = _type_in(address) if type(address) is str else None
    if told is not None:
        return told
    kind = node.get("type")
    return kind if type(kind) is str else None


@lru_cache(maxsize=4096)
def _type_in(address: str) -> str | None:
    if address.startswith(("#", "urn:")):
        return None
    parts = address.split("/_history/")[0].rsplit("/", 2)
    return parts[-2] if len(parts) >= 2 else None


def _by_fhirpath(expression: str) -> Extractor:
    from fhirpathpy import compile as compile_fhirpath
    from fhirpathpy.models import models

    evaluate = compile_fhirpath(expression, model=models["r4"])

    def nodes(resource: dict[str, Any]) -> list[Node]:
        found = evaluate(resource, {})
        return list(found) if isinstance(found, list) else [found]

    return nodes
