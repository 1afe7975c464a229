"""The formulary: the same drugs in both releases, restrictions that differ, links that lead somewhere."""

from __future__ import annotations

import pytest

from synthetic_data.payer.directory import directory
from synthetic_data.payer.fhir import FORMULARY, Json
from synthetic_data.payer.formulary import formulary, listed_drugs, tiers
from synthetic_data.yaml_tables import table
from tests.unit.synthetic_data.payer.sample import world
from tests.unit.synthetic_data.payer.test_directory import walk

RELEASES = ["1.0.1", "1.1.0", "2.0.0", "2.0.1"]


def of(release: str) -> list[Json]:
    """The formulary of a release."""
    return list(formulary(world("current", formulary=release)))


@pytest.mark.parametrize("release", RELEASES)
def test_every_drug_of_the_members_is_listed(release: str) -> None:
    codes = {
        coding["code"]
        for each in of(release)
        if each["resourceType"] == "MedicationKnowledge"
        for coding in each["code"]["coding"]
    }
    assert {drug["rxnorm"][0] for drug in table("codes/drugs.yaml").values()} <= codes


@pytest.mark.parametrize("release", RELEASES)
def test_every_reference_leads_somewhere(release: str) -> None:
    surroundings = world("current", formulary=release)
    resources = of(release)
    known = {f"{each['resourceType']}/{each['id']}" for each in (*resources, *directory(surroundings))}
    referred = {value for each in resources for name, value in walk(each) if name == "reference"}
    assert referred
    assert referred - known == set()


@pytest.mark.parametrize("release", RELEASES)
def test_the_county_plan_has_no_drug_list(release: str) -> None:
    assert "rbhp-mhp" not in str(of(release)).lower()


def test_links_are_strings_before_1_1_0_and_urls_from_then_on() -> None:
    for release, kind in (("1.0.1", "valueString"), ("1.1.0", "valueUrl")):
        plan = next(each for each in of(release) if each["resourceType"] == "List")
        (link,) = [each for each in plan["extension"] if each["url"] == FORMULARY + "usdf-SummaryURL-extension"]
        assert kind in link


def test_each_release_has_its_shapes() -> None:
    kinds = {release: {each["resourceType"] for each in of(release)} for release in RELEASES}
    assert kinds["1.0.1"] == kinds["1.1.0"] == {"List", "MedicationKnowledge"}
    assert kinds["2.0.0"] == kinds["2.0.1"] == {"InsurancePlan", "Basic", "MedicationKnowledge"}


def test_restrictions_and_tiers_differ_so_that_searches_have_hits_and_misses() -> None:
    drugs = listed_drugs()
    for restriction in ("prior_authorization", "step_therapy", "quantity_limit", "mail_order", "new_starts_only"):
        assert {bool(getattr(each, restriction)) for each in drugs} == {True, False}, restriction
    assert {each.tier for each in drugs} <= {tier.code for tier in tiers()}
    assert len({each.tier for each in drugs}) > 5
    assert all((tier.copay is None) != (tier.coinsurance is None) for tier in tiers())


def test_a_drug_that_left_the_list_is_retired() -> None:
    items = [each for each in of("2.0.1") if each["resourceType"] == "Basic"]
    statuses = [
        extension["valueCode"]
        for each in items
        for extension in each["extension"]
        if extension["url"] == FORMULARY + "usdf-AvailabilityStatus-extension"
    ]
    assert len(statuses) == len(items)
    assert set(statuses) == {"active", "retired"}
