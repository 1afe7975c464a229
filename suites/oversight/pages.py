"""The pages of developers and administrators of our own simulator, over HTTP: forms are sent as a browser would send them.

No standard says how a payer vets apps, so these pages have no recipe; on a foreign server a person reviews what happens there.
"""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from suites.kit.forms import Journey
from suites.kit.http import Answer, Http
from suites.kit.landing import AuthorizationRequest
from suites.kit.outcomes import control, not_applicable
from suites.kit.recipe import APPROVE_ALL, Identity
from suites.protocol import urls

PASSWORD = "a long enough password"  # noqa: S105 - of accounts these checks open themselves
_numbers = itertools.count(1)


@dataclass
class Visitor:
    """One person in one browser."""

    http: Http
    start: str
    journey: Journey = field(init=False)

    def __post_init__(self) -> None:
        request = AuthorizationRequest(self.start, (), "")
        self.journey = Journey(self.http, request, Identity("", ""), APPROVE_ALL, {})

    def open(self, url: str) -> Answer:
        """A page, redirects followed."""
        self.journey.open("GET", url)
        assert self.journey.answer is not None
        return self.journey.answer

    def send(self, url: str, *fields: tuple[str, str]) -> Answer:
        """A form, with the token of the page that stands open."""
        token = next((one.value for one in self.journey.page.find("input[name=form_token]")), "")
        self.journey.open("POST", url, [("form_token", token), *fields])
        assert self.journey.answer is not None
        return self.journey.answer


@dataclass
class Payer:
    """The payer's own side."""

    http: Http
    control_url: str
    documentation_url: str

    def log(self, name: str) -> list[dict[str, Any]]:
        """The usage or the audit log."""
        answer = self.http.get(urls.below(self.control_url, f"logs/{name}"))
        control(answer.status == 200, f"the {name} log can be read", answer.status)
        return [orjson.loads(line) for line in answer.body.splitlines()]

    def status(self, client_id: str) -> str:
        """The state of an app; empty when there is none."""
        apps = self.http.get(urls.below(self.control_url, "apps")).json()
        return next((str(one["status"]) for one in apps if one["client_id"] == client_id), "")

    def named(self, name: str) -> int:
        """How many apps of a name are registered."""
        return sum(one["name"] == name for one in self.http.get(urls.below(self.control_url, "apps")).json())

    def set_status(self, client_id: str, status: str) -> None:
        """Suspend or reinstate an app."""
        url = urls.below(self.control_url, f"apps/{client_id}")
        answer = self.http.send(
            "PATCH", url, headers={"Content-Type": "application/json"}, body=orjson.dumps({"status": status})
        )
        control(answer.status == 200, f"the app is set to {status}", answer.status)

    def developer(self, company: str = "") -> Visitor:
        """A developer with a new account."""
        visitor = Visitor(self.http, f"{self.documentation_url}/sign-up")
        answer = visitor.open(visitor.start)
        if answer.status == 404:
            not_applicable("developers have no accounts at this payer: apps are registered by mail")
        control(answer.status == 200, "developers can open an account", answer.status)
        # An account outlives a run: its name must be new to the server, whichever process asks and however often.
        address = f"developer{next(_numbers)}-{os.getpid():x}-{time.time_ns() // 1000:x}@conformance.example.org"
        answer = visitor.send(visitor.start, ("username", address), ("company", company), ("password", PASSWORD))
        control(answer.status == 200, "the account is opened", answer.status)
        return visitor

    def administrator(self) -> Visitor:
        """An administrator who has signed in."""
        known = self.http.get(urls.below(self.control_url, "administrator")).object()
        visitor = Visitor(self.http, urls.below(self.control_url, "admin/sign-in"))
        visitor.open(visitor.start)
        answer = visitor.send(visitor.start, ("username", str(known["username"])), ("password", str(known["password"])))
        control(answer.status == 200, "the administrator signs in", answer.status)
        return visitor

    def ask(self, developer: Visitor, name: str, company: str = "Conformance Company", leave_out: str = "") -> str:
        """Request Authorization for an app; gives its client_id where the request was taken, else nothing."""
        form = {
            "contact": "contact@conformance.example.org",
            "company": company,
            "name": name,
            "redirect_uris": "https://conformance.example.org/callback",
            "description": "A throw-away app of the conformance suite.",
            "policy_uri": "https://conformance.example.org/privacy",
            "attest_security": "A report of an independent assessor.",
            "attest_public-policy": "yes",
            "attest_no-sale": "yes",
            "part2": "yes",
        }
        developer.open(f"{self.documentation_url}/apps/new")
        page = developer.journey.page
        # What the form offers differs between payers: its first kind of app, its first scope of a member's data.
        form["type"] = next((one.value for one in page.find("select[name=type]")), "")
        offered = [one.attributes.get("value", "") for one in page.find("input[name=scopes]")]
        form["scopes"] = next((one for one in offered if one.startswith("patient/")), "")
        fields = [(key, value) for key, value in form.items() if not leave_out or not key.startswith(leave_out)]
        before = self.named(name)
        developer.send(f"{self.documentation_url}/apps/new", *fields)
        return developer.journey.url.rpartition("/")[2] if self.named(name) > before else ""

    def decide(self, client_id: str, step: str, met: list[str], reason: str = "Seen by the conformance suite.") -> str:
        """An administrator's decision; gives the state of the app afterwards."""
        admin = self.administrator()
        admin.open(urls.below(self.control_url, f"admin/apps/{client_id}"))
        ticked = [("met", one) for one in met]
        admin.send(
            urls.below(self.control_url, f"admin/apps/{client_id}/decide"), ("step", step), ("reason", reason), *ticked
        )
        return self.status(client_id)

    def criteria(self, client_id: str) -> list[str]:
        """The criteria an administrator is shown for an app."""
        admin = self.administrator()
        admin.open(urls.below(self.control_url, f"admin/apps/{client_id}"))
        return [one.attributes.get("value", "") for one in admin.journey.page.find("input[name=met]")]
