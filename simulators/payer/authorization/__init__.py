"""The authorization server (OAuth 2.0, OpenID Connect, SMART App Launch): one module a section of the specifications."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from simulators.payer.context import Grant, Payer, RawHeaders


def authenticate(payer: Payer, headers: RawHeaders) -> Grant:
    """What the bearer of a request may do; raises errors.Unauthorized."""
    from simulators.payer.authorization import access

    return access.authenticate(payer, headers)


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Every endpoint of the authorization server."""
    from simulators.payer.authorization import (
        authorize,
        disclosure,
        discovery,
        interaction,
        introspection,
        registration,
        revocation,
        token,
        userinfo,
    )

    sections = (discovery, authorize, interaction, token, introspection, registration, revocation, userinfo, disclosure)
    return [route for section in sections for route in section.routes(payer)]
