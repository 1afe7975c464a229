"""Where the payer's records come from, and who has looked at them: Provenance (PDex) and AuditEvent seeds.

One Provenance for each kind of claim names all its targets, so that `_revinclude=Provenance:target` finds the origin of each
without doubling the size of a record. Claims under 42 CFR Part 2 have a Provenance of their own, under their label.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from synthetic_data.payer.authorizations import Authorization
from synthetic_data.payer.claims import Claim
from synthetic_data.payer.fhir import PDEX, US_CORE, Json, coding, concept, extension, instant, meta
from synthetic_data.records import LABELS_PART2, Member, World

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
US_CORE_PARTICIPANT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
SOURCE = "http://hl7.org/fhir/us/davinci-pdex/CodeSystem/ProvenancePayerDataSource"
# The format in which each kind of claim reaches the payer (ProvenancePayerDataSource).
FORMATS = {
    "professional": "x12837",
    "inpatient": "x12837",
    "outpatient": "x12837",
    "oral": "x12837",
    "pharmacy": "ncpdp",
}
TARGETS_AT_MOST = 200


def provenances(
    member: Member, world: World, claims: tuple[Claim, ...], authorizations: tuple[Authorization, ...]
) -> Iterator[Json]:
    """The origin of the member's coverage, claims and prior authorizations; what arrives later has an origin of its own."""
    enrolled = world.as_of - timedelta(days=2)
    groups: dict[str, list[tuple[str, datetime]]] = {
        "coverage": [(f"Coverage/{span.id}", enrolled) for span in member.coverages]
    }
    for place, claim in enumerate(claims):
        key = claim.kind if claim.updated <= world.as_of else f"{claim.kind}-{place + 1}"
        key += "-part2" if claim.part2 else ""
        groups.setdefault(key, []).append((f"ExplanationOfBenefit/{claim.id}", claim.updated))
    for each in authorizations:
        key = "authorization" if each.updated <= world.as_of else f"authorization-{each.id}"
        key += "-part2" if each.part2 else ""
        groups.setdefault(key, []).append((f"ExplanationOfBenefit/{each.id}", each.updated))
    for key, targets in groups.items():
        for part in range(0, len(targets), TARGETS_AT_MOST):
            suffix = f"{key}-part-{part // TARGETS_AT_MOST + 1}" if part else key
            yield _provenance(f"{member.id}-prov-{suffix}", key, targets[part : part + TARGETS_AT_MOST], world)


def _provenance(identifier: str, key: str, targets: list[tuple[str, datetime]], world: World) -> Json:
    payer = world.network.payer
    recorded = max(when for _, when in targets)
    shape: Json = {
        "resourceType": "Provenance",
        "id": identifier,
        "meta": meta(
            (US_CORE + "us-core-provenance", PDEX + "pdex-provenance"),
            recorded,
            LABELS_PART2 if key.endswith("-part2") else (),
        ),
        "target": [{"reference": each} for each, _ in targets],
        "recorded": instant(recorded),
        "agent": [
            {
                "type": concept(PARTICIPANT, "author", "Author"),
                "who": {"reference": f"Organization/{payer.id}", "display": payer.name},
                "onBehalfOf": {"reference": f"Organization/{payer.id}"},
            },
            {
                "type": concept(US_CORE_PARTICIPANT, "transmitter", "Transmitter"),
                "who": {"reference": f"Organization/{payer.id}", "display": payer.name},
            },
        ],
    }
    source = "x12278" if key.startswith("authorization") else FORMATS.get(key.partition("-")[0])
    if source:
        shape["entity"] = [
            {
                "extension": [extension(PDEX + "ProvenanceSourceFrom", "CodeableConcept", concept(SOURCE, source))],
                "role": "source",
                "what": {"display": "The transaction as received"},
            }
        ]
    return shape


def audit_events(member: Member, world: World) -> Iterator[Json]:
    """An earlier look at the record, so that a history of access is not empty on the first day."""
    when = world.as_of - timedelta(days=20 + member.number % 9, hours=member.number % 7)
    yield {
        "resourceType": "AuditEvent",
        "id": f"{member.id}-audit-1",
        "meta": {"lastUpdated": instant(when)},
        "type": coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation"),
        "subtype": [coding("http://hl7.org/fhir/restful-interaction", "search-type")],
        "action": "E",
        "recorded": instant(when),
        "outcome": "0",
        "agent": [
            {"who": {"reference": f"Patient/{member.id}"}, "requestor": True},
            {"who": {"display": "An app the member chose"}, "requestor": False},
        ],
        "source": {
            "observer": {"reference": f"Organization/{world.network.payer.id}"},
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
        "entity": [{"what": {"reference": f"Patient/{member.id}"}}],
    }
