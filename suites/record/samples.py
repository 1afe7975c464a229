"""Searches to try general rules with: for a record, the types it holds several of, with the search that gives them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from suites.kit.outcomes import Inconclusive, trail
from suites.record.held import Held, Record
from suites.record.judge import Judge

CLINICAL = (
    "Observation", "Encounter", "ExplanationOfBenefit", "Condition", "Procedure", "DocumentReference", "DiagnosticReport",
    "MedicationRequest", "Immunization", "CarePlan", "Goal", "AllergyIntolerance",
)  # fmt: skip
DIRECTORY = ("PractitionerRole", "Practitioner", "Organization", "Location", "HealthcareService")
LEAST = 3
MOST = 600  # a record past this is left to the checks that page


@dataclass(frozen=True, repr=False)
class Several:
    """One type of one record, with several resources of it."""

    record: Record
    type: str
    held: Held

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The search that gives them all."""
        return self.held.query

    def resources(self) -> list[dict[str, Any]]:
        """The resources."""
        return [one for one, _ in self.held.resources()]


def several(judge: Judge, types: tuple[str, ...] = CLINICAL, least: int = LEAST, most: int = MOST) -> Iterator[Several]:
    """For each type the record that holds most of it within bounds; Inconclusive when there is none at all."""
    found = 0
    for type in types:
        best: Several | None = None
        for record in judge.records:
            try:
                held = record.of(type)
            except Inconclusive:
                continue
            if least <= held.count <= most and (best is None or held.count > best.held.count):
                best = Several(record, type, held)
        if best is not None:
            found += 1
            trail().member = trail().member or best.record.label
            yield best
    if not found:
        raise Inconclusive(f"no record at hand has {least} resources of any of {', '.join(types)}")


def told_in(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    """The parameters the self link of a Bundle says were used."""
    links = bundle.get("link")
    own = (
        [one for one in links if isinstance(one, dict) and one.get("relation") == "self"]
        if isinstance(links, list)
        else []
    )
    return parse_qsl(urlsplit(str(own[0].get("url", ""))).query, keep_blank_values=True) if own else []


def says_used(bundle: dict[str, Any], name: str) -> bool:
    """Whether the self link names a parameter: what a server ignores it leaves out (FHIR R4 search, self link)."""
    return any(key.partition(":")[0] == name.partition(":")[0] for key, _ in told_in(bundle))
