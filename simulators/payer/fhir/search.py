"""A search carried out within one request's reach: candidates, tests, order, includes (FHIR R4 search).

Leaves to others: understanding parameters (query.py), what matches (matching.py, chains.py), pages (paging.py), bytes (bundles.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import orjson

from simulators.payer.errors import FhirError
from simulators.payer.fhir import veil
from simulators.payer.fhir.chains import CandidateTest, clause_test
from simulators.payer.fhir.compartment import Reach, searched_record
from simulators.payer.fhir.index import KEY_LENGTH
from simulators.payer.fhir.matching import token_of, unescaped
from simulators.payer.fhir.query import Clause, Query
from simulators.payer.fhir.requests import Parameters
from simulators.payer.fhir.values import folded
from simulators.payer.rules import rule
from simulators.payer.store import Store
from simulators.payer.stored import Candidate, Record

# How many resources in nobody's record one search may look through without a value to start from.
MOST_LOOKED_THROUGH = 50_000
_VIEWS, _RESULTS, _RESOURCES = 16, 64, 2_000
_NEVER = 1 << 62


# Searches by several parameters that the guides ask for go wrong with the rule itself.
EVERY_SEARCH = ("FHIR-SEARCH-01", "FHIR-SEARCH-04", "CARIN-SEARCH-03", "PDEX-SEARCH-02")


@rule
def all_conditions_hold(tests: Sequence[CandidateTest]) -> CandidateTest:
    """Parameters are joined by and."""
    if len(tests) == 1:
        return tests[0]
    return lambda candidate: all(test(candidate) for test in tests)


@all_conditions_hold.fault("parameters-are-joined-by-or", violates="FHIR-SEARCH-07", also=EVERY_SEARCH)
def any_condition_holds(tests: Sequence[CandidateTest]) -> CandidateTest:
    """A search with two parameters finds what fulfils either of them."""
    return lambda candidate: any(test(candidate) for test in tests)


@all_conditions_hold.fault(
    "only-the-first-parameter-counts",
    violates="FHIR-SEARCH-07",
    also=EVERY_SEARCH,
)
def first_condition_holds(tests: Sequence[CandidateTest]) -> CandidateTest:
    """A search with several parameters looks at the first one besides the patient only."""
    return tests[0]


@rule
def records_opened(records: frozenset[str]) -> frozenset[str]:
    """Which records besides the token's own a search by `_id` looks into: none."""
    return frozenset()


@records_opened.fault("search-by-id-opens-other-records", violates="FHIR-COMPARTMENT-04", also=["FHIR-COMPARTMENT-01"])
def every_record(records: frozenset[str]) -> frozenset[str]:
    """A search by the id of another member's resource finds it."""
    return records


@dataclass
class View:
    """What one kind of request sees of one record, from one moment until another."""

    candidates: list[Candidate]
    since: int
    until: int
    results: dict[Parameters, list[Candidate]] = field(default_factory=dict)


class World:
    """What one request's reach shows, asked type by type; remembers within the request."""

    def __init__(self, store: Store, reach: Reach) -> None:
        self.store = store
        self.reach = reach
        self._resources: dict[tuple[int, int], Any] = {}

    @cached_property
    def permitted(self) -> Callable[[str], bool]:
        """Whether other types may be looked at along the way (includes, chains)."""
        return lambda type_name: self.reach.permits(type_name, "s") or self.reach.permits(type_name, "r")

    def resource(self, candidate: Candidate) -> Any:
        """The whole resource, for the few tests that need more than its noted values."""
        key = (candidate.rid, candidate.updated)
        if key not in self._resources:
            if len(self._resources) >= _RESOURCES:  # the world of a scope's condition lives long
                self._resources.clear()
            self._resources[key] = orjson.loads(self.store.bodies((candidate.rid,))[0])
        return self._resources[key]

    def visible(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those of the candidates that exist in this world."""
        if type(candidates) is Record and not self.reach.active:
            return self.view(candidates).candidates
        sees = self.reach.sees
        return [veil.over(candidate, self.reach.opened) for candidate in candidates if sees(candidate)]

    def view(self, record: Record) -> View:
        """What this world shows of one record, remembered until the next arrival becomes due."""
        reach = self.reach
        own = record.patient in ("", reach.patient) or reach.everybody or record.patient in reach.records
        key = (reach.base.bit, own, reach.opened, reach.newest)
        view = record.views.get(key)
        if view is None or not view.since <= reach.now < view.until:
            shown = [veil.over(candidate, reach.opened) for candidate in record if reach.sees(candidate)]
            due = [candidate.visible for candidate in record if candidate.visible > reach.now]
            view = View(shown, reach.now, min(due, default=_NEVER))
            if len(record.views) >= _VIEWS:
                record.views.clear()
            record.views[key] = view
        found: View = view
        return found

    def may_include(self, candidate: Candidate) -> bool:
        """Whether a resource may come along with matches, the conditions of its scope included."""
        narrowed = self.reach.narrowed(candidate.type)
        return self.reach.includes(candidate) and (narrowed is None or narrowed(candidate))

    def matching(
        self, type_name: str, clauses: Sequence[Clause], remember: Parameters | None = None
    ) -> list[Candidate]:
        """The resources of a type that fulfil the clauses, in order of arrival; none where the type may not be looked at.

        With `remember` the answer is kept beside the record under that name, and found there the next time.
        """
        if not self.permitted(type_name):
            return []
        narrowed = self.reach.narrowed(type_name)
        found: list[Candidate] = []
        for part in self._candidates(type_name, clauses):
            if remember is None or narrowed is not None or self.reach.active or type(part) is not Record:
                matches = self._tested(type_name, clauses, part, narrowed)
            else:
                matches = self._remembered(type_name, clauses, part, remember)
            found = found + matches if found else matches
        return found

    def _remembered(
        self, type_name: str, clauses: Sequence[Clause], record: Record, remember: Parameters
    ) -> list[Candidate]:
        results = self.view(record).results
        found = results.get(remember)
        if found is None:
            found = self._tested(type_name, clauses, record, None)
            if len(results) >= _RESULTS:
                results.clear()
            results[remember] = found
        return found

    def _tested(
        self, type_name: str, clauses: Sequence[Clause], candidates: Sequence[Candidate], narrowed: CandidateTest | None
    ) -> list[Candidate]:
        tests = [clause_test(clause, self) for clause in clauses if not self._is_record(type_name, clause)]
        found = self.visible(candidates)
        if narrowed is not None:
            tests.append(narrowed)
        if not tests:
            return found
        matches = all_conditions_hold(self.reach.active, tests)
        return [candidate for candidate in found if matches(candidate)]

    def _is_record(self, type_name: str, clause: Clause) -> bool:
        """Whether a clause says no more than whose record is searched, which the choice of candidates already settles."""
        return (
            clause.parameter.name == "patient"
            and clause.chain is None
            and not clause.modifier
            and clause.has is None
            and len(clause.values) == 1
            and not self.reach.base.is_open
            and type_name not in ("Provenance", "Patient", "RelatedPerson")
        )

    def _candidates(self, type_name: str, clauses: Sequence[Clause]) -> Sequence[Sequence[Candidate]]:
        """Where to look, in parts: whole records where it can be, so that what was worked out over them serves again."""
        ids = [
            clause.values
            for clause in clauses
            if clause.parameter.name == "_id" and not clause.modifier and not clause.chain
        ]
        if ids:
            named = self.store.named([(type_name, id) for id in dict.fromkeys(ids[0])])
            self.reach.records |= records_opened(self.reach.active, frozenset(one.patient for one in named))
            return (named,)
        patient = self.reach.patient
        asked = [
            _record_asked(value)
            for clause in clauses
            if clause.parameter.name == "patient"
            and not clause.modifier
            and clause.chain is None
            and clause.has is None
            for value in clause.values
        ]
        if patient:
            records = {searched_record(self.reach.active, patient, one) for one in asked} or {patient}
            self.reach.records |= records
            own = [self.store.record(type_name, record) for record in sorted(records)]
            if asked or type_name not in self.store.shared_types():
                return own
            return (*own, self._of_nobody(type_name, clauses))
        if self.reach.everybody and asked:
            return [self.store.record(type_name, record) for record in sorted(set(asked))]
        if self.reach.everybody and not self.store.only_shared(type_name):
            return (self._look_through(type_name),)
        return (self._of_nobody(type_name, clauses),)

    def _of_nobody(self, type_name: str, clauses: Sequence[Clause]) -> Sequence[Candidate]:
        for clause in clauses:
            started = _keys(clause)
            if started is not None:
                return self.store.with_key(type_name, clause.parameter.noted, started, prefix=_by_prefix(clause))
        return self.store.record(type_name, "")

    def _look_through(self, type_name: str) -> list[Candidate]:
        found: list[Candidate] = []
        while True:
            some = self.store.every(type_name, found[-1].rid if found else 0)
            found += some
            if len(some) < 1000:
                return found
            if len(found) > MOST_LOOKED_THROUGH:
                raise FhirError(
                    400,
                    "too-costly",
                    f"there are too many {type_name} to look through; search by patient",
                    expression=("patient",),
                )


def _record_asked(value: str) -> str:
    return unescaped(value).rsplit("/", 1)[-1]


def _by_prefix(clause: Clause) -> bool:
    return clause.parameter.kind == "string" and clause.modifier == ""


def _keys(clause: Clause) -> list[str] | None:
    """The keys a clause over nobody's resources can start from; None where it cannot."""
    if clause.chain is not None or clause.has is not None or clause.target:
        return None
    kind, values = clause.parameter.kind, [unescaped(value) for value in clause.values]
    if kind == "string" and clause.modifier in ("", "exact"):
        return [folded(value)[:KEY_LENGTH] for value in values]
    if kind == "token" and clause.modifier == "":
        codes = [token_of(clause.parameter.name, value)[1] for value in clause.values]
        return [folded(code)[:KEY_LENGTH] for code in codes] if all(codes) else None
    if kind == "reference" and clause.modifier == "" and all("/" in value and ":" not in value for value in values):
        return [value[:KEY_LENGTH] for value in values]
    return None


# --- order ---


@rule
def in_order(candidates: list[Candidate], sort: tuple[tuple[str, bool], ...]) -> list[Candidate]:
    """Sorted by the keys asked for, the first one first; what has no value comes last; equals keep their order of arrival."""
    found = list(candidates)
    for name, descending in reversed(sort):
        keyed = [(_sort_value(candidate, name, descending), candidate) for candidate in found]
        having = sorted((pair for pair in keyed if pair[0] is not None), key=itemgetter(0), reverse=descending)
        found = [candidate for _, candidate in having] + [candidate for key, candidate in keyed if key is None]
    return found


@in_order.fault("sort-is-ignored", violates="FHIR-SEARCH-08")
def unsorted(candidates: list[Candidate], sort: tuple[tuple[str, bool], ...]) -> list[Candidate]:
    """A search with _sort answers in the order of arrival."""
    return list(candidates)


@in_order.fault("descending-sort-ascends", violates="FHIR-SEARCH-08")
def ascending(candidates: list[Candidate], sort: tuple[tuple[str, bool], ...]) -> list[Candidate]:
    """A search with _sort=-… answers in ascending order."""
    return in_order.function(candidates, tuple((name, False) for name, _ in sort))


def _sort_value(candidate: Candidate, name: str, descending: bool) -> Any:
    """The least value ascending, the greatest descending; dates by their beginning, their end descending."""
    if name == "_id":
        return candidate.id
    if name == "_lastUpdated":
        return candidate.updated
    values = candidate.index.get(name)
    if not values:
        return None
    first = values[0]
    if type(first) is str:
        keys: list[Any] = [folded(value) for value in values]
    elif len(first) == 2 and not isinstance(first[1], str):  # a range of time
        keys = [high if descending else low for low, high in values]
        keys = [key if key is not None else (1 << 62 if descending else -(1 << 62)) for key in keys]
    elif len(first) == 2:
        keys = [folded(str(code)) for _, code in values]
    else:
        keys = [float(value[0]) for value in values]
    return max(keys) if descending else min(keys)


def execute(world: World, query: Query) -> list[Candidate]:
    """All matches of a query in their order."""
    remember = query.understood if query.steady else None
    found = world.matching(query.type, query.clauses, remember)
    if not query.sort:
        return found
    known = world.reach.base.catalog.of(query.type)
    return in_order(world.reach.active, found, tuple((known[name].noted, down) for name, down in query.sort))
