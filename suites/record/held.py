"""What the target holds for a member, as its own unfiltered searches gave it: the ground truth that searches are judged against.

Fetched once by each worker and only for the types it judges. Pages stay on disk as the bytes that came (spool.py), so that a record of any
size is judged in bounded memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any

import orjson

from suites.kit.expectations import FHIR_JSON, JSON, expect_json
from suites.kit.fhir import FhirClient, Way, entries, mode_of, resource_of
from suites.kit.http import Answer
from suites.kit.outcomes import Inconclusive, NonConformance, expect, rung
from suites.record.matching import reference_parts
from suites.record.spool import Page, Pages

REFERRING = (
    "ExplanationOfBenefit",
    "Encounter",
    "Coverage",
    "CareTeam",
    "MedicationRequest",
    "DiagnosticReport",
    "Provenance",
)
REFERRED = (
    "Patient", "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "Device", "Goal", "Immunization", "Procedure", "Encounter",
    "ExplanationOfBenefit",
)  # fmt: skip
READABLE = (*FHIR_JSON, *JSON)  # whether the content type is FHIR's own is a check of its own (FHIR-CONNEG-01)
MOST_READS = 200


def references(part: Any) -> Iterator[str]:
    """Every literal reference in a resource, contained ones aside."""
    if isinstance(part, dict):
        held = part.get("reference")
        if isinstance(held, str) and held and not held.startswith(("#", "urn:")):
            yield held
        for one in part.values():
            yield from references(one)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


@dataclass(repr=False)
class Held:
    """Every resource of one type in one record."""

    type: str
    query: tuple[tuple[str, str], ...]

    @cached_property
    def _pages(self) -> Pages:
        return Pages(lambda bundle: matched(bundle, self.type))

    @property
    def count(self) -> int:
        """How many resources there are."""
        return self._pages.count

    @property
    def pages(self) -> list[Page]:
        """The pages they came on."""
        return self._pages.pages

    def add(self, answer: Answer, bundle: dict[str, Any]) -> None:
        """Keep one page."""
        self._pages.add(answer.body, bundle, answer.evidence)

    def keep(self, resources: list[dict[str, Any]], evidence: str) -> None:
        """Keep resources that came beside matches."""
        bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
        self._pages.add(orjson.dumps(bundle), bundle, evidence)

    def as_sent(
        self, wanted: Callable[[dict[str, Any]], bool] = lambda resource: True
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """Each resource that is wanted as the profile engine reads it: numbers as they were written."""
        looked_at = self.resources()
        for page, body in self._pages.bodies():
            chosen = [wanted(one) for one, _ in islice(looked_at, page.matches)]
            if not any(chosen):
                continue
            found = matched(json.loads(body, parse_float=Decimal), self.type)
            yield from ((one, page.evidence) for one, right in zip(found, chosen, strict=True) if right)

    def resources(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Each resource with the evidence of the page it came on."""
        return self._pages.resources()

    def ids(self) -> set[str]:
        """The ids held."""
        return {str(one.get("id")) for one, _ in self.resources()}


def matched(bundle: dict[str, Any], type: str) -> Iterator[dict[str, Any]]:
    """The resources of a type that a page gives as matches."""
    for entry in entries(bundle):
        resource = entry.get("resource")
        if isinstance(resource, dict) and resource.get("resourceType") == type and mode_of(entry) == "match":
            yield resource


def is_included(entry: dict[str, Any], type: str) -> bool:
    """Whether an entry is a resource of a type that was included."""
    return resource_of(entry).get("resourceType") == type and mode_of(entry) == "include"


class Record:
    """One member's record, or an open interface's content when there is no member."""

    def __init__(self, fhir: FhirClient, patient: str = "", label: str = "") -> None:
        self.fhir, self.patient, self.label = fhir, patient, label
        self._held: dict[str, Held | Inconclusive] = {}
        self._reads: dict[str, Answer] = {}

    def of(self, type: str, in_compartment: bool = True) -> Held:
        """Everything of one type; Inconclusive where the target does not give it."""
        if type not in self._held:
            try:
                self._held[type] = self._fetch(type, in_compartment)
            except Inconclusive as undecided:
                self._held[type] = undecided
        held = self._held[type]
        if isinstance(held, Inconclusive):
            raise held
        return held

    def _fetch(self, type: str, in_compartment: bool) -> Held:
        query: tuple[tuple[str, str], ...] = ()
        if self.patient and type == "Patient":
            query = (("_id", self.patient),)
        elif self.patient and in_compartment:
            query = (("patient", self.patient),)
        held = Held(type, query)
        with rung(f"the member's {type} resources"):
            for answer, bundle in follow(self.fhir, type, query):
                held.add(answer, bundle)
        return held

    def referenced(self, type: str) -> Held:
        """What the member's claims, visits and coverage refer to of a type, each read by its id (a few hundred at most)."""
        key = f"{type} by reference"
        if key not in self._held:
            held = Held(type, ())
            for reference in self._references(type):
                answer = self.read(reference)
                if answer.status != 200:
                    continue  # whether references resolve is a check of its own
                # Kept like a page of one, so that its bytes can be judged too.
                page = b'{"resourceType":"Bundle","entry":[{"resource":' + answer.body + b"}]}"
                held.add(replace(answer, body=page), {"entry": [{"resource": answer.object()}]})
            self._held[key] = held
        found = self._held[key]
        assert isinstance(found, Held)
        return found

    def by_revinclude(self, type: str, code: str) -> Held:
        """What refers to the member's resources, as `_revinclude` brings it: how a record's Provenance is found (US Core)."""
        key = f"{type} by revinclude"
        if key not in self._held:
            held, seen = Held(type, ()), set[object]()
            for source in REFERRED:
                try:
                    query = (("_id", self.patient),) if source == "Patient" else (("patient", self.patient),)
                    for answer, bundle in follow(self.fhir, source, (*query, ("_revinclude", f"{type}:{code}"))):
                        found = [
                            e["resource"]
                            for e in entries(bundle)
                            if is_included(e, type) and e["resource"].get("id") not in seen
                        ]
                        seen.update(one.get("id") for one in found)
                        held.keep(found, answer.evidence)
                        if source == "ExplanationOfBenefit":
                            break  # a first page shows how claims are told of; all of them would fetch every claim again
                except (Inconclusive, NonConformance):
                    continue  # whether _revinclude works is a check of its own
            self._held[key] = held
        found_all = self._held[key]
        assert isinstance(found_all, Held)
        return found_all

    def _references(self, type: str) -> list[str]:
        found: dict[str, None] = {}
        for source in REFERRING:
            try:
                held = self.of(source)
            except Inconclusive:
                continue
            for resource, _ in held.resources():
                for reference in references(resource):
                    if reference.startswith(f"{type}/") or f"/{type}/" in reference:
                        found.setdefault("/".join(reference_parts(reference)))
        return list(found)[:MOST_READS]

    def read(self, reference: str) -> Answer:
        """Read `Type/id` once."""
        if reference not in self._reads:
            self._reads[reference] = self.fhir.get(reference)
        return self._reads[reference]


def follow(
    fhir: FhirClient, type: str, query: tuple[tuple[str, str], ...], post: bool = False
) -> Iterator[tuple[Answer, dict[str, Any]]]:
    """The pages of a search with their answers; a loop, a foreign host or an endless chain is a breach."""
    answer = fhir.post_search(type, query) if post else fhir.search(type, query)
    way = Way(fhir.base)
    while True:
        bundle = expect_json(answer, 200, READABLE)
        expect(
            bundle.get("resourceType") == "Bundle" and bundle.get("type") == "searchset",
            "a search is answered with a searchset Bundle",
            expected="Bundle, searchset",
            found=f"{bundle.get('resourceType')}, {bundle.get('type')}",
            evidence=answer.evidence,
        )
        yield answer, bundle
        link = way.next(answer, bundle)
        if not link:
            return
        answer = fhir.follow(link)
