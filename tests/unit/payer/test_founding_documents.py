"""Each payer of the founding documents behaves as its document describes; docs/deployments.md links rows to these tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.unit.payer import running as walking
from tests.unit.payer.running import CONTEXT, App, Running, dataset, running

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def connex(folder: Path) -> Iterator[Running]:
    with running(folder, "connex") as found:
        yield found


@pytest.fixture(scope="module")
def healthshare(folder: Path) -> Iterator[Running]:
    with running(folder, "healthshare") as found:
        yield found


@pytest.fixture(scope="module")
def dean(folder: Path) -> Iterator[Running]:
    with running(folder, "dean") as found:
        yield found


@pytest.fixture(scope="module")
def shared_health(folder: Path) -> Iterator[Running]:
    with running(folder, "shared_health") as found:
        yield found


# -- shared_health ----------------------------------------------------------------------------------------------------------------


def delta_token(at: Running, **changed: str | None) -> str:
    """A launch as the developer page describes it: no state, no aud, no challenge, a grant_type too many, a scope too many."""
    app = App(at, "confidential-symmetric")
    code = app.code(
        state=None,
        aud=None,
        code_challenge=None,
        code_challenge_method=None,
        nonce=None,
        grant_type="authorization_code",
        **changed,
    )
    sent = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": walking.REDIRECT, "scope": "patient/*.read openid fhirUser",
        "client_id": app.client["client_id"], "client_secret": app.client["client_secret"],
    }  # fmt: skip
    answer = httpx.post(at.at("token"), data=sent, verify=CONTEXT)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["scope"].split()) == {"patient/*.read", "openid", "fhirUser"}
    return str(answer.json()["access_token"])


def test_shared_health_takes_the_requests_its_page_describes(shared_health: Running) -> None:
    assert delta_token(shared_health)


@pytest.mark.parametrize(
    "kind",
    [
        "CarePlan",
        "Coverage",
        "Condition",
        "ExplanationOfBenefit",
        "List",
        "MedicationKnowledge",
        "Observation",
        "Patient",
        "Procedure",
    ],
)
def test_shared_health_answers_its_nine_types_to_the_member_only(shared_health: Running, kind: str) -> None:
    address = f"{shared_health.fhir}/{kind}"
    query = {"_id": "m1"} if kind == "Patient" else {} if kind in ("List", "MedicationKnowledge") else {"patient": "m1"}
    answer = httpx.get(
        address, params=query, headers={"Authorization": f"Bearer {delta_token(shared_health)}"}, verify=CONTEXT
    )
    assert answer.status_code == 200
    assert answer.json()["type"] == "searchset"
    assert httpx.get(address, params=query, verify=CONTEXT).status_code == 401


@pytest.mark.parametrize(
    "kind",
    [
        "Endpoint",
        "HealthcareService",
        "InsurancePlan",
        "Location",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
    ],
)
def test_shared_health_opens_its_eight_directory_types(shared_health: Running, kind: str) -> None:
    answer = httpx.get(f"{shared_health.at('directory')}/{kind}", verify=CONTEXT)
    assert answer.status_code == 200
    assert answer.json()["resourceType"] == "Bundle"


def test_shared_health_opens_its_metadata_and_discovery(shared_health: Running) -> None:
    statement = httpx.get(f"{shared_health.fhir}/metadata", verify=CONTEXT).json()
    assert statement["fhirVersion"] == "4.0.1"
    found = httpx.get(f"{shared_health.fhir}/.well-known/smart-configuration", verify=CONTEXT).json()
    assert found["authorization_endpoint"].endswith("/auth/oauth/v2/authorize")
    assert found["token_endpoint"].endswith("/auth/oauth/v2/token")
    assert "client-public" not in found["capabilities"]
    assert "permission-v2" not in found["capabilities"]


def test_shared_health_sends_codes_to_the_registered_callback_only(shared_health: Running) -> None:
    app = App(shared_health, "confidential-symmetric")
    answer = app.authorize(redirect_uri="https://other.example/callback", state=None, aud=None)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_shared_health_grants_no_refresh(shared_health: Running) -> None:
    app = App(shared_health, "confidential-symmetric")
    assert "refresh_token" not in app.tokens(scope="patient/*.read openid fhirUser offline_access")


def test_shared_health_tells_developers_of_part_2_and_of_its_mailbox(shared_health: Running) -> None:
    page = httpx.get(shared_health.at("documentation"), verify=CONTEXT).text
    assert "42 CFR Part 2" in page
    assert "interoperability@shareddelta.example" in page
    assert "formulary@1.0.1" in page


# -- healthshare ------------------------------------------------------------------------------------------------------------------


def test_healthshare_grants_by_code_alone(healthshare: Running) -> None:
    for grant in ("password", "client_credentials", "implicit"):
        sent = {"grant_type": grant, "username": "member1", "password": "x", "scope": "patient/*.read"}
        answer = App(healthshare, "confidential-symmetric").token_request(**sent)
        assert answer.json()["error"] == "unsupported_grant_type"


def test_healthshare_registers_confidential_apps_only(healthshare: Running) -> None:
    found = httpx.get(f"{healthshare.fhir}/.well-known/smart-configuration", verify=CONTEXT).json()
    assert "client-public" not in found["capabilities"]
    assert set(found["token_endpoint_auth_methods_supported"]) == {"client_secret_basic", "client_secret_post"}
    assert "registration_endpoint" not in found


def test_healthshare_names_its_guides(healthshare: Running) -> None:
    guides = healthshare.payer.deployment.fhir.guides
    assert {"us-core@3.1.1", "carin-bb@1.0.0", "pdex@1.0.0", "hrex@0.2.0"} <= set(guides)
    assert httpx.get(f"{healthshare.fhir}/metadata", verify=CONTEXT).json()["fhirVersion"] == "4.0.1"


def test_healthshare_hands_over_five_settings(healthshare: Running) -> None:
    from simulators.payer.authorization.server import of
    from simulators.payer.onboarding import review

    client = of(healthshare.payer).client("test-confidential-symmetric")
    assert client is not None
    assert list(review.settings(healthshare.payer, client)) == [
        "fhir_base",
        "issuer",
        "client_name",
        "client_id",
        "audience",
    ]


def test_healthshare_tokens_last_thirty_minutes_and_refresh_longer(healthshare: Running) -> None:
    app = App(healthshare, "confidential-symmetric")
    tokens = app.tokens(scope="launch/patient offline_access patient/*.read")
    assert tokens["expires_in"] == 1800
    assert tokens["patient"] == "m1"
    healthshare.clock(advance=1801)
    assert app.read(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    healthshare.clock(reset=True)


def test_healthshare_lets_a_delegate_authorise(healthshare: Running) -> None:
    app = App(healthshare, "confidential-symmetric")
    tokens = app.tokens(scope="openid fhirUser launch/patient patient/*.read", fields={"person": "m3"})
    assert tokens["patient"] == "m3"


# -- connex -----------------------------------------------------------------------------------------------------------------------


def county_token(at: Running) -> str:
    app = App(at)
    page = app.sign_in()
    page = app.next_page(app.post(page, unique_client_identifier="UCI-1"))
    location = app.decide(page).headers["location"]
    found = re.search(r"code=([^&]+)", location)
    assert found
    return str(app.redeem(found[1]).json()["access_token"])


def test_connex_searches_one_client_only(connex: Running) -> None:
    headers = {"Authorization": f"Bearer {county_token(connex)}"}
    everyone = httpx.get(f"{connex.fhir}/Patient", headers=headers, verify=CONTEXT).json()
    assert [entry["resource"]["id"] for entry in everyone.get("entry", [])] == ["m1"]
    other = httpx.get(f"{connex.fhir}/Observation", params={"patient": "m2"}, headers=headers, verify=CONTEXT)
    assert other.status_code in (403, 404) or other.json().get("entry", []) == []
    assert httpx.get(f"{connex.fhir}/Patient/m2", headers=headers, verify=CONTEXT).status_code == 404


def test_connex_gives_no_code_without_the_identifier(connex: Running) -> None:
    app = App(connex)
    page = app.sign_in()
    assert "Unique client identifier" in page.text
    for guess in ("", "UCI-2", "UCI-1 UCI-2", "x" * 1000):
        answer = app.post(page, unique_client_identifier=guess, decision="allow")
        assert answer.status_code == 400
        assert "location" not in answer.headers


def test_connex_serves_a_county_under_its_own_address(connex: Running) -> None:
    assert connex.fhir.endswith("/county/sample/fhir")
    assert httpx.get(connex.url + "/county/other/fhir/metadata", verify=CONTEXT).status_code == 404


def test_connex_publishes_documentation_form_criteria_and_handbook(connex: Running) -> None:
    document = httpx.get(connex.at("documentation") + "/api.json", verify=CONTEXT).json()
    criteria = {one["id"] for one in document["registration"]["criteria"]}
    assert criteria == {"fhir-r4", "carin-cdpde", "oauth-2", "security", "policy-public", "no-sale"}
    assert "suspended" in document["registration"]["suspension"]
    assert document["support"]["developers"] == "managedcare@exchange.example"
    assert httpx.get(connex.at("documentation") + "/apps/new", verify=CONTEXT).status_code == 303
    for language, says in (("en", "file a complaint with OCR"), ("es", "presente una queja ante la OCR")):
        assert says in httpx.get(connex.at("education"), params={"lang": language}, verify=CONTEXT).text
    assert "support@exchange.example" not in httpx.get(connex.at("education"), verify=CONTEXT).text


def test_connex_speaks_openid_connect(connex: Running) -> None:
    found = httpx.get(connex.url + "/.well-known/openid-configuration", verify=CONTEXT).json()
    assert found["issuer"] == connex.url
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]


# -- dean -------------------------------------------------------------------------------------------------------------------------


def test_dean_releases_nothing_before_every_proof(dean: Running) -> None:
    app = App(dean)
    page = app.sign_in()
    assert "Six digits" in page.text
    answer = app.decide(page)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_dean_teaches_members_in_public(dean: Running) -> None:
    page = httpx.get(dean.at("education"), verify=CONTEXT).text
    for says in (
        "cannot protect it there",
        "privacy policy",
        "sell my information",
        "reportfraud.ftc.gov",
        "hhs.gov/hipaa",
        "second factor",
        dean.at("documentation").removeprefix(dean.url),
    ):
        assert says in page, says
    assert "App gallery" in httpx.get(dean.at("gallery"), verify=CONTEXT).text
