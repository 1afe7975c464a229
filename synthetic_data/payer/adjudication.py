"""What a claim line costs and who pays: integer cents, so that every line and every total adds up exactly.

The accounting rules, which hold for each line and therefore for their sums (categories as CARIN defines them):

    submitted        = eligible + noncovered
    eligible         = discount + deductible + copay + coinsurance + benefit
    benefit          = prior payer paid + paid to provider + paid to patient
    member liability = deductible + copay + coinsurance + the part of noncovered that is the member's
    paid by patient <= member liability, drug cost <= submitted, and no amount is negative

Eligible is the charge that is considered for adjudication, so the contractual discount is part of it. Medicaid members owe nothing
(42 CFR 447.15); a plan's deductible, copayments and coinsurance stop at its yearly limit. Leaves to others: what was done
(`claims.py`), how it is shown (`eob.py`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, cast

from synthetic_data.payer.plans import Plan


class Amounts(NamedTuple):
    """The amounts of a line or a claim, in cents."""

    submitted: int
    noncovered: int
    eligible: int
    discount: int
    deductible: int
    copay: int
    coinsurance: int
    benefit: int
    prior_payer_paid: int
    paid_to_provider: int
    paid_to_patient: int
    paid_by_patient: int
    member_liability: int
    drug_cost: int


NOTHING = Amounts(*(0,) * len(Amounts._fields))


def total(lines: list[Amounts]) -> Amounts:
    """The sum of the lines, category by category."""
    return Amounts(*map(sum, zip(*lines, strict=True))) if lines else NOTHING


@lru_cache(maxsize=1)
def fees() -> dict[str, Any]:
    """The fee table."""
    return tomllib.loads(files("synthetic_data.payer").joinpath("fees.toml").read_text("utf-8"))


@lru_cache(maxsize=512)
def fee(code: str) -> tuple[int, int]:
    """Charge and allowed amount of one unit of a service."""
    table = fees()
    row = table["code"].get(code) or table["dental"].get(code) or table["other"]
    return cast(int, row["charge"]), cast(int, row["allowed"])


@lru_cache(maxsize=512)
def service_words(code: str) -> str:
    """The short descriptor of a HCPCS Level II code (CMS, public domain); nothing for codes of licensed lists."""
    return cast(str, fees()["code"].get(code, {}).get("words", ""))


@lru_cache(maxsize=512)
def drug_price(tier: str, days: int) -> tuple[int, int]:
    """Usual charge of a fill and the price the plan allows: ingredient and dispensing fee."""
    table = fees()["drug"]
    allowed = table["per_day"][tier] * days + table["dispensing_fee"]
    return allowed * table["charge_percent"] // 100, allowed


@dataclass(slots=True)
class Accumulators:
    """What a member has paid towards the yearly deductible and limit, by calendar year."""

    plan: Plan
    deductible: dict[int, int] = field(default_factory=dict)
    out_of_pocket: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Accumulators:
        """What was counted up to now."""
        return Accumulators(self.plan, dict(self.deductible), dict(self.out_of_pocket))

    def take_deductible(self, year: int, allowed: int) -> int:
        """The part of an allowed amount that the deductible takes, now counted."""
        met = self.deductible.get(year, 0)
        part = min(allowed, max(self.plan.deductible - met, 0))
        self.deductible[year] = met + part
        return part

    def within_limit(self, year: int, share: int) -> int:
        """The part of a share that the yearly limit leaves, now counted."""
        paid = self.out_of_pocket.get(year, 0)
        part = min(share, max(self.plan.out_of_pocket_limit - paid, 0))
        self.out_of_pocket[year] = paid + part
        return part


def pay(
    accumulators: Accumulators,
    year: int,
    charge: int,
    allowed: int,
    *,
    covered: int | None = None,
    copay: int | None = None,
    prior_payer_percent: int = 0,
    to_patient: bool = False,
    capitated: bool = False,
    members_noncovered: bool = False,
    drug: bool = False,
) -> Amounts:
    """Adjudicate one line.

    `covered` is the part of the allowed amount the plan covers (all of it when none is given); what it leaves out is charged off in
    proportion. A capitated line is encounter data: the whole eligible amount is settled by the capitation and nothing is paid.
    """
    covered = allowed if covered is None else covered
    noncovered = charge - (charge * covered // allowed if allowed else 0)
    eligible = charge - noncovered
    if capitated:
        return Amounts(charge, noncovered, eligible, eligible, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    plan = accumulators.plan
    payable = min(covered, eligible)
    discount = eligible - payable
    deductible = copayment = coinsurance = 0
    if plan.out_of_pocket_limit and payable:
        deductible = accumulators.within_limit(year, min(payable, accumulators.take_deductible(year, payable)))
        rest = payable - deductible
        if copay is None:
            copay = plan.copay
        copayment = accumulators.within_limit(year, min(rest, copay))
        coinsurance = accumulators.within_limit(year, (rest - copayment) * plan.coinsurance_percent // 100)
    benefit = payable - deductible - copayment - coinsurance
    prior = benefit * prior_payer_percent // 100
    payment = benefit - prior
    share = deductible + copayment + coinsurance
    return Amounts(
        submitted=charge,
        noncovered=noncovered,
        eligible=eligible,
        discount=discount,
        deductible=deductible,
        copay=copayment,
        coinsurance=coinsurance,
        benefit=benefit,
        prior_payer_paid=prior,
        paid_to_provider=0 if to_patient else payment,
        paid_to_patient=payment if to_patient else 0,
        paid_by_patient=copayment,
        member_liability=share + (noncovered if members_noncovered else 0),
        drug_cost=allowed if drug else 0,
    )


def violations(lines: list[Amounts], whole: Amounts) -> list[str]:
    """The accounting rules a claim breaks; empty for every claim we make."""
    found = []
    for name, each in [*((f"line {number}", line) for number, line in enumerate(lines, 1)), ("total", whole)]:
        if min(each) < 0:
            found.append(f"{name}: a negative amount")
        if each.submitted != each.eligible + each.noncovered:
            found.append(f"{name}: submitted is not eligible + noncovered")
        if each.eligible != each.discount + each.deductible + each.copay + each.coinsurance + each.benefit:
            found.append(f"{name}: eligible is not discount + cost sharing + benefit")
        if each.benefit != each.prior_payer_paid + each.paid_to_provider + each.paid_to_patient:
            found.append(f"{name}: benefit is not what the payers paid")
        share = each.deductible + each.copay + each.coinsurance
        if not share <= each.member_liability <= share + each.noncovered:
            found.append(f"{name}: member liability is not the cost sharing")
        if each.paid_by_patient > each.member_liability:
            found.append(f"{name}: the patient paid more than was owed")
        if each.drug_cost > each.submitted:
            found.append(f"{name}: the drug cost more than was charged")
    if lines and total(lines) != whole:
        found.append("the lines do not add up to the total")
    return found
