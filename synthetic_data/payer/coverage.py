"""Coverage: each span of a member's enrolment, as CARIN, HRex and US Core 6.1.0 show it in one resource.

The order in which plans pay follows the rules and not the order of enrolment: Medicaid pays last (42 CFR part 433 subpart D).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from synthetic_data.payer.claims import pays_last
from synthetic_data.payer.directory_parts import carin_profile
from synthetic_data.payer.fhir import HREX, PAYER, PDEX, US_CORE, V2_0203, Json, coding, concept, meta, period
from synthetic_data.payer.plans import PLAN_OF_LINE
from synthetic_data.records import CoverageSpan, Member, World

COVERAGE_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
RELATIONSHIP = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PAYMENT_TYPOLOGY = "https://nahdo.org/sopt"
OTHER_PAYER_TYPE = ("512", "EHCPOL")

# Source of Payment Typology (NAHDO) and HL7 coverage type, by line of business.
TYPE_OF_LINE = {"bh": ("21", "PUBLICPOL"), "ma": ("111", "MCPOL"), "qhp": ("511", "HIP")}
DISPLAYS = {
    "PUBLICPOL": "public healthcare",
    "MCPOL": "managed care policy",
    "HIP": "health insurance plan policy",
    "EHCPOL": "extended healthcare",
}


def coverages(member: Member, world: World) -> Iterator[Json]:
    """The member's spans of coverage, the current one first."""
    for span in member.coverages:
        yield _coverage(span, member, world)


def pays_in_order(span: CoverageSpan, member: Member) -> int:
    """1 for the plan that pays first."""
    others = any(each.other_payer for each in member.coverages)
    if not others:
        return 1
    return 1 if span.other_payer == pays_last(member) else 2


def payer_of(span: CoverageSpan, world: World) -> tuple[str, str]:
    """The organization that pays under a span."""
    payer = world.network.other_payers[0] if span.other_payer else world.network.payer
    return payer.id, payer.name


def _coverage(span: CoverageSpan, member: Member, world: World) -> Json:
    guides = world.guides
    profiles = [carin_profile("C4BB-Coverage", guides.carin_bb)]
    profiles.append((PDEX if guides.pdex == "1.0.0" else HREX) + "hrex-coverage")
    if guides.us_core >= "6":
        profiles.append(US_CORE + "us-core-coverage")
    changed = datetime.combine(span.start, time(9, 30), world.as_of.tzinfo) - timedelta(days=12)
    typology, act = OTHER_PAYER_TYPE if span.other_payer else TYPE_OF_LINE[span.line_of_business]
    kinds = [coding(ACT_CODE, act, DISPLAYS[act])]
    if guides.us_core >= "6":
        # US Core 6.1.0 binds the type to the payment typology; PDex 1.0.0 requires HL7's own codes and nothing beside them.
        kinds.insert(0, coding(PAYMENT_TYPOLOGY, typology))
    payer, payer_name = payer_of(span, world)
    holder = span.subscriber_member or member.id
    shape: Json = {
        "resourceType": "Coverage",
        "id": span.id,
        "meta": meta(profiles, min(changed, world.as_of)),
        "identifier": [
            {
                "type": concept(V2_0203, "MB", "Member Number"),
                "system": PAYER + ("NamingSystem/other-member" if span.other_payer else "NamingSystem/member"),
                "value": span.member_id,
            }
        ],
        "status": span.status,
        "type": {"coding": kinds},
        "policyHolder": {"reference": f"Patient/{holder}"},
        "subscriber": {"reference": f"Patient/{holder}"},
        "subscriberId": span.subscriber_id,
        "beneficiary": {"reference": f"Patient/{member.id}"},
        "dependent": span.dependent,
        "relationship": concept(RELATIONSHIP, span.relationship, span.relationship.capitalize()),
        "period": period(span.start, span.end),
        "payor": [{"reference": f"Organization/{payer}", "display": payer_name}],
        "class": [
            {"type": concept(COVERAGE_CLASS, "group", "Group"), "value": span.group, "name": span.group_name},
            {"type": concept(COVERAGE_CLASS, "plan", "Plan"), "value": span.plan, "name": span.plan_name},
        ],
        "order": pays_in_order(span, member),
    }
    plan = PLAN_OF_LINE[span.line_of_business]
    if not span.other_payer:
        shape["network"] = plan.network_name
        if plan.copay:
            shape["costToBeneficiary"] = [
                {
                    "type": concept(
                        "http://terminology.hl7.org/CodeSystem/coverage-copay-type", "copay", "Copay Amount"
                    ),
                    "valueMoney": {"value": plan.copay / 100, "currency": "USD"},
                }
            ]
    return shape
