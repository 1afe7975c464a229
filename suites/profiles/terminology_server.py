"""Asking a FHIR terminology server (ValueSet/$validate-code) what no table at hand decides.

Its silence, refusal or time-out leaves the question open; after a few of these it is not asked again.
"""

from __future__ import annotations

from typing import Any

from suites.profiles.facts import MEMBER, NOT_MEMBER, Membership

PATIENCE = 5.0
FAILURES = 3


class TerminologyServer:
    """One server, asked over one connection; answers are remembered by those who ask."""

    def __init__(self, base: str, client: Any = None) -> None:
        import httpx

        self._base = base.rstrip("/")
        self._client = client or httpx.Client(timeout=PATIENCE, headers={"Accept": "application/fhir+json"})
        self._failures = 0

    def contains(self, value_set: str, system: str | None, code: str, version: str | None) -> Membership | None:
        """Yes, no, or None where the server does not say."""
        import httpx

        if self._failures >= FAILURES or system is None:
            return None
        url, _, set_version = value_set.partition("|")
        asked = {
            "url": url,
            "valueSetVersion": set_version,
            "system": system,
            "code": code,
            "systemVersion": version or "",
        }
        try:
            answer = self._client.get(
                f"{self._base}/ValueSet/$validate-code", params={name: value for name, value in asked.items() if value}
            )
            said = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            self._failures += 1
            return None
        if not isinstance(said, dict) or not isinstance(said.get("parameter"), list):
            return None
        self._failures = 0
        result = next(
            (p.get("valueBoolean") for p in said["parameter"] if isinstance(p, dict) and p.get("name") == "result"),
            None,
        )
        return None if result is None else MEMBER if result else NOT_MEMBER
