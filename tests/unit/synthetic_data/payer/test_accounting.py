"""The accounting rules of a claim, as properties: of a single line, of hand-made members, of a generated population."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic_data.members import Makers
from synthetic_data.network import make_network
from synthetic_data.payer.adjudication import NOTHING, Accumulators, Amounts, drug_price, fee, pay, total, violations
from synthetic_data.payer.authorizations import authorizations_of
from synthetic_data.payer.carin import version
from synthetic_data.payer.claims import Claim, claims_of
from synthetic_data.payer.eob import explanation_of_benefit, is_rendered
from synthetic_data.payer.plans import PLAN_OF_LINE
from synthetic_data.records import FAMILIES, LineOfBusiness, Member, World
from tests.unit.synthetic_data.payer.sample import member, world

LINES = st.sampled_from(["bh", "ma", "qhp"])
CENTS = st.integers(0, 500_000)


@st.composite
def prices(draw: st.DrawFn) -> tuple[int, int, int]:
    """A charge, the part of it that is allowed, the part of that which is covered."""
    charge = draw(CENTS)
    allowed = draw(st.integers(0, charge))
    return charge, allowed, draw(st.integers(0, allowed))


@given(
    line=LINES,
    bills=st.lists(prices(), min_size=1, max_size=8),
    prior=st.integers(0, 100),
    to_patient=st.booleans(),
    capitated=st.booleans(),
    members_noncovered=st.booleans(),
    drug=st.booleans(),
    copay=st.none() | st.integers(0, 10_000),
)
def test_every_line_and_every_total_adds_up(
    line: LineOfBusiness,
    bills: list[tuple[int, int, int]],
    prior: int,
    to_patient: bool,
    capitated: bool,
    members_noncovered: bool,
    drug: bool,
    copay: int | None,
) -> None:
    accumulators = Accumulators(PLAN_OF_LINE[line])
    lines = [
        pay(
            accumulators,
            2026,
            charge,
            allowed,
            covered=covered,
            copay=copay,
            prior_payer_percent=prior,
            to_patient=to_patient,
            capitated=capitated,
            members_noncovered=members_noncovered,
            drug=drug,
        )
        for charge, allowed, covered in bills
    ]
    assert violations(lines, total(lines)) == []
    if line == "bh" and not members_noncovered:
        assert total(lines).member_liability == 0
    if capitated:
        assert total(lines).benefit == 0
    assert (total(lines).paid_to_provider if to_patient else total(lines).paid_to_patient) == 0


@given(bills=st.lists(prices(), min_size=1, max_size=40))
def test_the_deductible_and_the_limit_are_never_exceeded(bills: list[tuple[int, int, int]]) -> None:
    plan = PLAN_OF_LINE["qhp"]
    accumulators = Accumulators(plan)
    lines = [pay(accumulators, 2026, charge, allowed) for charge, allowed, _ in bills]
    whole = total(lines)
    assert whole.deductible <= plan.deductible
    assert whole.deductible + whole.copay + whole.coinsurance <= plan.out_of_pocket_limit


def test_a_deductible_starts_again_each_year() -> None:
    accumulators = Accumulators(PLAN_OF_LINE["qhp"])
    assert pay(accumulators, 2025, 80_000, 80_000).deductible == 50_000
    assert pay(accumulators, 2025, 80_000, 80_000).deductible == 0
    assert pay(accumulators, 2026, 80_000, 80_000).deductible == 50_000


def test_a_broken_account_is_told() -> None:
    right = pay(Accumulators(PLAN_OF_LINE["ma"]), 2026, 10_000, 8_000)
    assert violations([right], right) == []
    assert violations([right], NOTHING) == ["the lines do not add up to the total"]
    for field, rule in (
        ("submitted", "submitted is not eligible + noncovered"),
        ("discount", "eligible is not discount + cost sharing + benefit"),
        ("paid_to_provider", "benefit is not what the payers paid"),
        ("member_liability", "member liability is not the cost sharing"),
        ("paid_by_patient", "the patient paid more than was owed"),
        ("drug_cost", "the drug cost more than was charged"),
    ):
        wrong = right._replace(**{field: getattr(right, field) + 20_000})
        assert any(rule in each for each in violations([wrong], wrong)), field
    negative = right._replace(discount=-1, benefit=right.benefit + right.discount + 1)
    assert any("a negative amount" in each for each in violations([negative], negative))


def test_a_denied_line_leaves_everything_uncovered() -> None:
    denied = pay(Accumulators(PLAN_OF_LINE["ma"]), 2026, 9_000, 7_000, covered=0)
    assert denied == Amounts(9_000, 9_000, *(0,) * 12)


def test_fees_and_drug_prices_never_allow_more_than_is_charged() -> None:
    for code in ("H0004", "H2013", "D1110", "no such code"):
        charge, allowed = fee(code)
        assert 0 < allowed <= charge
    for tier in ("generic", "brand", "specialty"):
        charge, allowed = drug_price(tier, 30)
        assert 0 < allowed <= charge


def population(count: int) -> tuple[World, list[Member]]:
    """Members as a dataset would have them."""
    as_of = datetime(2026, 7, 1, 7, tzinfo=UTC)
    network = make_network(7)
    makers = Makers(7, as_of, network)
    surroundings = World(seed=7, as_of=as_of, family="current", guides=FAMILIES["current"], network=network)
    return surroundings, [makers.member(number, count) for number in range(1, count + 1)]


def faults_of(claim: Claim) -> list[str]:
    """The rules a claim breaks beyond those of its amounts."""
    found = violations([line.amounts for line in claim.lines], claim.total)
    paid = claim.total.paid_to_provider + claim.total.paid_to_patient
    if claim.payment == "denied" and (paid or claim.total.eligible):
        found.append("a denied claim was paid")
    if claim.status == "cancelled" and claim.payment:
        found.append("a claim that was taken back is still paid")
    if not claim.received <= claim.created.date():
        found.append("decided before it came")
    if claim.start > claim.end:
        found.append("ends before it begins")
    for line in claim.lines:
        if bool(line.reason) != (line.amounts.noncovered > 0):
            found.append(f"line {line.sequence}: a reason and a cut go together")
        if line.allowed_units > line.planned.units:
            found.append(f"line {line.sequence}: more units allowed than asked for")
        if any(not 1 <= number <= len(claim.notes) for number in line.notes):
            found.append(f"line {line.sequence}: a note that does not exist")
    return found


def test_every_claim_of_five_hundred_members_adds_up() -> None:
    surroundings, members = population(500)
    kinds: dict[str, int] = {}
    numbers: set[str] = set()
    for each in members:
        authorizations = authorizations_of(each, surroundings)
        claims = claims_of(each, surroundings, authorizations)
        for claim in claims:
            kinds[claim.kind] = kinds.get(claim.kind, 0) + 1
            assert faults_of(claim) == [], claim.id
            assert claim.number not in numbers
            numbers.add(claim.number)
        by_number = {claim.number: claim for claim in claims}
        for claim in claims:
            for relationship, number in claim.related:
                other = by_number[number]
                back = {"prior": "replacedby", "replacedby": "prior"}[relationship]
                assert (back, claim.number) in other.related
    assert set(kinds) == {"professional", "inpatient", "outpatient", "pharmacy", "oral"}


def sums(entries: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Amounts by category, as a reader of the resource adds them up."""
    found: dict[str, Decimal] = {}
    for entry in entries:
        if "amount" in entry:
            code = entry["category"]["coding"][0]["code"]
            found[code] = found.get(code, Decimal(0)) + Decimal(str(entry["amount"]["value"]))
    return found


@pytest.mark.parametrize("number", ["1.0.0", "1.1.0", "2.0.0"])
@pytest.mark.parametrize("line", ["bh", "ma", "qhp"])
def test_what_is_shown_adds_up_in_every_version(number: str, line: LineOfBusiness) -> None:
    form, surroundings = version(number), world("current", carin_bb=number)
    shown = 0
    for count in range(1, 7):
        person = member(count, line, other_payer=count % 2 == 0)
        for claim in claims_of(person, surroundings, authorizations_of(person, surroundings)):
            if not is_rendered(claim, form):
                assert (claim.kind, form.second) == ("oral", False)
                continue
            resource = explanation_of_benefit(claim, person, surroundings, form)
            totals = sums([each for each in resource["total"] if len(each["category"]["coding"]) == 1])
            network = {"innetwork", "outofnetwork"}
            totals = {code: amount for code, amount in totals.items() if code not in network}
            at_lines = sums([entry for item in resource["item"] for entry in item.get("adjudication", [])])
            at_header = sums(resource.get("adjudication", []))
            assert bool(at_lines) != bool(at_header), claim.id
            assert (at_lines or at_header) == totals, claim.id
            assert totals["submitted"] == totals["eligible"] + totals["noncovered"]
            assert totals["eligible"] == sum(
                totals[code] for code in ("discount", "deductible", "copay", "coinsurance", "benefit")
            )
            paid = totals["paidtoprovider"] + totals.get("paidtopatient", Decimal(0))
            assert totals["benefit"] == totals.get("priorpayerpaid", Decimal(0)) + paid
            if "payment" in resource:
                assert Decimal(str(resource["payment"]["amount"]["value"])) == paid
            shown += 1
    assert shown > 100
