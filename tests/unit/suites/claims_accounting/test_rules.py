"""Each rule of claims accounting passes a claim that adds up and finds the one thing wrong with a spoiled one."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from suites.claims_accounting.amounts import Breach, Judged, Ruling
from suites.claims_accounting.audit import CLAIM_RULES, COVERAGE_RULES
from suites.claims_accounting.content import before, coverage_is_told
from suites.claims_accounting.linkage import Ledger
from suites.protocol.check_digits import npi_is_valid

SYSTEM = "http://hl7.org/fhir/sid/"
PROFILE = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Pharmacy|2.0.0"
AMOUNTS = {
    "submitted": "289.10",
    "eligible": "209.10",
    "noncovered": "80.00",
    "discount": "9.10",
    "deductible": "20",
    "copay": "10.5",
    "coinsurance": "0",
    "memberliability": "30.5",
    "benefit": "169.50",
    "paidtoprovider": "169.50",
}


def concept(code: str, system: str = "urn:x") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def slices(amounts: dict[str, str], **more: Any) -> list[dict[str, Any]]:
    return [
        {"category": concept(name), "amount": {"value": Decimal(value), "currency": "USD"}, **more}
        for name, value in amounts.items()
    ]


def claim() -> dict[str, Any]:
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": "one",
        "meta": {"lastUpdated": "2026-01-10T00:00:00Z", "profile": [PROFILE]},
        "identifier": [{"type": concept("uc"), "system": "urn:claim", "value": "1"}],
        "status": "active",
        "type": concept("pharmacy"),
        "use": "claim",
        "outcome": "complete",
        "billablePeriod": {"start": "2026-01-01", "end": "2026-01-03"},
        "insurer": {"reference": "Organization/payer"},
        "provider": {"identifier": {"system": SYSTEM + "us-npi", "value": "1234567893"}},
        "careTeam": [{"sequence": 1, "provider": {"reference": "Practitioner/p"}, "role": concept("primary")}],
        "supportingInfo": [{"sequence": 1, "category": concept("clmrecvddate"), "timingDate": "2026-01-05"}],
        "diagnosis": [
            {
                "sequence": 1,
                "diagnosisCodeableConcept": concept("F32.1", SYSTEM + "icd-10-cm"),
                "type": [concept("principal")],
            }
        ],
        "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c"}}],
        "item": [
            {
                "sequence": 1,
                "diagnosisSequence": [1],
                "careTeamSequence": [1],
                "productOrService": concept("00000000000", SYSTEM + "ndc"),
                "revenue": concept("0250", "https://www.nubc.org/CodeSystem/RevenueCodes"),
                "servicedDate": "2026-01-02",
                "adjudication": [
                    *slices(AMOUNTS),
                    {"category": concept("adjustmentreason"), "reason": concept("N362")},
                    {"category": concept("benefitpaymentstatus"), "reason": concept("innetwork")},
                ],
            }
        ],
        "total": slices(AMOUNTS),
        "payment": {"amount": {"value": Decimal("169.5"), "currency": "USD"}},
    }


COVERAGE = {
    "payor": [{"reference": "https://payer.example/fhir/Organization/payer"}],
    "beneficiary": {"reference": "Patient/a"},
    "relationship": concept("self"),
    "period": {"start": "2026-01-01"},
}


def ruled(ruling: Ruling) -> tuple[int, list[Breach]]:
    said = list(ruling)
    return sum(one.count for one in said if isinstance(one, Judged)), [one for one in said if isinstance(one, Breach)]


@pytest.mark.parametrize("rule", CLAIM_RULES)
def test_a_claim_that_adds_up_passes_and_is_looked_at(rule: str) -> None:
    looked, breaches = ruled(CLAIM_RULES[rule](claim()))
    assert (looked > 0, breaches) == (True, [])


def total(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    def spoil(one: dict[str, Any]) -> None:
        for each in (*one["total"], *one["item"][0]["adjudication"]):
            if each["category"]["coding"][0]["code"] == name:
                each["amount"]["value"] = Decimal(value)

    return spoil


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(one: dict[str, Any]) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        owner: Any = one
        for step in steps:
            owner = owner[step]
        owner[last] = value

    return spoil


SPOILED: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("totals", put("total.0.amount.value", Decimal("289.11"))),
    ("submitted", total("noncovered", "80.01")),
    ("liability", total("copay", "10.49")),
    ("benefit", total("deductible", "21")),
    ("payment", put("payment.amount.value", Decimal("169.49"))),
    ("money", put("total.0.amount.value", "289.10")),
    ("money", put("total.0.amount.value", Decimal("289.101"))),
    ("money", put("total.0.amount.currency", "usd")),
    ("money", put("payment.amount.currency", "EUR")),
    ("billable_period", put("item.0.servicedDate", "2026-01-04")),
    ("billable_period", put("item.0.servicedDate", "2025-12-31")),
    ("billable_period", put("billablePeriod", {})),
    ("pointers", put("item.0.diagnosisSequence", [2])),
    ("pointers", put("item.0.careTeamSequence", [7])),
    ("pointers", put("item.0.procedureSequence", [1])),
    ("drug_codes", put("item.0.productOrService", concept("0000-0000-00", SYSTEM + "ndc"))),
    ("revenue_codes", put("item.0.revenue.coding.0.code", "250")),
    ("type", put("type", concept("unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason"))),
    ("outcome", put("outcome", "partial")),
    ("meta", put("meta", {"profile": ["urn:profile"]})),
    ("meta", put("meta", {"lastUpdated": "2026-01-10T00:00:00Z"})),
    ("diagnoses", put("diagnosis.0.diagnosisCodeableConcept", concept("F32.1"))),
    ("diagnoses", put("diagnosis.0.type", [])),
    ("supporting_info", put("supportingInfo", [])),
    ("supporting_info", put("careTeam.0.role", {})),
    ("network", put("item.0.adjudication.11.reason", concept("paid"))),
    ("denials", put("item.0.adjudication.10.reason", {"text": "no"})),
    ("npi", put("provider.identifier.value", "1234567890")),
]


@pytest.mark.parametrize(("rule", "spoil"), SPOILED, ids=[f"{rule}-{i}" for i, (rule, _) in enumerate(SPOILED)])
def test_a_spoiled_claim_is_found(rule: str, spoil: Callable[[dict[str, Any]], None]) -> None:
    one = claim()
    spoil(one)
    if rule == "network":
        one["item"][0]["adjudication"][11]["category"] = concept("benefit-status")
    assert ruled(CLAIM_RULES[rule](one))[1]


def test_a_claim_without_paid_amounts_or_shares_does_not_tell_the_cost() -> None:
    one = claim()
    one["total"], one["item"] = slices({"submitted": "1"}), []
    assert len(ruled(CLAIM_RULES["remittance"](one))[1]) == 2


@pytest.mark.parametrize("rule", COVERAGE_RULES)
def test_coverage_of_the_insurer_in_force_passes(rule: str) -> None:
    looked, breaches = ruled(COVERAGE_RULES[rule](claim(), {"Coverage/c": COVERAGE}))
    assert (looked > 0, breaches) == (True, [])


def test_coverage_that_had_ended_is_found() -> None:
    ended = COVERAGE | {"period": {"start": "2025-01-01", "end": "2026-01-01"}}
    assert ruled(COVERAGE_RULES["in_force"](claim(), {"Coverage/c": ended}))[1]


@pytest.mark.parametrize(
    "coverage",
    [{}, {"Coverage/c": COVERAGE | {"payor": [{"reference": "Organization/other"}]}}],
    ids=["missing", "other"],
)
def test_focal_insurance_of_somebody_else_is_found(coverage: dict[str, Any]) -> None:
    assert ruled(COVERAGE_RULES["focal"](claim(), coverage))[1]


def test_two_focal_insurances_are_found() -> None:
    one = claim()
    one["insurance"] *= 2
    assert ruled(COVERAGE_RULES["focal"](one, {"Coverage/c": COVERAGE}))[1]


@pytest.mark.parametrize("name", COVERAGE)
def test_coverage_without_a_part_is_found(name: str) -> None:
    assert len(ruled(coverage_is_told({key: value for key, value in COVERAGE.items() if key != name}))[1]) == 1


def adjusted() -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = claim(), deepcopy(claim())
    first |= {
        "status": "cancelled",
        "related": [{"relationship": concept("replacedby"), "reference": {"system": "urn:claim", "value": "2"}}],
    }
    second |= {
        "id": "two",
        "related": [{"relationship": concept("prior"), "reference": {"system": "urn:claim", "value": "1"}}],
    }
    second["identifier"][0]["value"] = "2"
    return first, second


def ledger(*claims: dict[str, Any]) -> Ledger:
    made = Ledger()
    for one in claims:
        made.add(one)
    return made


def test_adjusted_claims_that_find_each_other_pass() -> None:
    made = ledger(*adjusted())
    assert ruled(made.adjusted_claims_find_each_other()) == (3, [])
    assert ruled(made.each_has_its_own_identifier()) == (2, [])


def test_missing_one_sided_and_active_links_are_found() -> None:
    first, second = adjusted()
    assert ruled(ledger(second).adjusted_claims_find_each_other())[1]
    assert ruled(ledger(first | {"related": []}, second).adjusted_claims_find_each_other())[1]
    assert ruled(ledger(first | {"status": "active"}, second).adjusted_claims_find_each_other())[1]


def test_one_identifier_for_two_claims_is_found() -> None:
    assert ruled(ledger(claim(), claim() | {"id": "two"}).each_has_its_own_identifier())[1]
    assert ruled(ledger(claim() | {"identifier": []}).each_has_its_own_identifier())[1]


@pytest.mark.parametrize(
    ("npi", "valid"), [("1234567893", True), ("1234567894", False), ("3234567893", False), ("", False)]
)
def test_check_digit_of_an_npi(npi: str, valid: bool) -> None:
    assert npi_is_valid(npi) is valid


def test_dates_are_compared_as_far_as_both_say() -> None:
    assert before("2026-01-01", "2026-01-02")
    assert before("2025", "2026-01-01")
    assert not before("2026-01-01T23:59:00-08:00", "2026-01-01")
    assert not before("2026", "2026-01-31")


@pytest.mark.parametrize(
    "junk", [{}, {"item": "x", "total": [1], "diagnosis": {}}, {"item": [{"adjudication": [{"amount": 3}]}]}]
)
def test_no_rule_breaks_on_a_malformed_claim(junk: dict[str, Any]) -> None:
    said = [one for rule in CLAIM_RULES.values() for one in rule(junk)]
    assert json.dumps([str(one) for one in said])


def test_a_replacement_without_a_word_is_found() -> None:
    first, second = adjusted()
    del first["related"], second["related"]
    first["provider"] = second["provider"] = {"reference": "Organization/clinic"}
    _, breaches = ruled(ledger(first, second).adjusted_claims_find_each_other())
    assert [one.message for one in breaches] == ["a claim that was adjusted is linked to the one that replaced it"]


def test_two_visits_of_one_day_are_no_adjustment() -> None:
    first, second = adjusted()
    del first["related"], second["related"]
    first["provider"], second["provider"] = {"reference": "Organization/clinic"}, {"reference": "Organization/other"}
    assert ruled(ledger(first, second).adjusted_claims_find_each_other()) == (0, [])


def test_the_abstract_profile_alone_is_found() -> None:
    one = claim()
    one["meta"]["profile"] = ["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit"]
    looked, breaches = ruled(CLAIM_RULES["concrete"](one))
    assert (looked, len(breaches)) == (1, 1)


def test_a_missing_submitted_total_is_found() -> None:
    one = claim()
    one["total"] = [each for each in one["total"] if each["category"]["coding"][0]["code"] != "submitted"]
    looked, breaches = ruled(CLAIM_RULES["submitted_total"](one))
    assert (looked, len(breaches)) == (1, 1)


def test_care_without_a_care_team_is_found_and_a_ride_is_not() -> None:
    one = claim()
    del one["careTeam"]
    assert [each.path for each in ruled(CLAIM_RULES["supporting_info"](one))[1]] == ["careTeam"]
    one["item"][0]["productOrService"] = concept("A0428", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets")
    assert ruled(CLAIM_RULES["supporting_info"](one))[1] == []


def test_a_denied_claim_without_totals_is_found() -> None:
    one = claim()
    one["total"] = []
    looked, breaches = ruled(CLAIM_RULES["appealable"](one))
    assert (looked, len(breaches)) == (1, 1)
