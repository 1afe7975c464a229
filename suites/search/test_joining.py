"""Parameters together narrow a search, values together widen it: FHIR-SEARCH-07 (FHIR R4 search, AND and OR)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, islice

import pytest

from suites.kit.fhir import entries, resource_of
from suites.kit.outcomes import findings, judged, not_applicable
from suites.record.cases import parameters
from suites.record.expressions import elements
from suites.record.held import follow
from suites.record.judge import Judge
from suites.record.matching import answers, element_spans
from suites.record.samples import Several, several
from suites.record.values import value_for
from suites.record.verdict import Match, all_of

MOST_TYPES = 5
MOST_PAIRS = 4
KINDS = ("token", "date", "reference")
Query = tuple[tuple[str, str], ...]


def ids_of(one: Several, query: Query) -> tuple[set[str] | None, str]:
    """The ids a search gives over all its pages, None where it is refused, and evidence."""
    answer = one.record.fhir.search(one.type, query)
    if answer.status != 200:
        return None, answer.evidence
    found: set[str] = set()
    for _, bundle in follow(one.record.fhir, one.type, query):
        found |= {
            str(resource_of(entry).get("id"))
            for entry in entries(bundle)
            if resource_of(entry).get("resourceType") == one.type
        }
    return found, answer.evidence


def pairs(judge: Judge, one: Several) -> Iterator[tuple[Query, set[str], set[str]]]:
    """Two conditions that part a record differently, with the ids that answer both, and those that may."""
    guide = judge.guides[0]
    known = {
        name: definition
        for name, definition in parameters(judge.guides, guide, one.type).items()
        if definition.type in KINDS and name not in ("_id", "patient", "subject")
    }
    resources = {str(r.get("id")): r for r in one.resources()}
    conditions: dict[str, tuple[str, dict[str, Match]]] = {}
    for name, definition in known.items():
        held = {id: list(elements(definition, r)) for id, r in resources.items()}
        values = (next((v for e in parts if (v := value_for(definition.type, e))), "") for parts in held.values())
        for value in dict.fromkeys(one for one in values if one):
            verdicts = {id: answers(definition.type, parts, value) for id, parts in held.items()}
            if 0 < sum(verdict is Match.YES for verdict in verdicts.values()) < len(resources):
                conditions[name] = (value, verdicts)
                break
    for first, second in combinations(sorted(conditions), 2):
        (a, of_a), (b, of_b) = conditions[first], conditions[second]
        both = {id: all_of([of_a[id], of_b[id]]) for id in resources}
        wanted = {id for id, verdict in both.items() if verdict is Match.YES}
        if all(sum(of[id] is Match.YES for id in resources) > len(wanted) for of in (of_a, of_b)):
            possible = {id for id, verdict in both.items() if verdict is not Match.NO}
            yield ((first, a), (second, b)), wanted, possible


@pytest.mark.requirement("FHIR-SEARCH-07")
def test_parameters_narrow(judges: Callable[[str], Judge]) -> None:
    """Two parameters find what answers both, in either order."""
    judge, count = judges("fhir"), 0
    with findings() as found:
        for one in islice(several(judge), MOST_TYPES):
            for pair, wanted, possible in list(pairs(judge, one))[:MOST_PAIRS]:
                for query in ((*one.query, *pair), (*one.query, *reversed(pair))):
                    got, evidence = ids_of(one, query)
                    if got is None:
                        continue  # refused: the server does not support one of them
                    count += 1
                    found.check(
                        wanted <= got <= possible | wanted,
                        "two parameters find what answers both",
                        expected=f"{len(wanted)} of {one.held.count} {one.type}",
                        found=f"{len(got)} by {'&'.join(f'{name}={value}' for name, value in query)}",
                        path=one.type,
                        evidence=evidence,
                    )
    if not count:
        not_applicable("no two parameters part a record at hand differently, or the server refuses them")
    judged(count, "search with two parameters")


@pytest.mark.requirement("FHIR-SEARCH-07")
def test_a_repeated_parameter_narrows(judges: Callable[[str], Judge]) -> None:
    """A date given twice, from and to, finds what lies between."""
    judge, count = judges("fhir"), 0
    with findings() as found:
        for one in islice(several(judge), MOST_TYPES):
            definition = parameters(judge.guides, judge.guides[0], one.type).get("date")
            if definition is None:
                continue
            times = {
                str(r.get("id")): [s for e in elements(definition, r) for s in element_spans(e)]
                for r in one.resources()
            }
            days = sorted({span.start.date() for spans in times.values() for span in spans})
            if len(days) < 3:
                continue
            query = (*one.query, ("date", f"ge{days[1]}"), ("date", f"lt{days[-1]}"))
            got, evidence = ids_of(one, query)
            if got is None:
                continue
            verdicts = {
                str(r.get("id")): all_of([answers("date", elements(definition, r), value) for _, value in query[-2:]])
                for r in one.resources()
            }
            wanted = {id for id, verdict in verdicts.items() if verdict is Match.YES}
            possible = {id for id, verdict in verdicts.items() if verdict is not Match.NO}
            count += 1
            found.check(
                wanted <= got <= possible,
                "a parameter given twice finds what answers both",
                expected=f"{len(wanted)} of {one.held.count} {one.type}",
                found=f"{len(got)} by date=ge{days[1]}&date=lt{days[-1]}",
                path=one.type,
                evidence=evidence,
            )
    if not count:
        not_applicable("no record at hand has three days of one type to search between")
    judged(count, "search between two days")


@pytest.mark.requirement("FHIR-SEARCH-15")
def test_a_reference_is_found_by_its_address(judges: Callable[[str], Judge]) -> None:
    """What refers to a resource is found by Type/id and by the absolute address alike."""
    judge, count = judges("fhir"), 0
    with findings() as found:
        for one in islice(several(judge), MOST_TYPES):
            for name, definition in parameters(judge.guides, judge.guides[0], one.type).items():
                if definition.type != "reference" or name in ("patient", "subject"):
                    continue
                values = [value_for("reference", e) for r in one.resources() for e in elements(definition, r)]
                value = next((v for v in values if v and "://" not in v), "")
                short, _ = ids_of(one, (*one.query, (name, value))) if value else (None, "")
                if not short:
                    continue
                address = f"{one.record.fhir.base.rstrip('/')}/{value}"
                long, evidence = ids_of(one, (*one.query, (name, address)))
                count += 1
                found.check(
                    long == short,
                    "an absolute address finds what Type/id finds",
                    expected=f"{len(short)} {one.type} by {name}={value}",
                    found=f"{len(long or ())} by {name}={address}",
                    path=name,
                    evidence=evidence,
                )
                break
    if not count:
        not_applicable("nothing at hand refers to anything but the member by a search parameter")
    judged(count, "reference parameter")
