"""The provider directory (Da Vinci PDex Plan-Net 1.0.0 and 1.1.0): who gives care, where, in which network.

One resource serves both sides: an Organization or Practitioner of the directory also satisfies US Core and CARIN, so that claims,
encounters and the directory refer to the same ids. What the two Plan-Net versions ask for differs only in cardinalities, and
the shapes here keep both. Leaves to others: who the providers are (`network.py` of the room).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from synthetic_data.payer.directory_parts import (
    CARIN_IDENTIFIER,
    GEOLOCATION,
    KINDS,
    SYSTEM,
    carin_profile,
    contact_of,
    networks_of,
    npi_identifier,
    qualification_of,
    service_id,
    since_years,
    telecoms,
)
from synthetic_data.payer.directory_people import practitioner_of, practitioner_role
from synthetic_data.payer.directory_places import area_location, healthcare_service, site_location
from synthetic_data.payer.fhir import (
    CLIA,
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
    extension,
    meta,
    nested,
    period,
    reference,
)
from synthetic_data.payer.plans import AREAS, PLANS, Plan
from synthetic_data.records import Network, ProviderOrganization, World


def directory(world: World) -> Iterator[Json]:
    """Every resource of the directory, in a fixed order."""
    network = world.network
    updated = world.as_of - timedelta(days=20, hours=3)
    for area in AREAS.values():
        yield area_location(area, world, updated)
    yield from _endpoints(network, updated)
    for payer in (network.payer, *network.other_payers):
        yield _organization(payer, world, updated)
    for plan in PLANS:
        yield _network(plan, network, updated)
        yield _insurance_plan(plan, network, updated)
    yield _leased_network(network, updated - timedelta(days=40))
    for number, organization in enumerate(network.organizations):
        changed = updated + timedelta(hours=number)
        yield _organization(organization, world, changed)
        for place, site in enumerate(organization.sites):
            yield site_location(organization, site, place, changed)
        yield healthcare_service(organization, changed)
        if organization.in_network:
            yield _affiliation(organization, network, changed)
    for number, clinician in enumerate(network.clinicians):
        changed = updated + timedelta(minutes=7 * number)
        yield practitioner_of(clinician, number, world, changed)
        yield practitioner_role(clinician, number, world, changed)


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
        "telecom": telecoms(organization.phone, organization.email, organization.kind in {"crisis", "hospital"}, via),
        "address": [place],
        "contact": [
            contact_of(organization.phone, organization.email, "ADMIN", f"Front office of {organization.name}")
        ],
    }
    if not payer:
        specialty = KINDS[organization.kind].specialty
        issuer = reference("Organization", world.network.payer.id, world.network.payer.name)
        shape["extension"].append(
            qualification_of(
                concept("http://nucc.org/provider-taxonomy", *specialty),
                issuer,
                f"LIC-{organization.npi[-5:]}",
                since_years(updated, 9),
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
        "contact": [contact_of(payer.phone, payer.email, "ADMIN", "Provider relations")],
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
        "contact": [contact_of(network.payer.phone, network.payer.email, "PATINF", "Member services")],
        "endpoint": [reference("Endpoint", "ep-payer-fhir", "Patient access")],
        "network": [reference("Organization", plan.network, plan.network_name)],
        "plan": [{"type": concept(SYSTEM + "InsurancePlanTypeCS", *plan.level), "coverageArea": [area]}],
    }


def _leased_network(network: Network, updated: datetime) -> Json:
    """A plan of another payer that uses this payer's network: owned and administered by somebody else."""
    other = network.other_payers[0]
    owner = reference("Organization", other.id, other.name)
    shape = _insurance_plan(PLANS[0], network, updated)
    identifier = {**shape["identifier"][0], "value": "LMH-PPO", "assigner": owner}
    return {
        **shape,
        "id": "plan-lmh-ppo",
        "identifier": [identifier],
        "name": "Larkspur Mutual Choice PPO",
        "alias": ["Larkspur PPO"],
        "ownedBy": owner,
        "administeredBy": owner,
        "contact": [contact_of(other.phone, other.email, "PATINF", "Member services")],
    }


def _affiliation(organization: ProviderOrganization, network: Network, updated: datetime) -> Json:
    kind = KINDS[organization.kind]
    key = organization.id.removeprefix("org-")
    # A home for treatment takes part through the clinic it belongs to, everybody else through the payer.
    primary = network.organizations[0] if organization.kind == "residential" else network.payer
    shape: Json = {
        "resourceType": "OrganizationAffiliation",
        "id": f"aff-{key}",
        "meta": meta((PLAN_NET + "plannet-OrganizationAffiliation",), updated),
        "extension": [
            qualification_of(
                concept("http://nucc.org/provider-taxonomy", *kind.specialty),
                reference("Organization", network.payer.id),
                f"NET-{organization.npi[-5:]}",
                since_years(updated, 4),
                organization.site.address.state,
            )
        ],
        "identifier": [
            {"type": concept(V2_0203, "RI"), "system": PAYER + "NamingSystem/affiliation", "value": f"aff-{key}"}
        ],
        "active": True,
        "period": period(since_years(updated, 4).date()),
        "organization": reference("Organization", primary.id, primary.name),
        "participatingOrganization": reference("Organization", organization.id, organization.name),
        "network": networks_of(organization),
        "code": [concept(SYSTEM + "OrganizationAffiliationRoleCS", *kind.affiliation)],
        "specialty": [concept("http://nucc.org/provider-taxonomy", *kind.specialty)],
        "location": [reference("Location", site.id, site.name) for site in organization.sites],
        "healthcareService": [reference("HealthcareService", service_id(organization))],
        "telecom": telecoms(organization.phone, organization.email, False, None),
    }
    if organization.kind == "clinic":
        shape["endpoint"] = [reference("Endpoint", f"ep-{key}")]
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
    for place, organization in enumerate(network.organizations, start=1):
        if organization.kind in {"clinic", "opioid-treatment"}:
            key = organization.id.removeprefix("org-")
            yield _endpoint(
                f"ep-{key}",
                (SYSTEM + "EndpointConnectionTypeCS", "rest-non-fhir", "REST (not FHIR)"),
                f"Appointments at {organization.name}",
                organization,
                f"https://{key}.example/appointments",
                updated - timedelta(hours=place),
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
        "period": period(since_years(updated, 2).date()),
        "payloadType": [concept(SYSTEM + "EndpointPayloadTypeCS", "NA", "Not Applicable")],
        "payloadMimeType": ["application/fhir+json"],
        "address": url,
    }
    return shape
