"""Which pages the public port has."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from simulators.payer.context import Payer
from simulators.payer.portals import education, member, rendering


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Every page on the public port but the developers' (onboarding)."""
    return [*rendering.routes(payer), *member.routes(payer), *education.routes(payer)]
