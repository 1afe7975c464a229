"""One pass over every claim of the records at hand, all rules at once; each check then tells what its rule found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from suites.claims_accounting import amounts, content
from suites.claims_accounting.amounts import Breach, Resource, Ruling, codes
from suites.claims_accounting.linkage import Ledger
from suites.kit.outcomes import Inconclusive, findings, judged, trail
from suites.record.held import Record

CLAIM_RULES: dict[str, content.Rule] = {
    "totals": amounts.totals_are_the_lines,
    "submitted_total": amounts.submitted_is_totalled,
    "concrete": content.profile_is_concrete,
    "submitted": amounts.submitted_is_accounted_for,
    "liability": amounts.liability_is_its_shares,
    "benefit": amounts.benefit_is_the_rest,
    "payment": amounts.payment_is_what_was_paid,
    "money": amounts.amounts_are_numbers,
    "billable_period": content.billable_period_covers_lines,
    "pointers": content.pointers_lead_somewhere,
    "drug_codes": content.national_drug_codes_have_eleven_digits,
    "revenue_codes": content.revenue_codes_have_four_digits,
    "type": content.type_is_known,
    "outcome": content.outcome_is_complete,
    "meta": content.meta_is_there,
    "diagnoses": content.diagnoses_are_of_the_code_systems,
    "supporting_info": content.supporting_info_is_there,
    "network": content.network_status_is_told,
    "denials": content.denied_lines_say_why,
    "appealable": content.denied_claims_are_adjudicated,
    "remittance": content.remittance_is_told,
    "npi": content.npis_have_check_digits,
}
COVERAGE_RULES: dict[str, content.CoverageRule] = {
    "in_force": content.coverage_was_in_force,
    "focal": content.focal_insurance_is_the_insurers,
}
SHOWN = 20  # breaches of one rule kept; the rest is counted
NAMED = ("Practitioner", "Organization")


@dataclass
class Audit:
    """What each rule looked at and found over all records."""

    claims: int = 0
    looked: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    breaches: dict[str, list[tuple[Breach, str, str]]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    label: str = ""

    def take(self, rule: str, ruling: Ruling, id: str, evidence: str) -> None:
        """Enter what a rule says of one resource."""
        for one in ruling:
            if isinstance(one, Breach):
                self.broken[rule] += 1
                kept = self.breaches.setdefault(rule, [])
                if len(kept) < SHOWN:
                    kept.append((one, id, evidence))
            else:
                self.looked[rule] += one.count

    def decide(self, rule: str, what: str) -> None:
        """End a check as its rule found."""
        trail().member = trail().member or self.label
        if not self.claims:
            raise Inconclusive(self.unread[0] if self.unread else "no member at hand has a claim")
        with findings() as found:
            for breach, id, evidence in self.breaches.get(rule, []):
                found.add(
                    breach.message,
                    expected=breach.expected if len(self.breaches[rule]) < SHOWN else "",
                    found=f"{breach.found} in {id}",
                    path=breach.path,
                    evidence=evidence,
                )
            if self.broken[rule]:
                trail().notes.append(f"{self.broken[rule]} breaches over {self.claims} claims")
        judged(self.looked[rule], what)


def audit(records: tuple[Record, ...], guides: tuple[str, ...] = ()) -> Audit:
    """Every rule over every claim of the records."""
    made = Audit(label=records[0].label if records else "")
    for record in records:
        try:
            held, coverage = record.of("ExplanationOfBenefit"), _coverage(record, made)
        except Inconclusive as undecided:
            made.unread.append(str(undecided))
            continue
        ledger, page = Ledger(), ""
        for claim, page in held.as_sent():
            if claim.get("use", "claim") != "claim":
                continue
            made.claims += 1
            ledger.add(claim)
            where = f"ExplanationOfBenefit/{claim.get('id')}"
            for name, rule in CLAIM_RULES.items():
                if name == "denials" and lines_hold_amounts_only(claim, guides):
                    continue
                made.take(name, rule(claim), where, page)
            for name, with_coverage in COVERAGE_RULES.items():
                made.take(name, with_coverage(claim, coverage), where, page)
        made.take("identifiers", ledger.each_has_its_own_identifier(), record.label, page)
        made.take("linkage", ledger.adjusted_claims_find_each_other(), record.label, page)
        for named, evidence in _named(record):
            made.take(
                "npi", content.npis_have_check_digits(named), f"{named.get('resourceType')}/{named.get('id')}", evidence
            )
    return made


def lines_hold_amounts_only(claim: Resource, guides: tuple[str, ...]) -> bool:
    """Whether no line may carry a reason: CARIN 1.x leaves institutional lines amounts alone (adjudication-has-amount-type-slice)."""
    claimed = [one.partition("@")[2] for one in guides if one.startswith("carin-bb@")]
    first = bool(claimed) and all(number.startswith("1.") for number in claimed)
    return first and any(code == "institutional" for _, code in codes(claim.get("type")))


def _coverage(record: Record, made: Audit) -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    for resource, evidence in record.of("Coverage").as_sent():
        found[f"Coverage/{resource.get('id')}"] = resource
        name = f"Coverage/{resource.get('id')}"
        made.take("coverage", content.coverage_is_told(resource), name, evidence)
        made.take("coverage", content.coverage_is_the_members(resource, record.patient), name, evidence)
    return found


def _named(record: Record) -> Iterator[tuple[Resource, str]]:
    for type in NAMED:
        yield from record.referenced(type).resources()
