"""The amounts of every claim at hand add up: CARIN Blue Button and 42 CFR 431.60(b)(1), over the numbers as they were sent."""

from __future__ import annotations

import pytest

from suites.claims_accounting.audit import Audit


@pytest.mark.requirement("CARIN-AMOUNTS-02", "CARIN-AMOUNTS-01")
def test_totals(claims: Audit) -> None:
    """Each total is the sum of its lines, category by category."""
    claims.decide("totals", "total")


@pytest.mark.requirement("CARIN-AMOUNTS-01")
def test_submitted_amount(claims: Audit) -> None:
    """Submitted is eligible and noncovered together, on every line and in total."""
    claims.decide("submitted", "line or total with submitted, eligible and noncovered amounts")


@pytest.mark.requirement("CARIN-AMOUNTS-01")
def test_member_liability(claims: Audit) -> None:
    """What the member owes is deductible, copay and coinsurance."""
    claims.decide("liability", "member liability with its shares")


@pytest.mark.requirement("CARIN-AMOUNTS-01")
def test_benefit(claims: Audit) -> None:
    """The benefit is what is left of the eligible amount."""
    claims.decide("benefit", "benefit with what it is made of")


@pytest.mark.requirement("CARIN-AMOUNTS-01")
def test_payment(claims: Audit) -> None:
    """The payment is what was paid to provider and patient."""
    claims.decide("payment", "payment")


@pytest.mark.requirement("CARIN-PROFILE-03")
def test_money(claims: Audit) -> None:
    """Amounts are JSON numbers to the cent in one ISO 4217 currency."""
    claims.decide("money", "amount")


@pytest.mark.requirement("CMS9115-431.60-b1-COST", "SHM-CONTENT-COST-01")
def test_remittance_and_cost_sharing(claims: Audit) -> None:
    """Each claim tells what the payer paid and what the member owes."""
    claims.decide("remittance", "claim")


@pytest.mark.requirement("CARIN-AMOUNTS-01")
def test_submitted_total(claims: Audit) -> None:
    """The amount asked for is told for the whole claim."""
    claims.decide("submitted_total", "claim that tells what was asked")
