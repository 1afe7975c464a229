"""How developers get an app registered: forms, review, dynamic registration, and the test apps of a target file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.payer.context import Payer


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Registration endpoints and pages."""
    from simulators.payer.onboarding import developer

    return developer.routes(payer)


def test_clients(payer: Payer) -> list[dict[str, Any]]:
    """Register the test apps and return them as the `[[client]]` entries of a target file."""
    from simulators.payer.onboarding import test_apps

    return test_apps.register(payer)


def add_app(payer: Payer, fields: dict[str, Any]) -> dict[str, Any]:
    """Register an app at once, as the control interface asks; its credentials are in the answer."""
    from simulators.payer.onboarding import test_apps

    return test_apps.add(payer, fields)
