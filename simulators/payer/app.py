"""Composition: the one place that wires the parts of a payer into ASGI applications.

`create_app` is the public port: FHIR paths go straight to the FHIR API (plain ASGI, no routing table); every other path to the
pages and endpoints of the other packages through Starlette. Leaves to others: everything that is decided.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from simulators.payer import authorization, control, onboarding, portals, protection
from simulators.payer.context import Payer
from simulators.payer.fhir.api import FhirApi

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

# What each package offers besides FHIR: a function of the payer that returns its routes.
ROUTES: tuple[Callable[[Payer], Sequence[BaseRoute]], ...] = (
    authorization.routes,
    portals.routes,
    onboarding.routes,
)
# Around everything, outermost first: limits, security headers, logs.
PROTECTION: tuple[Callable[[Payer, AsgiApp], AsgiApp], ...] = (protection.middleware,)


def create_app(payer: Payer) -> AsgiApp:
    """The payer on its public port."""
    payer.authenticate = authorization.authenticator(payer)
    fhir = FhirApi(payer)
    pages = Starlette(routes=[route for routes in ROUTES for route in routes(payer)])

    async def dispatch(scope: AsgiScope, receive: Receive, send: Send) -> None:
        base = fhir.base_of(scope["path"]) if scope["type"] == "http" else None
        if base is not None:
            await fhir.answer(base, scope, receive, send)
        else:
            await pages(scope, receive, send)

    application: AsgiApp = dispatch
    for wrap in reversed(PROTECTION):
        application = wrap(payer, application)
    return application


def create_control_app(payer: Payer) -> AsgiApp:
    """The control interface on its loopback port."""
    return control.create_control(payer)
