"""The first request beyond what a deployment declares is asked to wait, and none before: earlier ones are counted beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from simulators.payer.protection.counting import Counts
from simulators.payer.protection.limits import counts_of
from tests.unit.payer.deployments.conftest import Walker
from tests.unit.payer.running import CONTEXT, Running, hidden_fields


@pytest.fixture(autouse=True)
def fresh(at: Running) -> Iterator[None]:
    counts_of(at.payer).reset()
    yield
    counts_of(at.payer).reset()


class Remembering:
    """Counts that remember which counter was asked, and its allowance."""

    def __init__(self, counts: Counts) -> None:
        self.counts, self.asked = counts, dict[str, tuple[int, int]]()

    def hit(self, key: str, most: int, seconds: int) -> int:
        self.asked[key] = (most, seconds)
        return self.counts.hit(key, most, seconds)

    def reset(self) -> None:
        self.counts.reset()


def waits_after(at: Running, ask: Callable[[], httpx.Response], beginning: str, most: int, seconds: int) -> None:
    """One request below the allowance is served, the next is refused with a Retry-After within the window."""
    own = counts_of(at.payer)
    remembering = Remembering(own)
    at.payer.parts["counts"] = remembering
    try:
        assert ask().status_code != 429
    finally:
        at.payer.parts["counts"] = own
    key = next(one for one in remembering.asked if one.startswith(beginning))
    assert remembering.asked[key] == (most, seconds)
    for _ in range(3):  # a window may end between the two requests
        own.reset()
        for _ in range(most - 1):
            own.hit(key, most, seconds)
        last, beyond = ask(), ask()
        if beyond.status_code == 429:
            break
    assert (last.status_code != 429, beyond.status_code) == (True, 429)
    assert 1 <= int(beyond.headers["retry-after"]) <= seconds


def test_an_app_may_ask_as_often_as_stated(at: Running, app: Walker) -> None:
    limits, token = at.payer.deployment.limits, app.tokens()["access_token"]
    waits_after(at, lambda: app.read(token), "", limits.requests, limits.per_seconds)


def test_the_token_endpoint_answers_as_often_as_stated(at: Running, app: Walker) -> None:
    limits = at.payer.deployment.limits
    waits_after(
        at, lambda: app.token_request(grant_type="refresh_token", refresh_token="x"), "token ",
        limits.token_requests, limits.token_per_seconds,
    )  # fmt: skip


def test_an_address_may_try_to_sign_in_as_often_as_stated(at: Running, app: Walker) -> None:
    limits = at.payer.deployment.limits
    page = app.next_page(app.authorize())
    waits_after(
        at, lambda: app.post(page, username="nobody", password="x"), "", limits.logins, limits.logins_per_seconds
    )


def test_an_address_may_register_as_often_as_stated(at: Running) -> None:
    limits, places = at.payer.deployment.limits, at.payer.deployment.endpoints
    sent = {"redirect_uris": ["https://app.example/"]}
    if at.payer.deployment.onboarding.dynamic:

        def ask() -> httpx.Response:
            return httpx.post(at.url + places.register, json=sent, verify=CONTEXT)
    else:
        address = f"{at.at('documentation')}/{'request' if at.payer.deployment.onboarding.by_email else 'sign-up'}"
        browser = httpx.Client(verify=CONTEXT)
        form = hidden_fields(browser.get(address).text)

        def ask() -> httpx.Response:
            return browser.post(address, data={**form, "contact": "dev", "username": "dev"})

    waits_after(at, ask, "", limits.registrations, limits.registrations_per_seconds)


def test_a_body_may_be_as_large_as_stated(at: Running, app: Walker) -> None:
    largest = at.payer.deployment.limits.largest_body_bytes
    sent = "grant_type=refresh_token&refresh_token="
    form = {"content-type": "application/x-www-form-urlencoded"}
    credentials = (app.client["client_id"], app.client.get("client_secret", "none"))
    for size, refused in ((largest, False), (largest + 1, True)):
        body = sent + "x" * (size - len(sent))
        answer = httpx.post(at.at("token"), content=body, headers=form, auth=credentials, verify=CONTEXT)
        assert (answer.status_code == 413 or "large" in answer.text) == refused, (
            size,
            answer.status_code,
            answer.text[:200],
        )
