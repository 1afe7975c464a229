"""The control interface and the logs it shows."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.payer.running import CONTEXT, App, Running


def lines(at: Running, log: str) -> list[dict[str, object]]:
    import json

    return [json.loads(line) for line in httpx.get(f"{at.control}/logs/{log}", verify=CONTEXT).text.splitlines()]


def test_deliveries_are_in_the_usage_log_and_refusals_are_not(at: Running, app: App) -> None:
    httpx.post(f"{at.control}/reset", verify=CONTEXT).raise_for_status()
    token = app.tokens()["access_token"]
    app.read(token)
    app.read(token, "Observation?patient=m1")
    app.read(token, "Patient/m2")
    app.read("nonsense")
    found = lines(at, "usage")
    assert [(one["member"], one["app"], one["interaction"]) for one in found] == [
        ("m1", "test-public", "read Patient"),
        ("m1", "test-public", "search Observation"),
    ]
    assert found[1]["resources"] == 5


def test_a_fault_is_switched_on_and_off(at: Running, app: App) -> None:
    token = app.tokens()["access_token"]
    at.clock(advance=3600)
    assert app.read(token).status_code == 401
    at.faults("expired-access-token-accepted")
    assert app.read(token).status_code == 200
    at.faults()
    assert app.read(token).status_code == 401


def test_a_prefix_switches_on_all_its_faults(at: Running) -> None:
    active = httpx.put(f"{at.control}/faults", json={"active": ["code-replay"]}, verify=CONTEXT).json()["active"]
    assert active == ["code-replay-accepted"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"active": "x"}', b'{"active": ["nonsense-fault"]}', b"\xff"])
def test_nonsense_faults_are_refused_with_a_reason(at: Running, body: bytes) -> None:
    answer = httpx.put(f"{at.control}/faults", content=body, verify=CONTEXT)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"freeze": "yesterday"},
        {"freeze": "2026-07-01T00:00:00"},
        {"advance": "5"},
        {"advance": 1e300},
        {"jump": 1},
        {"reset": 1},
    ],
)
def test_nonsense_clocks_are_refused(at: Running, body: dict[str, object]) -> None:
    assert httpx.post(f"{at.control}/clock", json=body, verify=CONTEXT).status_code == 400


def test_web_pages_cannot_drive_the_payer(at: Running) -> None:
    assert (
        httpx.post(f"{at.control}/reset", headers={"Origin": "https://evil.example"}, verify=CONTEXT).status_code == 403
    )


def test_an_app_is_added_suspended_and_gone(at: Running) -> None:
    added = httpx.post(
        f"{at.control}/apps", json={"name": "New", "type": "confidential-symmetric"}, verify=CONTEXT
    ).json()
    at.clients["new"] = {**added, "scopes": at.clients["public"]["scopes"]}
    app = App(at, "new")
    token = app.tokens()["access_token"]
    assert app.read(token).status_code == 200
    httpx.patch(
        f"{at.control}/apps/{added['client_id']}", json={"status": "suspended"}, verify=CONTEXT
    ).raise_for_status()
    assert app.read(token).status_code == 401
    assert app.authorize().status_code == 403
    assert app.token_request(grant_type="refresh_token", refresh_token="x").json()["error"] == "invalid_client"
    assert (
        httpx.patch(f"{at.control}/apps/{added['client_id']}", json={"status": "odd"}, verify=CONTEXT).status_code
        == 400
    )
    assert httpx.patch(f"{at.control}/apps/none", json={"status": "active"}, verify=CONTEXT).status_code == 404


def test_nothing_on_the_control_port_tells_a_secret(at: Running) -> None:
    secret = at.clients["confidential-symmetric"]["client_secret"]
    assert secret not in httpx.get(f"{at.control}/apps", verify=CONTEXT).text
    assert "digest" not in httpx.get(f"{at.control}/apps", verify=CONTEXT).text
