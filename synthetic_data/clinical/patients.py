"""Patient and RelatedPerson: US Core Patient (also C4BB Patient), US Core RelatedPerson, with the social facts told as Observations."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from synthetic_data.clinical.sheet import (
    HL7,
    IDENTIFIERS,
    LOINC,
    US_CORE,
    Json,
    Sheet,
    coding,
    concept,
    concept_of,
    human_name,
    instant,
    period,
    postal_address,
    telecom,
)
from synthetic_data.people.demographics import birthday
from synthetic_data.records import Code, Delegate

CARIN_PATIENT = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient"
CARIN_IDENTIFIERS = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType"
V2_0203 = f"{HL7}v2-0203"
CARIN_RELATED = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-RelatedPerson"


def patient(sheet: Sheet) -> None:
    """The member as Patient."""
    member, person = sheet.member, sheet.member.person
    resource: Json = {
        "resourceType": "Patient",
        "id": member.id,
        "meta": _meta(sheet),
        "extension": _extensions(sheet),
        "identifier": _identifiers(sheet),
        "active": person.deceased is None,
        "name": [human_name(name) for name in person.names],
        "gender": person.gender,
        "birthDate": person.birth_date_text,
        "address": [postal_address(place) for place in person.addresses],
    }
    contacts = []
    if person.phone:
        contacts.append(telecom("phone", person.phone, "mobile"))
    if person.email:
        contacts.append(telecom("email", person.email, "home"))
    if contacts:
        resource["telecom"] = contacts
    if person.deceased is not None:
        resource["deceasedDateTime"] = instant(person.deceased)
    elif sheet.us_core_6 and member.number % 3 == 0:
        resource["deceasedBoolean"] = False
    if person.marital_status is not None:
        resource["maritalStatus"] = concept_of(person.marital_status)
    language = {"language": concept_of(person.language), "preferred": True}
    resource["communication"] = [language]
    if "unknown-extension" in member.flags:
        resource["extension"].append(
            {"url": "https://payer.example/fhir/StructureDefinition/preferred-clinic-day", "valueString": "Tuesday"}
        )
    sheet.add(resource)


def _meta(sheet: Sheet) -> Json:
    carin = carin_profile(CARIN_PATIENT, sheet.world.guides.carin_bb)
    start = min(span.start for span in sheet.member.coverages)
    zone = ZoneInfo(sheet.member.person.time_zone)
    return sheet.meta(datetime.combine(start, time(8), zone), "us-core-patient", carin)


def carin_profile(canonical: str, version: str) -> str:
    """A CARIN profile as its guide asks for it: from 1.1.0 on with the version behind the bar."""
    return canonical if version == "1.0.0" else f"{canonical}|{version}"


def _identifiers(sheet: Sheet) -> list[Json]:
    """The member's numbers; the county's unique client identifier is CARIN's unique member id."""
    member = sheet.member
    found = [
        _identifier(V2_0203, "MB", "Member Number", "member", member.coverages[0].member_id, "usual"),
        _identifier(V2_0203, "MR", "Medical Record Number", "medical-record", member.medical_record_number, "official"),
        _identifier(
            CARIN_IDENTIFIERS, "um", "Unique Member ID", "unique-client", member.unique_client_identifier, "secondary"
        ),
        *(_identifier(V2_0203, "MR", "Medical Record Number", "medical-record", old, "old") for old in member.merged),
    ]
    if sheet.world.guides.carin_bb == "1.0.0":
        account = f"A{member.medical_record_number[1:]}"
        found.append(_identifier(CARIN_IDENTIFIERS, "pat", "Patient Account Number", "account", account, "secondary"))
    return found


def _identifier(kind_system: str, kind: str, display: str, system: str, value: str, use: str) -> Json:
    return {
        "use": use,
        "type": concept(kind_system, kind, display),
        "system": f"{IDENTIFIERS}{system}",
        "value": value,
    }


def _extensions(sheet: Sheet) -> list[Json]:
    person = sheet.member.person
    found: list[Json] = []
    if "race-unknown" not in sheet.member.flags:
        parts: list[Json] = [
            {"url": "ombCategory", "valueCoding": _coding(one)} for one in person.race if one.code != "2131-1"
        ]
        parts += [{"url": "detailed", "valueCoding": _coding(one)} for one in person.race_detailed]
        parts.append({"url": "text", "valueString": person.race_text})
        found.append({"url": f"{US_CORE}us-core-race", "extension": parts})
    else:
        unknown = coding(f"{HL7}v3-NullFlavor", "UNK", "unknown")
        found.append(
            {
                "url": f"{US_CORE}us-core-race",
                "extension": [
                    {"url": "ombCategory", "valueCoding": unknown},
                    {"url": "text", "valueString": "Unknown"},
                ],
            }
        )
    if person.ethnicity is not None:
        parts = [{"url": "ombCategory", "valueCoding": _coding(person.ethnicity)}]
        parts += [{"url": "detailed", "valueCoding": _coding(one)} for one in person.ethnicity_detailed]
        parts.append({"url": "text", "valueString": person.ethnicity_text})
        found.append({"url": f"{US_CORE}us-core-ethnicity", "extension": parts})
    found.append({"url": f"{US_CORE}us-core-birthsex", "valueCode": person.birth_sex})
    if sheet.us_core_6:
        found += _extensions_of_6(sheet)
    return found


def _extensions_of_6(sheet: Sheet) -> list[Json]:
    person = sheet.member.person
    found: list[Json] = []
    sex = {"F": "248152002", "M": "248153007"}.get(person.birth_sex)
    if sex is not None:
        found.append({"url": f"{US_CORE}us-core-sex", "valueCode": sex})
    if person.gender_identity is not None:
        found.append(
            {"url": f"{US_CORE}us-core-genderIdentity", "valueCodeableConcept": concept_of(person.gender_identity)}
        )
    if person.tribe is not None:
        found.append(
            {
                "url": f"{US_CORE}us-core-tribal-affiliation",
                "extension": [
                    {"url": "tribalAffiliation", "valueCodeableConcept": concept_of(person.tribe)},
                    {"url": "isEnrolled", "valueBoolean": sheet.member.number % 2 == 0},
                ],
            }
        )
    if person.pronouns is not None:
        found.append(
            {
                "url": "http://hl7.org/fhir/StructureDefinition/individual-pronouns",
                "extension": [{"url": "value", "valueCodeableConcept": concept_of(person.pronouns)}],
            }
        )
    return found


def _coding(code: Code) -> Json:
    return coding(code.system, code.code, code.display)


def related_persons(sheet: Sheet) -> None:
    """Those with rights in the member's record; the relationship and its dates, never a second copy of their chart."""
    profiles = ["us-core-relatedperson"] if sheet.us_core_6 else []
    if sheet.world.guides.carin_bb.startswith("2"):
        profiles.append(carin_profile(CARIN_RELATED, sheet.world.guides.carin_bb))
    for delegate in sheet.member.delegates:
        moment = datetime.combine(delegate.start, time(9), ZoneInfo(sheet.member.person.time_zone))
        sheet.add(_related_person(sheet, delegate, sheet.meta(moment, *profiles)))


def _related_person(sheet: Sheet, delegate: Delegate, meta: Json) -> Json:
    resource: Json = {
        "resourceType": "RelatedPerson",
        "id": delegate.id,
        "meta": meta,
        "identifier": [{"system": f"{IDENTIFIERS}delegate", "value": delegate.id}],
        "active": delegate.until is None or delegate.until > sheet.world.as_of.date(),
        "patient": sheet.subject,
        "relationship": [concept_of(delegate.relationship)],
        "name": [human_name(delegate.name)],
        "telecom": [telecom("phone", delegate.phone, "home")],
        "gender": delegate.gender,
        "address": [postal_address(delegate.address)],
        "period": period(delegate.start, delegate.until),
    }
    if delegate.birth_date is not None:
        resource["birthDate"] = delegate.birth_date.isoformat()
    return resource


def social_facts(sheet: Sheet) -> None:
    """Occupation and sexual orientation (US Core 6.1.0 profiles; base Observations before)."""
    person = sheet.member.person
    start = max(min(span.start for span in sheet.member.coverages), birthday(person.birth_date, 18))
    when = datetime.combine(start, time(10), ZoneInfo(person.time_zone))
    social = [concept(f"{HL7}observation-category", "social-history", "Social History")]
    if person.occupation is not None and person.industry is not None:
        sheet.add(
            {
                "resourceType": "Observation",
                "id": f"{sheet.member.id}-occupation",
                "meta": sheet.meta(when, *(["us-core-observation-occupation"] if sheet.us_core_6 else [])),
                "status": "final",
                "category": social,
                "code": concept(LOINC, "11341-5", "History of Occupation"),
                "subject": sheet.subject,
                "effectivePeriod": period(start),
                "valueCodeableConcept": concept_of(person.occupation),
                "component": [
                    {
                        "code": concept(LOINC, "86188-0", "History of Occupation Industry"),
                        "valueCodeableConcept": concept_of(person.industry),
                    }
                ],
            }
        )
    if person.sexual_orientation is not None and sheet.us_core_6:
        sheet.add(
            {
                "resourceType": "Observation",
                "id": f"{sheet.member.id}-orientation",
                "meta": sheet.meta(when, "us-core-observation-sexual-orientation"),
                "status": "final",
                "category": social,
                "code": concept(LOINC, "76690-7", "Sexual orientation"),
                "subject": sheet.subject,
                "effectiveDateTime": instant(when),
                "valueCodeableConcept": concept_of(person.sexual_orientation),
            }
        )
