"""Parts that the resources of the provider directory share: how a kind of organization is filed, telecoms with their hours, licences."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from synthetic_data.payer.fhir import (
    CARIN,
    NPI,
    PAYER,
    PLAN_NET,
    V2_0203,
    Json,
    coding,
    concept,
    extension,
    nested,
    period,
    reference,
)
from synthetic_data.payer.plans import PLANS
from synthetic_data.records import ProviderOrganization

SYSTEM = "http://hl7.org/fhir/us/davinci-pdex-plan-net/CodeSystem/"
CARIN_IDENTIFIER = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType"
GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
LOCATION_TYPE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
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


def carin_profile(name: str, version: str) -> str:
    """The canonical of a CARIN profile; from 1.1.0 on the guide asks for the version behind the bar."""
    return CARIN + name if version == "1.0.0" else f"{CARIN}{name}|{version}"


def npi_identifier(number: str, carin_version: str) -> Json:
    """An NPI as the CARIN version types it."""
    kind = coding(V2_0203, "NPI") if carin_version.startswith("2") else coding(CARIN_IDENTIFIER, "npi")
    return {"type": {"coding": [kind]}, "system": NPI, "value": number}


def available_time(days: tuple[str, ...], start: str | None, end: str | None) -> Json:
    parts = [extension("daysOfWeek", "Code", day) for day in days]
    if start is None or end is None:
        parts.append(extension("allDay", "Boolean", True))
    else:
        parts += [extension("availableStartTime", "Time", start), extension("availableEndTime", "Time", end)]
    return nested(PLAN_NET + "contactpoint-availabletime", *parts)


def telecoms(phone: str, email: str, round_the_clock: bool, via: Json | None) -> list[Json]:
    hours = (
        available_time(ALL_DAYS, None, None) if round_the_clock else available_time(WEEKDAYS, "08:00:00", "17:30:00")
    )
    extensions = [hours] if via is None else [hours, extension(PLAN_NET + "via-intermediary", "Reference", via)]
    return [
        {"extension": extensions, "system": "phone", "value": phone, "use": "work", "rank": 1},
        {"system": "email", "value": email, "use": "work", "rank": 2},
    ]


def contact_of(phone: str, email: str, purpose: str, name: str) -> Json:
    return {
        "purpose": concept("http://terminology.hl7.org/CodeSystem/contactentity-type", purpose),
        "name": {"text": name},
        "telecom": [
            {
                "extension": [available_time(WEEKDAYS, "08:00:00", "17:00:00")],
                "system": "phone",
                "value": phone,
                "use": "work",
            },
            {"system": "email", "value": email, "use": "work"},
        ],
    }


def new_patients(code: str, text: str, network: Json | None, characteristics: str = "") -> Json:
    parts = [extension("acceptingPatients", "CodeableConcept", concept(SYSTEM + "AcceptingPatientsCS", code, text))]
    if network:
        parts.append(extension("fromNetwork", "Reference", network))
    if characteristics:
        parts.append(extension("characteristics", "String", characteristics))
    return nested(PLAN_NET + "newpatients", *parts)


def qualification_of(code: Json, issuer: Json, number: str, since: datetime, state: str) -> Json:
    return nested(
        PLAN_NET + "qualification",
        extension("identifier", "Identifier", {"system": PAYER + "NamingSystem/license", "value": number}),
        extension("code", "CodeableConcept", code),
        extension("issuer", "Reference", issuer),
        extension("status", "Code", "active"),
        extension("period", "Period", period(since.date())),
        extension("whereValid", "CodeableConcept", concept("https://www.usps.com/", state)),
    )


def since_years(world_updated: datetime, years: int) -> datetime:
    return world_updated.replace(year=world_updated.year - years, month=1, day=2)


def networks_of(organization: ProviderOrganization) -> list[Json]:
    """The networks an organization takes part in."""
    return [
        reference("Organization", plan.network, plan.network_name)
        for plan in PLANS
        if plan.line_of_business in organization.line_of_business
    ]


def service_id(organization: ProviderOrganization) -> str:
    """The HealthcareService of an organization."""
    return f"hcs-{organization.id.removeprefix('org-')}"


def office_hours(around_the_clock: bool) -> Json:
    if around_the_clock:
        return {"daysOfWeek": list(ALL_DAYS), "allDay": True}
    return {"daysOfWeek": list(WEEKDAYS), "availableStartTime": "08:00:00", "availableEndTime": "17:30:00"}
