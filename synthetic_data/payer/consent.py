"""Consent to disclosure, with and without substance use records (42 CFR Part 2; HRex 1.0.0 Consent), and the signed form.

Every member in care is asked at enrolment, so that having a consent tells nothing about anybody. The sensitive policy of HRex covers
everything; the regular one leaves out what law protects further: records of substance use treatment of a member who did not agree.
Who took an agreement back (42 CFR 2.31(a)(6)) has the old consent, inactive and ended on that day, and the one in force since.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from synthetic_data.payer.fhir import HREX, US_CORE, Json, coding, concept, instant, meta, period
from synthetic_data.records import Member, World

POLICY = "http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#"
YEARS_IN_FORCE = 5
ALL_RECORDS = (
    "I agree that my health plan may share my health records, including records of treatment for substance use."
)
WITHOUT_SUBSTANCE_USE = (
    "I agree that my health plan may share my health records, but not records of treatment for substance use."
)
TAKEN_BACK = "I take back my consent to share records of treatment for substance use. My other health records may still be shared."


def consents(member: Member, world: World) -> Iterator[Json]:
    """The consent and its form, for members with any care; two of each where consent was taken back."""
    if not (member.visits or member.diagnoses):
        return
    enrolled = min(span.start for span in member.coverages)
    first = f"{member.id}-consent"
    revoked = member.consent_revoked
    if revoked is None:
        agreed = member.consents_to_substance_use_disclosure
        text = ALL_RECORDS if agreed else WITHOUT_SUBSTANCE_USE
        yield from _signed(member, world, first, enrolled, agreed, text)
        return
    yield from _signed(member, world, first, enrolled, True, ALL_RECORDS, ended=revoked)
    yield from _signed(member, world, f"{first}-2", revoked, False, TAKEN_BACK)


def _signed(
    member: Member, world: World, identifier: str, day: date, agreed: bool, text: str, ended: date | None = None
) -> Iterator[Json]:
    """One consent with its form, signed on a day, with the sensitive policy or the regular one."""
    signed = datetime.combine(day, time(11, 15), world.as_of.tzinfo)
    changed = datetime.combine(ended, time(11, 15), world.as_of.tzinfo) if ended else signed
    payer = world.network.payer
    form = f"{identifier}-form"
    # HRex has the profile since 1.0.0, the release PDex 2.0.0 builds on; it describes consents in force only.
    profiles = (HREX + "hrex-consent",) if world.guides.pdex.startswith("2") and ended is None else ()
    in_force_until = ended or day.replace(year=day.year + YEARS_IN_FORCE, day=min(day.day, 28))
    yield {
        "resourceType": "Consent",
        "id": identifier,
        "meta": meta(profiles, changed + timedelta(minutes=5)),
        "status": "inactive" if ended else "active",
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
            "period": period(day, in_force_until),
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
