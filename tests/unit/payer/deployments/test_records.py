"""What the FHIR API holds and how its answers look: what the file states is what a member's app gets."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.unit.payer.deployments.conftest import Walker
from tests.unit.payer.running import CONTEXT, Running


def rest(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in statement["rest"][0]["resource"]}


def test_the_statement_names_the_guides_of_the_members_base(at: Running, statement: dict[str, Any]) -> None:
    told = {one.rsplit("/", 1)[1] for one in statement["implementationGuide"]}
    names = {"us-core": "hl7.fhir.us.core", "carin-bb": "hl7.fhir.us.carin-bb", "pdex": "hl7.fhir.us.davinci-pdex",
             "hrex": "hl7.fhir.us.davinci-hrex", "formulary": "hl7.fhir.us.davinci-drug-formulary"}  # fmt: skip
    stated = {f"{names[name]}|{version}" for name, _, version in (one.partition("@") for one in at.payer.deployment.fhir.guides)
              if name in names}  # fmt: skip
    assert told <= stated
    assert {one for one in stated if "formulary" not in one} <= told


def test_the_family_is_that_of_its_us_core(at: Running, statement: dict[str, Any]) -> None:
    version = {"legacy": "3.1.1", "current": "6.1.0"}[at.payer.deployment.fhir.family]
    assert statement["implementationGuide"][0].endswith(f"hl7.fhir.us.core|{version}")


def test_the_types_stated_answer_and_no_other(at: Running, app: Walker, statement: dict[str, Any]) -> None:
    kinds = set(at.payer.deployment.fhir.resource_types)
    assert set(rest(statement)) == kinds
    token = app.tokens()["access_token"]
    for kind in sorted(kinds):
        assert app.read(token, f"{kind}?_id=nothing-of-this-name").status_code == 200, kind
    absent = next(kind for kind in ("Substance", "Goal", "Account") if kind not in kinds)
    assert app.read(token, f"{absent}?patient=m1").status_code == 404


def test_pages_are_as_long_as_stated_and_no_longer_than_the_most(at: Running, app: Walker) -> None:
    fhir, token = at.payer.deployment.fhir, app.tokens()["access_token"]
    bundle = app.read(token, "Observation?patient=m1").json()
    assert 0 < len(bundle["entry"]) <= fhir.page_size
    assert (
        f"_count={fhir.max_page_size}"
        in app.read(token, "Observation?patient=m1&_count=100000").json()["link"][0]["url"]
    )
    assert ("total" in bundle) == fhir.bundle_total


def test_bulk_export_is_there_or_not(at: Running, statement: dict[str, Any]) -> None:
    offered = at.payer.deployment.fhir.bulk
    told = {one["name"] for one in rest(statement)["Patient"].get("operation", [])}
    assert ("export" in told) == offered
    answer = httpx.get(f"{at.fhir}/Patient/$export", headers={"Prefer": "respond-async"}, verify=CONTEXT)
    assert answer.status_code in ((401,) if offered else (401, 404))
    assert ("client_credentials" in at.payer.deployment.authorization.grants) == offered  # nobody else may export


def test_everything_is_there_or_not(at: Running, app: Walker, statement: dict[str, Any]) -> None:
    offered = at.payer.deployment.fhir.everything
    told = {one["name"] for one in rest(statement)["Patient"].get("operation", [])}
    assert ("everything" in told) == offered
    answer = app.read(app.tokens()["access_token"], "Patient/m1/$everything")
    assert answer.status_code == 200 if offered else answer.status_code in (400, 404)


def test_the_statement_is_as_full_as_stated(at: Running, app: Walker, statement: dict[str, Any]) -> None:
    told = {one["name"] for one in rest(statement)["Observation"]["searchParam"]}
    assert "category" in told
    assert ("value-quantity" in told) == (at.payer.deployment.fhir.capability == "full")


def test_references_order_and_unknown_members_are_as_stated(at: Running, app: Walker) -> None:
    fhir, token = at.payer.deployment.fhir, app.tokens()["access_token"]
    found = [one["resource"] for one in app.read(token, "Observation?patient=m1").json()["entry"]]
    assert {one["subject"]["reference"].startswith("http") for one in found} == {fhir.absolute_references}
    assert all("unknown" in str(one.get("extension", "")).lower() for one in found) == fhir.extra_elements
    again = [one["resource"]["id"] for one in app.read(token, "Observation?patient=m1").json()["entry"]]
    assert ([one["id"] for one in found] == again) or fhir.reorder_entries


def test_answers_are_not_held_back(at: Running, app: Walker) -> None:
    token = app.tokens()["access_token"]
    waits = []
    for _ in range(5):
        begun = time.monotonic()
        assert app.read(token).status_code == 200
        waits.append(time.monotonic() - begun)
    stated = at.payer.deployment.fhir.delay_milliseconds / 1000
    assert min(waits) >= stated
    assert min(waits) < stated + 0.25
