"""Public pages as a visitor without an account reads them: over HTTP, redirects followed, text and links taken out.

What a page must say is judged by words, several ways of saying each; what only a person can judge stays a review entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin

from suites.kit.forms import Journey
from suites.kit.http import Answer, Http
from suites.kit.landing import AuthorizationRequest, RecipeStuck
from suites.kit.outcomes import expect
from suites.kit.page_forms import Page
from suites.kit.recipe import APPROVE_ALL, Identity
from suites.protocol import urls

GATES = re.compile(
    r"(create|open) an account to (read|see|view)|log ?in to (read|see|view|continue)|sign in to (read|see|view|continue)"
    r"|request access to (the|our|this) documentation|agree to (be contacted|receive)|purchase|subscribe to (read|view)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Visit:
    """One page as read: where it ended, its text, its links."""

    url: str
    answer: Answer
    page: Page

    @property
    def text(self) -> str:
        """The visible text, whitespace collapsed."""
        return self.page.text

    @property
    def links(self) -> list[tuple[str, str]]:
        """Absolute addresses and texts of the links."""
        return [
            (urldefrag(urljoin(self.url, one.attributes["href"]))[0], " ".join(one.text.split()))
            for one in self.page.elements
            if one.tag == "a" and one.attributes.get("href", "").strip()
        ]

    def says(self, *ways: str) -> bool:
        """Whether any of several regular expressions is in the text."""
        return any(re.search(way, self.text, re.IGNORECASE) for way in ways)


def visit(http: Http, url: str) -> Visit:
    """Open a page as anyone would, in a new session, redirects followed."""
    journey = Journey(http, AuthorizationRequest(url, (), ""), Identity("", ""), APPROVE_ALL, {})
    try:
        journey.open("GET", url)
    except RecipeStuck as stuck:
        expect(False, "a public page must not redirect in circles", found=str(stuck))
    assert journey.answer is not None
    return Visit(journey.url, journey.answer, journey.page)


def same_site(visited: Visit) -> list[str]:
    """Links of a page that stay on its own site, each once."""
    here = urls.origin(visited.url)
    return list(dict.fromkeys(url for url, _ in visited.links if urls.is_absolute(url) and urls.origin(url) == here))
