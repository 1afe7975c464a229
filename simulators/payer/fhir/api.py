"""The FHIR APIs as one ASGI application: which base a path is under, what is asked of it.

Leaves to others: who may (authorization/access.py, compartment.py), what exists (store.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulators.payer.context import Payer


class FhirApi:
    """Serves every path under the FHIR bases of the deployment."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        endpoints = payer.deployment.endpoints
        self.bases = tuple(base for base in (endpoints.fhir, endpoints.directory, endpoints.formulary) if base)

    def serves(self, path: str) -> bool:
        """Whether a path belongs to one of the FHIR bases (their well-known documents do not)."""
        return any(path == base or path.startswith(base + "/") for base in self.bases) and "/.well-known/" not in path

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        body = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"not here"}]}'
        await send(
            {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"application/fhir+json")]}
        )
        await send({"type": "http.response.body", "body": body})
