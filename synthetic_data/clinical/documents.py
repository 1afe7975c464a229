"""Documents: DocumentReference, the Binary some point to, and the DiagnosticReport that tells a report a second time.

A psychotherapy note is labelled and stays in the data so that a server can be seen to withhold it (45 CFR 164.501, 164.524).
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from synthetic_data.clinical.sheet import (
    IDENTIFIERS,
    LOINC,
    Json,
    Sheet,
    concept,
    instant,
    period,
    ref,
)
from synthetic_data.records import LABELS_PART2, LABELS_PSYCHOTHERAPY_NOTE, ClinicalDocument
from synthetic_data.yaml_tables import table

CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
FORMAT = {
    "system": "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
    "display": "mimeType Sufficient",
}
BY_LINK = frozenset({"discharge", "cardiology", "imaging", "pathology"})


def documents(sheet: Sheet) -> None:
    """Every note and report."""
    for document in sheet.member.documents:
        row = table("codes/documents.yaml")[document.kind]
        attachment = _attachment(sheet, document, row["title"])
        sheet.add(_reference(sheet, document, row, attachment), document.visit)
        if "report" in row:
            _report(sheet, document, row, attachment)


def _labels(document: ClinicalDocument) -> tuple[tuple[str, str, str], ...]:
    if document.withheld:
        return LABELS_PSYCHOTHERAPY_NOTE
    return LABELS_PART2 if document.part2 else ()


def _attachment(sheet: Sheet, document: ClinicalDocument, title: str) -> Json:
    data = b64encode(document.text.encode()).decode()
    shape: Json = {"contentType": "text/plain", "language": "en-US"}
    if document.kind in BY_LINK:
        sheet.add(
            {
                "resourceType": "Binary",
                "id": f"{document.id}-text",
                "meta": sheet.meta(document.when, labels=_labels(document)),
                "contentType": "text/plain",
                "securityContext": sheet.subject,
                "data": data,
            }
        )
        shape["url"] = f"Binary/{document.id}-text"
    else:
        shape["data"] = data
    return {**shape, "title": title, "creation": instant(document.when)}


def _reference(sheet: Sheet, document: ClinicalDocument, row: dict[str, str], attachment: Json) -> Json:
    resource: Json = {
        "resourceType": "DocumentReference",
        "id": document.id,
        "meta": sheet.meta(document.when, "us-core-documentreference", labels=_labels(document)),
        "identifier": [{"system": f"{IDENTIFIERS}document", "value": document.id}],
        "status": document.status,
        "type": concept(LOINC, row["code"], row["display"]),
        "category": [concept(CATEGORY, "clinical-note", "Clinical Note"), *_class_of_report(row)],
        "subject": sheet.subject,
        "date": instant(document.when),
        "author": [ref("Practitioner", document.author)],
        "custodian": ref("Organization", document.organization),
        "content": [{"attachment": attachment, "format": FORMAT}],
    }
    if document.visit is not None:
        resource["context"] = {
            "encounter": [ref("Encounter", document.visit)],
            "period": period(document.when, document.when),
        }
    return resource


def _class_of_report(row: dict[str, Any]) -> list[Json]:
    """The service section a report belongs to, as its DiagnosticReport says it."""
    return [concept(LOINC, *row["report"])] if "report" in row else []


def _report(sheet: Sheet, document: ClinicalDocument, row: dict[str, list[str]], attachment: Json) -> None:
    code, display = row["report"]
    resource: Json = {
        "resourceType": "DiagnosticReport",
        "id": f"{document.id}-report",
        "meta": sheet.meta(document.when, "us-core-diagnosticreport-note", labels=_labels(document)),
        "status": "final",
        "category": [concept(LOINC, code, display)],
        "code": concept(LOINC, str(row["code"]), str(row["display"])),
        "subject": sheet.subject,
    }
    if document.visit is not None:
        resource["encounter"] = ref("Encounter", document.visit)
    resource["effectiveDateTime"] = resource["issued"] = instant(document.when)
    resource["performer"] = [ref("Practitioner", document.author), ref("Organization", document.organization)]
    if document.kind == "cardiology":
        impression = next(
            (one for one in sheet.member.measurements if one.kind == "ekg_impression" and one.visit == document.visit),
            None,
        )
        if impression is not None:
            resource["result"] = [ref("Observation", impression.id)]
        sheet.add(_strip(sheet, document), document.visit)
        resource["media"] = [{"comment": "Rhythm strip", "link": ref("Media", f"{document.id}-strip")}]
    resource["presentedForm"] = [attachment]
    sheet.add(resource, document.visit)


def _strip(sheet: Sheet, document: ClinicalDocument) -> Json:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 20"><path d="M0 10h20l3-6 3 12 3-6h51" fill="none" stroke="#000"/></svg>'
    return {
        "resourceType": "Media",
        "id": f"{document.id}-strip",
        "meta": sheet.meta(document.when),
        "status": "completed",
        "type": concept("http://terminology.hl7.org/CodeSystem/media-type", "image", "Image"),
        "subject": sheet.subject,
        "createdDateTime": instant(document.when),
        "content": {"contentType": "image/svg+xml", "data": b64encode(drawing).decode()},
    }
