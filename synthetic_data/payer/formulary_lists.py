"""Formulary releases 1.0.1 and 1.1.0: a List is the plan, a MedicationKnowledge is a drug in that plan.

1.0.1 writes its links as strings, 1.1.0 as urls; the extension for mail order came with 1.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from synthetic_data.payer.fhir import FORMULARY, PAYER, Json, concept, dollars, extension, instant, meta, nested
from synthetic_data.payer.listed_drugs import DRUG_FORM, PHARMACY_NAMES, RXNORM, TIER_NAMES, ListedDrug, Tier
from synthetic_data.payer.plans import Plan
from synthetic_data.records import World

CODES = "http://hl7.org/fhir/us/davinci-drug-formulary/CodeSystem/"
PHARMACIES = ("1-month-in-retail", "3-month-in-mail")


def formulary(
    world: World, plans: Sequence[Plan], drugs: Sequence[ListedDrug], tiers: Sequence[Tier]
) -> Iterator[Json]:
    """The plans, each with its drugs."""
    for plan in plans:
        yield _coverage_plan(plan, drugs, tiers, world)
        yield _last_years(_coverage_plan(plan, drugs, tiers, world), world.as_of.year - 1)
        for place, drug in enumerate(drugs):
            yield _drug(plan, drug, place, world)


def drug_id(plan: Plan, drug: ListedDrug) -> str:
    """The id of a drug in a plan."""
    return f"drug-{plan.key}-{drug.key}".lower().replace("_", "-")


def _url(name: str, value: str, version: str) -> Json:
    return extension(FORMULARY + name, "String" if version == "1.0.1" else "Url", value)


def _tier_concept(code: str) -> Json:
    return concept(CODES + "usdf-DrugTierCS", code)


def _tier(tier: Tier, version: str) -> Json:
    # 1.0.1 has no code for a cost that does not apply; a rate or amount of zero says `no-charge` there.
    absent = "no-charge" if version == "1.0.1" else "not-applicable"
    costs = []
    for pharmacy in PHARMACIES if tier.mail_order else PHARMACIES[:1]:
        months = 3 if pharmacy.startswith("3") else 1
        copay = (tier.copay or 0) * months
        copay_option = "no-charge" if tier.copay == 0 else absent if tier.copay is None else "after-deductible"
        costs.append(
            nested(
                "costSharing",
                extension(
                    "pharmacyType",
                    "CodeableConcept",
                    concept(CODES + "usdf-PharmacyTypeCS", pharmacy, PHARMACY_NAMES[pharmacy]),
                ),
                extension("copayAmount", "Money", dollars(copay)),
                extension("copayOption", "CodeableConcept", concept(CODES + "usdf-CopayOptionCS", copay_option)),
                extension("coinsuranceRate", "Decimal", (tier.coinsurance or 0) / 100),
                extension(
                    "coinsuranceOption",
                    "CodeableConcept",
                    concept(
                        CODES + "usdf-CoinsuranceOptionCS",
                        absent if tier.coinsurance is None else "after-deductible",
                    ),
                ),
            )
        )
    return nested(
        FORMULARY + "usdf-DrugTierDefinition-extension",
        extension(
            "drugTierID", "CodeableConcept", concept(CODES + "usdf-DrugTierCS", tier.code, TIER_NAMES[tier.code])
        ),
        extension("mailOrder", "Boolean", tier.mail_order),
        *costs,
    )


def _coverage_plan(plan: Plan, drugs: Sequence[ListedDrug], tiers: Sequence[Tier], world: World) -> Json:
    version = world.guides.formulary
    updated = world.as_of - timedelta(days=12)
    site = f"https://payer.example/plans/{plan.key.lower()}"
    return {
        "resourceType": "List",
        "id": f"formulary-{plan.key.lower()}",
        "meta": meta((FORMULARY + "usdf-CoveragePlan",), updated),
        "extension": [
            *(_tier(tier, version) for tier in tiers),
            extension(FORMULARY + "usdf-Network-extension", "String", plan.network_name),
            _url("usdf-SummaryURL-extension", f"{site}/summary", version),
            _url("usdf-FormularyURL-extension", f"{site}/formulary", version),
            _url("usdf-EmailPlanContact-extension", "mailto:members@payer.example", version),
            _url("usdf-MarketingURL-extension", site, version),
            extension(FORMULARY + "usdf-PlanIDType-extension", "String", "HIOS-PLAN-ID"),
        ],
        "identifier": [{"system": PAYER + "NamingSystem/plan", "value": plan.key}],
        "status": "current",
        "mode": "snapshot",
        "title": plan.name,
        "code": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "DRUGPOL", "drug policy"),
        "date": instant(updated),
        "entry": [{"item": {"reference": f"MedicationKnowledge/{drug_id(plan, drug)}"}} for drug in drugs],
    }


def _last_years(listed: Json, year: int) -> Json:
    """The list that was in force the year before: retired, with an identifier of its own."""
    identifier = {**listed["identifier"][0], "value": f"{listed['identifier'][0]['value']}-{year}"}
    return {
        **listed,
        "id": f"{listed['id']}-{year}",
        "identifier": [identifier],
        "status": "retired",
        "title": f"{listed['title']} {year}",
    }


def _drug(plan: Plan, drug: ListedDrug, place: int, world: World) -> Json:
    extensions = [
        extension(FORMULARY + "usdf-PlanID-extension", "String", plan.key),
        extension(FORMULARY + "usdf-DrugTierID-extension", "CodeableConcept", _tier_concept(drug.tier)),
        extension(FORMULARY + "usdf-PriorAuthorization-extension", "Boolean", drug.prior_authorization),
        extension(FORMULARY + "usdf-StepTherapyLimit-extension", "Boolean", drug.step_therapy),
        extension(FORMULARY + "usdf-QuantityLimit-extension", "Boolean", bool(drug.quantity_limit)),
    ]
    if world.guides.formulary != "1.0.1":
        extensions.append(extension(FORMULARY + "usdf-MailOrder-extension", "Boolean", drug.mail_order))
    if drug.step_therapy:
        alternative = f"drug-{plan.key}-sertraline".lower()
        extensions.append(
            extension(
                FORMULARY + "usdf-DrugAlternatives-extension",
                "Reference",
                {"reference": f"MedicationKnowledge/{alternative}"},
            )
        )
    code, name = drug.rxnorm
    shape: Json = {
        "resourceType": "MedicationKnowledge",
        "id": drug_id(plan, drug),
        "meta": meta((FORMULARY + "usdf-FormularyDrug",), world.as_of - timedelta(days=12, minutes=place)),
        "extension": extensions,
        "code": concept(RXNORM, code, name),
        "status": "active",
    }
    if drug.form:
        shape["doseForm"] = concept(DRUG_FORM, *drug.form)
    return shape
