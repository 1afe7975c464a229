"""Carrying out attacks: thousands of requests over one connection, of which only breaches and a summary are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import orjson

from suites.isolation.attacks import Attack, Known, Prey, leaked
from suites.kit.fhir import FhirClient, next_link
from suites.kit.http import Answer, Http
from suites.kit.outcomes import Inconclusive, control, findings, judged, trail
from suites.kit.recorder import Recorder
from suites.record.held import Record

TYPES = (
    "Patient", "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "DiagnosticReport", "DocumentReference", "Encounter",
    "ExplanationOfBenefit", "Goal", "Immunization", "MedicationDispense", "MedicationRequest", "Observation", "Procedure",
)  # fmt: skip
MOST_KNOWN = 40  # of one type
MARGIN = 5.0  # seconds before a check's time is up
SPOKEN = 5  # breaches asked for once more, so that they are recorded


class Unrecorded(Recorder):
    """Keeps nothing: attacks that were refused are counted, not told one by one."""

    def http(self, *of: object, **rest: object) -> str:
        """Record nothing."""
        return ""


@dataclass
class Row:
    """One line of the leak matrix."""

    requests: int = 0
    refused: int = 0
    leaked: int = 0


@dataclass
class Hunt:
    """The hunter's tokens (one for each app, so that none meets its limit early) and the prey."""

    prey: Prey
    quiet: tuple[FhirClient, ...]
    spoken: FhirClient
    label: str

    def run(self, attacks: Iterable[Attack]) -> None:
        """Send every attack; nothing of the prey may come back."""
        matrix: dict[tuple[str, str], Row] = {}
        breaches: list[tuple[Attack, str]] = []
        trail().member = trail().member or self.label
        for attack, client in zip(attacks, cycle(self.quiet), strict=False):
            if trail().deadline and time.monotonic() > trail().deadline - MARGIN:
                trail().notes.append("the time of the check was up before all requests were sent")
                break
            row = matrix.setdefault((attack.way, attack.type), Row())
            answer = send(client, attack)
            row.requests += 1
            row.refused += answer.status >= 400
            if shown := leaked(attack, self.prey, answer.status, parsed(answer), answer.text):
                row.leaked += 1
                breaches.append((attack, shown))
        trail().tables["leak_matrix"] = {
            "columns": ["attack", "type", "requests", "refused", "leaked"],
            "rows": [[way, type, row.requests, row.refused, row.leaked] for (way, type), row in sorted(matrix.items())],
        }
        with findings() as found:
            for number, (attack, shown) in enumerate(breaches):
                evidence = send(self.spoken, attack).evidence if number < SPOKEN else ""
                found.add(
                    f"nothing of another member is shown, asked by {attack.way}",
                    expected="a refusal or nothing",
                    found=f"{shown} at {attack.path}{'?' if attack.params else ''}{'&'.join(map('='.join, attack.params))}",
                    path=attack.type,
                    evidence=evidence,
                )
        judged(sum(row.requests for row in matrix.values()), "attack")


def send(client: FhirClient, attack: Attack) -> Answer:
    """One attack over the wire; links and addresses the payer gave are asked for as they are."""
    if "://" in attack.path:
        return client.follow(attack.path)
    if attack.post:
        return client.post_search(attack.path.removesuffix("/_search"), attack.params)
    return client.get(attack.path, attack.params)


def parsed(answer: Answer) -> object:
    """The body as JSON; None when it is none."""
    try:
        return orjson.loads(answer.body)
    except ValueError:
        return None


def quiet_http(http: Http) -> Http:
    """A client like the given one that records nothing."""
    return Http(http.network, Unrecorded(None, "attacks", http.recorder.masker))


def prey_of(prey: Record, hunter: Record) -> Prey:
    """What is known of a member, as their own token gave it: the control of every refusal."""
    control(
        prey.patient and prey.patient != hunter.patient, "the target file names two members with records of their own"
    )
    known: list[Known] = []
    documents: list[str] = []
    own: dict[str, int] = {}
    family = ""
    for type in TYPES:
        try:
            held = prey.of(type)
            own[type] = hunter.of(type).count
        except Inconclusive:
            continue
        for number, (resource, _) in enumerate(held.resources()):
            if number < MOST_KNOWN:
                known.append(as_known(type, resource))
            documents += addresses(resource) if type in ("DocumentReference", "DiagnosticReport") else []
            family = family or family_of(resource)
    control(known, "the other member's own token finds their record")
    return Prey(
        prey.patient,
        hunter.patient,
        prey.fhir.base.rstrip("/"),
        tuple(known),
        family,
        tuple(next_links(prey)),
        tuple(documents[:MOST_KNOWN]),
        own,
    )


def as_known(type: str, resource: dict[str, Any]) -> Known:
    """What an attacker knows of a resource."""
    identifiers = [one for one in resource.get("identifier") or [] if isinstance(one, dict) and one.get("value")]
    first = f"{identifiers[0].get('system', '')}|{identifiers[0]['value']}" if identifiers else ""
    return Known(type, str(resource.get("id")), str((resource.get("meta") or {}).get("versionId", "1")), first)


def family_of(resource: dict[str, Any]) -> str:
    """The family name of a Patient."""
    names = resource.get("name") if resource.get("resourceType") == "Patient" else None
    return str(names[0].get("family", "")) if isinstance(names, list) and names else ""


def addresses(resource: dict[str, Any]) -> list[str]:
    """Where a document's or report's attachments lie, below the base."""
    contents = [one.get("attachment") or {} for one in resource.get("content") or []]
    return [str(one["url"]) for one in (*contents, *(resource.get("presentedForm") or [])) if one.get("url")]


def next_links(prey: Record) -> Iterator[str]:
    """Links to second pages of the prey's searches, with the patient named and without, fresh from their own token."""
    for type in TYPES[1:]:
        for named in ({"patient": prey.patient}, {}):
            answer = prey.fhir.search(type, {**named, "_count": "2"})
            body = parsed(answer)
            link = next_link(body) if answer.status == 200 and isinstance(body, dict) else ""
            if link:
                yield link
