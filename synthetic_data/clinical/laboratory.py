"""Laboratory: ServiceRequest, Specimen, result Observations and the DiagnosticReport that gathers them."""

from __future__ import annotations

from typing import Any

from synthetic_data.clinical.sheet import (
    HL7,
    IDENTIFIERS,
    LOINC,
    SNOMED,
    Json,
    Sheet,
    concept,
    concept_of,
    instant,
    quantity,
    ref,
)
from synthetic_data.records import LABELS_PART2, Code, LabOrder, Measurement
from synthetic_data.yaml_tables import table


def laboratory(sheet: Sheet) -> None:
    """All orders with what came of them."""
    for order in sheet.member.labs:
        panel = table("codes/laboratory.yaml")["panels"][order.panel]
        _request(sheet, order, panel)
        _specimen(sheet, order, panel)
        for result in order.results:
            _result(sheet, order, result)
        _report(sheet, order, panel)


def _meta(sheet: Sheet, order: LabOrder, *profiles: str) -> Json:
    return sheet.meta(order.issued, *profiles, labels=LABELS_PART2 if order.part2 else ())


def _request(sheet: Sheet, order: LabOrder, panel: dict[str, Any]) -> None:
    resource: Json = {
        "resourceType": "ServiceRequest",
        "id": f"{order.id}-order",
        "meta": _meta(sheet, order, *(["us-core-servicerequest"] if sheet.us_core_6 else [])),
        "status": "completed" if order.status == "final" else "active",
        "intent": "order",
        "category": [concept(SNOMED, "108252007", "Laboratory procedure")],
        "code": concept(LOINC, panel["code"], panel["display"]),
        "subject": sheet.subject,
        "encounter": ref("Encounter", order.visit),
        "occurrenceDateTime": instant(order.collected),
        "authoredOn": instant(order.ordered),
        "requester": ref("Practitioner", order.clinician),
    }
    if order.reason is not None:
        resource["reasonReference"] = [ref("Condition", order.reason)]
    sheet.add(resource, order.visit)


def _specimen(sheet: Sheet, order: LabOrder, panel: dict[str, Any]) -> None:
    specimen = table("codes/laboratory.yaml")["specimens"][panel["specimen"]]
    sheet.add(
        {
            "resourceType": "Specimen",
            "id": f"{order.id}-specimen",
            "meta": _meta(sheet, order, *(["us-core-specimen"] if sheet.us_core_6 else [])),
            "accessionIdentifier": {"system": f"{IDENTIFIERS}accession", "value": order.id},
            "type": concept(SNOMED, *specimen),
            "subject": sheet.subject,
            "collection": {"collectedDateTime": instant(order.collected)},
        },
        order.visit,
    )


def _result(sheet: Sheet, order: LabOrder, result: Measurement) -> None:
    test = table("codes/laboratory.yaml")["tests"][result.kind]
    resource: Json = {
        "resourceType": "Observation",
        "id": result.id,
        "meta": _meta(sheet, order, "us-core-observation-lab"),
        "basedOn": [ref("ServiceRequest", f"{order.id}-order")],
        "status": order.status,
        "category": [concept(f"{HL7}observation-category", "laboratory", "Laboratory")],
        "code": concept(LOINC, test["code"], test["display"]),
        "subject": sheet.subject,
        "encounter": ref("Encounter", order.visit),
        "effectiveDateTime": instant(order.collected),
        "issued": instant(order.issued),
        "performer": [ref("Organization", order.laboratory)],
    }
    if result.value is None:
        resource["dataAbsentReason"] = concept(f"{HL7}data-absent-reason", "not-performed", "Not Performed")
    elif isinstance(result.value, Code):
        resource["valueCodeableConcept"] = concept_of(result.value)
    else:
        resource["valueQuantity"] = quantity(result.value, test["unit"])
        state = "H" if result.value > test["high"] else "L" if result.value < test["low"] else "N"
        shown = {"H": "High", "L": "Low", "N": "Normal"}[state]
        resource["interpretation"] = [concept(f"{HL7}v3-ObservationInterpretation", state, shown)]
        resource["referenceRange"] = [
            {"low": quantity(test["low"], test["unit"]), "high": quantity(test["high"], test["unit"])}
        ]
    resource["specimen"] = ref("Specimen", f"{order.id}-specimen")
    sheet.add(resource, order.visit)


def _report(sheet: Sheet, order: LabOrder, panel: dict[str, Any]) -> None:
    sheet.add(
        {
            "resourceType": "DiagnosticReport",
            "id": order.id,
            "meta": _meta(sheet, order, "us-core-diagnosticreport-lab"),
            "basedOn": [ref("ServiceRequest", f"{order.id}-order")],
            "status": order.status,
            "category": [concept(f"{HL7}v2-0074", "LAB", "Laboratory")],
            "code": concept(LOINC, panel["code"], panel["display"]),
            "subject": sheet.subject,
            "encounter": ref("Encounter", order.visit),
            "effectiveDateTime": instant(order.collected),
            "issued": instant(order.issued),
            "performer": [ref("Organization", order.laboratory)],
            "specimen": [ref("Specimen", f"{order.id}-specimen")],
            "result": [ref("Observation", result.id) for result in order.results],
        },
        order.visit,
    )
