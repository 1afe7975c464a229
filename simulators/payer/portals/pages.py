"""Which pages the public port has."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from simulators.payer.context import Payer
from simulators.payer.portals import rendering


def routes(payer: Payer) -> Sequence[BaseRoute]:
    """Every page on the public port."""
    return [*rendering.routes(payer)]
