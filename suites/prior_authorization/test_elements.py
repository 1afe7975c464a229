"""What each prior authorization shows: 42 CFR 431.60(b)(5)(i) and its like for other payers; Da Vinci PDex."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from suites.kit.outcomes import expect, findings, judged, not_applicable
from suites.prior_authorization import elements
from suites.prior_authorization.conftest import Shown
from suites.record.judge import Judge

pytestmark = pytest.mark.together
MOST_READS = 25


def decided(authorizations: Iterable[Shown]) -> list[Shown]:
    """Those a decision was made on."""
    return [
        one
        for one in authorizations
        if not elements.is_pending(one.resource) and not elements.is_withdrawn(one.resource)
    ]


@pytest.mark.requirement("CMS0057-PA-DATA-01", "BELITSOFT-CONTENT-PA")
def test_shown(
    planted: tuple[str, ...], gathered: tuple[Shown, ...], in_force: None, request: pytest.FixtureRequest
) -> None:
    """Prior authorizations of items and services are in the members' records."""
    expect(
        gathered or not planted,
        "the prior authorizations a member is known to have are shown",
        expected=f"some of {', '.join(planted)}",
        found="none",
    )
    authorizations = request.getfixturevalue("authorizations")
    judged(len(authorizations), "prior authorization")


@pytest.mark.requirement("PDEX-PA-01")
def test_shape(authorizations: tuple[Shown, ...]) -> None:
    """Each is an ExplanationOfBenefit of use preauthorization with its number, its insurer and what was decided."""
    with findings() as found:
        for one in authorizations:
            resource = one.resource
            found.check(
                resource.get("preAuthRef") or resource.get("identifier"),
                "an authorization carries its number",
                expected="preAuthRef or identifier",
                found=one.name,
                path="preAuthRef",
                evidence=one.evidence,
            )
            for name in ("insurer", "provider", "insurance", "patient", "created"):
                found.check(
                    resource.get(name),
                    f"an authorization carries {name}",
                    found=one.name,
                    path=name,
                    evidence=one.evidence,
                )
    judged(len(authorizations), "prior authorization")


@pytest.mark.requirement("PDEX-PA-03", "PDEX-PA-01")
def test_told_from_claims(judges: Callable[[str], Judge], in_force: None, request: pytest.FixtureRequest) -> None:
    """An authorization says that it is one and carries no payment; a claim has nothing only authorizations have."""
    count = 0
    with findings() as found:
        for record in judges("fhir").records:
            for resource, evidence in record.of("ExplanationOfBenefit").resources():
                name = f"ExplanationOfBenefit/{resource.get('id')}"
                is_one = resource.get("use") == "preauthorization"
                looks = elements.looks_like_authorization(resource)
                count += is_one or looks
                found.check(
                    is_one or not looks,
                    "an authorization says use preauthorization",
                    expected="preauthorization",
                    found=f"{resource.get('use')} in {name}",
                    path="use",
                    evidence=evidence,
                )
                if is_one:
                    found.check(
                        not resource.get("payment"),
                        "an authorization was not paid",
                        found=name,
                        path="payment",
                        evidence=evidence,
                    )
    if not count:  # neither what says so nor what looks so: whether that is a breach is told where they are asked for
        request.getfixturevalue("authorizations")
    judged(count, "prior authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-02")
def test_status(authorizations: tuple[Shown, ...]) -> None:
    """Each says where it stands: status, outcome, and a review action or a disposition."""
    with findings() as found:
        for one in authorizations:
            found.check(
                elements.has_status(one.resource),
                "an authorization says its status",
                found=one.name,
                path="status",
                evidence=one.evidence,
            )
    judged(len(authorizations), "prior authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-03")
def test_decision_date(authorizations: tuple[Shown, ...]) -> None:
    """Each decided one says on which day it was approved or denied."""
    chosen = decided(authorizations)
    with findings() as found:
        for one in chosen:
            found.check(
                elements.decision_days(one.resource),
                "a decided authorization says when",
                found=one.name,
                path="item.extension",
                evidence=one.evidence,
            )
    judged(len(chosen), "decided authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-04")
def test_end(authorizations: tuple[Shown, ...]) -> None:
    """Each approved one says when it ends."""
    chosen = [one for one in decided(authorizations) if not elements.is_denied(one.resource)]
    with findings() as found:
        for one in chosen:
            found.check(
                elements.end_days(one.resource),
                "an approved authorization says when it ends",
                found=one.name,
                path="preAuthRefPeriod",
                evidence=one.evidence,
            )
    judged(len(chosen), "approved authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-05")
def test_items(authorizations: tuple[Shown, ...]) -> None:
    """Each names its items and services."""
    with findings() as found:
        for one in authorizations:
            for path in elements.unnamed_items(one.resource):
                found.add(
                    "an authorization names its items and services", found=one.name, path=path, evidence=one.evidence
                )
    judged(len(authorizations), "prior authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-05")
def test_quantity(authorizations: tuple[Shown, ...]) -> None:
    """Each decided item tells how much was allowed."""
    chosen, count = decided(authorizations), 0
    with findings() as found:
        for one in chosen:
            for path, allowed in elements.quantities(one.resource):
                count += 1
                found.check(
                    allowed is not None,
                    "a decided item tells the quantity allowed",
                    found=one.name,
                    path=path,
                    evidence=one.evidence,
                )
    judged(count, "decided item")


@pytest.mark.requirement("CMS0057-PA-DATA-06")
def test_denial_reason(authorizations: tuple[Shown, ...]) -> None:
    """A denied one says specifically why."""
    chosen = [one for one in decided(authorizations) if elements.is_denied(one.resource)]
    if not chosen:
        not_applicable("no prior authorization at hand was denied")
    with findings() as found:
        for one in chosen:
            reasons = elements.reasons(one.resource)
            coded = all(
                elements.codes(each.get("reason")) for each in elements.of_category(one.resource, "denialreason")
            )
            found.check(
                reasons and all(elements.is_specific(reason, coded) for reason in reasons),
                "a denial gives a specific reason",
                found=f"{one.name}: {'; '.join(reasons) or 'none'}",
                path="item.adjudication",
                evidence=one.evidence,
            )
    judged(len(chosen), "denied authorization")


@pytest.mark.requirement("CMS0057-PA-DATA-12")
def test_units_used(authorizations: tuple[Shown, ...]) -> None:
    """The quantity used to date is shown somewhere; the final rule leaves it open."""
    chosen = [one for one in decided(authorizations) if elements.of_category(one.resource, "consumedunits")]
    if not chosen:
        not_applicable("no authorization at hand shows units used, which the rule does not ask for")
    with findings() as found:
        for one in chosen:
            for each in elements.of_category(one.resource, "consumedunits"):
                value = each.get("value")
                found.check(
                    isinstance(value, int | float) and value >= 0,
                    "units used are a number",
                    found=f"{one.name}: {value!r}",
                    evidence=one.evidence,
                )
    judged(len(chosen), "authorization with units used")


@pytest.mark.requirement("CMS0057-PA-DATA-07")
def test_documentation(authorizations: tuple[Shown, ...]) -> None:
    """What the provider sent with a request can be read."""
    sent = [(one, reference) for one in authorizations for reference in elements.documents(one.resource)][:MOST_READS]
    if not sent:
        not_applicable("no authorization at hand refers to documentation; the payer may have asked for none")
    with findings() as found:
        for one, reference in sent:
            answer = one.record.read("/".join(reference.partition("/_history/")[0].split("/")[-2:]))
            found.check(
                answer.status == 200,
                "documentation of a request can be read",
                expected=200,
                found=f"{answer.status} for {reference} of {one.name}",
                path="supportingInfo",
                evidence=answer.evidence,
            )
    judged(len(sent), "document")


@pytest.mark.requirement("CMS0057-PA-DATA-11")
def test_no_drugs(authorizations: tuple[Shown, ...]) -> None:
    """Authorizations of drugs are not mixed into those of items and services."""
    with findings() as found:
        for one in authorizations:
            named = elements.drugs(one.resource)
            found.check(
                not named,
                "drug authorizations are outside the set",
                found=f"{one.name}: {', '.join(named)}",
                path="item",
                evidence=one.evidence,
            )
    judged(len(authorizations), "prior authorization")
