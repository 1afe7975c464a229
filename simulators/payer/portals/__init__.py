"""The pages people see: members, developers, administrators; server-rendered, English and Spanish, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.payer.authorization import scopes
from simulators.payer.context import Payer
from simulators.payer.deployment import Deployment


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Pages on the public port. The administrator's pages are on the control port: another origin."""
    from simulators.payer.portals import pages

    return pages.routes(payer)


def login_recipe(deployment: Deployment) -> list[dict[str, Any]]:
    """What a browser does from the login page to the redirect, as steps of a target file."""
    login, click = deployment.login, {"do": "click", "at": "button[name=verify]"}
    steps: list[dict[str, Any]] = [
        {"do": "fill", "at": "input[name=username]", "value": "{username}"},
        {"do": "fill", "at": "input[name=password]", "value": "{password}"},
        {"do": "click", "at": "button[name=sign-in]"},
    ]
    if login.second_factor:
        steps += [{"do": "one_time_code", "at": "input[name=one_time_code]", "value": "{totp}"}, click]
    for _ in range(login.challenge_questions):
        steps += [{"do": "answer", "at": "input[name=answer]"}, click]
    if login.unique_client_identifier:
        steps += [{"do": "answer", "at": "input[name=unique_client_identifier]"}, click]
    if deployment.consent.delegates:
        steps.append({"do": "choose", "at": "input[name=person][value='{patient}']", "optional": True, "seconds": 0.2})
    steps.append({"do": "untick", "at": "input[name=scope][value='{scope}']"})
    if category_types(deployment):
        steps.append({"do": "untick", "at": "input[name=category][value='{category}']"})
    if "substance-use" in deployment.consent.categories:
        at = "input[name=category][value=substance-use]"
        steps.append({"do": "tick", "at": at, "optional": True, "sensitive": True, "seconds": 0.2})
    steps.append({"do": "approve", "at": "button[name=decision][value=allow]"})
    steps.append({"do": "deny", "at": "button[name=decision][value=deny]"})
    return steps


def category_types(deployment: Deployment) -> dict[str, list[str]]:
    """The kinds of data a member may keep back as a whole, with the resource types each stands for."""
    return {
        category: sorted(types)
        for category in deployment.consent.categories
        if (types := scopes.CATEGORY_TYPES.get(category))
    }


def ending_recipe() -> list[dict[str, Any]]:
    """What a signed-in member does on the page of connected apps to end one app's access."""
    return [{"do": "click", "at": "button[aria-label*='{client_name}']"}]


def answers_for(deployment: Deployment, member: dict[str, Any]) -> dict[str, str]:
    """What the pages may ask of a member, by the text on the page: challenge questions, and the client identifier where needed."""
    found = dict(member.get("answers", {}))
    if deployment.login.unique_client_identifier and member.get("unique_client_identifier"):
        found["Unique client identifier"] = member["unique_client_identifier"]
    return found
