"""Observations of the body and of life: vital signs, smoking, pregnancy; profiles differ between US Core 3.1.1 and 6.1.0."""

from __future__ import annotations

from functools import lru_cache

from synthetic_data.clinical.sheet import (
    BASE,
    HL7,
    LOCAL,
    LOINC,
    Json,
    Sheet,
    coding,
    concept,
    concept_of,
    instant,
    quantity,
    ref,
)
from synthetic_data.records import LABELS_PART2, Code, Measurement
from synthetic_data.yaml_tables import table

BASE_PROFILES = {
    "height": "bodyheight",
    "weight": "bodyweight",
    "bmi": "bmi",
    "heart_rate": "heartrate",
    "respiratory_rate": "resprate",
    "temperature": "bodytemp",
    "head_circumference": "headcircum",
}
FINDINGS = {
    "pregnancy_status": ("82810-3", "Pregnancy status", "us-core-observation-pregnancystatus"),
    "pregnancy_intent": (
        "86645-9",
        "Pregnancy intention in the next year - Reported",
        "us-core-observation-pregnancyintent",
    ),
    "smoking": ("72166-2", "Tobacco smoking status", "us-core-smokingstatus"),
    "homelessness": ("71802-3", "Housing status", "us-core-simple-observation"),
    "disability": ("difficulty-dressing-bathing", "Difficulty dressing or bathing", "us-core-simple-observation"),
    "ekg_impression": ("18844-1", "EKG impression", "us-core-observation-clinical-result"),
}


@lru_cache(maxsize=4)
def _category(code: str, display: str) -> list[Json]:
    return [concept(f"{HL7}observation-category", code, display)]


def measurements(sheet: Sheet) -> None:
    """Vital signs and findings."""
    for one in sheet.member.measurements:
        if one.kind in FINDINGS:
            resource = _finding(sheet, one)
        elif one.kind == "blood_pressure":
            resource = _blood_pressure(sheet, one)
        elif one.kind == "oxygen":
            resource = _oxygen(sheet, one)
        else:
            resource = _vital(sheet, one)
        sheet.add(resource, one.visit)


def _observation(sheet: Sheet, one: Measurement, *profiles: str) -> Json:
    resource: Json = {
        "resourceType": "Observation",
        "id": one.id,
        "meta": sheet.meta(one.when, *profiles, labels=LABELS_PART2 if one.part2 else ()),
        "status": one.status,
        "category": _category("vital-signs", "Vital Signs"),
        "code": {},
        "subject": sheet.subject,
    }
    if one.visit is not None:
        resource["encounter"] = ref("Encounter", one.visit)
    resource["effectiveDateTime"] = instant(one.when)
    if one.clinician is not None:
        resource["performer"] = [ref("Practitioner", one.clinician)]
    return resource


def _absent(reason: str) -> Json:
    displays = {"unknown": "Unknown", "not-performed": "Not Performed", "asked-declined": "Asked But Declined"}
    return concept(f"{HL7}data-absent-reason", reason, displays[reason])


def _vital(sheet: Sheet, one: Measurement) -> Json:
    row = table("codes/observations.yaml")["vitals"][one.kind]
    if sheet.us_core_6:
        profiles = [row["profile"]]
    elif one.kind in BASE_PROFILES:
        profiles = [BASE + BASE_PROFILES[one.kind]]
    else:
        profiles = [row["profile"]]
    resource = _observation(sheet, one, *profiles)
    resource["code"] = concept(LOINC, row["code"], row["display"])
    if one.value is None:
        resource["dataAbsentReason"] = _absent(one.absent or "unknown")
    else:
        assert not isinstance(one.value, Code)
        resource["valueQuantity"] = quantity(one.value, row["unit"])
    if one.position is not None:
        code = concept(LOINC, "8361-8", "Body position with respect to gravity")
        place = concept(LOINC, "8327-9", "Body temperature measurement site")
        resource["component"] = [
            {"code": code, "valueCodeableConcept": concept_of(one.position)},
            {"code": place, "dataAbsentReason": _absent("not-performed")},
        ]
    return resource


def _blood_pressure(sheet: Sheet, one: Measurement) -> Json:
    resource = _observation(sheet, one, "us-core-blood-pressure" if sheet.us_core_6 else f"{BASE}bp")
    resource["code"] = concept(LOINC, "85354-9", "Blood pressure panel with all children optional")
    systolic: Json = {"code": concept(LOINC, "8480-6", "Systolic blood pressure")}
    diastolic: Json = {"code": concept(LOINC, "8462-4", "Diastolic blood pressure")}
    if one.value is None:
        reason = _absent(one.absent or "unknown")
        systolic["dataAbsentReason"] = diastolic["dataAbsentReason"] = resource["dataAbsentReason"] = reason
    else:
        assert not isinstance(one.value, Code)
        systolic["valueQuantity"] = quantity(one.value, "mm[Hg]", "mmHg")
        diastolic["valueQuantity"] = quantity(one.also[0], "mm[Hg]", "mmHg")
    resource["component"] = [systolic, diastolic]
    return resource


def _oxygen(sheet: Sheet, one: Measurement) -> Json:
    """Pulse oximetry; with inhaled oxygen the flow and the concentration too."""
    resource = _observation(sheet, one, "us-core-pulse-oximetry")
    resource["code"] = {
        "coding": [
            coding(LOINC, "2708-6", "Oxygen saturation in Arterial blood"),
            coding(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        ],
        "text": "Oxygen saturation",
    }
    if one.value is None:
        resource["dataAbsentReason"] = _absent(one.absent or "unknown")
    else:
        assert not isinstance(one.value, Code)
        resource["valueQuantity"] = quantity(one.value, "%")
    if one.also or one.absent:
        flow: Json = {"code": concept(LOINC, "3151-8", "Inhaled oxygen flow rate")}
        concentration: Json = {"code": concept(LOINC, "3150-0", "Inhaled oxygen concentration")}
        if one.also:
            flow["valueQuantity"] = quantity(one.also[0], "L/min", "liters/min")
            concentration["valueQuantity"] = quantity(one.also[1], "%")
        else:
            flow["dataAbsentReason"] = concentration["dataAbsentReason"] = _absent("not-performed")
        resource["component"] = [flow, concentration]
    return resource


def _finding(sheet: Sheet, one: Measurement) -> Json:
    code, display, profile = FINDINGS[one.kind]
    profiles = [profile] if sheet.us_core_6 or one.kind == "smoking" else []
    resource = _observation(sheet, one, *profiles)
    if one.kind == "ekg_impression":
        resource["category"] = _category("procedure", "Procedure")
    elif one.kind == "disability":
        functional = concept(
            "http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "functional-status", "Functional Status"
        )
        resource["category"] = [functional] if sheet.us_core_6 else _category("survey", "Survey")
    else:
        resource["category"] = _category("social-history", "Social History")
    resource["code"] = concept(LOCAL if one.kind == "disability" else LOINC, code, display)
    if one.kind == "smoking":
        resource["issued"] = instant(one.when)
    if one.value is None:
        resource["dataAbsentReason"] = _absent(one.absent or "unknown")
    elif isinstance(one.value, Code):
        resource["valueCodeableConcept"] = concept_of(one.value)
    else:
        resource["valueQuantity"] = quantity(one.value, "1")
    return resource
