"""Where an authorization request ended: back at the app with parameters, or on a page of the server.

Shared by the two that carry a member through the pages: forms.py over HTTP and browser.py in Chromium.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from suites.kit.outcomes import Inconclusive
from suites.kit.recipe import Choices, Identity
from suites.protocol import urls


@dataclass(frozen=True)
class AuthorizationRequest:
    """One request to the authorization endpoint, parameters in order, by GET or form POST."""

    endpoint: str
    parameters: tuple[tuple[str, str], ...]
    redirect_uri: str  # where the app listens, whatever the parameters say
    method: str = "GET"

    @property
    def url(self) -> str:
        """The whole request as a URL; of the endpoint alone for POST."""
        return urls.with_query(self.endpoint, self.parameters) if self.method == "GET" else self.endpoint

    def value(self, name: str) -> str:
        """A parameter as sent, empty without it."""
        return next((value for key, value in self.parameters if key == name), "")


@dataclass(frozen=True)
class Landing:
    """The end of an authorization request."""

    url: str
    redirected: bool  # came back to a redirect URI of the app
    evidence: tuple[str, ...]
    status: int = 0  # of the page, when it ended on one
    page: str = ""  # its visible text
    step: int = 0  # how many steps of the recipe had been done
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """What came back in the query."""
        return urls.query_pairs(self.url) if self.redirected else ()

    def values(self, name: str) -> list[str]:
        """Every value of a parameter that came back."""
        return [value for key, value in self.parameters if key == name]

    def value(self, name: str) -> str:
        """The first value of a parameter that came back, empty without it."""
        return next(iter(self.values(name)), "")

    def wherever(self, name: str) -> list[str]:
        """Values of a parameter in the query or, only where it has none, in the fragment: the place is judged by RFC6749-ERROR-10."""
        if found := self.values(name):
            return found
        return [value for key, value in urls.fragment_pairs(self.url) if key == name] if self.redirected else []

    @property
    def error(self) -> str:
        """The error code that came back, wherever on the redirect; empty without one."""
        return next(iter(self.wherever("error")), "")

    @property
    def described(self) -> str:
        """One line for a report, without the code itself."""
        if self.redirected:
            found = self.parameters or urls.fragment_pairs(self.url)
            place = "" if self.parameters or not found else " in the fragment"
            secret = ("code", "access_token", "id_token")
            shown = [f"{key}={'…' if key in secret else value}" for key, value in found]
            return "a redirect with " + (", ".join(shown) or "no parameters") + place
        return f"a page with status {self.status}: {' '.join(self.page.split())[:160]!r}"


class RecipeStuck(Inconclusive):
    """The login recipe did not get on: which step, where, and what the page said."""


def passed_over(steps: Sequence[str]) -> str:
    """What a stuck recipe left out on its way: the first of them is often where the page has changed."""
    return f"; left out before, since what a later step needs was there: {', '.join(steps)}" if steps else ""


class Carrier(Protocol):
    """Carries a member from an authorization request to its end."""

    def authorize(
        self, request: AuthorizationRequest, identity: Identity, choices: Choices = ..., *, may_refuse: bool = ...
    ) -> Landing:
        """Open the request, follow the recipe, say where it ended; `may_refuse` makes a page of the server an end too."""
        ...


def is_end(url: str, redirect_uris: Iterable[str]) -> bool:
    """Whether a location leaves for the app."""
    return any(urls.goes_to(url, uri) for uri in redirect_uris)
