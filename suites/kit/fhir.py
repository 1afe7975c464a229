"""FHIR interactions with a token: read, search, follow pages. What comes is given as it came; checks judge it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from suites.kit.expectations import FHIR_JSON, expect_json
from suites.kit.http import Answer, Http, Params
from suites.kit.outcomes import Inconclusive, expect, trail
from suites.protocol import urls

FHIR_ACCEPT = {"Accept": "application/fhir+json"}
IDLE_PAGES = 20  # so many pages in a row that bring nothing new: the search never ends
PAGES = 10_000  # more than any record has, at a few resources a page


WAITS = 3  # how often a request is sent again after 429
LONGEST_WAIT = 30.0  # seconds; a longer Retry-After is left to whoever reads the verdict


def patiently(send: Callable[[], Answer]) -> Answer:
    """An answer that is no refusal for haste: a 429 is waited out as its Retry-After says, as an app would (RFC 6585 section 4)."""
    answer = send()
    for _ in range(WAITS):
        wait = answer.header("retry-after")
        if answer.status != 429 or not wait.isdigit() or float(wait) > LONGEST_WAIT:
            break
        trail().notes.append(f"waited {wait} s for the declared limit")
        time.sleep(float(wait))
        answer = send()
    return answer


@dataclass(frozen=True)
class FhirClient:
    """A FHIR base and a token (none for open interfaces). Limits are respected: 429 is waited out."""

    http: Http
    base: str
    token: str = ""

    def get(self, path: str, params: Params = (), headers: Mapping[str, str] | None = None) -> Answer:
        """GET below the base."""
        url, sent = urls.below(self.base, path), {**FHIR_ACCEPT, **(headers or {})}
        return patiently(lambda: self.http.get(url, params, sent, self.token))

    def follow(self, link: str) -> Answer:
        """GET a link the server gave, with the token."""
        return patiently(lambda: self.http.get(link, headers=FHIR_ACCEPT, token=self.token))

    def post_search(self, resource: str, params: Params = ()) -> Answer:
        """Search by POST."""
        url = urls.below(self.base, f"{resource}/_search")
        return patiently(lambda: self.http.post_form(url, params, FHIR_ACCEPT, self.token))

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
        answer, way = self.search(resource, params), Way(self.base)
        while True:
            bundle = expect_json(answer, 200, FHIR_JSON)
            yield bundle
            link = way.next(answer, bundle)
            if not link:
                return
            answer = self.follow(link)

    def all(self, resource: str, params: Params = ()) -> list[dict[str, Any]]:
        """Every match of a search over all its pages."""
        return [one for bundle in self.pages(resource, params) for one in matches(bundle)]


def entries(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a Bundle."""
    found = bundle.get("entry", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def resource_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The resource of an entry, empty where it holds none."""
    resource = entry.get("resource")
    return resource if isinstance(resource, dict) else {}


def mode_of(entry: Mapping[str, Any]) -> str:
    """Why an entry is in a searchset: match, include or outcome; what does not say is a match."""
    search = entry.get("search")
    return str(search.get("mode", "match")) if isinstance(search, dict) else "match"


def matches(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources a search matched: entries that are neither includes nor outcomes."""
    return [
        entry["resource"]
        for entry in entries(bundle)
        if isinstance(entry.get("resource"), dict)
        and mode_of(entry) == "match"
        and entry["resource"].get("resourceType") != "OperationOutcome"
    ]


@dataclass
class Way:
    """The way through the pages of one search: it leads on, stays with the server, and ends."""

    base: str
    links: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    idle: int = 0

    def next(self, answer: Answer, bundle: Mapping[str, Any]) -> str:
        """The link to follow, empty on the last page; NonConformance where it leads back, elsewhere, or on without end."""
        self.links.add(answer.url)
        link = next_link(bundle)
        if not link:
            return ""
        expect(link not in self.links, "a next link leads on, never back", found=link, evidence=answer.evidence)
        # The token goes with the request, so a link elsewhere is a finding and is not followed.
        expect(
            urls.origin(link) == urls.origin(self.base),
            "a next link stays with the server that gave it",
            expected=urls.origin(self.base),
            found=urls.origin(link),
            evidence=answer.evidence,
        )
        known = len(self.addresses)
        for entry in entries(bundle):
            resource = resource_of(entry)
            self.addresses.add(f"{resource.get('resourceType')}/{resource.get('id')}")
        self.idle = self.idle + 1 if len(self.addresses) == known else 0
        pages = len(self.links)
        expect(
            self.idle < IDLE_PAGES and pages < PAGES,
            "a search ends",
            expected=f"new resources on every page, and fewer than {PAGES} pages",
            found=f"{pages} pages, the last {self.idle} of them without anything new",
            evidence=answer.evidence,
        )
        deadline = trail().deadline
        if deadline and time.monotonic() > deadline:
            raise Inconclusive(
                f"the time limit of this check came after {pages} pages with {len(self.addresses)} resources: --check-seconds gives more"
            )
        self.links.add(link)
        return link


def next_link(bundle: Mapping[str, Any]) -> str:
    """The URL of the next page, empty on the last."""
    links = bundle.get("link")
    held = links if isinstance(links, list) else []
    return next(
        (str(one.get("url", "")) for one in held if isinstance(one, dict) and one.get("relation") == "next"), ""
    )
