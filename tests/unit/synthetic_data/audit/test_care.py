"""Care is plausible: ages, instruments and their totals, drugs and what they are for, labels of 42 CFR Part 2, fictional people."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from tests.unit.synthetic_data.audit.instants import age, moment_of
from tests.unit.synthetic_data.audit.population import Json, population, walk

FAMILIES = ("legacy", "current")
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NPI = "http://hl7.org/fhir/sid/us-npi"
CHILDREN_ONLY = {
    "9843-4": 3,
    "8289-1": 3,
    "77606-2": 5,
    "59576-9": 19,
}  # LOINC and the last year of age it is measured at
SINCE_AGE = {"phq-9": 12, "phq-2": 12, "gad-7": 12, "pcl-5": 18, "audit-c": 18, "dast-10": 18, "asam": 18}
HIGHEST = {"phq-9": 27, "phq-2": 6, "gad-7": 21, "audit-c": 12, "dast-10": 10, "pcl-5": 80, "c-ssrs": 6, "asam": 24}
SUBSTANCES = re.compile(r"F1[0-689]")  # ICD-10-CM: substances other than nicotine
FOR_DRUG = {  # RxNorm, and how the ICD-10-CM code of what it is taken for begins
    "351267": "F11", "864706": "F11", "1483744": "F1[01]", "637213": "F1[01]", "197889": "F31", "197535": "F2", "1091155": "F90",
    "198029": "F17", "861007": "E11", "314076": "I10", "745679": "J45", "858054": "F2", "312593": "F43",
}  # fmt: skip
LABEL = "42CFRPart2"


def codes(concept: Any, system: str) -> list[str]:
    return [one["code"] for one in (concept or {}).get("coding", []) if one.get("system") == system]


def labels(resource: Json) -> set[str]:
    return {one["code"] for one in resource["meta"].get("security", [])}


@pytest.mark.parametrize("family", FAMILIES)
def test_childhood_is_measured_in_children_only(family: str) -> None:
    people = population(family)
    seen = Counter[str]()
    for observation in people.by_type["Observation"]:
        for code in codes(observation["code"], LOINC):
            if code in CHILDREN_ONLY:
                born = people.patients[str(people.owner(observation))]["birthDate"]
                assert age(born, moment_of(observation)) <= CHILDREN_ONLY[code], observation["id"]
                seen[code] += 1
    assert seen.keys() == CHILDREN_ONLY.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_only_women_of_an_age_to_bear_children_are_pregnant(family: str) -> None:
    people = population(family)
    asked = 0
    for observation in people.by_type["Observation"]:
        if "82810-3" in codes(observation["code"], LOINC):
            patient = people.patients[str(people.owner(observation))]
            sex = next(one["valueCode"] for one in patient["extension"] if one["url"].endswith("birthsex"))
            assert sex == "F", observation["id"]
            assert 12 <= age(patient["birthDate"], moment_of(observation)) <= 55, observation["id"]
            asked += 1
    for condition in people.by_type["Condition"]:
        if any(code.startswith(("O", "F53")) for code in codes(condition["code"], ICD10)):
            assert people.patients[str(people.owner(condition))]["gender"] != "male", condition["id"]
    assert asked


@pytest.mark.parametrize("family", FAMILIES)
def test_instruments_fit_the_age_and_totals_are_the_sums_of_the_answers(family: str) -> None:
    people = population(family)
    totals = {one["id"]: one for one in people.by_type["Observation"] if one["id"].endswith("-total")}
    seen = Counter[str]()
    for answers in people.by_type["QuestionnaireResponse"]:
        instrument = answers["questionnaire"].rpartition("/")[2]
        born = people.patients[str(people.owner(answers))]["birthDate"]
        assert age(born, answers["authored"]) >= SINCE_AGE.get(instrument, 0), answers["id"]
        total = totals[answers["id"].removesuffix("-answers") + "-total"]["valueQuantity"]["value"]
        assert 0 <= total <= HIGHEST.get(instrument, 99), answers["id"]
        items = answers["item"][0]["item"] if "item" in answers["item"][0] else answers["item"]
        chosen = [
            one["answer"][0]["valueCoding"]["code"] for one in items if "valueCoding" in one.get("answer", [{}])[0]
        ]
        if instrument in {"phq-9", "phq-2", "gad-7"}:
            assert total == sum(("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9").index(code) for code in chosen), (
                answers["id"]
            )
        elif instrument in {"dast-10", "c-ssrs"}:
            assert total == chosen.count("LA33-6"), answers["id"]
        elif instrument in {"pcl-5", "asam"}:
            assert total == sum(map(int, chosen)), answers["id"]
        seen[instrument] += 1
    assert seen.keys() >= HIGHEST.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_drugs_are_taken_for_what_they_are_made_for(family: str) -> None:
    people = population(family)
    seen = Counter[str]()
    for order in people.by_type["MedicationRequest"]:
        for code in codes(order.get("medicationCodeableConcept"), RXNORM):
            reasons = [people.by_reference[one["reference"]] for one in order.get("reasonReference", [])]
            if code in FOR_DRUG:
                found = [icd for one in reasons for icd in codes(one["code"], ICD10)]
                assert any(re.match(FOR_DRUG[code], icd) for icd in found), (order["id"], found)
                seen[code] += 1
    assert len(seen) > 6


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_about_substance_use_is_labelled_and_nothing_of_it_is_named_without(family: str) -> None:
    people = population(family)
    labelled = {place for place, one in people.by_reference.items() if LABEL in labels(one)}
    kinds = Counter(place.partition("/")[0] for place in labelled)
    for condition in people.by_type["Condition"]:
        about = any(SUBSTANCES.match(code) for code in codes(condition["code"], ICD10))
        assert about <= (LABEL in labels(condition)), condition["id"]
    for place, resource in people.by_reference.items():
        if place in labelled:
            assert {"R", LABEL, "SUD"} <= labels(resource), place
            continue
        for path, value in walk(resource):
            if path.endswith(".reference") and isinstance(value, str) and value in labelled:
                raise AssertionError(f"{place}{path} names {value}, which is labelled")
            if path.endswith(".coding") and isinstance(value, list):
                about = [one for one in codes({"coding": value}, ICD10) if SUBSTANCES.match(one)]
                assert not about, (place, path, about)
    for kind in (
        "Condition", "Encounter", "MedicationRequest", "MedicationDispense", "ExplanationOfBenefit", "Observation",
        "DocumentReference", "QuestionnaireResponse", "CarePlan", "Provenance", "DiagnosticReport", "ServiceRequest",
    ):  # fmt: skip
        assert kinds[kind], kind


@pytest.mark.parametrize("family", FAMILIES)
def test_psychotherapy_notes_are_marked_and_listed_as_withheld(family: str) -> None:
    people = population(family)
    withheld = {one for member in people.manifest["members"] for one in member["withheld"]}
    marked = {
        place
        for place, one in people.by_reference.items()
        if "PSYTHPN" in labels(one) and place.startswith("DocumentReference/")
    }
    assert withheld == marked
    assert withheld


@pytest.mark.parametrize("family", FAMILIES)
def test_people_are_reached_where_nobody_lives(family: str) -> None:
    people = population(family)
    numbers = Counter[str]()
    for place, resource in people.by_reference.items():
        for _, value in walk(resource):
            if not isinstance(value, dict):
                continue
            if value.get("system") == "phone":
                assert "555-01" in value["value"], (place, value)
                numbers["phone"] += 1
            if value.get("system") == "email":
                assert value["value"].endswith(".example"), (place, value)
                numbers["email"] += 1
            if value.get("system") == NPI:
                assert completes(value["value"]), (place, value)
                numbers["npi"] += 1
            if "div" in value:
                assert not re.search(r"<(script|iframe|img|a)\b|javascript:|\son\w+=", value["div"]), place
    assert min(numbers["phone"], numbers["email"], numbers["npi"]) > 50


def completes(npi: str) -> bool:
    """The Luhn check over the number behind the prefix 80840 (45 CFR 162.406), in a range that names nobody."""
    digits = [int(one) for one in f"80840{npi}"][::-1]
    doubled = [one if place % 2 == 0 else sum(divmod(one * 2, 10)) for place, one in enumerate(digits)]
    return len(npi) == 10 and npi[0] == "2" and sum(doubled) % 10 == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_that_should_be_one_persons_are(family: str) -> None:
    people = population(family)
    held = Counter(
        (one["system"], one["value"]) for patient in people.by_type["Patient"] for one in patient["identifier"]
    )
    assert max(held.values()) == 1
    members = people.manifest["members"]
    for key in ("username", "unique_client_identifier", "totp_seed"):
        assert len({one[key] for one in members}) == len(members), key
