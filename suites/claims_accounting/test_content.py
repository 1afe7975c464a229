"""What every claim at hand must say, and that what it points to is there: CARIN Blue Button."""

from __future__ import annotations

import pytest

from suites.claims_accounting.audit import Audit


@pytest.mark.requirement("CARIN-ADJUST-01")
def test_adjusted_claims(claims: Audit) -> None:
    """Adjusted claims and what they replace are both there and point to each other."""
    claims.decide("linkage", "related claim")


@pytest.mark.requirement("CARIN-ADJUST-01")
def test_outcome(claims: Audit) -> None:
    """The outcome of every claim is complete."""
    claims.decide("outcome", "claim")


@pytest.mark.requirement("CARIN-IDENTIFIER-01")
def test_claim_identifiers(claims: Audit) -> None:
    """Every claim carries a claim identifier that no other claim carries."""
    claims.decide("identifiers", "claim")


@pytest.mark.requirement("CARIN-PROFILE-02")
def test_claim_type(claims: Audit) -> None:
    """Every claim says its type, which is never a reason for absent data."""
    claims.decide("type", "claim")


@pytest.mark.requirement("CARIN-PROFILE-02")
def test_concrete_profile(claims: Audit) -> None:
    """Every claim names the concrete profile of its kind, not the abstract one alone."""
    claims.decide("concrete", "claim of a CARIN profile")


@pytest.mark.requirement("CARIN-META-01")
def test_meta(claims: Audit) -> None:
    """Every claim says when it was last updated and which profile it keeps to."""
    claims.decide("meta", "claim")


@pytest.mark.requirement("CARIN-COVERAGE-DOS-01")
def test_coverage_in_force(claims: Audit) -> None:
    """The coverage of a claim was in force when the member was served."""
    claims.decide("in_force", "date of service under a coverage with a period")


@pytest.mark.requirement("CARIN-COVERAGE-01")
def test_focal_insurance(claims: Audit) -> None:
    """One insurance is focal, and its coverage is paid by the insurer."""
    claims.decide("focal", "claim")


@pytest.mark.requirement("CARIN-COVERAGE-01")
def test_coverage(claims: Audit) -> None:
    """Every coverage names payor, beneficiary, relationship and period."""
    claims.decide("coverage", "coverage")


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN")
def test_billable_period(claims: Audit) -> None:
    """Every line was served within the billable period."""
    claims.decide("billable_period", "dated line")


@pytest.mark.requirement("CONNEX-V.B.4.q-SCREEN")
def test_pointers(claims: Audit) -> None:
    """Lines point to diagnoses, procedures, care team and information that the claim has."""
    claims.decide("pointers", "sequence")


@pytest.mark.requirement("CARIN-DIAGNOSIS-01")
def test_diagnoses(claims: Audit) -> None:
    """Diagnoses are coded in ICD, each with its type."""
    claims.decide("diagnoses", "diagnosis")


@pytest.mark.requirement("CARIN-SUPPORT-01")
def test_received_date_and_care_team(claims: Audit) -> None:
    """Every claim tells when it was received and who gave care."""
    claims.decide("supporting_info", "claim")


@pytest.mark.requirement("CARIN-SUPPORT-02")
def test_network_status(claims: Audit) -> None:
    """Every claim tells whether the provider was in the network."""
    claims.decide("network", "claim")


@pytest.mark.requirement("CARIN-SUPPORT-03")
def test_denial_reasons(claims: Audit) -> None:
    """A denied line says why, by a code."""
    claims.decide("denials", "denied line")


@pytest.mark.requirement("CMS9115-431.60-b1-APPEAL")
def test_claims_that_can_be_appealed(claims: Audit) -> None:
    """Claims that were denied, and so can be, were or are being appealed, are among those shown, adjudicated like others."""
    claims.decide("appealable", "denied or partly denied claim")


@pytest.mark.requirement("CMS9115-431.60-c3")
def test_provider_identifiers(claims: Audit) -> None:
    """NPIs of everybody a claim names have ten digits and their check digit."""
    claims.decide("npi", "NPI")


@pytest.mark.requirement("CMS9115-431.60-c3")
def test_drug_codes(claims: Audit) -> None:
    """National drug codes of claims have eleven digits."""
    claims.decide("drug_codes", "NDC")


@pytest.mark.requirement("CMS9115-431.60-c3")
def test_revenue_codes(claims: Audit) -> None:
    """Revenue codes have four digits."""
    claims.decide("revenue_codes", "revenue code")
