"""Declared limits: nothing is refused below, 429 with a true Retry-After above, for that app alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from simulators.payer.deployment import load
from simulators.payer.protection.limits import counts_of
from tests.unit.payer.running import CONTEXT, App, Running, dataset, running

ALLOWED, SECONDS = 20, 3


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    chosen = load("reference")
    declared = replace(
        chosen.limits,
        requests=ALLOWED,
        per_seconds=SECONDS,
        token_requests=5,
        token_per_seconds=2,
        registrations=3,
        logins=4,
    )
    folder: Path = dataset(tmp_path_factory.mktemp("dataset"))
    with running(folder, replace(chosen, limits=declared)) as found:
        yield found


@pytest.fixture(autouse=True)
def fresh(at: Running) -> Iterator[None]:
    counts_of(at.payer).reset()
    yield
    at.faults()


def wait_for_a_window() -> None:
    """Begin with a window of the limit, so that counting does not straddle two."""
    time.sleep(SECONDS - time.time() % SECONDS + 0.05)


def test_an_app_over_its_limit_waits_as_told_and_others_do_not(at: Running) -> None:
    one, other = App(at), App(at, "second")
    token, second = one.tokens()["access_token"], other.tokens()["access_token"]
    wait_for_a_window()
    answers = [one.read(token) for _ in range(ALLOWED + 1)]
    assert [answer.status_code for answer in answers] == [200] * ALLOWED + [429]
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/fhir+json"
    assert refused.json()["issue"][0]["code"] == "throttled"
    assert other.read(second).status_code == 200
    time.sleep(int(refused.headers["retry-after"]))
    assert one.read(token).status_code == 200


@pytest.mark.parametrize(
    ("fault", "want"),
    [
        ("limit-never-answers", (200, None)), ("limit-without-retry-after", (429, None)), ("limit-answered-503", (503, "number")),
        ("retry-after-in-words", (429, "words")), ("limit-answered-403", (403, None)),
    ],
)  # fmt: skip
def test_each_fault_of_the_limit_is_seen(at: Running, fault: str, want: tuple[int, str | None]) -> None:
    app = App(at)
    token = app.tokens()["access_token"]
    wait_for_a_window()
    at.faults(fault)
    last = [app.read(token) for _ in range(ALLOWED + 1)][-1]
    said = last.headers.get("retry-after")
    assert (last.status_code, said if said is None else "number" if said.isdigit() else "words") == want


def test_the_token_endpoint_has_its_own_limit(at: Running) -> None:
    app = App(at)
    answers = [app.token_request(grant_type="refresh_token", refresh_token="x") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["error"] == "temporarily_unavailable"
    assert int(refused[0].headers["retry-after"]) >= 1


def test_sign_in_and_registration_are_limited_by_address(at: Running) -> None:
    app = App(at)
    page = app.next_page(app.authorize())
    codes = [app.post(page, username=f"guess{number}", password="x").status_code for number in range(10)]
    assert 429 in codes
    statuses = [
        httpx.post(at.at("register"), json={"redirect_uris": ["https://app.example/"]}, verify=CONTEXT).status_code
        for _ in range(10)
    ]
    assert statuses.count(201) <= 6
    assert 429 in statuses
