"""The parameters of a search, understood: clauses to test, includes, order, page (FHIR R4 search).

Refuses what is malformed and names the parameter; ignores what is unknown, or refuses it under `Prefer: handling=strict`.
Leaves to others: what matches (matching.py), chains (chains.py), doing it (search.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from simulators.payer.fhir.matching import MODIFIERS, alternatives, invalid
from simulators.payer.fhir.parameters import Catalog, SearchParameter
from simulators.payer.fhir.requests import Parameters
from simulators.payer.rules import rule

_NATURAL = re.compile(r"\d{1,9}", re.ASCII)
MOST_VALUES = 100
DEEPEST_CHAIN = 4
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")
WHOLE: tuple[str, tuple[str, ...]] = ("", ())
# Understood elsewhere or without effect on what is found.
_ELSEWHERE = frozenset(("_format", "_pretty", "_page"))


@dataclass(frozen=True)
class Clause:
    """One parameter of a search: any of its values must match; a chain tests the resource referred to."""

    parameter: SearchParameter
    modifier: str = ""
    values: tuple[str, ...] = ()
    chain: Clause | None = None
    target: str = ""  # the type a reference is said to have: patient:Patient=…
    has: tuple[str, str] | None = None  # (type, reference parameter) of a reverse chain; `chain` is tested on that type


@dataclass(frozen=True)
class Include:
    """`source:parameter:target` of _include or _revinclude; parameter may be `*`."""

    source: str
    parameter: str
    target: str = ""
    iterate: bool = False


@dataclass(frozen=True)
class Query:
    """A whole search as understood."""

    type: str
    clauses: tuple[Clause, ...] = ()
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()  # (parameter, descending)
    count: int | None = None
    summary: str = ""
    elements: tuple[str, ...] = ()
    total: str = ""
    understood: Parameters = ()
    ignored: tuple[str, ...] = ()

    @cached_property
    def steady(self) -> bool:
        """Whether the answer depends on nothing but the resources searched: no other types, no moving time."""
        return not any(
            clause.chain is not None
            or clause.has is not None
            or (clause.parameter.kind in ("date", "composite") and any("ap" in value for value in clause.values))
            for clause in self.clauses
        )


@rule
def unknown_parameter_stands(name: str, strict: bool) -> bool:
    """Whether a search goes on without a parameter it does not know: yes, unless strict handling was preferred."""
    if strict:
        raise invalid(name, "this search parameter is not known here")
    return True


@unknown_parameter_stands.fault("strict-handling-is-ignored", violates="FHIR-SEARCH-03")
def lenient_always(name: str, strict: bool) -> bool:
    """`Prefer: handling=strict` changes nothing: unknown parameters are ignored all the same."""
    return True


@unknown_parameter_stands.fault("unknown-parameters-are-refused-by-default", violates="FHIR-SEARCH-03")
def strict_always(name: str, strict: bool) -> bool:
    """A search with a parameter the server does not know is refused although no strictness was asked for."""
    raise invalid(name, "this search parameter is not known here")


def parse(catalog: Catalog, type_name: str, parameters: Parameters, *, strict: bool, active: frozenset[str]) -> Query:
    """The query these parameters ask for, or a refusal naming the one that is wrong."""
    clauses: list[Clause] = []
    includes: list[Include] = []
    revincludes: list[Include] = []
    sort: tuple[tuple[str, bool], ...] = ()
    count: int | None = None
    summary, total = "", ""
    elements: tuple[str, ...] = ()
    understood, ignored = [], []
    for name, value in parameters:
        bare, _, modifier = name.partition(":")
        match bare:
            case "_count":
                count = _natural(name, value)
            case "_sort":
                sort = tuple(_sort_key(catalog, type_name, key) for key in value.split(","))
            case "_include" | "_revinclude":
                found = _include(catalog, type_name, name, value, modifier, reverse=bare == "_revinclude")
                (revincludes if bare == "_revinclude" else includes).append(found)
            case "_summary":
                summary = _one_of(name, value, SUMMARIES)
            case "_total":
                total = _one_of(name, value, TOTALS)
            case "_elements":
                elements = _elements(name, value)
            case _ if name in _ELSEWHERE:
                continue
            case _:
                clause = _clause(catalog, type_name, name, value)
                if clause is None:
                    if unknown_parameter_stands(active, name, strict):
                        ignored.append(name)
                    continue
                clauses.append(clause)
        understood.append((name, value))
    return Query(
        type_name, tuple(clauses), tuple(includes), tuple(revincludes), sort, count, summary, elements, total,
        tuple(understood), tuple(ignored),
    )  # fmt: skip


def shape_asked(parameters: Parameters) -> tuple[str, tuple[str, ...]]:
    """`_summary` and `_elements` of a read, which stand on any request that answers resources (FHIR R4 search, 3.1.1.5.8)."""
    if not parameters:
        return WHOLE
    summary, elements = WHOLE
    for name, value in parameters:
        if name == "_summary":
            summary = _one_of(name, value, tuple(one for one in SUMMARIES if one != "count"))
        elif name == "_elements":
            elements = _elements(name, value)
    return ("" if summary == "false" else summary), elements


def _elements(name: str, value: str) -> tuple[str, ...]:
    elements = tuple(part.strip() for part in value.split(",") if part.strip())
    if not elements:
        raise invalid(name, "names no element")
    return elements


def clause_of(catalog: Catalog, type_name: str, name: str, value: str) -> Clause | None:
    """One clause; None where the parameter is not known (or empty)."""
    return _clause(catalog, type_name, name, value)


def _clause(catalog: Catalog, type_name: str, name: str, value: str, depth: int = 0) -> Clause | None:
    if name.count(".") > DEEPEST_CHAIN or depth > DEEPEST_CHAIN:
        raise invalid(name, f"a chain of more than {DEEPEST_CHAIN} references is too costly")
    if name.startswith("_has:"):
        return _reverse_chain(catalog, type_name, name, value, depth)
    head, dot, rest = name.partition(".")
    bare, _, modifier = head.partition(":")
    parameter = catalog.of(type_name).get(bare)
    if parameter is None or value == "":
        return None
    if dot:
        return _chain(catalog, parameter, modifier, name, rest, value, depth)
    values = tuple(alternatives(value))
    if len(values) > MOST_VALUES:
        raise invalid(name, f"{len(values)} values are more than the {MOST_VALUES} one parameter may have")
    if "" in values:
        raise invalid(name, "one of the values is empty")
    target = ""
    if modifier and modifier not in MODIFIERS[parameter.kind]:
        if parameter.kind != "reference" or modifier not in parameter.targets:
            raise invalid(name, f"the modifier :{modifier} is not supported on {bare} ({parameter.kind})")
        modifier, target = "", modifier
    if modifier == "missing" and values not in (("true",), ("false",)):
        raise invalid(name, ":missing is true or false")
    return Clause(parameter, modifier, values, target=target)


def _chain(
    catalog: Catalog, parameter: SearchParameter, target: str, name: str, rest: str, value: str, depth: int
) -> Clause | None:
    if parameter.kind != "reference":
        raise invalid(name, f"{parameter.name} is not a reference: nothing can be chained to it")
    if target and target not in parameter.targets:
        raise invalid(name, f"{parameter.name} does not refer to {target}")
    types = [target] if target else [kind for kind in parameter.targets if kind in catalog.types]
    rest_name = rest.partition(".")[0].partition(":")[0]
    for kind in types:
        if rest_name in catalog.of(kind) or rest.startswith("_has:"):
            inner = _clause(catalog, kind, rest, value, depth + 1)
            if inner is not None:
                return Clause(
                    parameter, chain=inner, target=target or (types[0] if len(types) == 1 else ""), values=(value,)
                )
    return None


def _reverse_chain(catalog: Catalog, type_name: str, name: str, value: str, depth: int) -> Clause | None:
    parts = name.split(":", 3)
    if len(parts) < 4 or not all(parts):
        raise invalid(name, "a reverse chain is _has:Type:reference-parameter:parameter")
    _, source, link, rest = parts
    through = catalog.of(source).get(link)
    if through is None or through.kind != "reference" or type_name not in through.targets:
        raise invalid(name, f"{source}:{link} does not refer to {type_name}")
    inner = _clause(catalog, source, rest, value, depth + 1)
    return None if inner is None else Clause(through, chain=inner, has=(source, link), values=(value,))


def _include(catalog: Catalog, type_name: str, name: str, value: str, modifier: str, *, reverse: bool) -> Include:
    if modifier not in ("", "iterate", "recurse"):
        raise invalid(name, f"the modifier :{modifier} is not supported")
    if value == "*":
        return Include("*" if reverse else type_name, "*", iterate=bool(modifier))
    source, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    known = catalog.of(source).get(parameter)
    if parameter != "*" and (known is None or known.kind != "reference"):
        raise invalid(name, f"{value!r} is not Type:reference-parameter of a type served here")
    if source not in catalog.types:
        raise invalid(name, f"the type {source!r} is not served here")
    if not reverse and not modifier and source != type_name:
        raise invalid(name, f"{value!r} starts from {source}, but {type_name} is searched; use :iterate to go further")
    if target and known is not None and target not in known.targets:
        raise invalid(name, f"{source}:{parameter} does not refer to {target}")
    return Include(source, parameter, target, bool(modifier))


def _sort_key(catalog: Catalog, type_name: str, key: str) -> tuple[str, bool]:
    name = key.removeprefix("-")
    parameter = catalog.of(type_name).get(name)
    if parameter is None or parameter.kind in ("composite",):
        raise invalid("_sort", f"{name!r} is not a search parameter of {type_name} one can sort by")
    return name, key.startswith("-")


def _natural(name: str, value: str) -> int:
    if not _NATURAL.fullmatch(value):
        raise invalid(name, f"{value!r} is not a whole number, zero or more")
    return int(value)


def _one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise invalid(name, f"{value!r} is none of {', '.join(allowed)}")
    return value
