"""The SMART configuration: SMART-DISCOVERY-*, SMART2-CONFIG-* (SMART App Launch, conformance)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from suites.kit.expectations import expect_media_type, expect_status
from suites.kit.http import Answer, Http
from suites.kit.outcomes import control, expect, findings, judged, not_applicable
from suites.kit.target import Target
from suites.protocol import scopes, urls

ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "management_endpoint",
    "jwks_uri",
)
CORE_CAPABILITIES = (
    "launch-standalone",
    "client-public",
    "client-confidential-symmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-patient",
    "permission-user",
)
CARIN_SCOPES = ("openid", "fhirUser", "launch/patient")
CARIN_TYPES = ("ExplanationOfBenefit", "Coverage", "Patient", "Organization", "Practitioner")


@pytest.mark.requirement("SMART-DISCOVERY-05")
def test_smart_configuration_is_open(smart_configuration_answer: Answer) -> None:
    """The SMART configuration is answered with 200 without any token or cookie."""
    expect_status(smart_configuration_answer, 200, "smart-configuration must be open to everyone")


@pytest.mark.requirement("SMART-DISCOVERY-04")
def test_smart_configuration_is_json(smart_configuration_answer: Answer) -> None:
    """The SMART configuration says application/json and is a JSON object."""
    expect_media_type(smart_configuration_answer, ("application/json",))
    smart_configuration_answer.object()


@pytest.mark.requirement("SMART-DISCOVERY-01")
def test_smart_configuration_names_what_an_app_needs(smart_configuration_answer: Answer) -> None:
    """authorization_endpoint and token_endpoint are absolute URLs, capabilities a list of words."""
    control(smart_configuration_answer.status == 200, "the SMART configuration is served")
    document = smart_configuration_answer.object()
    with findings() as found:
        for name in ("authorization_endpoint", "token_endpoint"):
            found.check(
                urls.is_absolute(document.get(name)),
                f"{name} must be an absolute URL",
                found=document.get(name, "nothing"),
                path=name,
            )
        capabilities = document.get("capabilities")
        found.check(
            isinstance(capabilities, list)
            and capabilities
            and all(isinstance(one, str) and one.strip() for one in capabilities),
            "capabilities must be a list of words",
            found=capabilities if capabilities is not None else "nothing",
            path="capabilities",
        )


@pytest.mark.requirement("SMART-DISCOVERY-07")
def test_endpoints_are_https_without_fragment(smart_configuration: dict[str, Any]) -> None:
    """Every endpoint named is an https URL without a fragment; http is for this machine only."""
    named = {name: smart_configuration[name] for name in ENDPOINTS if name in smart_configuration}
    judged(len(named), "endpoint")
    with findings() as found:
        for name, url in named.items():
            found.check(
                isinstance(url, str) and urls.is_secure_or_loopback(url),
                f"{name} must be an https URL",
                found=url,
                path=name,
            )
            found.check(not urlsplit(str(url)).fragment, f"{name} must have no fragment", found=url, path=name)


@pytest.mark.requirement("SMART-DISCOVERY-08")
def test_named_endpoints_are_there(http: Http, smart_configuration: dict[str, Any]) -> None:
    """Each endpoint the configuration names answers: no 404, no 5xx."""
    named = {name: str(smart_configuration[name]) for name in ENDPOINTS if name in smart_configuration}
    judged(len(named), "endpoint")
    with findings() as found:
        for name, url in named.items():
            answer = _knock(http, name, url)
            found.check(
                answer.status not in (404, 410) and answer.status < 500,
                f"{name} must be there",
                expected="anything but 404, 410 and 5xx",
                found=answer.status,
                path=name,
                evidence=answer.evidence,
            )


def _knock(http: Http, name: str, url: str) -> Answer:
    """A request by the endpoint's own method that asks for nothing: a server need not answer another one."""
    if name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        return http.post_form(url, {})
    return http.post_json(url, []) if name == "registration_endpoint" else http.get(url)


@pytest.mark.requirement("SMART-DISCOVERY-03")
@pytest.mark.parametrize("capability", CORE_CAPABILITIES)
def test_capability_of_a_patient_access_server(
    smart_configuration: dict[str, Any], target: Target, capability: str
) -> None:
    """The capabilities a patient-facing standalone app needs are advertised."""
    kinds = {client.type for client in target.client}
    if capability == "client-public" and "public" not in kinds:
        not_applicable("the target file has no public client; the payer registers confidential apps only")
    if capability == "client-confidential-symmetric" and "confidential-symmetric" not in kinds:
        not_applicable("the target file has no confidential client with a secret")
    named = smart_configuration.get("capabilities", [])
    expect(
        capability in named,
        f"capabilities must list {capability}",
        found=", ".join(map(str, named)),
        path="capabilities",
    )


@pytest.mark.requirement("SMART2-CONFIG-01")
def test_version_2_configuration_names_grant_types(smart_configuration: dict[str, Any], target: Target) -> None:
    """A SMART 2 server lists authorization_code among grant_types_supported."""
    if not target.smart_at_least("2.0.0"):
        not_applicable(f"the target claims SMART {target.server.smart}")
    grants = smart_configuration.get("grant_types_supported")
    expect(
        isinstance(grants, list) and "authorization_code" in grants,
        "grant_types_supported must list authorization_code",
        found=grants if grants is not None else "nothing",
        path="grant_types_supported",
    )


@pytest.mark.requirement("SMART2-CONFIG-01")
def test_version_2_configuration_names_its_issuer(smart_configuration: dict[str, Any], target: Target) -> None:
    """Where sso-openid-connect is listed, issuer and jwks_uri are given."""
    if not target.smart_at_least("2.0.0"):
        not_applicable(f"the target claims SMART {target.server.smart}")
    if "sso-openid-connect" not in smart_configuration.get("capabilities", []):
        not_applicable("sso-openid-connect is not advertised")
    with findings() as found:
        for name in ("issuer", "jwks_uri"):
            value = smart_configuration.get(name)
            found.check(urls.is_absolute(value), f"{name} must be a URL", found=value or "nothing", path=name)


@pytest.mark.requirement("SMART2-CONFIG-02")
def test_version_2_configuration_offers_s256(smart_configuration: dict[str, Any], target: Target) -> None:
    """code_challenge_methods_supported is there and has S256."""
    if not target.smart_at_least("2.0.0"):
        not_applicable(f"the target claims SMART {target.server.smart}")
    methods = smart_configuration.get("code_challenge_methods_supported")
    expect(isinstance(methods, list) and "S256" in methods, "S256 must be listed", found=methods or "nothing")


@pytest.mark.requirement("SMART2-PKCE-01")
def test_plain_is_not_advertised(smart_configuration: dict[str, Any], target: Target) -> None:
    """code_challenge_methods_supported does not list plain."""
    methods = smart_configuration.get("code_challenge_methods_supported")
    if methods is None and not target.smart_at_least("2.0.0"):
        not_applicable(f"the target claims SMART {target.server.smart} and advertises no challenge methods")
    expect("plain" not in (methods or []), "plain must not be listed", found=methods)


@pytest.mark.requirement("SMART-DISCOVERY-06")
def test_recommended_lists_are_there(smart_configuration: dict[str, Any]) -> None:
    """scopes_supported and response_types_supported are given, response_types with code."""
    with findings() as found:
        found.check(
            isinstance(smart_configuration.get("scopes_supported"), list),
            "scopes_supported is recommended",
            path="scopes_supported",
        )
        types = smart_configuration.get("response_types_supported")
        found.check(
            isinstance(types, list) and "code" in types,
            "response_types_supported with code is recommended",
            found=types,
        )


@pytest.mark.requirement("CARIN-SCOPES-01")
def test_scopes_of_carin_are_listed(smart_configuration: dict[str, Any], target: Target) -> None:
    """openid, fhirUser, launch/patient and read of the five CARIN types are in scopes_supported."""
    if not any(guide.startswith("carin-bb") for guide in target.server.guides):
        not_applicable("the target does not claim CARIN Blue Button")
    if "carin-bb@2.0.0" not in target.server.guides and "scopes_supported" not in smart_configuration:
        not_applicable("scopes_supported is optional before CARIN Blue Button 2.0.0")
    listed = [str(one) for one in smart_configuration.get("scopes_supported", [])]
    with findings() as found:
        for scope in CARIN_SCOPES:
            found.check(scope in listed, f"scopes_supported must list {scope}", found=" ".join(listed))
        for resource in CARIN_TYPES:
            readable = any(scopes.within(f"{who}/{resource}.read", listed) for who in ("patient", "user"))
            found.check(readable, f"scopes_supported must cover reading {resource}", found=" ".join(listed))


@pytest.mark.requirement("SMART-DISCOVERY-09")
def test_discovery_says_how_long_it_may_be_kept(smart_configuration_answer: Answer) -> None:
    """Cache-Control, Expires or an ETag lets apps keep the configuration and ask again in time."""
    control(smart_configuration_answer.status == 200, "the SMART configuration is served")
    kept = [name for name in ("cache-control", "expires", "etag") if smart_configuration_answer.header(name)]
    expect(kept, "a discovery document should say how long it may be kept", expected="Cache-Control, Expires or ETag")


@pytest.mark.requirement("SMART-DISCOVERY-02")
def test_capability_statement_agrees_with_smart_configuration(
    smart_configuration: dict[str, Any], capability_statement: dict[str, Any], target: Target
) -> None:
    """The oauth-uris of the CapabilityStatement equal the endpoints of the SMART configuration."""
    security = _security(capability_statement)
    named = _oauth_uris(security)
    if target.smart_at_least("2.0.0") and not named:
        not_applicable("SMART 2 has dropped the oauth-uris extension and the server does not send it")
    with findings() as found:
        for part, name in (("authorize", "authorization_endpoint"), ("token", "token_endpoint")):
            found.check(
                named.get(part) == smart_configuration.get(name),
                f"oauth-uris {part} must equal {name}",
                expected=smart_configuration.get(name, ""),
                found=named.get(part, "nothing"),
                path=f"CapabilityStatement.rest.security.extension(oauth-uris).{part}",
            )


@pytest.mark.requirement("SMART-DISCOVERY-02")
def test_capability_statement_names_smart_on_fhir(capability_statement: dict[str, Any], target: Target) -> None:
    """security.service names SMART-on-FHIR."""
    codes = [
        coding.get("code")
        for service in _security(capability_statement).get("service", [])
        for coding in service.get("coding", [])
    ]
    if target.smart_at_least("2.0.0") and not codes:
        not_applicable("SMART 2 does not ask for security.service")
    expect("SMART-on-FHIR" in codes, "security.service must name SMART-on-FHIR", found=codes)


def _security(statement: dict[str, Any]) -> dict[str, Any]:
    rest = [one for one in statement.get("rest", []) if one.get("mode") == "server"] or [{}]
    return dict(rest[0].get("security") or {})


def _oauth_uris(security: dict[str, Any]) -> dict[str, str]:
    for extension in security.get("extension", []):
        if str(extension.get("url", "")).endswith("/oauth-uris"):
            return {str(one.get("url")): str(one.get("valueUri", "")) for one in extension.get("extension", [])}
    return {}


@pytest.mark.requirement("RFC8414-METADATA-01")
def test_oauth_metadata_agrees_where_published(http: Http, issuer: str, smart_configuration: dict[str, Any]) -> None:
    """Authorization server metadata has the issuer it was found under and the endpoints of the SMART configuration."""
    answer = http.get(urls.authorization_server_metadata(issuer), headers={"Accept": "application/json"})
    if answer.status == 404:
        not_applicable("the server publishes no RFC 8414 metadata")
    expect_status(answer, 200, "authorization server metadata, where published, is open")
    document = answer.object()
    with findings() as found:
        found.check(
            document.get("issuer") == issuer,
            "issuer must be the URL it was found under",
            expected=issuer,
            found=document.get("issuer"),
        )
        for name in ("authorization_endpoint", "token_endpoint"):
            found.check(
                document.get(name) == smart_configuration.get(name),
                f"{name} must agree with the SMART configuration",
                expected=smart_configuration.get(name),
                found=document.get(name),
            )


@pytest.mark.requirement("RFC8414-METADATA-02")
def test_openid_configuration_agrees_with_smart_configuration(
    openid_configuration: dict[str, Any], smart_configuration: dict[str, Any]
) -> None:
    """Lists in both documents say the same, so that an app may read either."""
    shared = [
        name
        for name in (
            "grant_types_supported",
            "code_challenge_methods_supported",
            "token_endpoint_auth_methods_supported",
        )
        if name in openid_configuration and name in smart_configuration
    ]
    if not shared:
        not_applicable("the two documents have no list in common")
    judged(len(shared))
    with findings() as found:
        for name in shared:
            one, other = openid_configuration[name], smart_configuration[name]
            found.check(
                set(one) == set(other), f"{name} must be the same in both", expected=sorted(other), found=sorted(one)
            )
