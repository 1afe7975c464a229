"""Browser apps of other origins: SMART2-CORS-* (SMART App Launch 2.x, Fetch standard)."""

from __future__ import annotations

from typing import Any

import pytest

from suites.kit.expectations import CORS_ORIGIN, expect_cors, expect_status, header_tokens
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, not_applicable
from suites.kit.target import Target
from suites.protocol import urls

pytestmark = pytest.mark.requirement("SMART2-CORS-01")


def _binding(target: Target) -> None:
    if not target.smart_at_least("2.0.0"):
        not_applicable(f"SMART {target.server.smart} does not ask for CORS")
    if not any(client.public for client in target.client):
        not_applicable("the target registers no public client, so no browser app is served")


def test_smart_configuration_is_readable_by_browser_apps(smart_configuration_answer: Answer, target: Target) -> None:
    """The SMART configuration may be read by a page of another origin."""
    _binding(target)
    control(smart_configuration_answer.status == 200, "the SMART configuration is served")
    expect_cors(smart_configuration_answer)


def test_metadata_is_readable_by_browser_apps(capability_statement_answer: Answer, target: Target) -> None:
    """The CapabilityStatement may be read by a page of another origin."""
    _binding(target)
    expect_cors(capability_statement_answer)


def test_token_endpoint_answers_browser_apps(http: Http, smart_configuration: dict[str, Any], target: Target) -> None:
    """An answer of the token endpoint may be read by a page of another origin, refusals included."""
    _binding(target)
    form = {"grant_type": "authorization_code", "code": "a-code-nobody-issued", "client_id": target.client[0].client_id}
    expect_cors(http.post_form(smart_configuration["token_endpoint"], form, headers={"Origin": CORS_ORIGIN}))


def test_fhir_answers_browser_apps(fhir: FhirClient, target: Target) -> None:
    """A FHIR read may be read by a page of another origin."""
    _binding(target)
    expect_cors(fhir.get("Patient", {"_count": "1"}, headers={"Origin": CORS_ORIGIN}))


@pytest.mark.requirement("SMART2-CORS-02")
def test_preflight_to_fhir_allows_the_authorization_header(http: Http, target: Target) -> None:
    """OPTIONS before a FHIR read allows GET with the Authorization header."""
    _binding(target)
    answer = http.send(
        "OPTIONS",
        urls.below(target.server.fhir_base, "Patient"),
        headers={
            "Origin": CORS_ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    expect_status(answer, (200, 204), "a preflight must be answered without a token")
    expect_cors(answer)
    allowed = header_tokens(answer, "access-control-allow-headers")
    expect(
        "authorization" in allowed,
        "the preflight must allow the Authorization header; * does not cover it",
        found=sorted(allowed),
    )
    methods = header_tokens(answer, "access-control-allow-methods")
    expect("get" in methods or "*" in methods or not methods, "the preflight must allow GET", found=sorted(methods))


def test_preflight_to_token_endpoint_allows_post(
    http: Http, smart_configuration: dict[str, Any], target: Target
) -> None:
    """OPTIONS before a token request is answered for the page's origin."""
    _binding(target)
    answer = http.send(
        "OPTIONS",
        smart_configuration["token_endpoint"],
        headers={
            "Origin": CORS_ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    expect_status(answer, (200, 204), "a preflight must be answered")
    expect_cors(answer)


@pytest.mark.requirement("SMART2-CORS-02")
def test_preflight_to_userinfo_allows_the_authorization_header(
    http: Http, openid_configuration: dict[str, Any], target: Target
) -> None:
    """OPTIONS before a userinfo request allows the Authorization header, where userinfo is offered."""
    _binding(target)
    if "userinfo_endpoint" not in openid_configuration:
        not_applicable("the server names no userinfo_endpoint")
    answer = http.send(
        "OPTIONS",
        str(openid_configuration["userinfo_endpoint"]),
        headers={
            "Origin": CORS_ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    expect_status(answer, (200, 204), "a preflight must be answered without a token")
    allowed = header_tokens(answer, "access-control-allow-headers")
    expect("authorization" in allowed, "the preflight must allow the Authorization header", found=sorted(allowed))


def test_credentials_are_not_shared_with_any_origin(smart_configuration_answer: Answer, target: Target) -> None:
    """No answer allows credentials together with any origin, and no foreign origin is echoed with credentials."""
    _binding(target)
    credentials = smart_configuration_answer.header("access-control-allow-credentials").lower() == "true"
    expect(
        not credentials,
        "an open document must not allow credentials to every origin",
        found="Access-Control-Allow-Credentials: true",
    )
