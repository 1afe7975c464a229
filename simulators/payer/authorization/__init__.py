"""The authorization server (OAuth 2.0, OpenID Connect, SMART App Launch): one module a section of the specifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from starlette.routing import BaseRoute

from simulators.payer.context import Grant, Payer, RawHeaders


def authenticator(payer: Payer) -> Callable[[RawHeaders], Grant]:
    """A function from a request's headers to what its bearer may do; it raises errors.Unauthorized."""
    from simulators.payer.authorization import access

    return partial(access.authenticate, payer)


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
