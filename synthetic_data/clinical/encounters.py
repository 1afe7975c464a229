"""Encounter, Condition and Procedure: what happened, why, and what was done."""

from __future__ import annotations

from synthetic_data.clinical.sheet import (
    HL7,
    IDENTIFIERS,
    SNOMED,
    US_CORE_CATEGORY,
    Json,
    Sheet,
    coding,
    concept,
    concept_of,
    instant,
    period,
    ref,
    two_codes,
)
from synthetic_data.records import LABELS_PART2, Admission, Diagnosis, Visit
from synthetic_data.yaml_tables import table

CLASSES = {
    "AMB": "ambulatory",
    "VR": "virtual",
    "EMER": "emergency",
    "IMP": "inpatient encounter",
    "FLD": "field",
    "HH": "home health",
}
HCPCS = "urn:oid:2.16.840.1.113883.6.285"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def encounters(sheet: Sheet) -> None:
    """Every contact as an Encounter."""
    stays = {admission.visit: admission for admission in sheet.member.admissions}
    diagnoses = {diagnosis.id: diagnosis for diagnosis in sheet.member.diagnoses}
    for visit in sheet.member.visits:
        sheet.add(_encounter(sheet, visit, stays.get(visit.id), diagnoses), visit.id)


def _encounter(sheet: Sheet, visit: Visit, stay: Admission | None, diagnoses: dict[str, Diagnosis]) -> Json:
    row = table("codes/services.yaml")["visits"][visit.kind]
    resource: Json = {
        "resourceType": "Encounter",
        "id": visit.id,
        "meta": sheet.meta(visit.end, "us-core-encounter", labels=LABELS_PART2 if visit.part2 else ()),
        "identifier": [{"system": f"{IDENTIFIERS}encounter", "value": visit.id}],
        "status": visit.status,
        "class": coding(f"{HL7}v3-ActCode", visit.encounter_class, CLASSES[visit.encounter_class]),
        "type": [concept(SNOMED, *row["type"], row["title"])],
        "subject": sheet.subject,
        "participant": [
            {
                "type": [concept(f"{HL7}v3-ParticipationType", "PPRF", "primary performer")],
                "period": period(visit.start, visit.end),
                "individual": ref("Practitioner", visit.clinician),
            }
        ],
        "period": period(visit.start, None if stay is not None and stay.end is None else visit.end),
    }
    reasons = [diagnoses[one] for one in visit.diagnoses if one in diagnoses]
    if reasons:
        resource["reasonCode"] = [concept_of(one.snomed) for one in reasons]
        if sheet.us_core_6:
            resource["reasonReference"] = [ref("Condition", one.id) for one in reasons]
    if stay is not None:
        resource["hospitalization"] = _hospitalization(stay)
    resource["location"] = [{"location": ref("Location", visit.location)}]
    resource["serviceProvider"] = ref("Organization", visit.organization)
    return resource


def _hospitalization(stay: Admission) -> Json:
    shape: Json = {"admitSource": concept_of(stay.admit_source)}
    if stay.discharge is not None:
        shape["dischargeDisposition"] = concept_of(stay.discharge)
    return shape


def conditions(sheet: Sheet) -> None:
    """Diagnoses as problem-list items, encounter diagnoses and health concerns."""
    for diagnosis in sheet.member.diagnoses:
        sheet.add(_condition(sheet, diagnosis), diagnosis.visit)


def _condition(sheet: Sheet, diagnosis: Diagnosis) -> Json:
    encounter_diagnosis = diagnosis.category == "encounter-diagnosis"
    if not sheet.us_core_6:
        profile = "us-core-condition"
    elif encounter_diagnosis:
        profile = "us-core-condition-encounter-diagnosis"
    else:
        profile = "us-core-condition-problems-health-concerns"
    if diagnosis.category == "health-concern":
        system = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"
        categories = [concept(system, "health-concern", "Health Concern")]
    else:
        display = "Encounter Diagnosis" if encounter_diagnosis else "Problem List Item"
        categories = [concept(f"{HL7}condition-category", diagnosis.category, display)]
    if diagnosis.pathway == "social" and sheet.us_core_6:
        categories.append(concept(US_CORE_CATEGORY, "sdoh", "SDOH"))
    resource: Json = {
        "resourceType": "Condition",
        "id": diagnosis.id,
        "meta": sheet.meta(diagnosis.recorded, profile, labels=LABELS_PART2 if diagnosis.part2 else ()),
        "extension": [{"url": ASSERTED, "valueDateTime": diagnosis.recorded.date().isoformat()}],
        "clinicalStatus": concept(
            f"{HL7}condition-clinical", diagnosis.clinical_status, diagnosis.clinical_status.title()
        ),
        "verificationStatus": concept(
            f"{HL7}condition-ver-status", diagnosis.verification, diagnosis.verification.title()
        ),
        "category": categories,
        "code": two_codes(diagnosis.snomed, diagnosis.icd10, diagnosis.text)
        if diagnosis.icd10.code
        else concept_of(diagnosis.snomed),
        "subject": sheet.subject,
        "onsetDateTime": diagnosis.onset.isoformat(),
        "recordedDate": instant(diagnosis.recorded),
    }
    if diagnosis.severity is not None:
        resource["severity"] = concept_of(diagnosis.severity)
    if diagnosis.visit is not None:
        resource["encounter"] = ref("Encounter", diagnosis.visit)
    if diagnosis.abatement is not None:
        resource["abatementDateTime"] = diagnosis.abatement.isoformat()
    return resource


def procedures(sheet: Sheet) -> None:
    """Services that were done."""
    rows = table("codes/procedures.yaml")
    for service in sheet.member.services:
        row = rows[service.kind]
        codes = [coding(SNOMED, *row["code"])]
        if row["hcpcs"]:
            codes.append(coding(HCPCS, row["hcpcs"]))
        resource: Json = {
            "resourceType": "Procedure",
            "id": service.id,
            "meta": sheet.meta(service.end, "us-core-procedure", labels=LABELS_PART2 if service.part2 else ()),
            "status": service.status,
            "code": {"coding": codes, "text": row["code"][1]},
            "subject": sheet.subject,
            "encounter": ref("Encounter", service.visit),
        }
        if service.start == service.end:
            resource["performedDateTime"] = instant(service.start)
        else:
            resource["performedPeriod"] = period(service.start, service.end)
        resource["performer"] = [{"actor": ref("Practitioner", service.clinician)}]
        if service.reason is not None:
            resource["reasonReference"] = [ref("Condition", service.reason)]
        sheet.add(resource, service.visit)
