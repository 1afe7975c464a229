"""ExplanationOfBenefit as an auditor reads it: pointers, sums, dates and chains of corrected claims, from the JSON alone."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.synthetic_data.audit.population import Json, population

FAMILIES = ("legacy", "current")
NETWORK = {"innetwork", "outofnetwork", "other"}  # CARIN 1.0.0 tells the network by a total of that category
POINTERS = {
    "diagnosisSequence": "diagnosis",
    "careTeamSequence": "careTeam",
    "informationSequence": "supportingInfo",
    "procedureSequence": "procedure",
}


def eobs(family: str, use: str) -> list[Json]:
    found = [one for one in population(family).by_type["ExplanationOfBenefit"] if one["use"] == use]
    assert found
    return found


def amounts(adjudication: list[Json]) -> Counter[str]:
    """Cents by category; a category that is not printed is zero."""
    found = Counter[str]()
    for one in adjudication:
        if "amount" in one:
            code = one["category"]["coding"][0]["code"]
            found[code] += int(Decimal(str(one["amount"]["value"])) * 100)
    return found


def priced(claim: Json) -> list[Counter[str]]:
    """The lines that carry amounts, or the claim itself where the header does."""
    lines = [amounts(item.get("adjudication", [])) for item in claim["item"]]
    head = amounts(claim.get("adjudication", []))
    assert not (head["submitted"] and any(line["submitted"] for line in lines)), claim["id"]
    return [line for line in lines if line] if any(line["submitted"] for line in lines) else [head]


@pytest.mark.parametrize("family", FAMILIES)
def test_pointers_within_a_claim_lead_somewhere(family: str) -> None:
    followed = 0
    for claim in population(family).by_type["ExplanationOfBenefit"]:
        held = {name: [one["sequence"] for one in claim.get(name, [])] for name in (*POINTERS.values(), "item")}
        notes = {one["number"] for one in claim.get("processNote", [])}
        assert all(len(set(numbers)) == len(numbers) for numbers in held.values()), claim["id"]
        for item in claim["item"]:
            assert set(item.get("noteNumber", [])) <= notes, claim["id"]
            for pointer, target in POINTERS.items():
                followed += len(item.get(pointer, []))
                assert set(item.get(pointer, [])) <= set(held[target]), (claim["id"], pointer)
    assert followed > 1_000


@pytest.mark.parametrize("family", FAMILIES)
def test_every_line_adds_up_and_totals_are_the_sums_of_the_lines(family: str) -> None:
    kinds = Counter[str]()
    for claim in eobs(family, "claim"):
        lines = priced(claim)
        for line in lines:
            assert all(cents >= 0 for cents in line.values()), claim["id"]
            assert line["submitted"] == line["eligible"] + line["noncovered"], claim["id"]
            shares = line["deductible"] + line["copay"] + line["coinsurance"]
            assert line["eligible"] == line["discount"] + shares + line["benefit"], claim["id"]
            assert line["benefit"] == line["priorpayerpaid"] + line["paidtoprovider"] + line["paidtopatient"], claim[
                "id"
            ]
        summed = sum(lines, Counter[str]())
        total = amounts(claim["total"])
        own = {code: cents for code, cents in total.items() if cents and code not in NETWORK}
        assert own == {code: cents for code, cents in summed.items() if cents}, claim["id"]
        paid = summed["paidtoprovider"] + summed["paidtopatient"]
        payment = int(Decimal(str(claim.get("payment", {}).get("amount", {}).get("value", 0))) * 100)
        assert payment == (paid if claim["status"] == "active" else 0), claim["id"]
        kinds[claim["meta"]["profile"][0].rpartition("/")[2].partition("|")[0]] += 1
    assert len(kinds) == (5 if family == "current" else 4), kinds


@pytest.mark.parametrize("family", FAMILIES)
def test_a_claim_comes_after_the_care_and_before_its_payment(family: str) -> None:
    for claim in eobs(family, "claim"):
        ends, created = claim["billablePeriod"]["end"][:10], claim["created"][:10]
        received = next(
            one["timingDate"]
            for one in claim["supportingInfo"]
            if one["category"]["coding"][0]["code"] == "clmrecvddate"
        )
        assert ends <= received <= created <= claim["meta"]["lastUpdated"][:10], claim["id"]
        assert claim.get("payment", {}).get("date", created) >= created, claim["id"]
        for item in claim["item"]:
            day = item.get("servicedDate") or item["servicedPeriod"]["start"]
            assert claim["billablePeriod"]["start"][:10] <= day[:10] <= ends, claim["id"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_claim_is_paid_under_the_coverage_of_its_day(family: str) -> None:
    people = population(family)
    for claim in eobs(family, "claim"):
        focal = [one for one in claim["insurance"] if one["focal"]]
        assert len(focal) == 1, claim["id"]
        coverage = people.by_reference[focal[0]["coverage"]["reference"]]
        day = claim["billablePeriod"]["start"][:10]
        assert coverage["period"]["start"] <= day <= coverage["period"].get("end", "9999"), claim["id"]


def related(claim: Json) -> dict[str, Any]:
    return {one["relationship"]["coding"][0]["code"]: one["reference"]["value"] for one in claim.get("related", [])}


@pytest.mark.parametrize("family", FAMILIES)
def test_corrected_claims_name_each_other(family: str) -> None:
    claims = eobs(family, "claim")
    numbers = {one["identifier"][0]["value"]: one for one in claims}
    assert len(numbers) == len(claims), "no claim number is given twice"
    followed = 0
    for number, claim in numbers.items():
        links = related(claim)
        if "prior" in links:
            first = numbers[links["prior"]]
            followed += 1
            assert first["status"] == "cancelled", claim["id"]
            assert related(first)["replacedby"] == number, claim["id"]
            assert first["created"] < claim["created"], claim["id"]
            assert first["billablePeriod"] == claim["billablePeriod"], claim["id"]
        if "replacedby" in links:
            assert related(numbers[links["replacedby"]])["prior"] == number, claim["id"]
    assert followed > 20
