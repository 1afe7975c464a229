"""A login recipe followed in Chromium, page by page: waits for each step's element, does it, and records what the pages said.

Leaves to others: the browser and its contexts (browser.py), what a step means (recipe.py).
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, Response
from playwright.sync_api import Error as PlaywrightError

from suites.kit.landing import AuthorizationRequest, Landing, RecipeStuck, is_end, passed_over
from suites.kit.listener import LANDED
from suites.kit.outcomes import TargetUnreachable, trail
from suites.kit.recipe import (
    Choices,
    Identity,
    Step,
    answer_for,
    code_from_command,
    code_in,
    filled,
    one_time_code,
    wanted,
)
from suites.kit.recorder import Recorder

BACK_AT_THE_APP = "html[data-landed]"
STEP_SECONDS = 6.0
HUMAN_SECONDS = 300.0


class BrowserJourney:
    """One member's way through the pages: the page it stands on, what was seen, whether it came back to the app."""

    def __init__(
        self,
        recorder: Recorder,
        context: BrowserContext,
        redirect_uri: str,
        identity: Identity,
        choices: Choices,
        pictures: bool,
        extra: Mapping[str, str],
    ) -> None:
        self.recorder = recorder
        self.page: Page = context.new_page()
        self.context = context
        self.redirect_uri = redirect_uri
        self.identity, self.choices, self.pictures = identity, choices, pictures
        self.extra = extra
        self.landed = ""
        self.evidence: list[str] = []
        self.documents: list[Response] = []
        self.done = 0
        self.passed_over: list[str] = []
        self.recorded: set[int] = set()
        self.recorder.masker.learn("password", identity.password)
        self.page.on("response", self._saw_response)
        self.page.on("request", lambda request: self._saw_request(request.url))

    def _saw_request(self, url: str) -> None:
        if self.redirect_uri and not self.landed and is_end(url, [self.redirect_uri]):
            self.recorder.masker.learn_from_url(url)
            self.landed = url

    def _is_back(self) -> bool:
        return bool(self.landed)

    def _saw_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self.documents.append(response)

    def catch_redirects(self) -> None:
        """Answer requests for the redirect URI inside the browser; unlike routing, this sees redirects too."""
        session = self.context.new_cdp_session(self.page)

        def paused(event: dict[str, Any]) -> None:
            with contextlib.suppress(PlaywrightError):
                session.send(
                    "Fetch.fulfillRequest",
                    {
                        "requestId": event["requestId"],
                        "responseCode": 200,
                        "responseHeaders": [{"name": "Content-Type", "value": "text/html; charset=utf-8"}],
                        "body": base64.b64encode(LANDED).decode(),
                    },
                )

        session.on("Fetch.requestPaused", paused)
        session.send("Fetch.enable", {"patterns": [{"urlPattern": self.redirect_uri.partition("?")[0] + "*"}]})

    def open(self, request: AuthorizationRequest) -> None:
        """Send the authorization request, by link or by form."""
        try:
            if request.method == "GET":
                self.page.goto(request.url, wait_until="commit")
            else:
                self.page.set_content(_posting_form(request))
                self.page.evaluate("document.forms[0].submit()")
                self.page.wait_for_selector(f"body:not([data-posting]), {BACK_AT_THE_APP}", state="attached")
        except PlaywrightError as wrong:
            if not self.landed:
                text = first_line(wrong)
                kind = TargetUnreachable if "net::" in text or "Timeout" in text else RecipeStuck
                raise kind(f"{request.endpoint}: the browser could not open the page: {text}") from None
        self._note("opened")

    def follow(
        self, steps: Sequence[Step], may_refuse: bool, hook: Callable[[Page, Identity, Choices], None] | None
    ) -> Landing:
        """Do the steps in order; a step whose element does not come is skipped when optional or when a later one is there."""
        for number, step in enumerate(steps, 1):
            for extra in wanted(step, self.identity, self.choices):
                if self.landed:
                    return self._landing()
                selector = filled(step.at, self.identity, {**self.extra, **extra})
                if not self._comes(selector, steps[number:], step, may_refuse):
                    if self._is_back():
                        return self._landing()
                    if step.optional or self._later_is_here(steps[number:]):
                        self.passed_over += [] if step.optional else [f"step {number} ({step.do} {step.at})"]
                        break
                    if may_refuse:
                        return self._landing()
                    self._stuck(f"step {number} ({step.do} {step.at})")
                self._do(step, self.page.locator(selector).first, extra)
            self.done = number
        if hook is not None:
            hook(self.page, self.identity, self.choices)
        if self.redirect_uri and not self.landed:
            with contextlib.suppress(PlaywrightError):
                self.page.wait_for_selector(
                    BACK_AT_THE_APP, state="attached", timeout=self._wait(STEP_SECONDS, may_refuse)
                )
        if self.redirect_uri and not self.landed and not may_refuse:
            self._stuck(f"after all {len(steps)} steps, the way back to the app")
        return self._landing()

    def wait_for_a_person(self) -> Landing:
        """A person signs in at the visible window."""
        with contextlib.suppress(PlaywrightError):
            self.page.wait_for_selector(BACK_AT_THE_APP, state="attached", timeout=HUMAN_SECONDS * 1000)
        if not self.landed:
            self._stuck(f"nobody finished signing in within {HUMAN_SECONDS:.0f} s;")
        return self._landing()

    def _wait(self, seconds: float, may_refuse: bool) -> float:
        # The answer of a refusing server is its page: an error status needs no waiting for a login field.
        status = self.documents[-1].status if self.documents else 0
        if may_refuse:
            seconds = 0.3 if status >= 400 else min(seconds, 1.5)
        left = trail().deadline
        if left:
            seconds = max(0.1, min(seconds, left - time.monotonic()))
        return seconds * 1000

    def _comes(self, selector: str, later: Sequence[Step], step: Step, may_refuse: bool) -> bool:
        """Wait until the step's element, a later step's element, or the app is there; say whether it is the step's."""
        locator = self.page.locator(selector)
        either = locator.or_(self.page.locator(BACK_AT_THE_APP))
        for other in self._selectors(later):
            either = either.or_(self.page.locator(other))
        with contextlib.suppress(PlaywrightError):
            either.first.wait_for(state="attached", timeout=self._wait(step.seconds or STEP_SECONDS, may_refuse))
        return not self.landed and locator.count() > 0

    def _selectors(self, steps: Sequence[Step]) -> list[str]:
        return list(
            dict.fromkeys(
                filled(step.at, self.identity, {"scope": "", **self.extra, **extra})
                for step in steps
                for extra in wanted(step, self.identity, self.choices)
            )
        )

    def _later_is_here(self, later: Sequence[Step]) -> bool:
        return any(self.page.locator(selector).count() for selector in self._selectors(later))

    def _do(self, step: Step, element: Locator, extra: dict[str, str]) -> None:
        if step.do == "fill":
            element.fill(filled(step.value, self.identity, {**self.extra, **extra}))
        elif step.do == "answer":
            element.fill(answer_for(self.identity, self.page.inner_text("body")))
        elif step.do == "one_time_code":
            element.fill(self._code(step))
        elif step.do in ("tick", "untick"):
            element.set_checked(step.do == "tick", force=True)
        elif step.do == "press":
            element.press(step.value or "Enter")
        elif step.do == "choose":
            self._choose(element, step, extra)
        elif step.do in ("click", "approve", "deny"):
            if self.pictures or step.do == "deny":
                self._note(f"about to {step.do} {step.at}", picture=True)
            element.click(no_wait_after=True)
        self._note(f"{step.do} {step.at}", quiet=True)

    def _code(self, step: Step) -> str:
        if step.command:
            return code_from_command(step.command)
        if step.mailbox:
            return code_in(self.context.request.get(filled(step.mailbox, self.identity, {})).text())
        return one_time_code(self.identity)

    def _choose(self, element: Locator, step: Step, extra: dict[str, str]) -> None:
        tag = element.evaluate("e => e.tagName.toLowerCase()")
        if tag == "select":
            element.select_option(filled(step.value, self.identity, {**self.extra, **extra}))
        elif element.get_attribute("type") in ("radio", "checkbox"):
            element.check(force=True)
        else:
            element.click(no_wait_after=True)

    def _text(self) -> str:
        with contextlib.suppress(PlaywrightError):
            return self.page.inner_text("body", timeout=1000)
        return ""

    def _note(self, what: str, picture: bool = False, quiet: bool = False) -> None:
        """Record the documents that came since, and a picture of the page where asked."""
        for response in self.documents:
            if id(response) in self.recorded:
                continue
            self.recorded.add(id(response))
            with contextlib.suppress(PlaywrightError):
                self.evidence.append(
                    self.recorder.http(
                        response.request.method,
                        response.url,
                        tuple((one["name"], one["value"]) for one in response.request.headers_array()),
                        (response.request.post_data or "").encode(),
                        status=response.status,
                        response_headers=tuple((one["name"], one["value"]) for one in response.headers_array()),
                        note="a page opened in Chromium",
                        kind="browser",
                    )
                )
        if picture or (not quiet and self.pictures):
            image = b""
            with contextlib.suppress(PlaywrightError):
                image = self.page.screenshot()
            self.evidence.append(self.recorder.browser(self.page.url, what, self._text(), image))

    def _landing(self) -> Landing:
        self._note("ended", quiet=True)
        if self.landed:
            self.evidence.append(self.recorder.browser(self.landed, "came back to the app"))
            return Landing(self.landed, True, tuple(self.evidence), step=self.done, headers=self._last_headers())
        text = self._text()
        status = self.documents[-1].status if self.documents else 0
        self.evidence.append(self.recorder.browser(self.page.url, "ended on a page of the server", text, status=status))
        return Landing(self.page.url, False, tuple(self.evidence), status, text, self.done, self._last_headers())

    def _last_headers(self) -> tuple[tuple[str, str], ...]:
        with contextlib.suppress(PlaywrightError):
            if self.documents:
                return tuple((one["name"], one["value"]) for one in self.documents[-1].headers_array())
        return ()

    def _stuck(self, what: str) -> None:
        self._note(f"stuck: {what}", picture=True)
        shown = " ".join(self._text().split())[:200]
        raise RecipeStuck(
            f"{what} of the login recipe found nothing on {self.page.url.partition('?')[0]}, which says {shown!r}"
            f"{passed_over(self.passed_over)}; "
            "see the screenshot in the evidence and mend [[login.step]]"
        )


def first_line(wrong: BaseException) -> str:
    """The first line of a Playwright message; the rest is a call log."""
    return str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__


def _posting_form(request: AuthorizationRequest) -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in request.parameters
    )
    return f'<body data-posting><form method="post" action="{escape(request.endpoint)}">{fields}</form></body>'
