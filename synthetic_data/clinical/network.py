"""What members share: Organization, Location, Practitioner, PractitionerRole, Endpoint, Medication (US Core, also C4BB)."""

from __future__ import annotations

from datetime import datetime

from synthetic_data.clinical.medications import drug_concept
from synthetic_data.clinical.sheet import (
    HL7,
    US_CORE,
    Json,
    concept,
    concept_of,
    human_name,
    instant,
    postal_address,
    ref,
    telecom,
)
from synthetic_data.records import Clinician, ProviderOrganization, Site, World
from synthetic_data.yaml_tables import table

NPI = "http://hl7.org/fhir/sid/us-npi"
CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
SINCE = (2025, 1, 2)


def network(world: World) -> list[Json]:
    """All shared resources, organizations first."""
    updated = instant(datetime(*SINCE, 9, tzinfo=world.as_of.tzinfo))
    shared: list[Json] = [_endpoint(updated)]
    known = world.network
    for organization in (known.payer, *known.other_payers, *known.organizations):
        shared.append(_organization(organization, updated))
        shared += [_location(site, organization, updated) for site in organization.sites]
    for clinician in known.clinicians:
        shared.append(_practitioner(clinician, known.organization_of[clinician.organization], updated))
        shared.append(_role(clinician, updated))
    for name, row in table("codes/drugs.yaml").items():
        if row.get("administered"):
            shared.append(
                {
                    "resourceType": "Medication",
                    "id": f"drug-{name.replace('_', '-')}",
                    "meta": {"lastUpdated": updated, "profile": [f"{US_CORE}us-core-medication"]},
                    "code": drug_concept(row),
                    "status": "active",
                    "form": {"text": row["form"]},
                }
            )
    return shared


def _meta(updated: str, *profiles: str) -> Json:
    return {"lastUpdated": updated, "profile": list(profiles)}


def _organization(one: ProviderOrganization, updated: str) -> Json:
    identifiers: list[Json] = [
        {"type": concept(f"{HL7}v2-0203", "NPI", "National provider identifier"), "system": NPI, "value": one.npi},
        {
            "type": concept(f"{HL7}v2-0203", "TAX", "Tax ID number"),
            "system": "urn:oid:2.16.840.1.113883.4.4",
            "value": one.tax_id,
        },
    ]
    if one.clia:
        identifiers.append({"system": "urn:oid:2.16.840.1.113883.4.7", "value": one.clia})
    if one.kind == "payer":
        payer_id = concept("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType", "payerid", "Payer ID")
        identifiers.append({"type": payer_id, "system": "urn:oid:2.16.840.1.113883.6.300", "value": one.npi[-5:]})
    kind = ("pay", "Payer") if one.kind == "payer" else ("prov", "Healthcare Provider")
    return {
        "resourceType": "Organization",
        "id": one.id,
        "meta": _meta(updated, f"{US_CORE}us-core-organization", f"{CARIN}C4BB-Organization"),
        "identifier": identifiers,
        "active": True,
        "type": [concept(f"{HL7}organization-type", *kind)],
        "name": one.name,
        "telecom": [telecom("phone", one.phone, "work"), telecom("email", one.email, "work")],
        "address": [postal_address(site.address, "work") for site in one.sites],
        "endpoint": [ref("Endpoint", "endpoint-directory")],
    }


def _location(site: Site, organization: ProviderOrganization, updated: str) -> Json:
    return {
        "resourceType": "Location",
        "id": site.id,
        "meta": _meta(updated, f"{US_CORE}us-core-location"),
        "status": "active",
        "name": site.name,
        "mode": "instance",
        "telecom": [telecom("phone", site.phone, "work")],
        "address": postal_address(site.address, "work"),
        "position": {"longitude": site.longitude, "latitude": site.latitude},
        "managingOrganization": ref("Organization", organization.id),
    }


def _practitioner(one: Clinician, organization: ProviderOrganization, updated: str) -> Json:
    site = next(site for site in organization.sites if site.id == one.site)
    return {
        "resourceType": "Practitioner",
        "id": one.id,
        "meta": _meta(updated, f"{US_CORE}us-core-practitioner", f"{CARIN}C4BB-Practitioner"),
        "identifier": [
            {"type": concept(f"{HL7}v2-0203", "NPI", "National provider identifier"), "system": NPI, "value": one.npi}
        ],
        "active": True,
        "name": [human_name(one.name)],
        "telecom": [telecom("phone", one.phone, "work"), telecom("email", one.email, "work")],
        "address": [postal_address(site.address, "work")],
        "gender": one.gender,
        "communication": [concept_of(language) for language in one.languages],
    }


def _role(one: Clinician, updated: str) -> Json:
    return {
        "resourceType": "PractitionerRole",
        "id": f"{one.id}-role",
        "meta": _meta(updated, f"{US_CORE}us-core-practitionerrole"),
        "active": True,
        "practitioner": ref("Practitioner", one.id),
        "organization": ref("Organization", one.organization),
        "code": [concept_of(one.role)],
        "specialty": [concept_of(one.specialty)],
        "location": [ref("Location", one.site)],
        "telecom": [telecom("phone", one.phone, "work"), telecom("email", one.email, "work")],
        "endpoint": [ref("Endpoint", "endpoint-directory")],
    }


def _endpoint(updated: str) -> Json:
    return {
        "resourceType": "Endpoint",
        "id": "endpoint-directory",
        "meta": {"lastUpdated": updated},
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "hl7-fhir-rest",
            "display": "HL7 FHIR",
        },
        "name": "Secure messages to the clinic",
        "payloadType": [concept("http://terminology.hl7.org/CodeSystem/endpoint-payload-type", "any", "Any")],
        "address": "https://clinic.example/fhir",
    }
