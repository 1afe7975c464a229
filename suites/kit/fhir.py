"""FHIR interactions with a token: read, search, follow pages. What comes is given as it came; checks judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.http import Answer, Http, Params
from suites.kit.outcomes import expect
from suites.protocol import urls

FHIR_ACCEPT = {"Accept": "application/fhir+json"}
PAGES = 200  # a search with more pages than this is cut off with a finding: it never ends


@dataclass(frozen=True)
class FhirClient:
    """A FHIR base and a token (none for open interfaces)."""

    http: Http
    base: str
    token: str = ""

    def get(self, path: str, params: Params = (), headers: Mapping[str, str] | None = None) -> Answer:
        """GET below the base."""
        return self.http.get(urls.below(self.base, path), params, {**FHIR_ACCEPT, **(headers or {})}, self.token)

    def read(self, resource: str, id: str) -> Answer:
        """Read by type and id."""
        return self.get(f"{resource}/{id}")

    def search(self, resource: str, params: Params = ()) -> Answer:
        """Search by GET."""
        return self.get(resource, params)

    def with_token(self, token: str) -> FhirClient:
        """The same base with another token."""
        return FhirClient(self.http, self.base, token)

    def pages(self, resource: str, params: Params = ()) -> Iterator[dict[str, Any]]:
        """The Bundles of a search, following next links; a loop or an endless chain is a finding."""
        answer = self.search(resource, params)
        seen = {answer.url}
        for _ in range(PAGES):
            bundle = expect_json(answer, 200, FHIR_JSON)
            yield bundle
            link = next_link(bundle)
            if not link:
                return
            expect(link not in seen, "a next link leads on, never back", found=link, evidence=answer.evidence)
            seen.add(link)
            answer = self.http.get(link, headers=FHIR_ACCEPT, token=self.token)
        expect(False, f"a search ends; this one had more than {PAGES} pages", evidence=answer.evidence)

    def all(self, resource: str, params: Params = ()) -> list[dict[str, Any]]:
        """Every match of a search over all its pages."""
        return [one for bundle in self.pages(resource, params) for one in matches(bundle)]


def entries(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a Bundle."""
    found = bundle.get("entry", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def matches(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources a search matched: entries that are neither includes nor outcomes."""
    return [
        entry["resource"]
        for entry in entries(bundle)
        if isinstance(entry.get("resource"), dict)
        and (entry.get("search") or {}).get("mode", "match") == "match"
        and entry["resource"].get("resourceType") != "OperationOutcome"
    ]


def next_link(bundle: Mapping[str, Any]) -> str:
    """The URL of the next page, empty on the last."""
    links = bundle.get("link") or []
    return next(
        (str(one.get("url", "")) for one in links if isinstance(one, dict) and one.get("relation") == "next"), ""
    )
