"""The pages people see: members, developers, administrators; server-rendered, English and Spanish, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.payer.context import Payer
from simulators.payer.deployment import Deployment


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Pages on the public port. The administrator's pages are on the control port: another origin."""
    from simulators.payer.portals import pages

    return pages.routes(payer)


def login_recipe(deployment: Deployment) -> list[dict[str, Any]]:
    """What a browser does from the login page to the redirect, as steps of a target file."""
    steps: list[dict[str, Any]] = [
        {"do": "fill", "at": "input[name=username]", "value": "{username}"},
        {"do": "fill", "at": "input[name=password]", "value": "{password}"},
        {"do": "click", "at": "button[name=sign-in]"},
    ]
    if deployment.login.second_factor:
        steps.append({"do": "one_time_code", "at": "input[name=one_time_code]", "value": "{totp}"})
        steps.append({"do": "click", "at": "button[name=verify]"})
    if deployment.login.challenge_questions:
        steps.append({"do": "answer", "at": "input[name^=answer]", "value": "{answer}"})
        steps.append({"do": "click", "at": "button[name=verify]"})
    if deployment.login.unique_client_identifier:
        steps.append(
            {"do": "fill", "at": "input[name=unique_client_identifier]", "value": "{unique_client_identifier}"}
        )
        steps.append({"do": "click", "at": "button[name=verify]"})
    if "substance-use" in deployment.consent.categories:
        steps.append({"do": "tick", "at": "input[name=category][value=substance-use]"})
    steps.append({"do": "approve", "at": "button[name=decision][value=allow]"})
    return steps
