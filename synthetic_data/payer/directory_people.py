"""Practitioners and their roles, as Plan-Net, US Core, CARIN and HRex show them in one resource."""

from __future__ import annotations

from datetime import datetime, timedelta

from synthetic_data.payer.directory_parts import (
    GEOLOCATION,
    SYSTEM,
    carin_profile,
    networks_of,
    new_patients,
    npi_identifier,
    office_hours,
    qualification_of,
    service_id,
    since_years,
    telecoms,
)
from synthetic_data.payer.fhir import (
    HREX,
    PAYER,
    PLAN_NET,
    TAX,
    US_CORE,
    V2_0203,
    Json,
    address,
    coding,
    concept,
    concept_of,
    extension,
    human_name,
    meta,
    nested,
    period,
    reference,
)
from synthetic_data.records import Clinician, World

ROLE_OF_PROFESSION: dict[str, tuple[str, str]] = {
    "psychiatrist": ("ph", "Physician"),
    "child_psychiatrist": ("ph", "Physician"),
    "addiction_physician": ("ph", "Physician"),
    "physician": ("ph", "Physician"),
    "hospitalist": ("ph", "Physician"),
    "pediatrician": ("ph", "Physician"),
    "obstetrician": ("ph", "Physician"),
    "pmhnp": ("crnp", "Certified Registered Nurse Practitioner"),
    "psychologist": ("py", "Psychologist"),
    "lcsw": ("sw", "Social Worker"),
    "lmft": ("mt", "Marriage/Family Therapist"),
    "counselor": ("co", "Counselor"),
    "nurse": ("rn", "Registered Nurse"),
    "dentist": ("de", "Dentist"),
    "pharmacist": ("rx", "Pharmacy Service Providers"),
}
OTHER_ROLE = ("bh", "Behavioral Health & Social Service Providers")


def practitioner_of(clinician: Clinician, number: int, world: World, updated: datetime) -> Json:
    home = world.network.organization_of[clinician.organization]
    site = next(each for each in home.sites if each.id == clinician.site)
    identifiers = [npi_identifier(clinician.npi, world.guides.carin_bb)]
    if number % 3 == 0:
        identifiers.append({"type": concept(V2_0203, "TAX"), "system": TAX, "value": f"00-{9_000_000 + number:07d}"})
    place = address(site.address, use="work", kind="both")
    place["extension"] = [
        nested(
            GEOLOCATION,
            extension("latitude", "Decimal", site.latitude),
            extension("longitude", "Decimal", site.longitude),
        )
    ]
    specialty = concept_of(clinician.specialty)
    specialty["text"] = clinician.specialty.display
    return {
        "resourceType": "Practitioner",
        "id": clinician.id,
        "meta": meta(
            (
                US_CORE + "us-core-practitioner",
                carin_profile("C4BB-Practitioner", world.guides.carin_bb),
                PLAN_NET + "plannet-Practitioner",
                HREX + "hrex-practitioner",
            ),
            updated,
        ),
        "identifier": identifiers,
        "active": True,
        "name": [human_name(clinician.name)],
        "telecom": telecoms(clinician.phone, clinician.email, False, None),
        "address": [place],
        "gender": clinician.gender,
        "qualification": [
            {
                "extension": [
                    nested(
                        PLAN_NET + "practitioner-qualification",
                        extension("status", "Code", "active"),
                        extension(
                            "whereValid", "CodeableConcept", concept("https://www.usps.com/", site.address.state)
                        ),
                    )
                ],
                "identifier": [{"system": PAYER + "NamingSystem/license", "value": f"LIC-{clinician.npi[-6:]}"}],
                "code": specialty,
                "period": period(since_years(updated, 3 + number % 25).date()),
                "issuer": reference("Organization", world.network.payer.id),
            }
        ],
        "communication": [
            {
                "extension": [
                    extension(
                        PLAN_NET + "communication-proficiency",
                        "CodeableConcept",
                        concept(
                            SYSTEM + "LanguageProficiencyCS",
                            "50" if place_in_list == 0 else "30",
                            "Functional native proficiency"
                            if place_in_list == 0
                            else "General professional proficiency",
                        ),
                    )
                ],
                "coding": [coding(language.system, language.code, language.display)],
            }
            for place_in_list, language in enumerate(clinician.languages)
        ],
    }


def role_id(clinician_id: str) -> str:
    """The PractitionerRole of a clinician."""
    return f"{clinician_id}-role"


def practitioner_role(clinician: Clinician, number: int, world: World, updated: datetime) -> Json:
    home = world.network.organization_of[clinician.organization]
    networks = networks_of(home) if home.in_network else []
    accepting = (("newpt", "Accepting"), ("existptonly", "Accepting existing patients"), ("nopt", "Not Accepting"))
    extensions = [
        new_patients(*accepting[number % 7 % 3], networks[0] if networks else None, "" if number % 4 else "Adults only")
    ]
    # Plan-Net 1.1.0 allows one network a role, 1.0.0 several.
    extensions += [extension(PLAN_NET + "network-reference", "Reference", each) for each in networks[:1]]
    if number % 5 == 0:
        extensions.append(
            qualification_of(
                concept_of(clinician.specialty),
                reference("Organization", world.network.payer.id),
                f"BRD-{clinician.npi[-6:]}",
                since_years(updated, 2),
                home.site.address.state,
            )
        )
    role = ROLE_OF_PROFESSION.get(clinician.profession, OTHER_ROLE)
    shape: Json = {
        "resourceType": "PractitionerRole",
        "id": role_id(clinician.id),
        "meta": meta((US_CORE + "us-core-practitionerrole", PLAN_NET + "plannet-PractitionerRole"), updated),
        "extension": extensions,
        "identifier": [
            {"type": concept(V2_0203, "RI"), "system": PAYER + "NamingSystem/role", "value": role_id(clinician.id)}
        ],
        "active": True,
        "period": period(since_years(updated, 1 + number % 6).date()),
        "practitioner": reference("Practitioner", clinician.id, human_name(clinician.name)["text"]),
        "organization": reference("Organization", home.id, home.name),
        "code": [
            {
                "coding": [
                    coding(SYSTEM + "ProviderRoleCS", *role),
                    coding(clinician.role.system, clinician.role.code, clinician.role.display),
                ]
            }
        ],
        "specialty": [concept_of(clinician.specialty)],
        "location": [reference("Location", clinician.site)],
        "healthcareService": [reference("HealthcareService", service_id(home))],
        "telecom": telecoms(clinician.phone, clinician.email, False, reference("Organization", home.id)),
        "availableTime": [office_hours(home.kind in {"crisis", "hospital"})],
        "notAvailable": [
            {
                "description": "Leave",
                "during": period(updated.date() + timedelta(days=40), updated.date() + timedelta(days=54)),
            }
        ],
    }
    if home.kind in {"clinic", "opioid-treatment"} and number % 2 == 0:
        shape["endpoint"] = [reference("Endpoint", f"ep-{home.id.removeprefix('org-')}")]
    return shape
