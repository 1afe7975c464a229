"""The drug formulary: which drugs a plan lists, at which tier, with which restrictions (Da Vinci US Drug Formulary).

A county behavioural health plan has no outpatient drugs, so the two other lines have a formulary each. Leaves to others: the shape of
release 1 (`formulary_lists.py`) and of release 2 (`formulary_items.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from synthetic_data.payer import formulary_items, formulary_lists
from synthetic_data.payer.fhir import Json
from synthetic_data.payer.listed_drugs import ListedDrug, Tier
from synthetic_data.payer.plans import PLANS
from synthetic_data.records import World
from synthetic_data.yaml_tables import table


class _Rule(NamedTuple):
    tier: str = "generic"
    prior_authorization: bool = False
    step_therapy: bool = False
    new_starts_only: bool = False
    quantity_limit: int = 0
    no_mail: bool = False


@lru_cache(maxsize=1)
def _rules() -> dict[str, Any]:
    return tomllib.loads(files("synthetic_data.payer").joinpath("formulary.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def listed_drugs() -> tuple[ListedDrug, ...]:
    """The drugs of the formulary in the order of the drug table."""
    rules, found = _rules(), []
    for key, drug in table("codes/drugs.yaml").items():
        rule = _Rule(**{**rules["class"].get(drug["class"], {}), **rules["drug"].get(key, {})})
        form = rules["form"].get(drug["form"])
        group = rules["dose_form_group"].get(key)
        found.append(
            ListedDrug(
                key=key,
                rxnorm=tuple(drug["rxnorm"]),
                dose_form_group=tuple(group) if group else None,
                form=tuple(form) if form else None,
                tier=rule.tier,
                prior_authorization=rule.prior_authorization,
                step_therapy=rule.step_therapy,
                new_starts_only=rule.new_starts_only,
                quantity_limit=rule.quantity_limit,
                mail_order=not rule.no_mail,
            )
        )
    return tuple(found)


def tiers() -> tuple[Tier, ...]:
    """The tiers with what a member pays."""
    return tuple(
        Tier(
            code,
            cost.get("copay"),
            cost.get("coinsurance"),
            any(each.mail_order for each in listed_drugs() if each.tier == code),
        )
        for code, cost in _rules()["cost"].items()
    )


def formulary(world: World) -> Iterator[Json]:
    """Every resource of the formulary, in a fixed order."""
    plans = [plan for plan in PLANS if plan.line_of_business != "bh"]
    shape = formulary_items if world.guides.formulary.startswith("2") else formulary_lists
    yield from shape.formulary(world, plans, listed_drugs(), tiers())
