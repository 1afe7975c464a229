"""The ladder of fixtures: each rung is what the checks above stand on.

    target, http, browser, member, other_member
    smart_configuration ─ capability_statement ─ openid_configuration ─ jwks
    app (public_app, confidential_app, asymmetric_app)
    fresh_code ─ grant (shared, read with it) ─ fresh_grant (spend it)
    fhir (the member's FHIR client) ─ open_fhir (no token)

`…_answer` fixtures give the answer itself, for the check of that rung. A rung that breaks makes what stands on it INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from suites.kit.app import App, Attempt, Grant
from suites.kit.browser import Browser
from suites.kit.clock import TargetClock
from suites.kit.expectations import CORS_ORIGIN
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer, Http
from suites.kit.outcomes import Inconclusive, control, not_applicable, rung
from suites.kit.plugin import SESSION
from suites.kit.target import Client, Member, Target
from suites.kit.workbench import Workbench
from suites.profiles import Validator
from suites.protocol import urls


@pytest.fixture(scope="session")
def workbench(pytestconfig: pytest.Config) -> Workbench:
    """This worker's tools."""
    return pytestconfig.stash[SESSION].workbench


@pytest.fixture(scope="session")
def target(workbench: Workbench) -> Target:
    """The target file."""
    return workbench.target


@pytest.fixture(scope="session")
def http(workbench: Workbench) -> Http:
    """The recording HTTP client."""
    return workbench.http


@pytest.fixture(scope="session")
def browser(workbench: Workbench) -> Browser:
    """This worker's Chromium."""
    return workbench.browser


@pytest.fixture(scope="session")
def member(workbench: Workbench) -> Member:
    """A member of this worker's share."""
    control(workbench.members, "the target file names a [[member]] to sign in as")
    return workbench.members[0]


@pytest.fixture
def rested_member(workbench: Workbench, member: Member) -> Member:
    """A member of this worker's share to sign in anew: `member`, unless a one-time code would have to be waited for."""
    return workbench.rested_member()


@pytest.fixture(scope="session")
def other_member(workbench: Workbench, member: Member) -> Member:
    """Another member than `member`; checks only name their record, and never sign in as them."""
    others = [one for one in workbench.target.member if one.label != member.label and one.patient]
    control(others, "the target file names a second [[member]] with its patient id")
    return others[0]


@pytest.fixture(scope="session")
def manifest(target: Target) -> dict[str, Any]:
    """The manifest of the dataset loaded into the target."""
    path: Path | None = target.dataset.manifest
    if path is None:
        not_applicable("the target file names no dataset manifest to compare with")
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise Inconclusive(f"the dataset manifest {path.name} cannot be read: {wrong}") from None
    return dict(document)


@pytest.fixture(scope="session")
def smart_configuration_answer(http: Http, target: Target) -> Answer:
    """The answer of the SMART well-known endpoint, asked as a browser app would."""
    url = urls.smart_configuration(target.server.fhir_base)
    return http.get(url, headers={"Accept": "application/json", "Origin": CORS_ORIGIN})


@pytest.fixture(scope="session")
def smart_configuration(smart_configuration_answer: Answer) -> dict[str, Any]:
    """The SMART configuration, with the two endpoints everything else needs."""
    with rung("the SMART configuration"):
        control(
            smart_configuration_answer.status == 200,
            "the SMART configuration is served",
            smart_configuration_answer.status,
        )
        document = smart_configuration_answer.object()
    for name in ("authorization_endpoint", "token_endpoint"):
        control(
            urls.is_absolute(document.get(name)), f"the SMART configuration gives {name} as a URL", document.get(name)
        )
    return document


@pytest.fixture(scope="session")
def capability_statement_answer(http: Http, target: Target) -> Answer:
    """The answer of [base]/metadata, asked without a token."""
    url = urls.below(target.server.fhir_base, "metadata")
    return http.get(url, headers={"Accept": "application/fhir+json", "Origin": CORS_ORIGIN})


@pytest.fixture(scope="session")
def capability_statement(capability_statement_answer: Answer) -> dict[str, Any]:
    """The CapabilityStatement."""
    with rung("the CapabilityStatement"):
        document = capability_statement_answer.object()
    control(
        document.get("resourceType") == "CapabilityStatement",
        "metadata is a CapabilityStatement",
        document.get("resourceType"),
    )
    return document


@pytest.fixture(scope="session")
def issuer(smart_configuration: dict[str, Any], target: Target) -> str:
    """The OpenID issuer: as the SMART configuration says, else the FHIR base."""
    return str(smart_configuration.get("issuer") or target.server.fhir_base)


@pytest.fixture(scope="session")
def openid_configuration_answer(http: Http, issuer: str) -> Answer:
    """The answer of the issuer's OpenID configuration endpoint."""
    return http.get(urls.openid_configuration(issuer), headers={"Accept": "application/json"})


@pytest.fixture(scope="session")
def openid_configuration(openid_configuration_answer: Answer) -> dict[str, Any]:
    """The OpenID provider's configuration."""
    with rung("the OpenID configuration"):
        control(
            openid_configuration_answer.status == 200,
            "the OpenID configuration is served",
            openid_configuration_answer.status,
        )
        return openid_configuration_answer.object()


@pytest.fixture(scope="session")
def jwks_answer(http: Http, openid_configuration: dict[str, Any]) -> Answer:
    """The answer of the issuer's key set."""
    control(urls.is_absolute(openid_configuration.get("jwks_uri")), "the OpenID configuration gives jwks_uri")
    return http.get(str(openid_configuration["jwks_uri"]), headers={"Accept": "application/json"})


@pytest.fixture(scope="session")
def jwks(jwks_answer: Answer) -> dict[str, Any]:
    """The issuer's public keys."""
    with rung("the key set"):
        return jwks_answer.object()


@pytest.fixture(scope="session")
def app_of(workbench: Workbench, smart_configuration: dict[str, Any]) -> Callable[[Client], App]:
    """An app for a registration; the same one each time, so that its grants are shared."""
    made: dict[str, App] = {}

    def app_for(client: Client) -> App:
        if client.name not in made:
            made[client.name] = App(
                workbench.target,
                client,
                workbench.http,
                workbench.browser,
                workbench.forms,
                smart_configuration,
                workbench.rng,
            )
        return made[client.name]

    return app_for


def _first(target: Target, kind: str) -> Client:
    found = next((one for one in target.client if one.type == kind), None)
    if found is None:
        not_applicable(f"the target file has no {kind} [[client]]")
    return found


@pytest.fixture(scope="session")
def public_app(target: Target, app_of: Callable[[Client], App]) -> App:
    """The app at its public registration."""
    return app_of(_first(target, "public"))


@pytest.fixture(scope="session")
def confidential_app(target: Target, app_of: Callable[[Client], App]) -> App:
    """The app at its registration with a secret."""
    return app_of(_first(target, "confidential-symmetric"))


@pytest.fixture(scope="session")
def asymmetric_app(target: Target, app_of: Callable[[Client], App]) -> App:
    """The app at its registration with a key pair."""
    return app_of(_first(target, "confidential-asymmetric"))


@pytest.fixture(scope="session")
def app(target: Target, app_of: Callable[[Client], App]) -> App:
    """The app at its first registration."""
    control(target.client, "the target file names a [[client]] to launch as")
    return app_of(target.client[0])


@pytest.fixture(scope="session")
def another_app(target: Target, app: App, app_of: Callable[[Client], App]) -> App:
    """The app at a second registration, to try what belongs to the first."""
    others = [
        one for one in target.client if one.client_id != app.client.client_id and one.type != "confidential-asymmetric"
    ]
    control(others, "the target file names a second [[client]]")
    return app_of(others[0])


@pytest.fixture
def fresh_code(app: App, member: Member) -> Callable[..., Attempt]:
    """An approved authorization request with its unused code; parameters of the request can be spoiled."""

    def make(by: App | None = None, **spoiled: Any) -> Attempt:
        attempt = (by or app).authorize(member, **spoiled)
        control(
            attempt.landing.redirected and attempt.landing.value("code"),
            "an approved request gives a code",
            attempt.landing.described,
        )
        return attempt

    return make


@pytest.fixture
def grant(app: App, member: Member) -> Grant:
    """Tokens shared by checks that only read with them."""
    return app.grant(member)


@pytest.fixture
def fresh_grant(app: App, member: Member) -> Callable[..., Grant]:
    """New tokens for a check to spend."""

    def make(by: App | None = None, **how: Any) -> Grant:
        return (by or app).fresh_grant(member, **how)

    return make


@pytest.fixture
def fhir(http: Http, target: Target, grant: Grant) -> FhirClient:
    """The member's FHIR interface."""
    return FhirClient(http, target.server.fhir_base, grant.access_token)


@pytest.fixture(scope="session")
def open_fhir(http: Http, target: Target) -> FhirClient:
    """The FHIR interface without a token."""
    return FhirClient(http, target.server.fhir_base)


@pytest.fixture
def target_clock(target: Target) -> Iterator[TargetClock]:
    """The target's clock, put back afterwards; only for checks marked exclusive."""
    clock = TargetClock(target)
    yield clock
    clock.put_back()


@pytest.fixture(scope="session")
def validator(target: Target) -> Validator:
    """The profile validator with the guides the target claims."""
    try:
        return Validator(guides=target.server.guides)
    except ValueError as wrong:
        raise Inconclusive(f"the guides of the target file cannot be used: {wrong}") from None
