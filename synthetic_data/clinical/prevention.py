"""Immunization, AllergyIntolerance, implanted Device, and the ServiceRequest of a social referral."""

from __future__ import annotations

from base64 import b64encode

from synthetic_data.clinical.sheet import HL7, SNOMED, US_CORE_CATEGORY, Json, Sheet, concept, concept_of, instant, ref

PDEX_DEVICE = "http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-device"


def immunizations(sheet: Sheet) -> None:
    """Vaccinations given and not given."""
    for one in sheet.member.immunizations:
        resource: Json = {
            "resourceType": "Immunization",
            "id": one.id,
            "meta": sheet.meta(one.when, "us-core-immunization"),
            "status": one.status,
        }
        if one.status_reason is not None:
            resource["statusReason"] = concept_of(one.status_reason)
        resource["vaccineCode"] = concept_of(one.vaccine)
        resource["patient"] = sheet.subject
        if one.visit is not None:
            resource["encounter"] = ref("Encounter", one.visit)
        if one.when_text:
            resource["occurrenceString"] = one.when_text
        else:
            resource["occurrenceDateTime"] = instant(one.when)
        resource["primarySource"] = one.primary_source
        if one.lot:
            resource["lotNumber"] = one.lot
        sheet.add(resource, one.visit)


def allergies(sheet: Sheet) -> None:
    """Allergies, intolerances, or the statement that none is known."""
    for one in sheet.member.allergies:
        resource: Json = {
            "resourceType": "AllergyIntolerance",
            "id": one.id,
            "meta": sheet.meta(one.recorded, "us-core-allergyintolerance"),
            "clinicalStatus": concept(
                f"{HL7}allergyintolerance-clinical", one.clinical_status, one.clinical_status.title()
            ),
            "verificationStatus": concept(
                f"{HL7}allergyintolerance-verification", one.verification, one.verification.title()
            ),
            "category": [one.category],
            "code": concept_of(one.substance),
            "patient": sheet.subject,
        }
        if one.onset is not None:
            resource["onsetDateTime"] = one.onset.isoformat()
        resource["recordedDate"] = instant(one.recorded)
        if one.reaction is not None:
            reaction: Json = {"manifestation": [concept_of(one.reaction)]}
            if one.severity is not None:
                reaction["severity"] = one.severity
            resource["reaction"] = [reaction]
        sheet.add(resource)


def devices(sheet: Sheet) -> None:
    """Implanted devices with their unique device identifiers."""
    for one in sheet.member.devices:
        carrier: Json = {"deviceIdentifier": one.udi_device, "issuer": "http://hl7.org/fhir/NamingSystem/gs1-di"}
        carrier["carrierAIDC"] = b64encode(one.udi_carrier.encode()).decode()
        carrier["carrierHRF"] = one.udi_carrier
        profiles = ["us-core-implantable-device"]
        if sheet.world.guides.pdex.startswith("2"):
            profiles.append(PDEX_DEVICE)
        sheet.add(
            {
                "resourceType": "Device",
                "id": one.id,
                "meta": sheet.meta(one.manufactured, *profiles),
                "identifier": [{"system": "https://payer.example/fhir/identifier/device", "value": one.id}],
                "udiCarrier": [carrier],
                "status": one.status,
                "distinctIdentifier": one.distinct,
                "manufactureDate": instant(one.manufactured),
                "expirationDate": instant(one.expires),
                "lotNumber": one.lot,
                "serialNumber": one.serial,
                "type": concept(one.kind.system, one.kind.code, one.kind.display, one.text),
                "patient": sheet.subject,
                "url": f"https://devices.example/{one.udi_device}",
            }
        )


def referrals(sheet: Sheet) -> None:
    """Referrals for social needs."""
    for one in sheet.member.social_needs:
        category = (
            concept(US_CORE_CATEGORY, "sdoh", "SDOH")
            if sheet.us_core_6
            else concept(SNOMED, "410606002", "Social service procedure")
        )
        sheet.add(
            {
                "resourceType": "ServiceRequest",
                "id": one.id,
                "meta": sheet.meta(
                    one.completed or one.referred, *(["us-core-servicerequest"] if sheet.us_core_6 else [])
                ),
                "status": "active" if one.completed is None else "completed",
                "intent": "order",
                "category": [category],
                "code": concept_of(one.service),
                "subject": sheet.subject,
                "encounter": ref("Encounter", one.visit),
                "occurrenceDateTime": instant(one.referred),
                "authoredOn": instant(one.referred),
                "requester": ref("Practitioner", one.clinician),
                "reasonReference": [ref("Condition", one.diagnosis)],
            },
            one.visit,
        )
