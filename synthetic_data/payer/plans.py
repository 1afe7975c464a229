"""The payer's plans, one for each line of business, and the areas they cover.

The same keys name a plan in Coverage, in the provider directory and in the formulary.
"""

from __future__ import annotations

from typing import NamedTuple

from synthetic_data.records import LineOfBusiness


class Area(NamedTuple):
    """A service area: a state, the box around it (west, south, east, north in degrees) and the city it is run from."""

    location: str
    state: str
    name: str
    box: tuple[float, float, float, float]
    city: str
    postal_code: str


class Plan(NamedTuple):
    """A plan: product and metal level as Plan-Net codes them, network, cost sharing of its members in cents and percent."""

    key: str
    line_of_business: LineOfBusiness
    name: str
    alias: tuple[str, ...]
    state: str
    product: tuple[str, str]
    level: tuple[str, str]
    network: str
    network_name: str
    deductible: int
    copay: int
    coinsurance_percent: int
    drug_copay: int
    out_of_pocket_limit: int

    @property
    def directory_id(self) -> str:
        """The Plan-Net InsurancePlan."""
        return f"plan-{self.key.lower()}"


AREAS: dict[str, Area] = {
    "CA": Area("loc-area-ca", "CA", "California", (-124.48, 32.53, -114.13, 42.01), "Sacramento", "95814"),
    "WI": Area("loc-area-wi", "WI", "Wisconsin", (-92.89, 42.49, -86.25, 47.31), "Madison", "53703"),
    "MS": Area("loc-area-ms", "MS", "Mississippi", (-91.66, 30.14, -88.10, 35.00), "Jackson", "39201"),
}

# Medi-Cal members of a county behavioural health plan owe nothing; the other two lines share costs.
PLANS: tuple[Plan, ...] = (
    Plan("RBHP-MHP", "bh", "Riverbend Specialty Mental Health", ("Riverbend SMH",), "CA", ("medi", "Medicaid"), ("lowdeductible", "Low Deductible"), "net-bh", "Riverbend County Network", 0, 0, 0, 0, 0),
    Plan("RBHP-MA1", "ma", "Riverbend Senior Advantage", ("Riverbend Senior",), "WI", ("mediadv", "Medicare Advantage"), ("gold", "Gold-QHP"), "net-ma", "Riverbend Senior Network", 0, 2_500, 0, 1_000, 550_000),
    Plan("RBHP-QHP-S", "qhp", "Riverbend Marketplace Silver", ("Riverbend Silver",), "MS", ("qhp", "Qualified Health Plan"), ("silver", "Silver-QHP"), "net-qhp", "Riverbend Marketplace Network", 50_000, 0, 20, 1_500, 900_000),
)  # fmt: skip

PLAN_OF_LINE: dict[LineOfBusiness, Plan] = {plan.line_of_business: plan for plan in PLANS}
