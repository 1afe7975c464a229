"""Places of the directory: coverage areas with their boundary, sites, and the services offered there."""

from __future__ import annotations

import base64
from datetime import datetime

import orjson

from synthetic_data.payer.directory_parts import (
    ALL_DAYS,
    KINDS,
    LOCATION_TYPE,
    SERVICE_TYPE,
    SYSTEM,
    WEEKDAYS,
    networks_of,
    new_patients,
    office_hours,
    service_id,
    telecoms,
)
from synthetic_data.payer.fhir import (
    FORMULARY,
    PAYER,
    PLAN_NET,
    US_CORE,
    V2_0203,
    Json,
    address,
    concept,
    extension,
    meta,
    nested,
    period,
    reference,
)
from synthetic_data.payer.plans import AREAS, PLANS, Area
from synthetic_data.records import ProviderOrganization, Site, World

GEOJSON = "http://hl7.org/fhir/StructureDefinition/location-boundary-geojson"


def area_location(area: Area, world: World, updated: datetime) -> Json:
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
        "address": {"city": area.city, "state": area.state, "postalCode": area.postal_code, "country": "US"},
        "managingOrganization": reference("Organization", world.network.payer.id),
    }


def site_location(organization: ProviderOrganization, site: Site, place: int, updated: datetime) -> Json:
    kind = KINDS[organization.kind]
    networks = networks_of(organization) if organization.in_network else []
    extensions = [
        new_patients(
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
        "telecom": telecoms(site.phone, organization.email, around_the_clock, via),
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


def healthcare_service(organization: ProviderOrganization, updated: datetime) -> Json:
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
            new_patients("newpt", "Accepting", networks[0] if networks else None, "Members of the plan"),
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
        "telecom": telecoms(
            organization.phone,
            organization.email,
            organization.kind in {"crisis", "hospital"},
            reference("Organization", organization.id),
        ),
        "coverageArea": [reference("Location", area.location, area.name) for area in areas],
        "appointmentRequired": organization.kind not in {"crisis", "hospital", "pharmacy"},
        "availableTime": [office_hours(organization.kind in {"crisis", "hospital", "residential"})],
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
