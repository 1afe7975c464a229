"""Each variant is odd on the wire in the way its file says, and still gives an app its tokens and the member's record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.payer import deployment
from tests.unit.payer.running import CONTEXT, App, Running, dataset, running

Tokens = dict[str, Any]


def absolute_references(at: Running, app: App, tokens: Tokens) -> None:
    found = app.read(tokens["access_token"], "Observation?patient=m1").json()["entry"][0]["resource"]
    assert found["subject"]["reference"] == f"{at.fhir}/Patient/m1"


def bare_token_response(at: Running, app: App, tokens: Tokens) -> None:
    assert not tokens.keys() & {"expires_in", "need_patient_banner", "smart_style_url"}
    assert {"access_token", "token_type", "scope", "patient"} <= tokens.keys()


def extra_elements(at: Running, app: App, tokens: Tokens) -> None:
    entries = app.read(tokens["access_token"], "Observation?patient=m1").json()["entry"]
    assert all(entry["resource"].get("extension") for entry in entries)


def jwt_tokens(at: Running, app: App, tokens: Tokens) -> None:
    assert tokens["access_token"].count(".") == 2
    assert "." not in tokens["refresh_token"]


def minimal_capability(at: Running, app: App, tokens: Tokens) -> None:
    found = httpx.get(f"{at.fhir}/metadata", verify=CONTEXT).json()
    assert found["fhirVersion"] == "4.0.1"
    shown = {one["type"]: {each["name"] for each in one["searchParam"]} for one in found["rest"][0]["resource"]}
    assert "category" in shown["Observation"]  # what a guide requires is told
    hidden = "value-quantity"
    assert hidden not in shown["Observation"]
    answer = app.read(tokens["access_token"], f"Observation?patient=m1&{hidden}=gt0")
    assert (answer.status_code, hidden in answer.json()["link"][0]["url"]) == (200, True)  # and more than is told works


def odd_paths(at: Running, app: App, tokens: Tokens) -> None:
    told = httpx.get(f"{at.fhir}/.well-known/smart-configuration", verify=CONTEXT).json()
    assert told["token_endpoint"].endswith("/id/tenant-7/connect/token.aspx")
    assert httpx.get(f"{at.url}/oauth/token", verify=CONTEXT).status_code == 404


def pages_of_three(at: Running, app: App, tokens: Tokens) -> None:
    bundle = app.read(tokens["access_token"], "Observation?patient=m1").json()
    assert (len(bundle["entry"]), "total" in bundle) == (3, False)
    assert "next" in {link["relation"] for link in bundle["link"]}


def see_other(at: Running, app: App, tokens: Tokens) -> None:
    assert app.decide(app.sign_in()).status_code == 303


def short_lived(at: Running, app: App, tokens: Tokens) -> None:
    assert tokens["expires_in"] == 120
    at.clock(advance=121)
    assert app.read(tokens["access_token"]).status_code == 401
    assert app.read(app.refresh(tokens["refresh_token"]).json()["access_token"]).status_code == 200


def slow(at: Running, app: App, tokens: Tokens) -> None:
    begun = time.monotonic()
    app.read(tokens["access_token"])
    assert time.monotonic() - begun >= at.payer.deployment.fhir.delay_milliseconds / 1000 >= 0.1


ODD: dict[str, Callable[[Running, App, Tokens], None]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        absolute_references, bare_token_response, extra_elements, jwt_tokens, minimal_capability, odd_paths, pages_of_three, see_other,
        short_lived, slow,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("dataset"))


@pytest.mark.parametrize("name", deployment.variants())
def test_a_variant_is_as_odd_as_it_says(folder: Path, name: str) -> None:
    with running(folder, name) as at:
        app = App(at)
        tokens = app.tokens()
        assert app.read(tokens["access_token"]).status_code == 200
        ODD[name](at, app, tokens)
