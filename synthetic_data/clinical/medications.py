"""MedicationRequest and MedicationDispense: what was prescribed and what was handed out."""

from __future__ import annotations

from typing import Any

from synthetic_data.clinical.sheet import HL7, Json, Sheet, concept, instant, period, quantity, ref
from synthetic_data.records import LABELS_PART2, Fill, MedicationCourse
from synthetic_data.yaml_tables import table

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PDEX_DISPENSE = "http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-medicationdispense"


def medications(sheet: Sheet) -> None:
    """Every course: its prescription and its fills."""
    for course in sheet.member.medications:
        row = table("codes/drugs.yaml")[course.drug]
        sheet.add(_request(sheet, course, row), course.visit)
        for fill in course.fills:
            sheet.add(_dispense(sheet, course, fill, row))


def drug_concept(row: dict[str, Any]) -> Json:
    """The drug by RxNorm."""
    return concept(RXNORM, *row["rxnorm"])


def _dosage(course: MedicationCourse, row: dict[str, Any]) -> Json:
    per_day = row["per_day"]
    repeat: Json = {"boundsPeriod": period(course.start.date(), course.end.date() if course.end else None)}
    if per_day >= 1:
        times = max(1, round(per_day / row["amount"])) if row["unit"] != "mg" else 1
        repeat |= {"frequency": times, "period": 1, "periodUnit": "d"}
    else:
        repeat |= {"frequency": 1, "period": 1, "periodUnit": "mo"}
    dosage: Json = {"text": row["sig"], "timing": {"repeat": repeat}}
    if row.get("as_needed"):
        dosage["asNeededBoolean"] = True
    dosage["doseAndRate"] = [{"doseQuantity": quantity(row["amount"], row["unit"])}]
    return dosage


def _medication(row: dict[str, Any], drug: str) -> Json:
    """Drugs given at a clinic are told by reference, the others inline."""
    if row.get("administered"):
        return {"medicationReference": ref("Medication", f"drug-{drug.replace('_', '-')}")}
    return {"medicationCodeableConcept": drug_concept(row)}


def _request(sheet: Sheet, course: MedicationCourse, row: dict[str, Any]) -> Json:
    resource: Json = {
        "resourceType": "MedicationRequest",
        "id": course.id,
        "meta": sheet.meta(course.start, "us-core-medicationrequest", labels=LABELS_PART2 if course.part2 else ()),
        "status": course.status,
    }
    if course.stop_reason:
        resource["statusReason"] = {"text": course.stop_reason.capitalize()}
    resource["intent"] = "plan" if course.self_reported else "order"
    resource["category"] = [concept(f"{HL7}medicationrequest-category", "community", "Community")]
    if course.self_reported:
        resource["reportedReference"] = sheet.subject
    else:
        resource["reportedBoolean"] = False
    resource |= _medication(row, course.drug)
    resource["subject"] = sheet.subject
    resource["encounter"] = ref("Encounter", course.visit)
    resource["authoredOn"] = instant(course.start)
    resource["requester"] = ref("Practitioner", course.prescriber)
    if course.diagnosis is not None:
        resource["reasonReference"] = [ref("Condition", course.diagnosis)]
    resource["dosageInstruction"] = [_dosage(course, row)]
    if not course.self_reported:
        resource["dispenseRequest"] = {
            "numberOfRepeatsAllowed": course.refills,
            "quantity": quantity(round(max(1, course.days_supply * row["per_day"]), 2), row["unit"]),
            "expectedSupplyDuration": quantity(course.days_supply, "d", "days"),
        }
    return resource


def _dispense(sheet: Sheet, course: MedicationCourse, fill: Fill, row: dict[str, Any]) -> Json:
    profiles = ["us-core-medicationdispense"] if sheet.us_core_6 else []
    if sheet.world.guides.pdex.startswith("2"):
        profiles.append(PDEX_DISPENSE)
    kind = ("FFC", "First Fill - Complete") if fill.number == 0 else ("RFC", "Refill - Complete")
    return {
        "resourceType": "MedicationDispense",
        "id": fill.id,
        "meta": sheet.meta(fill.when, *profiles, labels=LABELS_PART2 if course.part2 else ()),
        "status": fill.status,
        "medicationCodeableConcept": drug_concept(row),
        "subject": sheet.subject,
        "performer": [{"actor": ref("Organization", fill.pharmacy)}],
        "authorizingPrescription": [ref("MedicationRequest", course.id)],
        "type": concept(f"{HL7}v3-ActCode", *kind),
        "quantity": quantity(round(max(1, fill.quantity), 2), row["unit"]),
        "daysSupply": quantity(fill.days_supply, "d", "days"),
        "whenHandedOver": instant(fill.when),
        "dosageInstruction": [_dosage(course, row)],
        "substitution": {"wasSubstituted": fill.number % 5 == 4},
    }
