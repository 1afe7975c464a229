"""Formulary releases 2.0.0 and 2.0.1: a payer's InsurancePlan names a formulary, and a Basic puts a drug on it.

2.0.0 spells the plan type `Drug`, 2.0.1 `drug`. The coverage area is the directory's Location, which also satisfies the profile here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from synthetic_data.payer.fhir import (
    FORMULARY,
    PAYER,
    Json,
    coding,
    concept,
    extension,
    meta,
    nested,
    period,
    reference,
)
from synthetic_data.payer.listed_drugs import DRUG_FORM, PHARMACY_NAMES, RXNORM, TIER_NAMES, ListedDrug, Tier
from synthetic_data.payer.plans import AREAS, Plan
from synthetic_data.records import World

CODES = "http://hl7.org/fhir/us/davinci-drug-formulary/CodeSystem/usdf-"
TRIAL = "-TEMPORARY-TRIAL-USE"
PLAN_NET_CODES = "http://hl7.org/fhir/us/davinci-pdex-plan-net/CodeSystem/"
DRUG_POLICY = concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "DRUGPOL")
PHARMACIES = ("1-month-in-retail", "3-month-in-retail", "1-month-in-mail", "3-month-in-mail")


def formulary(
    world: World, plans: Sequence[Plan], drugs: Sequence[ListedDrug], tiers: Sequence[Tier]
) -> Iterator[Json]:
    """The drugs, then each plan with its formulary and items."""
    for place, drug in enumerate(drugs):
        yield _drug(drug, place, world)
    for plan in plans:
        yield _payer_plan(plan, tiers, world)
        yield _formulary(plan, world)
        yield _last_years(_formulary(plan, world), world)
        for place, drug in enumerate(drugs):
            yield _item(plan, drug, place, world)


def _drug_plan(world: World) -> Json:
    code = "Drug" if world.guides.formulary == "2.0.0" else "drug"
    return concept("http://terminology.hl7.org/CodeSystem/insurance-plan-type", code, "Drug")


NO_LONGER_MARKETED = "acetaminophen"  # in the strength of the table


def _year(world: World) -> tuple[date, date]:
    year = world.as_of.year
    return date(year, 1, 1), date(year, 12, 31)


def _pharmacy(code: str) -> Json:
    return concept(CODES + "PharmacyBenefitTypeCS" + TRIAL, code, PHARMACY_NAMES[code])


def _tier_concept(code: str) -> Json:
    return concept(CODES + "DrugTierCS" + TRIAL, code, TIER_NAMES[code])


def drug_id(drug: ListedDrug) -> str:
    """The id of a drug."""
    return f"drug-{drug.key}".replace("_", "-")


def _drug(drug: ListedDrug, place: int, world: World) -> Json:
    code, name = drug.rxnorm
    codings = [coding(RXNORM, code, name)]
    if drug.dose_form_group:
        codings.append(coding(RXNORM, *drug.dose_form_group))
    shape: Json = {
        "resourceType": "MedicationKnowledge",
        "id": drug_id(drug),
        "meta": meta((FORMULARY + "usdf-FormularyDrug",), world.as_of - timedelta(days=12, minutes=place)),
        "code": {"coding": codings},
        "status": "inactive" if drug.key == NO_LONGER_MARKETED else "active",
    }
    if drug.form:
        shape["doseForm"] = concept(DRUG_FORM, *drug.form)
    return shape


def _cost(tier: Tier, months: int) -> list[Json]:
    option = CODES + "CostShareOptionCS" + TRIAL
    costs = []
    if tier.copay is not None:
        charge = "no-charge" if tier.copay == 0 else "after-deductible"
        costs.append(
            {
                "type": concept(CODES + "BenefitCostTypeCS" + TRIAL, "copay", "Copay"),
                "qualifiers": [concept(option, charge)],
                "value": {
                    "value": tier.copay * months / 100,
                    "unit": "$",
                    "system": "urn:iso:std:iso:4217",
                    "code": "USD",
                },
            }
        )
    if tier.coinsurance is not None:
        costs.append(
            {
                "type": concept(CODES + "BenefitCostTypeCS" + TRIAL, "coinsurance", "Coinsurance"),
                "qualifiers": [concept(option, "after-deductible")],
                "value": {"value": tier.coinsurance, "system": "http://unitsofmeasure.org", "code": "%"},
            }
        )
    return costs


def _payer_plan(plan: Plan, tiers: Sequence[Tier], world: World) -> Json:
    payer = world.network.payer
    site = f"https://payer.example/plans/{plan.key.lower()}"
    contact_type = CODES + "PlanContactTypeCS" + TRIAL
    return {
        "resourceType": "InsurancePlan",
        "id": f"payer-plan-{plan.key.lower()}",
        "meta": meta((FORMULARY + "usdf-PayerInsurancePlan",), world.as_of - timedelta(days=12)),
        "identifier": [{"system": PAYER + "NamingSystem/plan", "value": plan.key}],
        "status": "active",
        "type": [concept(PLAN_NET_CODES + "InsuranceProductTypeCS", *plan.product)],
        "name": plan.name,
        "period": period(*_year(world)),
        "ownedBy": reference("Organization", payer.id, payer.name),
        "administeredBy": reference("Organization", payer.id, payer.name),
        "coverageArea": [reference("Location", AREAS[plan.state].location, AREAS[plan.state].name)],
        "contact": [
            {
                "purpose": concept("http://terminology.hl7.org/CodeSystem/contactentity-type", "PATINF"),
                "name": {"text": "Member services"},
                "telecom": [{"system": "phone", "value": payer.phone}],
            },
            *(
                {
                    "purpose": concept(contact_type, code),
                    "name": {"text": f"{plan.name}: {words}"},
                    "telecom": [{"system": "url", "value": f"{site}/{words}"}],
                }
                for code, words in (("MARKETING", "about"), ("SUMMARY", "summary"), ("FORMULARY", "formulary"))
            ),
        ],
        "network": [reference("Organization", plan.network, plan.network_name)],
        "coverage": [
            {
                "extension": [
                    extension(
                        FORMULARY + "usdf-FormularyReference-extension",
                        "Reference",
                        reference("InsurancePlan", formulary_id(plan)),
                    )
                ],
                "type": DRUG_POLICY,
                "benefit": [{"type": _drug_plan(world)}],
            }
        ],
        "plan": [
            {
                "type": _drug_plan(world),
                "specificCost": [
                    {
                        "category": _pharmacy(pharmacy),
                        "benefit": [
                            {
                                "type": _tier_concept(tier.code),
                                "cost": _cost(tier, 3 if pharmacy.startswith("3") else 1),
                            }
                            for tier in tiers
                            if tier.mail_order or not pharmacy.endswith("mail")
                        ],
                    }
                    for pharmacy in PHARMACIES
                ],
            }
        ],
    }


def formulary_id(plan: Plan) -> str:
    """The id of a plan's formulary."""
    return f"formulary-{plan.key.lower()}"


def _formulary(plan: Plan, world: World) -> Json:
    return {
        "resourceType": "InsurancePlan",
        "id": formulary_id(plan),
        "meta": meta((FORMULARY + "usdf-Formulary",), world.as_of - timedelta(days=12)),
        "identifier": [{"system": PAYER + "NamingSystem/formulary", "value": f"F-{plan.key}"}],
        "status": "active",
        "type": [DRUG_POLICY],
        "name": f"Drug list of {plan.name}",
        "period": period(*_year(world)),
    }


def _last_years(listed: Json, world: World) -> Json:
    """The formulary that was in force the year before: retired, with an identifier and a period of its own."""
    start, end = (day.replace(year=day.year - 1) for day in _year(world))
    identifier = {**listed["identifier"][0], "value": f"{listed['identifier'][0]['value']}-{start.year}"}
    return {
        **listed,
        "id": f"{listed['id']}-{start.year}",
        "identifier": [identifier],
        "status": "retired",
        "name": f"{listed['name']}, {start.year}",
        "period": period(start, end),
    }


def _item(plan: Plan, drug: ListedDrug, place: int, world: World) -> Json:
    start, end = _year(world)
    # One drug has left the list at the end of last year: a status and a period other than those of the rest.
    retired = drug.key == "lamotrigine" and plan.line_of_business == "qhp"
    if retired:
        start, end = start.replace(year=start.year - 1), end.replace(year=end.year - 1)
    pharmacies = PHARMACIES if drug.mail_order else PHARMACIES[:2]
    extensions = [
        extension(
            FORMULARY + "usdf-FormularyReference-extension", "Reference", reference("InsurancePlan", formulary_id(plan))
        ),
        extension(FORMULARY + "usdf-AvailabilityStatus-extension", "Code", "retired" if retired else "active"),
        extension(FORMULARY + "usdf-AvailabilityPeriod-extension", "Period", period(start, end)),
        *(
            extension(FORMULARY + "usdf-PharmacyBenefitType-extension", "CodeableConcept", _pharmacy(pharmacy))
            for pharmacy in pharmacies
        ),
        extension(FORMULARY + "usdf-DrugTierID-extension", "CodeableConcept", _tier_concept(drug.tier)),
        extension(FORMULARY + "usdf-PriorAuthorization-extension", "Boolean", drug.prior_authorization),
    ]
    if drug.prior_authorization:
        extensions.append(
            extension(FORMULARY + "usdf-PriorAuthorizationNewStartsOnly-extension", "Boolean", drug.new_starts_only)
        )
    extensions.append(extension(FORMULARY + "usdf-StepTherapyLimit-extension", "Boolean", drug.step_therapy))
    if drug.step_therapy:
        extensions.append(
            extension(FORMULARY + "usdf-StepTherapyLimitNewStartsOnly-extension", "Boolean", drug.new_starts_only)
        )
    extensions.append(extension(FORMULARY + "usdf-QuantityLimit-extension", "Boolean", bool(drug.quantity_limit)))
    if drug.quantity_limit:
        extensions.append(_quantity_limit(drug.quantity_limit))
    if drug.tier == "medical-service":
        extensions.append(
            extension(
                FORMULARY + "usdf-AdditionalCoverageInformation-extension",
                "Markdown",
                "Given at the clinic and covered as a medical service.",
            )
        )
    return {
        "resourceType": "Basic",
        "id": f"item-{plan.key.lower()}-{drug.key}".replace("_", "-"),
        "meta": meta((FORMULARY + "usdf-FormularyItem",), world.as_of - timedelta(days=12, minutes=place)),
        "extension": extensions,
        "code": concept(CODES + "InsuranceItemTypeCS", "formulary-item", "Formulary Item"),
        "subject": reference("MedicationKnowledge", drug_id(drug)),
    }


def _quantity_limit(units: int) -> Json:
    days = {"system": "http://unitsofmeasure.org", "code": "d"}
    return nested(
        FORMULARY + "usdf-QuantityLimitDetail-extension",
        extension("Description", "String", f"{units} units in 30 days"),
        extension("Rolling", "Timing", {"repeat": {"count": units, "period": 30, "periodUnit": "d"}}),
        extension("MaximumDaily", "Quantity", {"value": max(1, units // 30)}),
        extension(
            "DaysSupply",
            "Timing",
            {"repeat": {"boundsDuration": {"value": 365, **days}, "count": 1, "period": 30, "periodUnit": "d"}},
        ),
    )
