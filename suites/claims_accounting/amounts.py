"""The arithmetic of a claim: lines against totals, and what the categories mean to each other (CARIN Blue Button, adjudication amounts).

Pure functions over an ExplanationOfBenefit with its numbers as they were written (Decimal). What a claim does not state is not judged;
each rule yields breaches and says by `Judged` what it looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

SHARES = ("deductible", "copay", "coinsurance")
PAID = ("paidtoprovider", "paidtopatient")
Resource = dict[str, Any]


@dataclass(frozen=True)
class Breach:
    """One thing wrong with a claim, and where."""

    message: str
    expected: str = ""
    found: str = ""
    path: str = ""


@dataclass(frozen=True)
class Judged:
    """One thing looked at, right or wrong."""

    count: int = 1


Ruling = Iterator[Breach | Judged]


def number(value: object) -> Decimal | None:
    """A JSON number as Decimal; None for anything else, so that a text is never added up."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def objects(owner: object, name: str) -> list[Resource]:
    """The objects in a list element; what is no object is left to the profile checks."""
    found = owner.get(name) if isinstance(owner, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def codes(concept: object) -> list[tuple[str, str]]:
    """(system, code) of a CodeableConcept."""
    return [
        (str(one.get("system", "")), str(one["code"]))
        for one in objects(concept, "coding")
        if one.get("code") is not None
    ]


def by_category(slices: list[Resource]) -> dict[str, Decimal]:
    """Amounts by the code of their category, repeated ones together."""
    found: dict[str, Decimal] = {}
    for one in slices:
        amount = one.get("amount")
        value = number(amount.get("value")) if isinstance(amount, dict) else None
        if value is None:
            continue
        for _, code in codes(one.get("category"))[:1]:
            found[code] = found.get(code, Decimal(0)) + value
    return found


def line_amounts(claim: Resource) -> list[dict[str, Decimal]]:
    """The amounts of each line."""
    return [by_category(objects(line, "adjudication")) for line in objects(claim, "item")]


def totals_are_the_lines(claim: Resource) -> Ruling:
    """Each total is the sum of the lines, or the claim's own adjudication where lines carry no such amount."""
    lines, header = line_amounts(claim), by_category(objects(claim, "adjudication"))
    for category, total in by_category(objects(claim, "total")).items():
        stated = [line[category] for line in lines if category in line]
        if not stated and category not in header:
            continue
        added = sum(stated, Decimal(0)) if stated else header[category]
        yield Judged()
        if added != total:
            source = "its lines" if stated else "the claim's adjudication"
            yield Breach(f"the total of a category is the sum of {source}", f"{category} {added}", str(total), "total")


def submitted_is_totalled(claim: Resource) -> Ruling:
    """What was asked for is told for the whole claim, where its lines or its own adjudication tell it (CARIN, adjudication amounts)."""
    told = [*line_amounts(claim), by_category(objects(claim, "adjudication"))]
    if not any("submitted" in one for one in told):
        return
    yield Judged()
    if "submitted" not in by_category(objects(claim, "total")):
        yield Breach("the submitted amount is among the totals", "total of category submitted", "none", "total")


def stages(claim: Resource) -> Iterator[tuple[str, dict[str, Decimal]]]:
    """Each set of amounts that must agree within itself: the totals, and each line."""
    yield "total", by_category(objects(claim, "total"))
    for index, line in enumerate(line_amounts(claim)):
        yield f"item[{index}]", line


def submitted_is_accounted_for(claim: Resource) -> Ruling:
    """What was asked is what was considered plus what was not covered; payers that state the allowed amount as eligible leave the discount out of it."""
    for path, amounts in stages(claim):
        if not {"submitted", "eligible", "noncovered"} <= amounts.keys():
            continue
        considered = amounts["eligible"] + amounts["noncovered"]
        yield Judged()
        if amounts["submitted"] not in (considered, considered + amounts.get("discount", Decimal(0))):
            yield Breach(
                "the submitted amount is the eligible and the noncovered amount together",
                f"{amounts['eligible']} + {amounts['noncovered']}",
                str(amounts["submitted"]),
                path,
            )


def liability_is_its_shares(claim: Resource) -> Ruling:
    """What the member owes is deductible, copay and coinsurance, and what is not covered where the member pays that."""
    for path, amounts in stages(claim):
        shares = [amounts[name] for name in SHARES if name in amounts]
        if "memberliability" not in amounts or not shares:
            continue
        owed, noncovered = sum(shares, Decimal(0)), amounts.get("noncovered", Decimal(0))
        yield Judged()
        if amounts["memberliability"] not in (owed, owed + noncovered):
            yield Breach(
                "the member's liability is deductible, copay and coinsurance",
                str(owed),
                str(amounts["memberliability"]),
                path,
            )


def benefit_is_the_rest(claim: Resource) -> Ruling:
    """The benefit is what is eligible without discount and the member's shares; what prior payers paid is part of it or taken off."""
    for path, amounts in stages(claim):
        if not {"eligible", "benefit", *SHARES} <= amounts.keys():
            continue
        shares = sum((amounts[name] for name in SHARES), Decimal(0))
        rest, prior = amounts["eligible"] - shares, amounts.get("priorpayerpaid", Decimal(0))
        discount = amounts.get("discount", Decimal(0))
        yield Judged()
        if amounts["benefit"] not in {
            rest - off - paid for off in (discount, Decimal(0)) for paid in (prior, Decimal(0))
        }:
            yield Breach(
                "the benefit is the eligible amount without discount and the member's shares",
                str(rest - discount),
                str(amounts["benefit"]),
                path,
            )


def payment_is_what_was_paid(claim: Resource) -> Ruling:
    """The payment is what went to provider and patient."""
    amounts, payment = by_category(objects(claim, "total")), claim.get("payment")
    paid = [amounts[name] for name in PAID if name in amounts]
    amount = payment.get("amount") if isinstance(payment, dict) else None
    value = number(amount.get("value")) if isinstance(amount, dict) else None
    if value is None or not paid:
        return
    yield Judged()
    if value != sum(paid, Decimal(0)):
        yield Breach("the payment is what was paid", str(sum(paid, Decimal(0))), str(value), "payment.amount")


def money(part: object, path: str = "") -> Iterator[tuple[str, Resource]]:
    """Every Money in a claim."""
    if isinstance(part, list):
        for one in part:
            yield from money(one, path)
    elif isinstance(part, dict):
        for name, one in part.items():
            where = f"{path}.{name}" if path else name
            if isinstance(one, dict) and (name in ("amount", "net", "unitPrice") or "currency" in one):
                yield where, one
            yield from money(one, where)


def amounts_are_numbers(claim: Resource) -> Ruling:
    """Amounts are JSON numbers, to the cent, with a three-letter currency, and the same one throughout."""
    used: set[str] = set()
    for path, amount in money(claim):
        yield Judged()
        value, currency = number(amount.get("value")), str(amount.get("currency", ""))
        if value is None:
            yield Breach("an amount is a JSON number", "a number", repr(amount.get("value")), path)
        elif value != round(value, 2):
            yield Breach("an amount has no parts of a cent", "two decimals", str(value), path)
        if len(currency) != 3 or not currency.isupper():
            yield Breach("an amount names its currency by ISO 4217", "three capital letters", currency or "none", path)
        used.add(currency)
    if len(used) > 1:
        yield Breach("a claim is in one currency", "one", ", ".join(sorted(used)))
