"""Claims that are wrong: CARIN Blue Button EOBs with amounts, codes or parts a reader would miss."""

from __future__ import annotations

from simulators.payer.fhir.data_faults.altering import (
    Resource,
    altered,
    codings,
    dropping,
    elements,
    has_code,
    is_claim,
)
from simulators.payer.fhir.served import as_stored


@as_stored.fault("claim-totals-do-not-add-up", violates="CARIN-AMOUNTS-02")
def totals_off(bodies: list[bytes]) -> list[bytes]:
    """The total of a claim is not the sum of its lines."""

    def change(resource: Resource) -> None:
        for total in resource.get("total", ()) if is_claim(resource) else ():
            if "amount" in total and has_code(total.get("category"), "submitted", "benefit", "eligible"):
                total["amount"]["value"] = round(total["amount"]["value"] + 17.5, 2)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-the-submitted-total", violates="CARIN-AMOUNTS-01")
def no_submitted(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell the amount submitted."""

    def change(resource: Resource) -> None:
        if is_claim(resource):
            resource["total"] = [
                one for one in resource.get("total", ()) if not has_code(one.get("category"), "submitted")
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-cost-sharing", violates="CMS9115-431.60-b1-COST", also=("SHM-CONTENT-COST-01",))
def no_cost_sharing(bodies: list[bytes]) -> list[bytes]:
    """Claims tell nothing of what the member pays: no copay, coinsurance, deductible or liability."""

    def change(resource: Resource) -> None:
        shares = ("copay", "coinsurance", "deductible", "memberliability")
        for holder in list(elements(resource, "adjudication")) if is_claim(resource) else ():
            holder["adjudication"] = [
                one for one in holder["adjudication"] if not has_code(one.get("category"), *shares)
            ]
        resource["total"] = [one for one in resource.get("total", ()) if not has_code(one.get("category"), *shares)]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-the-payment", violates="CMS9115-431.60-b1-COST", also=("SHM-CONTENT-COST-01",))
def no_payment(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell what the provider was paid."""

    def change(resource: Resource) -> None:
        paid = ("paidtoprovider", "benefit", "paidtopatient")
        if is_claim(resource):
            resource.pop("payment", None)
            for holder in list(elements(resource, "adjudication")):
                holder["adjudication"] = [
                    one for one in holder["adjudication"] if not has_code(one.get("category"), *paid)
                ]
            resource["total"] = [one for one in resource.get("total", ()) if not has_code(one.get("category"), *paid)]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-their-identifier", violates="CARIN-IDENTIFIER-01", also=("CARIN-ADJUST-01",))
def no_identifier(bodies: list[bytes]) -> list[bytes]:
    """Claims carry no claim number."""
    return altered(bodies, "ExplanationOfBenefit", dropping("identifier"))


@as_stored.fault("claim-identifier-has-no-type", violates="CARIN-IDENTIFIER-01")
def untyped_identifier(bodies: list[bytes]) -> list[bytes]:
    """The claim number does not say that it is one."""

    def change(resource: Resource) -> None:
        for identifier in resource.get("identifier", ()):
            identifier.pop("type", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-their-type", violates="CARIN-PROFILE-01", also=("CARIN-MUSTSUPPORT-01",))
def no_type(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell whether they are professional, institutional, pharmacy or oral."""
    return altered(bodies, "ExplanationOfBenefit", dropping("type"))


@as_stored.fault("claims-lack-their-outcome", violates="CARIN-PROFILE-01", also=("CARIN-MUSTSUPPORT-01",))
def no_outcome(bodies: list[bytes]) -> list[bytes]:
    """Claims lack the mandatory outcome."""
    return altered(bodies, "ExplanationOfBenefit", dropping("outcome"))


@as_stored.fault("claims-lack-insurance", violates="CARIN-PROFILE-01", also=("CARIN-MUSTSUPPORT-01",))
def no_insurance(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell the coverage they were paid under."""
    return altered(bodies, "ExplanationOfBenefit", dropping("insurance"))


@as_stored.fault("claims-name-the-abstract-profile", violates="CARIN-PROFILE-02", also=("CARIN-PROFILE-01",))
def abstract_profile(bodies: list[bytes]) -> list[bytes]:
    """Claims name the abstract EOB profile instead of the one for their kind."""

    def change(resource: Resource) -> None:
        if is_claim(resource):
            resource["meta"]["profile"] = [
                "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit"
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-name-no-profile", violates="CARIN-META-01", also=("CARIN-PROFILE-01", "CARIN-MUSTSUPPORT-01"))
def no_profile(bodies: list[bytes]) -> list[bytes]:
    """Claims name no profile in meta."""

    def change(resource: Resource) -> None:
        resource["meta"].pop("profile", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claim-outcome-is-queued", violates="CARIN-ADJUST-01", also=("CMS9115-431.60-b1-APPEAL",))
def queued(bodies: list[bytes]) -> list[bytes]:
    """Adjudicated claims say that they are still queued."""

    def change(resource: Resource) -> None:
        if is_claim(resource):
            resource["outcome"] = "queued"

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("adjusted-claims-lose-their-link", violates="CARIN-ADJUST-01")
def no_related(bodies: list[bytes]) -> list[bytes]:
    """Adjusted claims do not name the claim they replace."""
    return altered(bodies, "ExplanationOfBenefit", dropping("related"))


@as_stored.fault("diagnoses-of-claims-come-from-another-system", violates="CARIN-DIAGNOSIS-01")
def other_system(bodies: list[bytes]) -> list[bytes]:
    """Diagnoses of claims are coded in a system of the payer's own."""

    def change(resource: Resource) -> None:
        for diagnosis in resource.get("diagnosis", ()):
            for coding in codings(diagnosis.get("diagnosisCodeableConcept", {})):
                coding["system"] = "http://payer.example/diagnoses"

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("diagnoses-of-claims-have-no-type", violates="CARIN-DIAGNOSIS-01")
def untyped_diagnoses(bodies: list[bytes]) -> list[bytes]:
    """Diagnoses of claims do not tell which one is principal."""

    def change(resource: Resource) -> None:
        for diagnosis in resource.get("diagnosis", ()):
            diagnosis.pop("type", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-the-billable-period", violates="CARIN-MUSTSUPPORT-01", also=("CARIN-PROFILE-01",))
def no_period(bodies: list[bytes]) -> list[bytes]:
    """Claims have no billable period."""
    return altered(bodies, "ExplanationOfBenefit", dropping("billablePeriod"))


@as_stored.fault("claims-lack-the-received-date", violates="CARIN-SUPPORT-01")
def no_received_date(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell when they were received."""

    def change(resource: Resource) -> None:
        kept = [one for one in resource.get("supportingInfo", ()) if not has_code(one.get("category"), "clmrecvddate")]
        resource["supportingInfo"] = kept

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claims-lack-the-care-team", violates="CARIN-SUPPORT-01")
def no_care_team(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell who gave the care."""
    return altered(bodies, "ExplanationOfBenefit", dropping("careTeam"))


@as_stored.fault("claims-lack-the-network-status", violates="CARIN-SUPPORT-02")
def no_network_status(bodies: list[bytes]) -> list[bytes]:
    """Claims do not tell whether the provider was in network."""

    def change(resource: Resource) -> None:
        states = ("benefitpaymentstatus", "billingnetworkstatus", "renderingnetworkstatus")
        for holder in list(elements(resource, "adjudication")):
            holder["adjudication"] = [
                one for one in holder["adjudication"] if not has_code(one.get("category"), *states)
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("denied-claims-give-no-reason", violates="CARIN-SUPPORT-03")
def no_denial_reason(bodies: list[bytes]) -> list[bytes]:
    """Denied claims do not tell why."""

    reasons = ("denialreason", "rejectreason")

    def change(resource: Resource) -> None:
        for holder in list(elements(resource, "adjudication")) if is_claim(resource) else ():
            holder["adjudication"] = [
                one for one in holder["adjudication"] if not has_code(one.get("category"), *reasons)
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claim-amounts-are-texts", violates="CARIN-PROFILE-03", also=("CMS9115-431.60-b1-COST",))
def text_amounts(bodies: list[bytes]) -> list[bytes]:
    """Amounts of claims are written as texts."""

    def change(resource: Resource) -> None:
        for money in elements(resource, "currency"):
            if "value" in money:
                money["value"] = str(money["value"])

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("claim-amounts-are-in-dollars-in-words", violates="CARIN-PROFILE-03")
def worded_currency(bodies: list[bytes]) -> list[bytes]:
    """Amounts of claims give their currency in words instead of its code."""

    def change(resource: Resource) -> None:
        for money in elements(resource, "currency"):
            money["currency"] = "dollars"

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("coverage-has-no-payor", violates="CARIN-COVERAGE-01")
def no_payor(bodies: list[bytes]) -> list[bytes]:
    """A Coverage does not name its payor."""
    return altered(bodies, "Coverage", dropping("payor"))


@as_stored.fault("coverage-has-no-period", violates="CARIN-COVERAGE-01")
def no_coverage_period(bodies: list[bytes]) -> list[bytes]:
    """A Coverage does not tell from when to when it runs."""
    return altered(bodies, "Coverage", dropping("period"))


@as_stored.fault("coverage-has-no-relationship", violates="CARIN-COVERAGE-01")
def no_relationship(bodies: list[bytes]) -> list[bytes]:
    """A Coverage does not tell how the member relates to the subscriber."""
    return altered(bodies, "Coverage", dropping("relationship"))


@as_stored.fault("coverage-is-another-members", violates="CARIN-COVERAGE-01")
def wrong_beneficiary(bodies: list[bytes]) -> list[bytes]:
    """The beneficiary of a Coverage is another person than the member."""

    def change(resource: Resource) -> None:
        resource["beneficiary"] = {"reference": "Patient/somebody-else"}

    return altered(bodies, "Coverage", change)


@as_stored.fault(
    "claims-drop-their-profile-and-number",
    violates="CARIN-PROFILE-01",
    also=("CARIN-IDENTIFIER-01", "CARIN-META-01", "CARIN-MUSTSUPPORT-01"),
)
def unclaimed(bodies: list[bytes]) -> list[bytes]:
    """Claims carry no claim number and no profile in meta: what they lack shows by their type and use alone."""

    def change(resource: Resource) -> None:
        if is_claim(resource):
            resource["meta"].pop("profile", None)
            resource.pop("identifier", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("coverage-begins-after-the-services", violates="CARIN-COVERAGE-DOS-01")
def late_coverage(bodies: list[bytes]) -> list[bytes]:
    """Coverage says that it began only now, after all that was served under it."""

    def change(resource: Resource) -> None:
        resource.setdefault("period", {})["start"] = "2099-01-01"
        resource["period"].pop("end", None)

    return altered(bodies, "Coverage", change)


@as_stored.fault("revenue-codes-have-three-digits", violates="CMS9115-431.60-c3")
def short_revenue_codes(bodies: list[bytes]) -> list[bytes]:
    """Revenue codes of claims have lost their leading zero."""

    def change(resource: Resource) -> None:
        for holder in elements(resource, "revenue"):
            for coding in codings(holder["revenue"]):
                coding["code"] = coding["code"].removeprefix("0")[:3]

    return altered(bodies, "ExplanationOfBenefit", change)
