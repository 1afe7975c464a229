"""ExplanationOfBenefit: a claim as CARIN Blue Button 1.0.0, 1.1.0 and 2.0.0 show it.

Institutional claims carry their amounts either on the lines or at the header, never at both (the guide's invariant
EOB-institutional-item-or-header-adjudication). Leaves to others: what was billed and paid (`claims.py`), what the versions call
things (`carin.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from synthetic_data.payer.adjudication import service_words
from synthetic_data.payer.bills import Dispensing, Planned, Ride, Stay
from synthetic_data.payer.carin import (
    AMBULANCE_FOR_CARE,
    C4BB,
    CDT,
    DUMMY,
    ICD10CM,
    ICD10PCS,
    MILES,
    MS_DRG,
    NDC,
    NUBC,
    NUCC,
    ORAL_AREA,
    PAYEE,
    PLACE_OF_SERVICE,
    POUNDS,
    RELATED,
    REMARK,
    SUBTYPE,
    TOOTH,
    TYPE,
    Version,
    amounts,
    code_concept,
    diagnosis_type,
    money,
    role_concept,
)
from synthetic_data.payer.claims import REASONS, Claim, Line
from synthetic_data.payer.fhir import PAYER, Json, instant, meta
from synthetic_data.records import LABELS_PART2, Member, World

CLAIM_NUMBER = PAYER + "NamingSystem/claim"
UCUM = "http://unitsofmeasure.org"
# Reasons for a visit that are no condition of the member (ICD-10-CM; CMS and CDC, public domain).
VISIT_REASONS = {
    "Z00.00": "Encounter for general adult medical examination without abnormal findings",
    "Z01.20": "Encounter for dental examination and cleaning without abnormal findings",
}
Adder = Callable[..., int]
YES, NO = (
    code_concept(NUBC + "PresentOnAdmissionIndicator", "Y"),
    code_concept(NUBC + "PresentOnAdmissionIndicator", "N"),
)
FIXED_SURFACES = {surface: code_concept(C4BB + "C4BBSurfaceCodes", surface) for surface in "MOIDBFL"}


def is_rendered(claim: Claim, form: Version) -> bool:
    """Whether the version has a profile for the claim: oral claims came with 2.0.0."""
    return claim.kind in form.profiles


def explanation_of_benefit(claim: Claim, member: Member, world: World, form: Version) -> Json:
    """The ExplanationOfBenefit of a claim."""
    kind = claim.kind
    shape: Json = {
        "resourceType": "ExplanationOfBenefit",
        "id": claim.id,
        "meta": meta(form.profiles[kind], claim.updated, LABELS_PART2 if claim.part2 else ()),
        "identifier": [{"type": form.identifier_type, "system": CLAIM_NUMBER, "value": claim.number}],
        "status": claim.status,
        "type": TYPE[kind],
    }
    if kind in SUBTYPE and form.number != "1.0.0":
        shape["subType"] = SUBTYPE[kind]
    payer = world.network.payer
    shape |= {
        "use": "claim",
        "patient": {"reference": f"Patient/{member.id}"},
        "billablePeriod": {"start": claim.start.isoformat(), "end": claim.end.isoformat()},
        "created": instant(claim.created),
        "insurer": {"reference": f"Organization/{payer.id}", "display": payer.name},
        "provider": _provider(claim),
    }
    if claim.related:
        shape["related"] = [
            {"relationship": RELATED[relationship], "reference": {"system": CLAIM_NUMBER, "value": number}}
            for relationship, number in claim.related
        ]
    party = f"Patient/{member.id}" if claim.payee == "beneficiary" else f"Organization/{claim.provider}"
    shape["payee"] = {"type": PAYEE[claim.payee], "party": {"reference": party}}
    if claim.authorization:
        shape["preAuthRef"] = [claim.authorization]
    shape["outcome"] = claim.outcome
    if claim.team:
        shape["careTeam"] = _care_team(claim, form)
    information, linked = _supporting_info(claim, member, form)
    shape["supportingInfo"] = information
    if claim.diagnoses:
        shape["diagnosis"] = _diagnoses(claim, member)
    if isinstance(claim.details, Stay) and claim.details.procedures:
        shape["procedure"] = [
            {
                "sequence": sequence,
                "type": [code_concept(C4BB + "C4BBClaimProcedureType", "principal" if sequence == 1 else "other")],
                "date": day.isoformat(),
                "procedureCodeableConcept": code_concept(ICD10PCS, code),
            }
            for sequence, (code, day) in enumerate(claim.details.procedures, 1)
        ]
    shape["insurance"] = [{"focal": True, "coverage": {"reference": f"Coverage/{claim.coverage}"}}]
    if claim.other_coverage and form.number != "1.0.0":
        shape["insurance"].append({"focal": False, "coverage": {"reference": f"Coverage/{claim.other_coverage}"}})
    shape["item"] = [_item(line, claim, form, linked.get(line.sequence)) for line in claim.lines]
    header = _header(claim, form)
    if header:
        shape["adjudication"] = header
    shape["total"] = list(amounts(claim.total))
    if not form.second and kind in {"inpatient", "outpatient", "pharmacy"}:
        shape["total"].append({"category": _network_status(claim, form), "amount": money(claim.total.benefit)})
    if claim.payment:
        paid = claim.total.paid_to_provider + claim.total.paid_to_patient
        shape["payment"] = {
            "type": form.status[claim.payment],
            "date": claim.created.date().isoformat(),
            "amount": money(paid),
        }
    if claim.notes:
        shape["processNote"] = [
            {"number": number, "type": "display", "text": text} for number, text in enumerate(claim.notes, 1)
        ]
    return shape


def _provider(claim: Claim) -> Json:
    if claim.kind == "oral":
        return {"reference": f"Practitioner/{claim.team[0].identifier}"}
    return {"reference": f"Organization/{claim.provider}"}


def _network_status(claim: Claim, form: Version) -> Json:
    return form.status["innetwork" if claim.in_network else "outofnetwork"]


def _care_team(claim: Claim, form: Version) -> list[Json]:
    team = []
    for sequence, mate in enumerate(claim.team, 1):
        entry: Json = {
            "sequence": sequence,
            "provider": {"reference": f"{mate.kind}/{mate.identifier}"},
            "role": role_concept(form.rendering if mate.role == "rendering" else mate.role),
        }
        if mate.qualification:
            entry["qualification"] = code_concept(NUCC, mate.qualification)
        team.append(entry)
    return team


def _diagnoses(claim: Claim, member: Member) -> list[Json]:
    words = {each.icd10.code: each.icd10.display for each in member.diagnoses}
    entries = []
    for sequence, (code, kind) in enumerate(claim.diagnoses, 1):
        entry: Json = {
            "sequence": sequence,
            "diagnosisCodeableConcept": code_concept(ICD10CM, code, words.get(code) or VISIT_REASONS.get(code, "")),
            "type": [diagnosis_type(kind)],
        }
        if claim.kind == "inpatient" and kind != "admitting":
            entry["onAdmission"] = YES
        entries.append(entry)
    return entries


def _supporting_info(claim: Claim, member: Member, form: Version) -> tuple[list[Json], dict[int, list[int]]]:
    """The supporting information, and which of it a line refers to."""
    entries: list[Json] = []
    info = form.info

    def add(category: str, **value: object) -> int:
        entries.append({"sequence": len(entries) + 1, "category": info[category], **value})
        return len(entries)

    linked: dict[int, list[int]] = {}
    add("clmrecvddate", timingDate=claim.received.isoformat())
    if not form.second:
        contracted = form.status["contracted" if claim.in_network else "noncontracted"]
        add("billingnetworkcontractingstatus", code=contracted)
        if claim.kind == "professional":
            add("performingnetworkcontractingstatus", code=contracted)
    if claim.kind in {"professional", "oral"}:
        add("servicefacility", valueReference={"reference": f"Organization/{claim.provider}"})
    if claim.kind != "pharmacy" and form.number != "1.0.0":
        add("medicalrecordnumber", valueString=member.medical_record_number)
        add("patientaccountnumber", valueString=claim.account)
    details = claim.details
    if isinstance(details, Stay):
        _institutional_info(claim, details, add)
    elif isinstance(details, Dispensing):
        _pharmacy_info(details, form, add)
    elif isinstance(details, Ride) and form.second:
        linked[1] = _ride_info(details, add)
    if claim.kind == "oral":
        linked[1] = _oral_info(claim, add)
    return entries, linked


def _institutional_info(claim: Claim, stay: Stay, add: Adder) -> None:
    if claim.kind == "inpatient":
        span: Json = {"start": instant(stay.start)}
        if stay.end is not None:
            span["end"] = instant(stay.end)
        add("admissionperiod", timingPeriod=span)
        add("drg", code=code_concept(MS_DRG, stay.drg))
    add("typeofbill", code=code_concept(NUBC + "TypeOfBill", DUMMY))
    add("pointoforigin", code=code_concept(NUBC + "PointOfOrigin", DUMMY))
    add("admtype", code=code_concept(NUBC + "PriorityTypeOfAdmitOrVisit", "2" if stay.emergency else DUMMY))
    status = "30" if stay.end is None else "01" if stay.discharged_home else DUMMY
    add("discharge-status", code=code_concept(NUBC + "PatDischargeStatus", status))


def _pharmacy_info(fill: Dispensing, form: Version, add: Adder) -> None:
    add("dayssupply", valueQuantity={"value": fill.days, "unit": "days", "system": UCUM, "code": "d"})
    add("dawcode", code=code_concept(form.ncpdp["daw"], "7"))
    add("refillnum", valueQuantity={"value": fill.refill})
    if form.second:
        add("refillsauthorized", valueQuantity={"value": fill.refills_authorized})
    add(form.brand, code=code_concept(form.ncpdp["brand"], "2"))
    add("rxorigincode", code=code_concept(form.ncpdp["origin"], "1"))
    add("compoundcode", code=code_concept(form.ncpdp["compound"], DUMMY))


def _ride_info(ride: Ride, add: Adder) -> list[int]:
    return [
        add("patientweight", valueQuantity={"value": ride.pounds, **POUNDS}),
        add("ambulancetransportreason", reason=AMBULANCE_FOR_CARE),
        add("transportationdistance", valueQuantity={"value": ride.miles, **MILES}),
        add("roudtrippurpose", valueString="One way; the way back was arranged at discharge"),
        add("stretcherpurpose", valueString="Safety during transport"),
        add("pickuplocation", valueString=ride.pickup),
        add("dropofflocation", valueString=ride.dropoff),
    ]


def _oral_info(claim: Claim, add: Adder) -> list[int]:
    add("orthodontics", valueQuantity={"value": 0, "unit": "months", "system": UCUM, "code": "mo"})
    add("prosthesis", valueBoolean=False)
    add("missingtoothnumber", code=code_concept(TOOTH, "1"))
    return [add("additionalbodysite", code=code_concept(TOOTH, "2"))]


def _header(claim: Claim, form: Version) -> list[Json]:
    """Adjudication of the claim as a whole."""
    entries: list[Json] = []
    if form.second:
        status = _network_status(claim, form)
        names = {
            "professional": ("billingnetworkstatus", "renderingnetworkstatus"),
            "oral": ("billingnetworkstatus", "renderingnetworkstatus", "benefitpaymentstatus"),
        }.get(claim.kind, ("billingnetworkstatus", "benefitpaymentstatus"))
        entries = [{"category": form.discriminator[name], "reason": status} for name in names]
    if claim.at_header:
        entries += amounts(claim.total)
        if form.second:
            reasons = dict.fromkeys(line.reason for line in claim.lines if line.reason)
            entries += [_reason(reason, form) for reason in reasons]
    return entries


def _reason(reason: str, form: Version) -> Json:
    code, words = REASONS[reason]
    return {"category": form.reason_of_line, "reason": {"coding": [{"system": REMARK, "code": code}], "text": words}}


def _item(line: Line, claim: Claim, form: Version, linked: list[int] | None) -> Json:
    kind = claim.kind
    item: Json = {"sequence": line.sequence}
    if claim.diagnoses:
        item["diagnosisSequence"] = [1]
    if linked:
        item["informationSequence"] = linked
    if line.revenue:
        item["revenue"] = code_concept(NUBC + "RevenueCodes", line.revenue)
    if kind == "pharmacy":
        compound = isinstance(claim.details, Dispensing) and claim.details.compound
        item["productOrService"] = (
            code_concept(C4BB + "C4BBCompoundLiteral", "compound") if compound else code_concept(NDC, line.planned.code)
        )
    else:
        item["productOrService"] = (
            code_concept(CDT, line.planned.code)
            if kind == "oral"
            else code_concept(form.hcpcs, line.planned.code, service_words(line.planned.code))
        )
    if line.planned.modifiers:
        item["modifier"] = [code_concept(form.hcpcs, each) for each in line.planned.modifiers]
    if line.end is not None and kind not in {"outpatient", "pharmacy"}:
        item["servicedPeriod"] = {"start": line.start.isoformat(), "end": line.end.isoformat()}
    else:
        item["servicedDate"] = line.start.isoformat()
    if kind != "pharmacy":
        item["locationCodeableConcept"] = code_concept(PLACE_OF_SERVICE, claim.place)
    if isinstance(claim.details, Dispensing):
        item["quantity"] = {"value": claim.details.quantity}
    else:
        item["quantity"] = {"value": line.planned.units}
    if kind == "oral":
        _body_site(item, line.planned)
    if claim.encounter:
        item["encounter"] = [{"reference": f"Encounter/{claim.encounter}"}]
    if line.notes:
        item["noteNumber"] = list(line.notes)
    if not claim.at_header:
        item["adjudication"] = _line_adjudication(line, claim, form)
    if isinstance(claim.details, Dispensing) and claim.details.compound:
        item["detail"] = [
            {
                "sequence": 1,
                "productOrService": code_concept(NDC, claim.details.ndc),
                "quantity": {"value": claim.details.quantity},
            }
        ]
    return item


def _body_site(item: Json, line: Planned) -> None:
    if line.tooth:
        item["bodySite"] = code_concept(TOOTH, line.tooth)
        if line.surfaces:
            item["subSite"] = [FIXED_SURFACES[surface] for surface in line.surfaces if surface in FIXED_SURFACES]
    else:
        item["bodySite"] = code_concept(ORAL_AREA, line.area or "10")


def _line_adjudication(line: Line, claim: Claim, form: Version) -> list[Json]:
    entries: list[Json] = []
    status = _network_status(claim, form)
    kind = claim.kind
    if kind in {"professional", "oral"}:
        if form.second:
            entries.append({"category": form.discriminator["benefitpaymentstatus"], "reason": status})
        else:
            # Before 2.0.0 the status itself stands where other adjudications have their category.
            entries.append({"category": form.line_status[claim.in_network]})
    entries += amounts(line.amounts)
    if kind in {"inpatient", "outpatient"} and not form.second:
        # Before 2.0.0 the invariant adjudication-has-amount-type-slice leaves an institutional line nothing but amounts.
        return entries
    if line.reason:
        if kind == "pharmacy":
            words = REASONS[line.reason][1]
            rejected = {"coding": [{"system": form.ncpdp["reject"], "code": DUMMY}], "text": words}
            entries.append({"category": form.reason_of_fill, "reason": rejected})
        else:
            entries.append(_reason(line.reason, form))
    if kind != "pharmacy":
        entries.append({"category": form.discriminator["allowedunits"], "value": line.allowed_units})
    return entries
