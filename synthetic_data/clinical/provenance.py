"""Provenance of clinical records: who wrote what at a visit, and which organization sent it to the payer (US Core Provenance)."""

from __future__ import annotations

from synthetic_data.clinical.sheet import HL7, Sheet, concept, instant, ref
from synthetic_data.records import LABELS_PART2

US_CORE_AGENT = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"


def provenance(sheet: Sheet) -> None:
    """One Provenance a visit, for everything written there, and one for the member's own demographics."""
    author_type = concept(f"{HL7}provenance-participant-type", "author", "Author")
    transmitter_type = concept(US_CORE_AGENT, "transmitter", "Transmitter")
    for visit in sheet.member.visits:
        targets = sheet.written_at.get(visit.id)
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
