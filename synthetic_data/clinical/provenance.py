"""Provenance of clinical records: who wrote what at a visit, and which organization sent it to the payer (US Core Provenance)."""

from __future__ import annotations

from datetime import datetime

from synthetic_data.clinical.sheet import HL7, Sheet, concept, instant, ref
from synthetic_data.records import LABELS_PART2

US_CORE_AGENT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"


PAYER = "org-payer"


def provenance(sheet: Sheet) -> None:
    """One Provenance a visit, for everything written there; for the rest of the record the payer's own."""
    at_visits(sheet)
    kept_by_payer(sheet)


def kept_by_payer(sheet: Sheet) -> None:
    """Demographics, allergies, plans, goals, teams, devices and dispensings reach the payer outside a visit.

    What bears a Part 2 label is told of apart, under the same label, so that the open Provenance names none of it.
    """
    told = {
        one["reference"] for each in sheet.resources if each["resourceType"] == "Provenance" for one in each["target"]
    }
    payer = ref("Organization", PAYER)
    agent = {"type": concept(US_CORE_AGENT, "transmitter", "Transmitter"), "who": payer, "onBehalfOf": payer}
    author = {
        "type": concept(f"{HL7}provenance-participant-type", "author", "Author"),
        "who": payer,
        "onBehalfOf": payer,
    }
    notes = kept_apart(sheet)
    for suffix, labels in (("kept", ()), ("kept-part2", LABELS_PART2)):
        about = [
            one
            for one in sheet.resources
            if one["resourceType"] != "Provenance"
            and bool(one["meta"].get("security")) == bool(labels)
            and f"{one['resourceType']}/{one['id']}" not in notes
            and f"{one['resourceType']}/{one['id']}" not in told
        ]
        if not about:
            continue
        last = max(datetime.fromisoformat(one["meta"]["lastUpdated"]) for one in about)
        sheet.add(
            {
                "resourceType": "Provenance",
                "id": f"{sheet.member.id}-prov-{suffix}",
                "meta": sheet.meta(last, "us-core-provenance", labels=labels),
                "target": [ref(one["resourceType"], one["id"]) for one in about],
                "recorded": instant(last),
                "agent": [author, agent],
            }
        )


def kept_apart(sheet: Sheet) -> frozenset[str]:
    """Psychotherapy notes: kept apart from the record, no Provenance an app could see tells of them."""
    return frozenset(f"DocumentReference/{one.id}" for one in sheet.member.documents if one.withheld)


def at_visits(sheet: Sheet) -> None:
    """One Provenance a visit, by who saw the member and the clinic that sent the record."""
    author_type = concept(f"{HL7}provenance-participant-type", "author", "Author")
    transmitter_type = concept(US_CORE_AGENT, "transmitter", "Transmitter")
    notes = kept_apart(sheet)
    for visit in sheet.member.visits:
        targets = [one for one in sheet.written_at.get(visit.id, []) if one not in notes]
        if not targets:
            continue
        organization = ref("Organization", visit.organization)
        author = {"type": author_type, "who": ref("Practitioner", visit.clinician), "onBehalfOf": organization}
        transmitter = {"type": transmitter_type, "who": organization, "onBehalfOf": organization}
        sheet.add(
            {
                "resourceType": "Provenance",
                "id": f"{visit.id}-prov",
                "meta": sheet.meta(visit.end, "us-core-provenance", labels=LABELS_PART2 if visit.part2 else ()),
                "target": [{"reference": target} for target in targets],
                "recorded": instant(visit.end),
                "agent": [author, transmitter],
            },
            visit.id,
        )
