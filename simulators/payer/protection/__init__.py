"""Protection of the payer: declared limits, security headers, what is noticed. `middleware` goes around everything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulators.payer.context import Payer

AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


def middleware(payer: Payer, application: AsgiApp) -> AsgiApp:
    """Wrap the public application."""
    from simulators.payer.protection import guard  # after authorization, which counts by limits of this room

    return guard.middleware(payer, application)
