"""Judging what a guide asks, case by case, with values from the records of this worker's members.

Each method decides one kind of case and raises what outcomes.py defines. Answers to the same question are asked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from suites.kit.expectations import FHIR_JSON, expect_json, expect_status
from suites.kit.fhir import entries, mode_of
from suites.kit.http import Answer
from suites.kit.outcomes import (
    Findings,
    Inconclusive,
    NotApplicable,
    control,
    expect,
    findings,
    judged,
    not_applicable,
    trail,
)
from suites.profiles.facts import SearchParameter
from suites.record import matching
from suites.record.cases import Case, parameters
from suites.record.expressions import elements
from suites.record.held import Held, Record, follow
from suites.record.kinds import is_of
from suites.record.spool import Pages
from suites.record.values import token_with_system, value_for
from suites.record.verdict import Match, all_of

MOST_ASKED = 200  # searches whose matches are kept at hand
MOST_ANSWERS = 3
MOST_VALUES = 3  # how many resources of a member a search is tried with
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, repr=False)
class Sample:
    """A query made from one resource, and the record it came from."""

    record: Record
    query: Query
    resource: dict[str, Any]
    evidence: str


@dataclass(repr=False)
class Judge:
    """Records of one interface, guides claimed, and the answers already had."""

    records: tuple[Record, ...]
    guides: tuple[str, ...]
    # Records of further members, opened only while something has not been seen yet.
    reserve: Iterator[Record] = field(default_factory=lambda: iter(()))
    opened: list[Record] = field(default_factory=list)
    _elements: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    _asked: dict[tuple[str, str, Query], tuple[Pages, list[Answer]]] = field(default_factory=dict)

    # ---- what is held

    def further(self) -> Iterator[Record]:
        """The reserve, one record after another, each opened once for all checks."""
        yield from list(self.opened)
        for record in self.reserve:
            self.opened.append(record)
            yield record

    def held(self, case: Case) -> Iterator[tuple[Record, Held]]:
        """The resources of a case's type, record by record; Inconclusive when no record gives any."""
        problems, some = [], False
        for record in self.records:
            try:
                held = self.of(record, case.type, case.shared)
            except Inconclusive as undecided:
                problems.append(str(undecided))
                continue
            if held.count:
                some = True
                trail().member = trail().member or record.label
                yield record, held
        if not some:
            raise Inconclusive(problems[0] if problems else f"no member at hand has any {case.type} to judge with")

    def of(self, record: Record, type: str, shared: bool) -> Held:
        """Everything of a type in a record; what belongs to no member, and what no search gives, is found by reference."""
        if not record.patient:
            return record.of(type)
        if type == "Provenance":
            # Its `patient` parameter finds only what is about the Patient resource itself.
            return record.by_revinclude(type, "target")
        try:
            held = record.of(type, in_compartment=not shared)
        except Inconclusive:
            if not shared:
                raise
            return record.referenced(type)
        return held if held.count or not shared else record.referenced(type)

    def resources(self, case: Case, as_sent: bool = False) -> Iterator[tuple[Record, dict[str, Any], str]]:
        """Resources of the case's type; where it has a profile, those that claim it and those it is meant for (kinds.py)."""
        found = False
        for record, held in self.held(case):
            for resource, evidence in self._of_profile(case, held, as_sent):
                found = True
                yield record, resource, evidence
        if found:
            return
        first: Record | None = None
        for one in self.more(case, as_sent):
            if first is not None and one[0] is not first:
                break  # one further member with such resources is enough
            first = one[0]
            yield one
        if first is None:
            raise Inconclusive(f"no member at hand has a {case.type} of profile {case.profile}")

    def more(self, case: Case, as_sent: bool = False) -> Iterator[tuple[Record, dict[str, Any], str]]:
        """Resources of the case's profile in the records of further members."""
        for record in self.further():
            try:
                held = self.of(record, case.type, case.shared)
            except Inconclusive:
                continue
            for resource, evidence in self._of_profile(case, held, as_sent):
                yield record, resource, evidence

    def _of_profile(self, case: Case, held: Held, as_sent: bool) -> Iterator[tuple[dict[str, Any], str]]:
        def wanted(resource: dict[str, Any]) -> bool:
            return not case.profile or is_of(self.guides, case.profile, resource)

        return held.as_sent(wanted) if as_sent else (one for one in held.resources() if wanted(one[0]))

    # ---- searches

    def parameter(self, case: Case, name: str) -> SearchParameter:
        """The definition of a search parameter."""
        found = parameters(self.guides, case.guide, case.type).get(name.partition(":")[0])
        if found is None:
            not_applicable(f"{case.guide} asks for {case.type}?{name}=, a search parameter nobody has defined")
        return found

    def samples(self, case: Case, prefix: str = "", with_system: bool = False) -> list[Sample]:
        """Queries for a case's parameters, each from one resource that has them all."""
        definitions = [self.parameter(case, name) for name in case.names]
        made: list[Sample] = []
        for record, resource, evidence in self.resources(case):
            query = self._query(case, record, resource, definitions, prefix, with_system)
            if query and query not in [one.query for one in made]:
                made.append(Sample(record, query, resource, evidence))
            if len(made) >= MOST_VALUES:
                break
        if not made:
            self._without_values(case, with_system)
        return made

    def _without_values(self, case: Case, with_system: bool) -> NoReturn:
        """Why there is nothing to search with: a profile or codes that do not carry it, or a record that lacks it."""
        names = " and ".join(case.names)
        if case.profile and self._has_values(replace(case, profile="")):
            not_applicable(f"no {case.type} of this profile at hand carries {names}; others do, and are searched by it")
        if with_system and self._has_values(case):
            not_applicable(f"the codes of {names} stand without a system")
        raise Inconclusive(f"no {case.type} at hand has values for {names} to search with")

    def _has_values(self, case: Case) -> bool:
        try:
            return bool(self.samples(case))
        except (Inconclusive, NotApplicable):
            return False

    def _query(
        self,
        case: Case,
        record: Record,
        resource: dict[str, Any],
        definitions: list[SearchParameter],
        prefix: str,
        with_system: bool,
    ) -> Query:
        pairs: list[tuple[str, str]] = []
        for one in definitions:
            if one.code == "patient" and record.patient:
                pairs.append(("patient", record.patient))
                continue
            value = ""
            for element in elements(one, resource):
                value = (
                    token_with_system(element) if with_system and one.type == "token" else value_for(one.type, element)
                )
                if value:
                    break
            if not value:
                return ()
            pairs.append((one.code, (prefix if one.type == "date" else "") + value))
        if (
            record.patient
            and not case.shared
            and case.type != "Patient"
            and not any(n in ("patient", "_id") for n, _ in pairs)
        ):
            pairs.insert(0, ("patient", record.patient))
        return tuple(pairs)

    def ask(self, record: Record, type: str, query: Query, post: bool = False) -> tuple[Pages, list[Answer]]:
        """Every match of a search over all pages, with the first answers; a search asked lately is not sent again."""
        key = (f"{record.fhir.base} {record.label} {'POST' if post else 'GET'}", type, query)
        if key not in self._asked:
            while len(self._asked) >= MOST_ASKED:
                forgotten, _ = self._asked.pop(next(iter(self._asked)))
                forgotten.forget()
            matches, answers = Pages(all_matches), list[Answer]()
            for answer, bundle in follow(record.fhir, type, query, post=post):
                if len(answers) < MOST_ANSWERS:
                    answers.append(answer)
                matches.add(answer.body, bundle, answer.evidence)
            self._asked[key] = matches, answers
        matches, answers = self._asked[key]
        trail().saw(*(one.evidence for one in answers[:2]))
        return matches, answers

    def search(self, case: Case, prefix: str = "", with_system: bool = False) -> None:
        """A search returns everything that answers it and nothing that does not."""
        samples = self.samples(case, prefix, with_system)
        with findings() as found:
            for sample in samples:
                returned, answers = self.ask(sample.record, case.type, sample.query)
                evidence = answers[0].evidence
                self.sound(case, sample.query, returned, evidence, found)
                self.complete(case, sample, returned, evidence, found)
        judged(len(samples), "search")

    def sound(
        self, case: Case, query: Query, returned: Iterable[dict[str, Any]], evidence: str, found: Findings
    ) -> None:
        """Nothing is returned that does not answer the search."""
        for resource in returned:
            if resource.get("resourceType") == "OperationOutcome":
                continue
            right = resource.get("resourceType") == case.type and self.matches(case, query, resource) is not Match.NO
            found.check(
                right,
                f"a search returns only what answers it: {case.type}?{said(query)}",
                expected=f"{case.type} with {said(query)}",
                found=f"{resource.get('resourceType')}/{resource.get('id')}, which does not",
                evidence=evidence,
            )

    def complete(
        self, case: Case, sample: Sample, returned: Iterable[dict[str, Any]], evidence: str, found: Findings
    ) -> None:
        """Whatever the member's record holds that answers the search is returned."""
        ids = {str(one.get("id")) for one in returned}
        held = self.of(sample.record, case.type, case.shared)
        wanted = {
            str(one.get("id")) for one, _ in held.resources() if self.matches(case, sample.query, one) is Match.YES
        }
        missing = sorted(wanted - ids)
        found.check(
            not missing,
            f"a search returns everything that answers it: {case.type}?{said(sample.query)}",
            expected=f"{len(wanted)} {case.type}, found by the unfiltered search",
            found=f"without {len(missing)} of them: {', '.join(missing[:5])}",
            evidence=evidence,
        )

    def matches(self, case: Case, query: Query, resource: dict[str, Any], held: bool = False) -> Match:
        """Whether a resource answers every parameter of a query; what a held resource has is looked up once."""
        verdicts = []
        for name, value in query:
            if name == "_id":
                verdicts.append(Match.of(resource.get("id") == value))
                continue
            one = self.parameter(case, name)
            key = (one.url, case.type, str(resource.get("id")))
            if held and key in self._elements:
                looked_at = self._elements[key]
            else:
                looked_at = elements(one, resource)
                if held:
                    self._elements[key] = looked_at
            verdicts.append(matching.answers(one.type, looked_at, value))
        return all_of(verdicts)

    # ---- variations of a search

    def same_results(self, case: Case, one: Query, other: Query, record: Record, what: str, post: bool = False) -> None:
        """Two ways of asking the same give the same."""
        first, answers = self.ask(record, case.type, one)
        second, again = self.ask(record, case.type, other, post=post)
        control(first, f"{case.type}?{said(one)} returns something to compare")
        a, b = ({str(r.get("id")) for r in found} for found in (first, second))
        expect(
            a == b,
            f"{what} return the same: {case.type}?{said(one)} and {said(other)}",
            expected=f"{len(a)} resources both times",
            found=f"{len(b)} the second time; only in one: {', '.join(sorted(a ^ b)[:5])}",
            evidence=again[0].evidence if again else answers[0].evidence,
        )
        judged(len(a), case.type)

    def nothing(self, case: Case, query: Query, record: Record) -> None:
        """A search nobody answers is an empty searchset, not an error and not everything."""
        returned, answers = self.ask(record, case.type, query)
        leaked = [
            f"{one.get('resourceType')}/{one.get('id')}"
            for one in returned
            if one.get("resourceType") != "OperationOutcome"
        ]
        expect(
            not leaked,
            f"a search that nothing answers returns nothing: {case.type}?{said(query)}",
            expected="an empty searchset",
            found=f"{len(leaked)} resources: {', '.join(leaked[:5])}",
            evidence=answers[0].evidence,
        )
        judged(1)

    # ---- reads

    def read(self, case: Case) -> None:
        """Every resource (up to a limit) that a search gave can be read by its id, and is the same."""
        count = 0
        with findings() as found:
            for record, resource, _ in self.resources(case):
                if count >= 10:
                    break
                reference = f"{case.type}/{resource.get('id')}"
                answer = record.read(reference)
                expect_status(answer, 200, f"what a search returned can be read: {reference}")
                read = expect_json(answer, 200, FHIR_JSON)
                found.check(
                    (read.get("resourceType"), read.get("id")) == (case.type, resource.get("id")),
                    "a read gives the resource asked for",
                    expected=reference,
                    found=f"{read.get('resourceType')}/{read.get('id')}",
                    evidence=answer.evidence,
                )
                found.check(
                    read == resource,
                    "a read gives what the search gave",
                    expected=f"the content of the searchset's {reference}",
                    found="other content: "
                    + ", ".join(sorted(k for k in {*read, *resource} if read.get(k) != resource.get(k))),
                    evidence=answer.evidence,
                )
                count += 1
        judged(count, case.type)


def said(query: Query) -> str:
    """A query as a person would type it."""
    return "&".join(f"{name}={value}" for name, value in query)


def all_matches(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources a page gives as matches, whatever their type."""
    return (entry["resource"] for entry in entries(bundle) if _is_match(entry))


def _is_match(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("resource"), dict) and mode_of(entry) == "match"
