"""Consent to disclosure, with and without substance use records (42 CFR Part 2; HRex 1.0.0 Consent), and the signed form.

Every member in care is asked at enrolment, so that having a consent tells nothing about anybody. The sensitive policy of HRex covers
everything; the regular one leaves out what law protects further: records of substance use treatment of a member who did not agree.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from synthetic_data.payer.fhir import HREX, US_CORE, Json, coding, concept, instant, meta, period
from synthetic_data.records import Member, World

POLICY = "http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#"


def consents(member: Member, world: World) -> Iterator[Json]:
    """The consent and its form, for members with any care."""
    if not (member.visits or member.diagnoses):
        return
    enrolled = min(span.start for span in member.coverages)
    signed = datetime.combine(enrolled, time(11, 15), world.as_of.tzinfo)
    payer = world.network.payer
    agreed = member.consents_to_substance_use_disclosure
    form = f"{member.id}-consent-form"
    # HRex has the profile since 1.0.0, the release PDex 2.0.0 builds on.
    profiles = (HREX + "hrex-consent",) if world.guides.pdex.startswith("2") else ()
    yield {
        "resourceType": "Consent",
        "id": f"{member.id}-consent",
        "meta": meta(profiles, signed + timedelta(minutes=5)),
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent"),
        "category": [concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IDSCL", "information disclosure")],
        "patient": {"reference": f"Patient/{member.id}"},
        "dateTime": instant(signed),
        "performer": [{"reference": f"Patient/{member.id}"}],
        "organization": [{"reference": f"Organization/{payer.id}"}],
        "sourceReference": {"reference": f"DocumentReference/{form}"},
        "policy": [{"uri": POLICY + ("sensitive" if agreed else "regular")}],
        "provision": {
            "type": "permit",
            "period": period(signed.date(), signed.date().replace(year=signed.year + 5, day=min(signed.day, 28))),
            "actor": [
                {
                    "role": concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "performer"),
                    "reference": {"reference": f"Organization/{payer.id}"},
                },
                {
                    "role": concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
                    "reference": {"reference": f"Organization/{world.network.other_payers[0].id}"},
                },
            ],
            "action": [concept("http://terminology.hl7.org/CodeSystem/consentaction", "disclose")],
        },
    }
    text = (
        "I agree that my health plan may share my health records, including records of treatment for substance use."
        if agreed
        else "I agree that my health plan may share my health records, but not records of treatment for substance use."
    )
    yield {
        "resourceType": "DocumentReference",
        "id": form,
        "meta": meta((US_CORE + "us-core-documentreference",), signed + timedelta(minutes=5)),
        "status": "current",
        "type": concept("http://loinc.org", "59284-0", "Consent Document"),
        "category": [
            concept(
                "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                "clinical-note",
                "Clinical Note",
            )
        ],
        "subject": {"reference": f"Patient/{member.id}"},
        "date": instant(signed),
        "author": [{"reference": f"Organization/{payer.id}"}],
        "custodian": {"reference": f"Organization/{payer.id}"},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(text.encode()).decode(),
                    "title": "Consent to disclosure",
                },
                "format": coding(
                    "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
                    "urn:ihe:iti:xds:2017:mimeTypeSufficient",
                ),
            }
        ],
    }
