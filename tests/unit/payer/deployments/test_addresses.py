"""Who the payer is and where its endpoints are: what the file states is what discovery tells and what answers there."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.payer import target_file
from tests.unit.payer.deployments.conftest import Walker
from tests.unit.payer.running import CONTEXT, Running

PROTOCOL = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "introspect": "introspection_endpoint",
    "revoke": "revocation_endpoint",
    "register": "registration_endpoint",
}
OPEN = {"directory": "directory_types", "formulary": "formulary_types"}
PAGES = ("documentation", "education", "gallery", "member")


def test_the_payer_names_itself(at: Running, documentation: dict[str, Any], statement: dict[str, Any]) -> None:
    facts = at.payer.deployment.payer
    assert documentation["title"] == f"Patient Access API of {facts.name}"
    assert documentation["payer_type"] == facts.type
    assert statement["publisher"] == facts.name


def test_the_consent_names_the_payer_and_who_runs_the_service_for_it(at: Running, app: Walker) -> None:
    facts, page = at.payer.deployment.payer, html.unescape(app.sign_in().text)
    assert facts.name in page
    assert ("runs this service" in page) == bool(facts.intermediary)
    assert facts.intermediary in page


def test_the_target_tells_zone_and_rating_period(at: Running, tmp_path: Path) -> None:
    content = target_file.content(at.payer, tmp_path / "manifest.json", "")
    at.clients = {entry["name"]: entry for entry in content["client"]}  # a target tells secrets made for it
    facts, told = at.payer.deployment.payer, content["server"]
    assert (told["time_zone"], told["rating_period_start"]) == (facts.time_zone, facts.rating_period_start)
    assert (told["guides"], told["smart"]) == (
        list(at.payer.deployment.fhir.guides),
        at.payer.deployment.authorization.smart,
    )


def test_usage_is_counted_for_the_reporting_unit(at: Running, app: Walker) -> None:
    facts = at.payer.deployment.payer
    assert app.read(app.tokens()["access_token"]).status_code == 200
    lines = httpx.get(f"{at.control}/logs/usage", verify=CONTEXT).text.splitlines()
    assert lines
    assert f'"unit":"{facts.reporting_unit}"' in lines[-1].replace(": ", ":")
    assert f'"program":"{facts.program}"' in lines[-1].replace(": ", ":")


def test_the_fhir_base_answers_where_it_is_said(at: Running, statement: dict[str, Any]) -> None:
    path = at.payer.deployment.endpoints.fhir
    assert statement["implementation"]["url"] == at.url + path
    assert httpx.get(f"{at.url}{path}/Patient/m1", verify=CONTEXT).status_code == 401
    assert httpx.get(f"{at.url}{path}-elsewhere/metadata", verify=CONTEXT).status_code == 404


@pytest.mark.parametrize("base", sorted(OPEN))
def test_the_open_bases_are_there_or_not(at: Running, base: str) -> None:
    path = getattr(at.payer.deployment.endpoints, base)
    kinds = getattr(at.payer.deployment.fhir, OPEN[base])
    answer = httpx.get(f"{at.url}{path or f'/{base}'}/metadata", verify=CONTEXT)
    if not (path and kinds):
        assert answer.status_code == 404
        return
    assert answer.status_code == 200
    assert {one["type"] for one in answer.json()["rest"][0]["resource"]} == set(kinds)
    for kind in kinds:
        assert httpx.get(f"{at.url}{path}/{kind}", verify=CONTEXT).status_code == 200


@pytest.mark.parametrize("endpoint", sorted(PROTOCOL))
def test_the_protocol_endpoints_are_where_discovery_says(
    at: Running, smart: dict[str, Any], openid: dict[str, Any], endpoint: str
) -> None:
    path = getattr(at.payer.deployment.endpoints, endpoint)
    told = smart.get(PROTOCOL[endpoint])
    if not path:
        assert (told, openid.get(PROTOCOL[endpoint])) == (None, None)
        assert httpx.post(f"{at.url}/oauth/{endpoint}", verify=CONTEXT).status_code == 404
        return
    if endpoint == "register" and not at.payer.deployment.onboarding.dynamic:
        assert (told, openid.get(PROTOCOL[endpoint])) == (None, None)
        assert httpx.post(at.url + path, json={}, verify=CONTEXT).status_code == 404
        return
    assert told == openid[PROTOCOL[endpoint]] == at.url + path
    answer = httpx.get(told, verify=CONTEXT) if endpoint == "authorize" else httpx.post(told, verify=CONTEXT)
    assert answer.status_code in (400, 401), (endpoint, answer.status_code)


def test_the_issuer_is_where_its_document_is(at: Running, openid: dict[str, Any]) -> None:
    assert openid["issuer"] == at.url + at.payer.deployment.endpoints.issuer


def test_keys_and_userinfo_answer(at: Running, openid: dict[str, Any], app: Walker) -> None:
    places = at.payer.deployment.endpoints
    assert openid["jwks_uri"] == at.url + places.jwks
    assert httpx.get(openid["jwks_uri"], verify=CONTEXT).json()["keys"]
    assert openid["userinfo_endpoint"] == at.url + places.userinfo
    bearer = {"Authorization": f"Bearer {app.tokens()['access_token']}"}
    assert httpx.get(openid["userinfo_endpoint"], headers=bearer, verify=CONTEXT).json()["sub"]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_there_or_not(at: Running, page: str) -> None:
    path = getattr(at.payer.deployment.endpoints, page)
    answer = httpx.get(at.url + (path or f"/{page}"), verify=CONTEXT, follow_redirects=True)
    offered = path and getattr(at.payer.deployment.portals, page, True)
    assert answer.status_code == (200 if offered else 404)
    assert not offered or "<h1" in answer.text
