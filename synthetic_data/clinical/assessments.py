"""Answered instruments: the total as Observation, the answers as QuestionnaireResponse, and item by item at first and last.

US Core 6.1.0 Screening Assessment and QuestionnaireResponse; the same resources without those profiles before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from synthetic_data.clinical.sheet import (
    HL7,
    LOCAL,
    LOINC,
    US_CORE,
    US_CORE_CATEGORY,
    Json,
    Sheet,
    concept,
    instant,
    quantity,
    ref,
)
from synthetic_data.records import LABELS_PART2, Assessment
from synthetic_data.yaml_tables import table

DIFFICULTY: tuple[Json, ...] = (
    {"system": LOINC, "code": "LA6572-7", "display": "Not difficult at all"},
    {"system": LOINC, "code": "LA6573-5", "display": "Somewhat difficult"},
    {"system": LOINC, "code": "LA6575-0", "display": "Very difficult"},
    {"system": LOINC, "code": "LA6574-3", "display": "Extremely difficult"},
)
QUESTIONNAIRES = "https://payer.example/fhir/Questionnaire/"


def assessments(sheet: Sheet) -> None:
    """All assessments; item Observations only where a member's first and latest use of an instrument is, to keep pages short."""
    by_instrument: dict[str, list[Assessment]] = {}
    for one in sheet.member.assessments:
        by_instrument.setdefault(one.instrument, []).append(one)
    itemised = {some[0].id for some in by_instrument.values()}
    for one in sheet.member.assessments:
        row = table("codes/instruments.yaml")["instruments"][one.instrument]
        _questionnaire_response(sheet, one, row)
        if one.id in itemised:
            _panel(sheet, one, row)
        _total(sheet, one, row)


@lru_cache(maxsize=64)
def items(instrument: str) -> tuple[tuple[Json, str, str, tuple[Json, ...]], ...]:
    """For each item: its code, its link id, its text, and its answers as Codings by score."""
    tables = table("codes/instruments.yaml")
    listed = tables["instruments"][instrument]["items"]
    if isinstance(listed, dict):
        listed = [
            {"local": f"{listed['local']}-{number}", "text": f"{listed['text']} {number}", "answers": listed["answers"]}
            for number in range(1, listed["count"] + 1)
        ]
    return tuple(
        (
            _code(one),
            f"/{one.get('code') or one['local']}",
            one["text"],
            tuple(_answer(answer) for answer in tables["answer_lists"][one["answers"]]),
        )
        for one in listed
    )


def _answer(row: dict[str, Any]) -> Json:
    system = f"{LOCAL}-answers" if row.get("system") == "local" else LOINC
    return {"system": system, "code": row["code"], "display": row["display"]}


def _code(row: dict[str, Any]) -> Json:
    if "code" in row:
        return concept(LOINC, row["code"], row.get("display", ""), row.get("text", ""))
    return concept(LOCAL, row["local"], row.get("display", row.get("text", "")))


def _observation(sheet: Sheet, one: Assessment, suffix: str, row: dict[str, Any]) -> Json:
    categories = [concept(f"{HL7}observation-category", "survey", "Survey")]
    if sheet.us_core_6:
        shown = {"sdoh": "SDOH", "disability-status": "Disability Status"}[row["category"]]
        categories.append(concept(US_CORE_CATEGORY, row["category"], shown))
    resource: Json = {
        "resourceType": "Observation",
        "id": f"{one.id}{suffix}",
        "meta": sheet.meta(
            one.when,
            *(["us-core-observation-screening-assessment"] if sheet.us_core_6 else []),
            labels=LABELS_PART2 if one.part2 else (),
        ),
        "status": "amended" if one.status == "amended" else "final",
        "category": categories,
        "code": {},
        "subject": sheet.subject,
    }
    if one.visit is not None:
        resource["encounter"] = ref("Encounter", one.visit)
    resource["effectiveDateTime"] = instant(one.when)
    if one.clinician is not None:
        resource["performer"] = [ref("Practitioner", one.clinician)]
    return resource


def _total(sheet: Sheet, one: Assessment, row: dict[str, Any]) -> None:
    resource = _observation(sheet, one, "-total", row)
    resource["code"] = _code(row["total"])
    resource["valueQuantity"] = quantity(one.total, row["total"]["unit"])
    resource["derivedFrom"] = [ref("QuestionnaireResponse", f"{one.id}-answers")]
    sheet.add(resource, one.visit)


def _panel(sheet: Sheet, one: Assessment, row: dict[str, Any]) -> None:
    parts = [f"{one.id}-{number}" for number in range(1, len(one.answers) + 1)]
    panel = _observation(sheet, one, "", row)
    panel["code"] = _code(row["panel"])
    panel["hasMember"] = [ref("Observation", identifier) for identifier in (*parts, f"{one.id}-total")]
    panel["derivedFrom"] = [ref("QuestionnaireResponse", f"{one.id}-answers")]
    sheet.add(panel, one.visit)
    for number, (code, _, _, answers) in enumerate(items(one.instrument), start=1):
        item = _observation(sheet, one, f"-{number}", row)
        item["code"] = code
        if one.answers[number - 1] < 0:
            item["dataAbsentReason"] = concept(f"{HL7}data-absent-reason", "asked-declined", "Asked But Declined")
        else:
            chosen = answers[one.answers[number - 1]]
            item["valueCodeableConcept"] = {"coding": [chosen], "text": chosen["display"]}
        item["derivedFrom"] = [ref("QuestionnaireResponse", f"{one.id}-answers")]
        sheet.add(item, one.visit)


def _questionnaire_response(sheet: Sheet, one: Assessment, row: dict[str, Any]) -> None:
    resource: Json = {
        "resourceType": "QuestionnaireResponse",
        "id": f"{one.id}-answers",
        "meta": sheet.meta(
            one.when,
            *(["us-core-questionnaireresponse"] if sheet.us_core_6 else []),
            labels=LABELS_PART2 if one.part2 else (),
        ),
        "identifier": {"system": "https://payer.example/fhir/identifier/assessment", "value": one.id},
        "questionnaire": f"{QUESTIONNAIRES}{one.instrument}",
        "_questionnaire": {"extension": _names_of_questionnaire(sheet, one.instrument, row["title"])},
        "status": one.status,
        "subject": sheet.subject,
    }
    if one.visit is not None:
        resource["encounter"] = ref("Encounter", one.visit)
    resource["authored"] = instant(one.when)
    if one.clinician is not None:
        resource["author"] = ref("Practitioner", one.clinician)
    answered = [_answered(one, number) for number in range(len(one.answers))]
    if one.instrument == "phq-9":
        answered[-1]["answer"][0]["item"] = [_difficulty(one.total)]
    if one.instrument == "social-needs":
        answered = [{"linkId": "/social-needs", "text": row["title"], "item": answered}]
    resource["item"] = answered
    sheet.add(resource, one.visit)


def _answered(one: Assessment, number: int) -> Json:
    _, link, text, answers = items(one.instrument)[number]
    shape: Json = {"linkId": link, "text": text}
    if one.answers[number] >= 0:
        shape["answer"] = [{"valueCoding": answers[one.answers[number]]}]
    return shape


def _difficulty(total: int) -> Json:
    """The question that follows the nine: how much the problems get in the way; no part of the total."""
    chosen = DIFFICULTY[min(3, total // 7)]
    return {
        "linkId": "/69722-7",
        "text": "How difficult the problems made work, home or getting along",
        "answer": [{"valueCoding": chosen}],
    }


def _names_of_questionnaire(sheet: Sheet, instrument: str, title: str) -> list[Json]:
    names: list[Json] = [{"url": "http://hl7.org/fhir/StructureDefinition/display", "valueString": title}]
    if sheet.us_core_6:
        uri = f"{US_CORE}us-core-extension-questionnaire-uri"
        names.append({"url": uri, "valueUri": f"{QUESTIONNAIRES}{instrument}"})
    return names
