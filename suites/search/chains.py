"""Chained searches and `_has`, with their answers worked out from the resources at hand (FHIR R4 search, chaining and reverse chaining).

A chain asks for what refers to something that answers a condition; `_has` for what is referred to by such. Both are made from resources the suite
holds on both sides of a reference, so that it knows the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from suites.kit.outcomes import Inconclusive
from suites.profiles.facts import SearchParameter
from suites.record.cases import parameters
from suites.record.expressions import elements
from suites.record.held import Record
from suites.record.judge import Judge
from suites.record.matching import answers, reference_parts
from suites.record.values import value_for
from suites.record.verdict import Match

Query = tuple[tuple[str, str], ...]
NOBODY = "no-such-id-7f3a"
TARGET_NAMES = ("identifier", "name", "type", "status", "address-state", "specialty", "class", "code", "gender")


@dataclass(frozen=True)
class Chained:
    """One search with its answer: ids that must come, ids that may, and what is asked in a person's words."""

    type: str
    query: Query
    wanted: frozenset[str]
    allowed: frozenset[str]
    kind: str


@dataclass(frozen=True, repr=False)
class Side:
    """What is held of one type, by id."""

    type: str
    by_id: dict[str, dict[str, Any]]
    query: Query


def held(record: Record, type: str) -> Side | None:
    """Everything of a type in a record, if it can be had."""
    try:
        found = record.of(type)
    except Inconclusive:
        return None
    return Side(type, {str(one.get("id")): one for one, _ in found.resources()}, found.query) if found.count else None


def links(definition: SearchParameter, side: Side, target: str) -> dict[str, set[str]]:
    """Ids of one side with the ids of the other they refer to by a parameter."""
    found: dict[str, set[str]] = {}
    for id, resource in side.by_id.items():
        parts = [
            reference_parts(str(element["reference"]))
            for element in elements(definition, resource)
            if isinstance(element, dict) and isinstance(element.get("reference"), str)
        ]
        named = {other for kind, other in parts if kind == target}
        if named:
            found[id] = named
    return found


def chained(judge: Judge, record: Record, guide: str, types: tuple[str, ...]) -> Iterator[Chained]:
    """Chains and `_has` over every reference parameter between types that are held."""
    for type in types:
        source = held(record, type)
        if source is None:
            continue
        for name, definition in parameters(judge.guides, guide, type).items():
            if definition.type != "reference" or name in ("patient", "subject"):
                continue
            for target in definition.targets:
                other = held(record, target) if target in types else None
                if other is None or target == "Patient":
                    continue
                told = links(definition, source, target)
                if told:
                    yield from of_reference(judge, guide, name, source, other, told)


def of_reference(
    judge: Judge, guide: str, name: str, source: Side, other: Side, told: dict[str, set[str]]
) -> Iterator[Chained]:
    """The searches over one reference: by id, by a condition of what is referred to, by nobody, and the other way round."""
    some = sorted({one for named in told.values() for one in named} & set(other.by_id))
    if not some:
        return
    chosen = some[len(some) // 2]
    by_chosen = frozenset(id for id, named in told.items() if chosen in named)
    written = f"{name}:{other.type}"
    yield Chained(source.type, (*source.query, (f"{written}._id", chosen)), by_chosen, by_chosen, "chain by _id")
    yield Chained(source.type, (*source.query, (f"{written}._id", NOBODY)), frozenset(), frozenset(), "chain to nobody")
    for wanted in TARGET_NAMES:
        condition = parameters(judge.guides, guide, other.type).get(wanted)
        value = ""
        for element in elements(condition, other.by_id[chosen]) if condition else []:
            value = value or value_for(condition.type if condition else "", element)
        if condition is None or not value:
            continue
        verdicts = {id: answers(condition.type, elements(condition, one), value) for id, one in other.by_id.items()}
        sure = frozenset(id for id, named in told.items() if any(verdicts.get(one) is Match.YES for one in named))
        possible = frozenset(
            id
            for id, named in told.items()
            if any(one not in verdicts or verdicts[one] is not Match.NO for one in named)
        )
        yield Chained(
            source.type, (*source.query, (f"{written}.{wanted}", value)), sure, possible, "chain by a condition"
        )
        break
    referring = sorted(by_chosen)[0]
    named_by = frozenset(told[referring] & set(other.by_id))
    query = (*other.query, (f"_has:{source.type}:{name}:_id", referring))
    yield Chained(other.type, query, named_by, named_by, "_has by _id")
    nobody = (*other.query, (f"_has:{source.type}:{name}:_id", NOBODY))
    yield Chained(other.type, nobody, frozenset(), frozenset(), "_has by nobody")
