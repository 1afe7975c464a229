"""The provider directory (Da Vinci PDex Plan-Net 1.0.0 and 1.1.0): who gives care, where, in which network.

One resource serves both sides: an Organization or Practitioner of the directory also satisfies US Core and CARIN, so that claims,
encounters and the directory refer to the same ids. What the two Plan-Net versions ask for differs only in cardinalities, and
the shapes here keep both. Leaves to others: who the providers are (`network.py` of the room).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from synthetic_data.payer.fhir import (
    CARIN,
    CLIA,
    FORMULARY,
    HREX,
    NAIC,
    NPI,
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
from synthetic_data.payer.plans import AREAS, PLANS, Area, Plan
from synthetic_data.records import Clinician, Network, ProviderOrganization, Site, World

SYSTEM = "http://hl7.org/fhir/us/davinci-pdex-plan-net/CodeSystem/"
CARIN_IDENTIFIER = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType"
GEOJSON = "http://hl7.org/fhir/StructureDefinition/location-boundary-geojson"
GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS = (*WEEKDAYS, "sat", "sun")


class KindOfOrganization(NamedTuple):
    """How the directory files an organization of a kind: type, service category, service type, specialty, affiliation role, place."""

    organization: tuple[str, str]
    category: tuple[str, str]
    service: tuple[str, str]
    specialty: tuple[str, str]
    affiliation: tuple[str, str]
    location: str


# Specialties are NUCC taxonomy codes with the display the Plan-Net value set prints; service types are HL7's service-type codes.
KINDS: dict[str, KindOfOrganization] = {
    "clinic": KindOfOrganization(("prvgrp", "Provider Group"), ("behav", "Behavioral Health"), ("76", "Health Counselling"), ("261QM0801X", "Mental Health Clinic/Center (Including Community Mental Health Center)"), ("behavioral", "Outpatient Behavioral Health Provider"), "COMM"),
    "opioid-treatment": KindOfOrganization(("fac", "Facility"), ("behav", "Behavioral Health"), ("108", "Non-resid. Alcohol/Drug Treatment"), ("261QM2800X", "Methadone Clinic"), ("behavioral", "Outpatient Behavioral Health Provider"), "SU"),
    "residential": KindOfOrganization(("fac", "Facility"), ("behav", "Behavioral Health"), ("111", "Residential Alcohol/Drug Treatment"), ("324500000X", "Substance Abuse Rehabilitation Facility"), ("residential", "Residential Treatment Facility"), "RTF"),
    "crisis": KindOfOrganization(("fac", "Facility"), ("emerg", "Emergency care"), ("70", "Crisis Counselling"), ("261QM0850X", "Adult Mental Health Clinic/Center"), ("urgent", "Urgent Care Center"), "ETU"),
    "hospital": KindOfOrganization(("fac", "Facility"), ("hosp", "Hospital"), ("309", "Crisis Assistance"), ("282N00000X", "General Acute Care Hospital"), ("hospital", "Hospital"), "HOSP"),
    "primary-care": KindOfOrganization(("prvgrp", "Provider Group"), ("outpat", "Clinic or Outpatient Facility"), ("554", "Chronic Disease Management"), ("261QP2300X", "Primary Care Clinic/Center"), ("outpatient", "Clinic or Outpatient Facility"), "PC"),
    "laboratory": KindOfOrganization(("fac", "Facility"), ("lab", "Laboratory"), ("537", "Medication Reviews"), ("291U00000X", "Clinical Medical Laboratory"), ("laboratory", "Laboratory"), "HLAB"),
    "pharmacy": KindOfOrganization(("fac", "Facility"), ("pharm", "Pharmacy"), ("537", "Medication Reviews"), ("3336C0003X", "Community/Retail Pharmacy"), ("pharmacy", "Pharmacy"), "OUTPHARM"),
    "dental": KindOfOrganization(("prvgrp", "Provider Group"), ("dent", "Dental"), ("76", "Health Counselling"), ("261QD0000X", "Dental Clinic/Center"), ("outpatient", "Clinic or Outpatient Facility"), "DADDR"),
    "transport": KindOfOrganization(("fac", "Facility"), ("trans", "Transportation"), ("230", "Patient Transport"), ("343900000X", "Non-emergency Medical Transport (VAN)"), ("transport", "Transporation Provider"), "DADDR"),
}  # fmt: skip

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

LOCATION_TYPE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def directory(world: World) -> Iterator[Json]:
    """Every resource of the directory, in a fixed order."""
    network = world.network
    updated = world.as_of - timedelta(days=20, hours=3)
    for area in AREAS.values():
        yield _area(area, world, updated)
    yield from _endpoints(network, updated)
    for payer in (network.payer, *network.other_payers):
        yield _organization(payer, world, updated)
    for plan in PLANS:
        yield _network(plan, network, updated)
        yield _insurance_plan(plan, network, updated)
    for number, organization in enumerate(network.organizations):
        changed = updated + timedelta(hours=number)
        yield _organization(organization, world, changed)
        for place, site in enumerate(organization.sites):
            yield _location(organization, site, place, changed)
        yield _service(organization, changed)
        if organization.in_network:
            yield _affiliation(organization, network, changed)
    for number, clinician in enumerate(network.clinicians):
        changed = updated + timedelta(minutes=7 * number)
        yield _practitioner(clinician, number, world, changed)
        yield _role(clinician, number, world, changed)


def carin_profile(name: str, version: str) -> str:
    """The canonical of a CARIN profile; from 1.1.0 on the guide asks for the version behind the bar."""
    return CARIN + name if version == "1.0.0" else f"{CARIN}{name}|{version}"


def npi_identifier(number: str, carin_version: str) -> Json:
    """An NPI as the CARIN version types it."""
    kind = coding(V2_0203, "NPI") if carin_version.startswith("2") else coding(CARIN_IDENTIFIER, "npi")
    return {"type": {"coding": [kind]}, "system": NPI, "value": number}


def _available(days: tuple[str, ...], start: str | None, end: str | None) -> Json:
    parts = [extension("daysOfWeek", "Code", day) for day in days]
    if start is None or end is None:
        parts.append(extension("allDay", "Boolean", True))
    else:
        parts += [extension("availableStartTime", "Time", start), extension("availableEndTime", "Time", end)]
    return nested(PLAN_NET + "contactpoint-availabletime", *parts)


def _telecom(phone: str, email: str, round_the_clock: bool, via: Json | None) -> list[Json]:
    hours = _available(ALL_DAYS, None, None) if round_the_clock else _available(WEEKDAYS, "08:00:00", "17:30:00")
    extensions = [hours] if via is None else [hours, extension(PLAN_NET + "via-intermediary", "Reference", via)]
    return [
        {"extension": extensions, "system": "phone", "value": phone, "use": "work", "rank": 1},
        {"system": "email", "value": email, "use": "work", "rank": 2},
    ]


def _contact(phone: str, email: str, purpose: str, name: str) -> Json:
    return {
        "purpose": concept("http://terminology.hl7.org/CodeSystem/contactentity-type", purpose),
        "name": {"text": name},
        "telecom": [
            {
                "extension": [_available(WEEKDAYS, "08:00:00", "17:00:00")],
                "system": "phone",
                "value": phone,
                "use": "work",
            },
            {"system": "email", "value": email, "use": "work"},
        ],
    }


def _new_patients(code: str, text: str, network: Json | None, characteristics: str = "") -> Json:
    parts = [extension("acceptingPatients", "CodeableConcept", concept(SYSTEM + "AcceptingPatientsCS", code, text))]
    if network:
        parts.append(extension("fromNetwork", "Reference", network))
    if characteristics:
        parts.append(extension("characteristics", "String", characteristics))
    return nested(PLAN_NET + "newpatients", *parts)


def _qualification(code: Json, issuer: Json, number: str, since: datetime, state: str) -> Json:
    return nested(
        PLAN_NET + "qualification",
        extension("identifier", "Identifier", {"system": PAYER + "NamingSystem/license", "value": number}),
        extension("code", "CodeableConcept", code),
        extension("issuer", "Reference", issuer),
        extension("status", "Code", "active"),
        extension("period", "Period", period(since.date())),
        extension("whereValid", "CodeableConcept", concept("https://www.usps.com/", state)),
    )


def _since(world_updated: datetime, years: int) -> datetime:
    return world_updated.replace(year=world_updated.year - years, month=1, day=2)


def networks_of(organization: ProviderOrganization) -> list[Json]:
    """The networks an organization takes part in."""
    return [
        reference("Organization", plan.network, plan.network_name)
        for plan in PLANS
        if plan.line_of_business in organization.line_of_business
    ]


def _organization(organization: ProviderOrganization, world: World, updated: datetime) -> Json:
    """A payer or provider organization."""
    guides, payer = world.guides, organization.kind == "payer"
    identifiers = [
        npi_identifier(organization.npi, guides.carin_bb),
        {"type": concept(V2_0203, "TAX"), "system": TAX, "value": organization.tax_id},
    ]
    if organization.clia:
        identifiers.append({"system": CLIA, "value": organization.clia})
    if payer:
        number = organization.npi[-6:]
        identifiers += [
            {
                "type": concept(CARIN_IDENTIFIER, "payerid"),
                "system": PAYER + "NamingSystem/payer",
                "value": f"PAY{number}",
            },
            {"type": concept(CARIN_IDENTIFIER, "naiccode"), "system": NAIC, "value": f"00{number[:3]}"},
        ]
    kind = ("payer", "Payer") if payer else KINDS[organization.kind].organization
    site = organization.site
    place = address(site.address, use="work", kind="both")
    place["extension"] = [
        nested(
            GEOLOCATION,
            extension("latitude", "Decimal", site.latitude),
            extension("longitude", "Decimal", site.longitude),
        )
    ]
    via = reference("Location", site.id, site.name) if len(organization.sites) > 1 else None
    shape: Json = {
        "resourceType": "Organization",
        "id": organization.id,
        "meta": meta(
            (
                US_CORE + "us-core-organization",
                carin_profile("C4BB-Organization", guides.carin_bb),
                PLAN_NET + "plannet-Organization",
                HREX + "hrex-organization",
            ),
            updated,
        ),
        "extension": [
            extension(
                PLAN_NET + "org-description",
                "String",
                f"{organization.name} serves the members of the plan in {site.address.county} County.",
            )
        ],
        "identifier": identifiers,
        "active": True,
        "type": [concept(SYSTEM + "OrgTypeCS", *kind)],
        "name": organization.name,
        "telecom": _telecom(organization.phone, organization.email, organization.kind in {"crisis", "hospital"}, via),
        "address": [place],
        "contact": [_contact(organization.phone, organization.email, "ADMIN", f"Front office of {organization.name}")],
    }
    if not payer:
        specialty = KINDS[organization.kind].specialty
        issuer = reference("Organization", world.network.payer.id, world.network.payer.name)
        shape["extension"].append(
            _qualification(
                concept("http://nucc.org/provider-taxonomy", *specialty),
                issuer,
                f"LIC-{organization.npi[-5:]}",
                _since(updated, 9),
                site.address.state,
            )
        )
        if organization.kind in {"clinic", "opioid-treatment"}:
            shape["endpoint"] = [reference("Endpoint", f"ep-{organization.id.removeprefix('org-')}")]
    elif organization.id == world.network.payer.id:
        shape["endpoint"] = [reference("Endpoint", "ep-payer-fhir", "Patient access")]
    if organization.kind == "residential":
        shape["partOf"] = reference("Organization", world.network.organizations[0].id)
    return shape


def _network(plan: Plan, network: Network, updated: datetime) -> Json:
    payer = network.payer
    return {
        "resourceType": "Organization",
        "id": plan.network,
        "meta": meta((PLAN_NET + "plannet-Network",), updated),
        "extension": [
            extension(PLAN_NET + "location-reference", "Reference", reference("Location", AREAS[plan.state].location))
        ],
        "identifier": [{"type": concept(V2_0203, "NPI"), "system": NPI, "value": payer.npi}],
        "active": True,
        "type": [concept(SYSTEM + "OrgTypeCS", "ntwk", "Network")],
        "name": plan.network_name,
        "address": [address(payer.site.address)],
        "partOf": reference("Organization", payer.id, payer.name),
        "contact": [_contact(payer.phone, payer.email, "ADMIN", "Provider relations")],
        "endpoint": [reference("Endpoint", "ep-payer-fhir", "Patient access")],
    }


def _insurance_plan(plan: Plan, network: Network, updated: datetime) -> Json:
    payer = reference("Organization", network.payer.id, network.payer.name)
    area = reference("Location", AREAS[plan.state].location, AREAS[plan.state].name)
    return {
        "resourceType": "InsurancePlan",
        "id": plan.directory_id,
        "meta": meta((PLAN_NET + "plannet-InsurancePlan",), updated),
        "identifier": [
            {
                "type": concept(V2_0203, "XX", "Organization identifier"),
                "system": PAYER + "NamingSystem/plan",
                "value": plan.key,
                "assigner": payer,
            }
        ],
        "status": "active",
        "type": [concept(SYSTEM + "InsuranceProductTypeCS", *plan.product)],
        "name": plan.name,
        "alias": list(plan.alias),
        "period": period(updated.date().replace(month=1, day=1), updated.date().replace(month=12, day=31)),
        "ownedBy": payer,
        "administeredBy": payer,
        "coverageArea": [area],
        "contact": [_contact(network.payer.phone, network.payer.email, "PATINF", "Member services")],
        "endpoint": [reference("Endpoint", "ep-payer-fhir", "Patient access")],
        "network": [reference("Organization", plan.network, plan.network_name)],
        "plan": [{"type": concept(SYSTEM + "InsurancePlanTypeCS", *plan.level), "coverageArea": [area]}],
    }


def _area(area: Area, world: World, updated: datetime) -> Json:
    """A coverage area: its boundary as GeoJSON."""
    west, south, east, north = area.box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    boundary = orjson.dumps({"type": "Polygon", "coordinates": [ring]})
    profiles = [PLAN_NET + "plannet-Location"]
    if world.guides.formulary.startswith("2"):
        profiles.append(FORMULARY + "usdf-InsurancePlanLocation")
    return {
        "resourceType": "Location",
        "id": area.location,
        "meta": meta(profiles, updated),
        "extension": [
            extension(
                GEOJSON,
                "Attachment",
                {"contentType": "application/geo+json", "data": base64.b64encode(boundary).decode()},
            )
        ],
        "identifier": [{"type": concept(V2_0203, "RI"), "system": PAYER + "NamingSystem/area", "value": area.location}],
        "status": "active",
        "name": area.name,
        "alias": [area.state],
        "description": f"Service area: {area.name}",
        "type": [concept(LOCATION_TYPE, "COMM", "Community Location")],
        "address": {"state": area.state, "country": "US"},
        "managingOrganization": reference("Organization", world.network.payer.id),
    }


def _location(organization: ProviderOrganization, site: Site, place: int, updated: datetime) -> Json:
    kind = KINDS[organization.kind]
    networks = networks_of(organization) if organization.in_network else []
    extensions = [
        _new_patients(
            "newpt", "Accepting", networks[0] if networks else None, "" if place else "Adults and older youth"
        ),
        *(
            extension(PLAN_NET + "accessibility", "CodeableConcept", concept(SYSTEM + "AccessibilityCS", *each))
            for each in (("adacomp", "ADA compliant"), ("pubtrans", "public transit options"))[: 1 + (place == 0)]
        ),
    ]
    via = reference("Organization", organization.id, organization.name) if place == 0 else None
    around_the_clock = organization.kind in {"hospital", "crisis", "residential"}
    hours: Json = {"daysOfWeek": list(ALL_DAYS if around_the_clock else WEEKDAYS)}
    hours |= {"allDay": True} if around_the_clock else {"openingTime": "08:00:00", "closingTime": "17:30:00"}
    shape: Json = {
        "resourceType": "Location",
        "id": site.id,
        "meta": meta((US_CORE + "us-core-location", PLAN_NET + "plannet-Location"), updated),
        "extension": extensions,
        "identifier": [{"type": concept(V2_0203, "RI"), "system": PAYER + "NamingSystem/location", "value": site.id}],
        "status": "active",
        "name": site.name,
        "alias": [f"{organization.name} {place + 1}"],
        "description": f"{organization.name} in {site.address.city}",
        "type": [concept(LOCATION_TYPE, kind.location)],
        "telecom": _telecom(site.phone, organization.email, around_the_clock, via),
        "address": address(site.address, use="work"),
        "position": {"longitude": site.longitude, "latitude": site.latitude},
        "managingOrganization": reference("Organization", organization.id, organization.name),
        "hoursOfOperation": [hours],
        "availabilityExceptions": "Closed on federal holidays"
        if not around_the_clock
        else "Open every day of the year",
    }
    if place:
        shape["partOf"] = reference("Location", organization.site.id, organization.site.name)
    if organization.kind in {"clinic", "opioid-treatment"}:
        shape["endpoint"] = [reference("Endpoint", f"ep-{organization.id.removeprefix('org-')}")]
    return shape


def service_id(organization: ProviderOrganization) -> str:
    """The HealthcareService of an organization."""
    return f"hcs-{organization.id.removeprefix('org-')}"


def _service(organization: ProviderOrganization, updated: datetime) -> Json:
    kind = KINDS[organization.kind]
    networks = networks_of(organization)
    virtual = organization.kind in {"clinic", "opioid-treatment", "primary-care"}
    method = [extension("type", "CodeableConcept", concept(SYSTEM + "DeliveryMethodCS", "physical", "Physical"))]
    delivery = [nested(PLAN_NET + "delivery-method", *method)]
    if virtual:
        delivery.append(
            nested(
                PLAN_NET + "delivery-method",
                extension("type", "CodeableConcept", concept(SYSTEM + "DeliveryMethodCS", "virtual", "Virtual")),
                extension(
                    "virtualModalities",
                    "CodeableConcept",
                    concept(SYSTEM + "VirtualModalitiesCS", "video", "video chat"),
                ),
            )
        )
    areas = [AREAS[plan.state] for plan in PLANS if plan.line_of_business in organization.line_of_business]
    shape: Json = {
        "resourceType": "HealthcareService",
        "id": service_id(organization),
        "meta": meta((PLAN_NET + "plannet-HealthcareService",), updated),
        "extension": [
            _new_patients("newpt", "Accepting", networks[0] if networks else None, "Members of the plan"),
            *delivery,
        ],
        "identifier": [
            {
                "type": concept(V2_0203, "RI"),
                "system": PAYER + "NamingSystem/service",
                "value": service_id(organization),
            }
        ],
        "active": True,
        "providedBy": reference("Organization", organization.id, organization.name),
        "category": [concept(SYSTEM + "HealthcareServiceCategoryCS", *kind.category)],
        "type": [concept(SERVICE_TYPE, *kind.service)],
        "specialty": [concept("http://nucc.org/provider-taxonomy", *kind.specialty)],
        "location": [reference("Location", site.id, site.name) for site in organization.sites],
        "name": f"{kind.service[1]} at {organization.name}",
        "comment": "Interpreters are free of charge.",
        "telecom": _telecom(
            organization.phone,
            organization.email,
            organization.kind in {"crisis", "hospital"},
            reference("Organization", organization.id),
        ),
        "coverageArea": [reference("Location", area.location, area.name) for area in areas],
        "appointmentRequired": organization.kind not in {"crisis", "hospital", "pharmacy"},
        "availableTime": [_office_hours(organization.kind in {"crisis", "hospital", "residential"})],
        "notAvailable": [
            {
                "description": "New Year's Day",
                "during": period(updated.date().replace(month=1, day=1), updated.date().replace(month=1, day=1)),
            }
        ],
        "availabilityExceptions": "Reduced hours on the last working day of the year",
    }
    if organization.kind in {"clinic", "opioid-treatment"}:
        shape["endpoint"] = [reference("Endpoint", f"ep-{organization.id.removeprefix('org-')}")]
    return shape


def _office_hours(around_the_clock: bool) -> Json:
    if around_the_clock:
        return {"daysOfWeek": list(ALL_DAYS), "allDay": True}
    return {"daysOfWeek": list(WEEKDAYS), "availableStartTime": "08:00:00", "availableEndTime": "17:30:00"}


def _affiliation(organization: ProviderOrganization, network: Network, updated: datetime) -> Json:
    kind = KINDS[organization.kind]
    key = organization.id.removeprefix("org-")
    shape: Json = {
        "resourceType": "OrganizationAffiliation",
        "id": f"aff-{key}",
        "meta": meta((PLAN_NET + "plannet-OrganizationAffiliation",), updated),
        "extension": [
            _qualification(
                concept("http://nucc.org/provider-taxonomy", *kind.specialty),
                reference("Organization", network.payer.id),
                f"NET-{organization.npi[-5:]}",
                _since(updated, 4),
                organization.site.address.state,
            )
        ],
        "identifier": [
            {"type": concept(V2_0203, "RI"), "system": PAYER + "NamingSystem/affiliation", "value": f"aff-{key}"}
        ],
        "active": True,
        "period": period(_since(updated, 4).date()),
        "organization": reference("Organization", network.payer.id, network.payer.name),
        "participatingOrganization": reference("Organization", organization.id, organization.name),
        "network": networks_of(organization),
        "code": [concept(SYSTEM + "OrganizationAffiliationRoleCS", *kind.affiliation)],
        "specialty": [concept("http://nucc.org/provider-taxonomy", *kind.specialty)],
        "location": [reference("Location", site.id, site.name) for site in organization.sites],
        "healthcareService": [reference("HealthcareService", service_id(organization))],
        "telecom": _telecom(organization.phone, organization.email, False, None),
    }
    if organization.kind == "clinic":
        shape["endpoint"] = [reference("Endpoint", f"ep-{key}")]
    return shape


def _practitioner(clinician: Clinician, number: int, world: World, updated: datetime) -> Json:
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
        "telecom": _telecom(clinician.phone, clinician.email, False, None),
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
                "period": period(_since(updated, 3 + number % 25).date()),
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


def _role(clinician: Clinician, number: int, world: World, updated: datetime) -> Json:
    home = world.network.organization_of[clinician.organization]
    networks = networks_of(home) if home.in_network else []
    accepting = (("newpt", "Accepting"), ("existptonly", "Accepting existing patients"), ("nopt", "Not Accepting"))
    extensions = [
        _new_patients(
            *accepting[number % 7 % 3], networks[0] if networks else None, "" if number % 4 else "Adults only"
        )
    ]
    # Plan-Net 1.1.0 allows one network a role, 1.0.0 several.
    extensions += [extension(PLAN_NET + "network-reference", "Reference", each) for each in networks[:1]]
    if number % 5 == 0:
        extensions.append(
            _qualification(
                concept_of(clinician.specialty),
                reference("Organization", world.network.payer.id),
                f"BRD-{clinician.npi[-6:]}",
                _since(updated, 2),
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
        "period": period(_since(updated, 1 + number % 6).date()),
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
        "telecom": _telecom(clinician.phone, clinician.email, False, reference("Organization", home.id)),
        "availableTime": [_office_hours(home.kind in {"crisis", "hospital"})],
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


def _endpoints(network: Network, updated: datetime) -> Iterator[Json]:
    yield _endpoint(
        "ep-payer-fhir",
        ("http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "hl7-fhir-rest", "HL7 FHIR"),
        "Patient access",
        network.payer,
        "https://payer.example/fhir",
        updated,
    )
    for organization in network.organizations:
        if organization.kind in {"clinic", "opioid-treatment"}:
            key = organization.id.removeprefix("org-")
            yield _endpoint(
                f"ep-{key}",
                (SYSTEM + "EndpointConnectionTypeCS", "rest-non-fhir", "REST (not FHIR)"),
                f"Appointments at {organization.name}",
                organization,
                f"https://{key}.example/appointments",
                updated,
            )


def _endpoint(
    identifier: str,
    connection: tuple[str, str, str],
    name: str,
    owner: ProviderOrganization,
    url: str,
    updated: datetime,
) -> Json:
    shape: Json = {
        "resourceType": "Endpoint",
        "id": identifier,
        "meta": meta((PLAN_NET + "plannet-Endpoint",), updated),
        "extension": [
            nested(
                PLAN_NET + "endpoint-usecase",
                extension(
                    "type",
                    "CodeableConcept",
                    concept("http://terminology.hl7.org/CodeSystem/v3-ActReason", "PATRQT", "patient requested"),
                ),
                extension("standard", "Uri", "http://hl7.org/fhir/us/carin-bb"),
            )
        ],
        "status": "active",
        "connectionType": coding(*connection),
        "name": name,
        "managingOrganization": reference("Organization", owner.id, owner.name),
        "contact": [{"system": "email", "value": owner.email}],
        "period": period(_since(updated, 2).date()),
        "payloadType": [concept(SYSTEM + "EndpointPayloadTypeCS", "NA", "Not Applicable")],
        "payloadMimeType": ["application/fhir+json"],
        "address": url,
    }
    return shape
