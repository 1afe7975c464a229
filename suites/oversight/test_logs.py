"""What is written down: HIPAA-164.312-b, CMS0057-USAGE-METRIC-01, -07 (45 CFR 164.312(b), 42 CFR 431.60(h))."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from suites.kit.app import App, Grant, basic
from suites.kit.fhir import FhirClient
from suites.kit.http import Http
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.page_reading import visit
from suites.kit.target import Target
from suites.oversight.pages import Payer
from suites.protocol import urls

FreshGrant = Callable[..., Grant]


def deliveries(payer: Payer, app: App, grant: Grant) -> list[dict[str, Any]]:
    """What the usage log has of a member and an app."""
    client_id = app.client.client_id
    return [one for one in payer.log("usage") if (one["app"], one["member"]) == (client_id, grant.patient)]


@pytest.mark.requirement("CMS0057-USAGE-METRIC-01")
def test_delivery_is_counted(
    payer: Payer, another_app: App, fresh_grant: FreshGrant, http: Http, target: Target
) -> None:
    """A read that delivers a member's data to an app stands in the usage log, with member, app and day."""
    grant = fresh_grant(by=another_app)
    before = len(deliveries(payer, another_app, grant))
    answer = FhirClient(http, target.server.fhir_base, grant.access_token).read("Patient", grant.patient)
    control(answer.status == 200, "the read is answered", answer.status)
    after = deliveries(payer, another_app, grant)
    expect(len(after) > before, "a delivery must be in the usage log", expected=before + 1, found=len(after))


@pytest.mark.requirement("CMS0057-USAGE-METRIC-07")
def test_refusal_is_not_counted(
    payer: Payer, another_app: App, fresh_grant: FreshGrant, http: Http, target: Target
) -> None:
    """A request that delivers nothing is not in the usage log as a delivery; one that does is."""
    grant = fresh_grant(by=another_app)
    fhir = FhirClient(http, target.server.fhir_base, grant.access_token)
    before = len(deliveries(payer, another_app, grant))
    refused = fhir.read("Patient", "nobody-of-this-id")
    control(refused.status in (403, 404), "the request is refused", refused.status)
    after = deliveries(payer, another_app, grant)
    expect(len(after) == before, "a refused request is no delivery", expected=before, found=len(after))
    control(fhir.read("Patient", grant.patient).status == 200, "the same app reads the member's own Patient")
    control(len(deliveries(payer, another_app, grant)) > before, "which stands in the usage log")


@pytest.mark.requirement("HIPAA-164.312-b")
def test_revocation_is_audited(
    payer: Payer, confidential_app: App, fresh_grant: FreshGrant, smart_configuration: Mapping[str, Any]
) -> None:
    """The end of an app's access leaves a record that says what was done, when, and for which app."""
    endpoint = smart_configuration.get("revocation_endpoint")
    if not endpoint:
        not_applicable("the server names no revocation_endpoint")
    client = confidential_app.client

    def records() -> int:
        return sum(one["app"] == client.client_id and one["action"] == "revoke" for one in payer.log("audit"))

    grant, before = fresh_grant(by=confidential_app), records()
    header = {"Authorization": basic(client.client_id, client.client_secret)}
    answer = confidential_app.http.post_form(str(endpoint), {"token": grant.access_token}, headers=header)
    control(answer.status == 200, "the revocation is answered", answer.status)
    after = records()
    expect(after > before, "a revocation must be in the audit log", expected=before + 1, found=after)


@pytest.mark.requirement("HIPAA-164.312-a")
@pytest.mark.parametrize("page", ["apps", "audit", "usage", "identifiers"])
def test_administrators_sign_in_first(payer: Payer, http: Http, page: str) -> None:
    """The pages of the payer's own people show nothing before a sign-in."""
    opened = visit(http, urls.below(payer.control_url, f"admin/{page}"))
    expect(
        opened.page.find("input[type=password]") or opened.answer.status in (401, 403),
        "an administrator's page must ask for a sign-in",
        expected="a login page",
        found=opened.text[:120],
        evidence=opened.answer.evidence,
    )
