"""What the checks of this chapter share: the payer's own side, where the target is our own simulator."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from suites.kit.http import Http
from suites.kit.outcomes import control, not_applicable
from suites.kit.target import Target
from suites.oversight.pages import Payer

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def payer(http: Http, target: Target) -> Payer:
    """The payer's own side."""
    if not target.control.url:
        not_applicable(
            "what the payer's own people do is seen on our own simulator only; a reviewer looks at it elsewhere"
        )
    return Payer(http, target.control.url, target.server.documentation_url.rstrip("/"))


@pytest.fixture
def requested(payer: Payer) -> Callable[..., str]:
    """A new app that waits for its review, by client_id."""

    def ask(company: str = "Conformance Company") -> str:
        client_id = payer.ask(payer.developer(company), f"Throw-away app {next(_numbers)}", company)
        control(client_id, "a complete request is taken")
        if payer.status(client_id) == "active":
            not_applicable("apps are let in at once here: nothing is reviewed")
        return client_id

    return ask
