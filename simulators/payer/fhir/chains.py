"""Clauses made into tests of one resource: plain values, chains, reverse chains, composites (FHIR R4 search).

A test only ever looks at what the request's reach sees: a chain through a resource out of reach finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simulators.payer.errors import FhirError
from simulators.payer.fhir.matching import (
    Test,
    Values,
    date_test,
    invalid,
    number_test,
    reference_test,
    split,
    string_test,
    token_of,
    token_test,
    uri_test,
)  # fmt: skip
from simulators.payer.fhir.parameters import SearchParameter
from simulators.payer.fhir.query import Clause
from simulators.payer.fhir.values import VALUES, folded, tokens
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate

if TYPE_CHECKING:
    from simulators.payer.fhir.search import World

CandidateTest = Callable[[Candidate], bool]
# Modifiers and kinds that need the resource itself, not only what is noted of it.
_BY_RESOURCE = frozenset(("text", "of-type", "identifier"))


@rule
def own_addresses(base: str) -> tuple[str, ...]:
    """Absolute addresses that mean resources of this server."""
    return (base,)


@own_addresses.fault("absolute-references-find-nothing", violates="FHIR-SEARCH-15")
def no_addresses(base: str) -> tuple[str, ...]:
    """A search by the absolute address of a resource finds nothing."""
    return ()


def clause_test(clause: Clause, world: World) -> CandidateTest:
    """The test of one clause over the candidates of its type."""
    if clause.has is not None:
        return _reverse_chain_test(clause, world)
    if clause.chain is not None:
        return _chain_test(clause, world)
    name, noted = clause.parameter.name, clause.parameter.noted
    if clause.modifier == "missing":
        missing = clause.values == ("true",)
        if name in ("_id", "_lastUpdated"):
            return lambda candidate: not missing
        if clause.parameter.kind == "composite":
            return lambda candidate: bool(_nodes(clause.parameter, candidate, world)) is not missing
        holds = is_missing.under(world.reach.active)
        return lambda candidate: holds(missing, noted in candidate.index)
    if clause.parameter.kind == "composite":
        return _composite_test(clause, world)
    if clause.modifier in _BY_RESOURCE:
        return _resource_test(clause, world)
    tests = [value_test(clause.parameter, value, clause.modifier, clause.target, world) for value in clause.values]
    any_of = tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)
    if name == "_id":
        wanted = frozenset(clause.values)  # unlike codes, ids mind their case (FHIR R4 id)
        if clause.modifier == "not":
            return lambda candidate: candidate.id not in wanted
        return lambda candidate: candidate.id in wanted
    if name == "_lastUpdated":
        return lambda candidate: any_of(((candidate.updated, candidate.updated + 1),))
    if clause.modifier == "not":
        return lambda candidate: not any_of(candidate.index.get(noted, ()))
    return lambda candidate: any_of(candidate.index.get(noted, ()))


@rule
def malformed(error: FhirError) -> Test:
    """A value that cannot be understood is refused, and the parameter named."""
    raise error


@malformed.fault("malformed-values-are-ignored", violates="FHIR-SEARCH-13")
def overlooked(error: FhirError) -> Test:
    """A search with a malformed date or token is done as if the parameter were not there."""
    return lambda values: True


@rule
def is_missing(missing: bool, present: bool) -> bool:
    """`:missing=true` selects what lacks the element, `:missing=false` what has it."""
    return present is not missing


@is_missing.fault("missing-modifier-is-ignored", violates="FHIR-SEARCH-16")
def missing_or_not(missing: bool, present: bool) -> bool:
    """A search with :missing finds everything."""
    return True


@rule
def chain_holds(values: Sequence[str], names: set[str]) -> bool:
    """A chained condition holds where the reference leads to a resource that fulfils it."""
    return any(value in names for value in values)


@chain_holds.fault("chained-conditions-are-ignored", violates="FHIR-SEARCH-14")
def chain_ignored(values: Sequence[str], names: set[str]) -> bool:
    """A search with a chained parameter finds everything that has the reference."""
    return bool(values)


def value_test(parameter: SearchParameter, text: str, modifier: str, target: str, world: World) -> Test:
    """The test of one value of one parameter."""
    try:
        return _value_test(parameter, text, modifier, target, world)
    except FhirError as error:
        return malformed(world.reach.active, error)


def _value_test(parameter: SearchParameter, text: str, modifier: str, target: str, world: World) -> Test:
    match parameter.kind:
        case "date":
            return date_test(parameter.name, text, world.reach.active, world.reach.now)
        case "token":
            return token_test(parameter.name, text, world.reach.active)
        case "string":
            return string_test(text, modifier, world.reach.active)
        case "reference":
            only = target or (parameter.targets[0] if len(parameter.targets) == 1 else None)
            return reference_test(parameter.name, text, only, own_addresses(world.reach.active, world.reach.base.url))
        case "uri":
            return uri_test(text, modifier)
    return number_test(parameter.name, text)


def _chain_test(clause: Clause, world: World) -> CandidateTest:
    assert clause.chain is not None
    inner, noted = clause.chain, clause.parameter.noted
    types = (clause.target,) if clause.target else clause.parameter.targets
    names: set[str] = set()
    for kind in types:
        known = world.reach.base.catalog.of(kind).get(inner.parameter.name)
        if inner.has is None and known is None:
            continue
        on_kind = (
            inner
            if inner.has or known is None
            else Clause(known, inner.modifier, inner.values, inner.chain, inner.target)
        )
        names.update(f"{kind}/{found.id}" for found in world.matching(kind, (on_kind,)))
    holds = chain_holds.under(world.reach.active)
    return lambda candidate: holds(candidate.index.get(noted, ()), names)


def _reverse_chain_test(clause: Clause, world: World) -> CandidateTest:
    assert clause.chain is not None
    assert clause.has is not None
    source, link = clause.has[0], clause.parameter.noted
    names = {value for found in world.matching(source, (clause.chain,)) for value in found.index.get(link, ())}
    return lambda candidate: f"{candidate.type}/{candidate.id}" in names


def _composite_test(clause: Clause, world: World) -> CandidateTest:
    parameter = clause.parameter
    alternatives_ = []
    for value in clause.values:
        parts = split(value, "$")
        if len(parts) != len(parameter.components):
            raise invalid(parameter.name, f"{value!r} needs {len(parameter.components)} parts separated by $")
        tests = [
            (component, value_test(SearchParameter("", parameter.name, component.kind, "", ""), part, "", "", world))
            for component, part in zip(parameter.components, parts, strict=True)
        ]
        alternatives_.append(tests)

    def matches(candidate: Candidate) -> bool:
        return any(
            all(test(VALUES[component.kind](component.extract(node))) for component, test in tests)
            for node in _nodes(parameter, candidate, world)
            for tests in alternatives_
        )

    return matches


def _resource_test(clause: Clause, world: World) -> CandidateTest:
    parameter, wanted = clause.parameter, clause.values

    def matches(candidate: Candidate) -> bool:
        nodes = _nodes(parameter, candidate, world)
        if clause.modifier == "text":
            return any(text.startswith(folded(value)) for value in wanted for node in nodes for text in _texts(node))
        if clause.modifier == "of-type":
            return any(_is_of_type(value, node) for value in wanted for node in nodes)
        identifiers: Values = tokens(
            [node["identifier"] for node in nodes if type(node) is dict and "identifier" in node]
        )
        return any(token_test(parameter.name, value, world.reach.active)(identifiers) for value in wanted)

    for value in wanted:  # refused before anything is looked at
        if clause.modifier == "of-type" and len(split(value, "|")) != 3:
            raise invalid(parameter.name, f"{value!r} is not system|code|value")
        if clause.modifier == "identifier":
            token_of(parameter.name, value)
    return matches


def _nodes(parameter: SearchParameter, candidate: Candidate, world: World) -> list[Any]:
    resource = world.resource(candidate)
    return list(parameter.path.extract(resource))


def _texts(node: object) -> list[str]:
    if type(node) is not dict:
        return []
    found = [node.get("text"), node.get("display")]
    found += [coding.get("display") for coding in node.get("coding", ()) if type(coding) is dict]
    if type(node.get("type")) is dict:  # an identifier is read by the text of its type
        found.append(node["type"].get("text"))
    return [folded(text) for text in found if type(text) is str]


def _is_of_type(value: str, node: object) -> bool:
    system, code, identifier = split(value, "|")
    if type(node) is not dict or str(node.get("value", "")).casefold() != identifier.casefold():
        return False
    kind = node.get("type")
    codings = kind.get("coding", ()) if type(kind) is dict else ()
    return any(coding.get("system", "") == system and coding.get("code") == code for coding in codings)
