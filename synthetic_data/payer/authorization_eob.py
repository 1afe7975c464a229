"""A prior authorization as PDex 2.0.0 shows it: an ExplanationOfBenefit of use `preauthorization`.

Where the times of 42 CFR 438.210(f) stand: `created` is the receipt of the request; `supportingInfo` holds one entry for each
interval, `request` (receipt to first determination, with its outcome), `extension` (taken, new limit) and `appeal` (receipt,
decision, with its outcome); the issue date is also an extension of the item. The item extensions the profile takes from PAS 2.0.1
may stand on Claim and ClaimResponse only, so the HRex ones of the same meaning are used.
"""

from __future__ import annotations

from datetime import datetime

from synthetic_data.payer.adjudication import fee, service_words
from synthetic_data.payer.authorizations import REASONS, Authorization
from synthetic_data.payer.carin import ADJUDICATION, CLAIM_TYPE, DIAGNOSIS_TYPE, ICD10CM, REMARK, money
from synthetic_data.payer.fhir import HREX, PAYER, PDEX, Json, coding, concept, extension, instant, meta, nested, period
from synthetic_data.records import LABELS_PART2, Assessment, Diagnosis, Member, World

PDEX_CODES = "http://hl7.org/fhir/us/davinci-pdex/CodeSystem/"
EVENT = PAYER + "CodeSystem/prior-authorization-event"
OUTCOME = PAYER + "CodeSystem/prior-authorization-outcome"
NUMBER = PAYER + "NamingSystem/prior-authorization"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
SERVICE_TYPE = "https://x12.org/codes/service-type-codes"
LEVEL_OF_SERVICE = "https://codesystem.x12.org/005010/1338"
REVIEW = "https://codesystem.x12.org/005010/306"

# Codes alone, as the examples of PDex and PAS show them: in force, not, awaited. A withdrawn request has none.
REVIEW_CODES = {"approved": "A1", "denied": "A3", "queued": "A4"}
DISPOSITIONS = {
    "queued": "The request has been received and is under review.",
    "approved": "The request is approved.",
    "partial": "The request is approved in part.",
    "denied": "The request is denied.",
    "withdrawn": "The request was withdrawn by the provider.",
}
REMITTANCE = {
    "queued": "queued",
    "approved": "complete",
    "partial": "partial",
    "denied": "complete",
    "withdrawn": "complete",
}


def authorization_eob(authorization: Authorization, member: Member, world: World) -> Json:
    """The prior authorization as a resource."""
    payer = world.network.payer
    organization = world.network.organization_of[authorization.organization]
    kind = "institutional" if authorization.institutional else "professional"
    shape: Json = {
        "resourceType": "ExplanationOfBenefit",
        "id": authorization.id,
        "meta": meta(
            (PDEX + "pdex-priorauthorization|2.0.0",),
            authorization.updated,
            LABELS_PART2 if authorization.part2 else (),
        ),
        "extension": [
            extension(
                PDEX + "extension-levelOfServiceCode",
                "CodeableConcept",
                concept(LEVEL_OF_SERVICE, "U" if authorization.expedited else "E"),
            )
        ],
        "identifier": [{"system": NUMBER, "value": authorization.number}],
        "status": "cancelled" if authorization.outcome == "withdrawn" else "active",
        "type": concept(CLAIM_TYPE, kind, kind.capitalize()),
        "use": "preauthorization",
        "patient": {"reference": f"Patient/{member.id}"},
        "billablePeriod": period(authorization.start, authorization.end),
        "created": instant(authorization.received),
        "enterer": {"reference": f"Practitioner/{authorization.clinician}"},
        "insurer": {"reference": f"Organization/{payer.id}", "display": payer.name},
        "provider": {"reference": f"Organization/{organization.id}", "display": organization.name},
        "priority": concept(
            "http://terminology.hl7.org/CodeSystem/processpriority", "stat" if authorization.expedited else "normal"
        ),
    }
    if authorization.previous:
        shape["related"] = [
            {
                "relationship": concept("http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "prior"),
                "reference": {"system": NUMBER, "value": authorization.previous},
            }
        ]
    shape["facility"] = {"reference": f"Location/{authorization.facility}"}
    shape["outcome"] = REMITTANCE[authorization.outcome]
    shape["disposition"] = DISPOSITIONS[authorization.outcome]
    if authorization.approved_units:
        shape["preAuthRef"] = [authorization.number]
        shape["preAuthRefPeriod"] = [period(authorization.start, authorization.end)]
    shape["careTeam"] = [
        {
            "sequence": 1,
            "provider": {"reference": f"Practitioner/{authorization.clinician}"},
            "responsible": True,
        }
    ]
    shape["supportingInfo"] = _events(authorization)
    assessment = _assessment_sent(authorization, member)
    if assessment is not None:
        shape["supportingInfo"].append(
            {
                "sequence": len(shape["supportingInfo"]) + 1,
                "category": concept(EVENT, "documentation"),
                "timingDate": assessment.when.date().isoformat(),
                "valueReference": {"reference": f"QuestionnaireResponse/{assessment.id}-answers"},
            }
        )
    diagnosis = next((each for each in member.diagnoses if each.id == authorization.diagnosis), None)
    if diagnosis is not None:
        shape["diagnosis"] = [_diagnosis(diagnosis)]
    shape["insurance"] = [{"focal": True, "coverage": {"reference": f"Coverage/{authorization.coverage}"}}]
    shape["item"] = _items(authorization)
    shape["total"] = _totals(authorization)
    return shape


def _assessment_sent(authorization: Authorization, member: Member) -> Assessment | None:
    """The structured clinical documentation that came with the request: the newest assessment, none that is protected further."""
    known = [
        each
        for each in member.assessments
        if each.when <= authorization.received and (authorization.part2 or not each.part2)
    ]
    return max(known, key=lambda each: (each.when, each.id), default=None)


def _diagnosis(diagnosis: Diagnosis) -> Json:
    return {
        "sequence": 1,
        "diagnosisCodeableConcept": concept(ICD10CM, diagnosis.icd10.code, diagnosis.icd10.display),
        "type": [concept(DIAGNOSIS_TYPE, "principal")],
    }


def _events(authorization: Authorization) -> list[Json]:
    """The intervals the metrics are computed from."""
    events: list[Json] = []

    def add(event: str, start: datetime, end: datetime | None, outcome: str = "") -> None:
        entry: Json = {"sequence": len(events) + 1, "category": concept(EVENT, event)}
        if outcome:
            entry["code"] = concept(OUTCOME, outcome)
        entry["timingPeriod"] = period(start, end)
        events.append(entry)

    add("request", authorization.received, authorization.determined, authorization.initial)
    if authorization.extension:
        add("extension", authorization.extension.taken, authorization.extension.until)
    if authorization.appeal:
        appeal = authorization.appeal
        outcome = "" if appeal.decided is None else "overturned" if appeal.overturned else "upheld"
        add("appeal", appeal.received, appeal.decided, outcome)
    if authorization.outcome == "withdrawn":
        add("withdrawal", authorization.updated, authorization.updated)
    return events


def _items(authorization: Authorization) -> list[Json]:
    """What was asked for; a request approved in part is two items, one for what was approved and one for the rest."""
    if authorization.outcome != "partial":
        code = REVIEW_CODES.get(authorization.outcome, "")
        return [_item(authorization, 1, authorization.units, authorization.approved_units, code)]
    rest = authorization.units - authorization.approved_units
    return [
        _item(authorization, 1, authorization.approved_units, authorization.approved_units, REVIEW_CODES["approved"]),
        _item(authorization, 2, rest, 0, REVIEW_CODES["denied"]),
    ]


def _item(authorization: Authorization, sequence: int, units: int, approved: int, review_code: str) -> Json:
    charge, allowed = fee(authorization.code)
    extensions = [
        extension(
            HREX + "extension-itemTraceNumber",
            "Identifier",
            {"system": PAYER + "NamingSystem/trace", "value": f"TRC-{authorization.number}-{sequence}"},
        )
    ]
    if authorization.determined:
        extensions.append(
            extension(HREX + "extension-itemPreAuthIssueDate", "Date", authorization.determined.date().isoformat())
        )
    if approved:
        extensions += [
            extension(HREX + "extension-itemAuthorizedDate", "Period", period(authorization.start, authorization.end)),
            extension(
                HREX + "extension-itemAuthorizedProvider",
                "Reference",
                {"reference": f"Organization/{authorization.organization}"},
            ),
        ]
    review = [extension("number", "String", authorization.number)]
    if review_code:
        review.append(extension(PDEX + "extension-reviewActionCode", "CodeableConcept", concept(REVIEW, review_code)))
    adjudication: list[Json] = [
        {
            "extension": [nested(PDEX + "extension-reviewAction", *review)],
            "category": concept(ADJUDICATION, "submitted"),
            "amount": money(charge * units),
        }
    ]
    if authorization.initial:
        used = authorization.used_units if approved else 0
        adjudication.append({"category": concept(ADJUDICATION, "eligible"), "amount": money(allowed * approved)})
        adjudication.append({"category": _discriminator("allowedunits"), "value": approved})
        adjudication.append({"category": _discriminator("consumedunits"), "value": used})
    if authorization.reason and not (approved and authorization.outcome == "partial"):
        code, words = REASONS[authorization.reason]
        adjudication.append(
            {
                "category": _discriminator("denialreason"),
                "reason": {"coding": [{"system": REMARK, "code": code}], "text": words},
            }
        )
    return {
        "extension": extensions,
        "sequence": sequence,
        "category": concept(SERVICE_TYPE, "3"),
        "productOrService": concept(HCPCS, authorization.code, service_words(authorization.code)),
        "servicedPeriod": period(authorization.start, authorization.end),
        "quantity": {"value": units},
        "adjudication": adjudication,
    }


def _discriminator(code: str) -> Json:
    """The category of units and reasons.

    The profile asks for codes of PDexAdjudicationDiscriminator in three slices, and its required value set holds none of them;
    the network status beside the code satisfies both.
    """
    return {
        "coding": [
            coding(PDEX_CODES + "PDexAdjudicationDiscriminator", code),
            coding(PDEX_CODES + "PDexPayerAdjudicationStatus", "innetwork"),
        ]
    }


def _totals(authorization: Authorization) -> list[Json]:
    charge, allowed = fee(authorization.code)
    totals = [("submitted", authorization.units, charge)]
    if authorization.initial:
        totals += [
            ("eligible", authorization.approved_units, allowed),
            ("utilized", authorization.used_units, allowed),
        ]
    return [
        {
            "extension": [extension(PDEX + "PriorAuthorizationUtilization", "Quantity", {"value": units})],
            "category": concept(PDEX_CODES + "PriorAuthorizationValueCodes", category),
            "amount": money(units * price),
        }
        for category, units, price in totals
    ]
