"""Chromium, driven by Playwright: follows a login recipe as a member would, and records what it saw.

One browser a worker, one fresh context a journey. Redirects to the app are caught inside the browser, so that redirect URIs on other
hosts work and two workers can share one; a real listener is used where a check asks for it. A recipe that gets stuck says at which
step, with a screenshot and the page's text.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from suites.kit.browser_journey import STEP_SECONDS, BrowserJourney, first_line
from suites.kit.landing import AuthorizationRequest, Landing, RecipeStuck
from suites.kit.listener import Listener
from suites.kit.login_hook import hook
from suites.kit.outcomes import Inconclusive
from suites.kit.recipe import (
    APPROVE_ALL,
    CannotFill,
    Choices,
    Identity,
    Step,
)
from suites.kit.recorder import Recorder
from suites.kit.target import Login, Network


def chromium_path() -> str | None:
    """The Chromium to use: an environment variable, the one set-up put beside this Python, the system's, or None for Playwright's own."""
    named = os.environ.get("PATIENT_ACCESS_CHROMIUM")
    beside = str(Path(sys.executable).with_name("chromium"))
    names = (named,) if named else (beside, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for found in map(shutil.which, names) if found), None)


class Browser:
    """One Chromium for one worker, started when first needed."""

    def __init__(self, network: Network, login: Login, recorder: Recorder, visible: bool = False) -> None:
        self.network = network
        self.login = login
        self.recorder = recorder
        self.visible = visible or login.human
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None

    @property
    def version(self) -> str:
        """Name and version, for the run's header."""
        return f"Chromium {self.start().version}"

    def start(self) -> Chromium:
        """Start it, once."""
        if self._chromium is None:
            try:
                self._playwright = sync_playwright().start()
                self._chromium = self._playwright.chromium.launch(
                    headless=not self.visible,
                    executable_path=chromium_path(),
                    args=["--disable-gpu", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
                )
            except PlaywrightError as wrong:
                raise Inconclusive(
                    f"no browser: {first_line(wrong)}; run 'make setup' or set PATIENT_ACCESS_CHROMIUM to a Chromium"
                ) from None
        return self._chromium

    def close(self) -> None:
        """Stop the browser and its driver."""
        with contextlib.suppress(PlaywrightError):
            if self._chromium is not None:
                self._chromium.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._chromium = self._playwright = None

    def context(self) -> BrowserContext:
        """A fresh context: no cookies, the target's proxy, headers and client certificate."""
        options: dict[str, Any] = {"viewport": {"width": 1100, "height": 850}}
        if self.network.headers:
            options["extra_http_headers"] = dict(self.network.headers)
        if self.network.proxy:
            options["proxy"] = {"server": self.network.proxy}
        # Chromium takes no certificate authority from a file; the transport chapter judges the certificate itself.
        options["ignore_https_errors"] = self.network.ca_file is not None
        context = self.start().new_context(**options)
        context.set_default_timeout(STEP_SECONDS * 1000)
        return context

    def authorize(
        self,
        request: AuthorizationRequest,
        identity: Identity,
        choices: Choices = APPROVE_ALL,
        *,
        may_refuse: bool = False,
        listener: Listener | None = None,
        pictures: bool = False,
        steps: Sequence[Step] | None = None,
        extra: Mapping[str, str] | None = None,
        session: Session | None = None,
    ) -> Landing:
        """Carry one member from the authorization request to its end; with a session, in it, and the session is kept."""
        context = self.context()
        try:
            if session:
                context.add_cookies(_cookies(session, request.endpoint))
            journey = BrowserJourney(
                self.recorder, context, request.redirect_uri, identity, choices, pictures, extra or {}
            )
            if listener is None and request.redirect_uri:
                journey.catch_redirects()
            journey.open(request)
            if self.login.human:
                return journey.wait_for_a_person()
            return journey.follow(self.login.step if steps is None else steps, may_refuse, hook(self.login))
        except CannotFill as wrong:
            raise RecipeStuck(str(wrong)) from None
        except PlaywrightError as wrong:
            raise RecipeStuck(f"the browser stopped: {first_line(wrong)}") from None
        finally:
            with contextlib.suppress(PlaywrightError):
                if session is not None:
                    _remember(session, context)
                context.close()


Session = dict[str, dict[str, str]]  # cookies by host and port, as forms.py keeps them


def _cookies(session: Session, endpoint: str) -> list[Any]:
    scheme = endpoint.partition(":")[0]
    return [
        {"name": name, "value": value, "url": f"{scheme}://{host}/"}
        for host, held in session.items()
        for name, value in held.items()
    ]


def _remember(session: Session, context: BrowserContext) -> None:
    for host, held in session.items():
        for cookie in context.cookies([f"http://{host}/", f"https://{host}/"]):
            held[str(cookie.get("name"))] = str(cookie.get("value"))
