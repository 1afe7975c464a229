"""A login recipe replayed over HTTP: fills and submits the pages' forms without a browser, where the target file permits it.

Only for pages that work without scripts (`login.plain_forms`); the launches the verdicts rest on are also driven in Chromium.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urljoin, urlsplit

from suites.kit.http import Answer, Http
from suites.kit.landing import AuthorizationRequest, Landing, RecipeStuck, is_end, passed_over
from suites.kit.outcomes import shorten
from suites.kit.page_forms import Element, NotPlain, Page
from suites.kit.recipe import (
    APPROVE_ALL,
    CannotFill,
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
from suites.protocol import urls

REDIRECTS = 15


class _Ended(Exception):
    """The journey came to its end."""

    def __init__(self, landing: Landing) -> None:
        self.landing = landing


Cookies = dict[str, dict[str, str]]  # by host and port


class Forms:
    """A browser without scripts: cookies, redirects, forms. Each member has a session, kept as one browser would keep it."""

    def __init__(self, http: Http, steps: Sequence[Step], extra: dict[str, str] | None = None) -> None:
        self.http = http
        self.steps = steps
        self.extra = extra or {}
        self.sessions: dict[str, Cookies] = {}

    def authorize(
        self,
        request: AuthorizationRequest,
        identity: Identity,
        choices: Choices = APPROVE_ALL,
        *,
        may_refuse: bool = False,
        fresh: bool = False,
    ) -> Landing:
        """Carry one member from the authorization request to its end, in a new session where `fresh`."""
        journey = Journey(self.http, request, identity, choices, self.extra)
        if not fresh:
            journey.cookies = self.sessions.setdefault(identity.username, {})
        journey.may_refuse = may_refuse
        try:
            if request.method == "GET":
                journey.open("GET", request.url)
            else:
                journey.open("POST", request.endpoint, list(request.parameters))
            journey.follow(self.steps)
        except _Ended as ended:
            return ended.landing
        except CannotFill as wrong:
            raise RecipeStuck(str(wrong)) from None
        if may_refuse:
            return journey.page_landing()
        raise RecipeStuck(
            f"all {len(self.steps)} steps of the login recipe were done without coming back to the app: {journey.where()}"
        )

    def sign_in(
        self, url: str, identity: Identity, steps: Sequence[Step], extra: dict[str, str] | None = None
    ) -> Journey:
        """Open a page that asks for a login in a new session, follow the steps, and give the journey to go on with."""
        journey = Journey(
            self.http, AuthorizationRequest(url, (), ""), identity, APPROVE_ALL, {**self.extra, **(extra or {})}
        )
        try:
            journey.open("GET", url)
            journey.follow(steps)
        except CannotFill as wrong:
            raise RecipeStuck(str(wrong)) from None
        return journey


class Journey:
    """One member's way through the pages: the session, the page it stands on, what was seen."""

    def __init__(
        self, http: Http, request: AuthorizationRequest, identity: Identity, choices: Choices, extra: dict[str, str]
    ) -> None:
        self.http = http
        self.request = request
        self.identity = identity
        self.choices = choices
        self.extra = extra
        self.cookies: Cookies = {}
        self.evidence: list[str] = []
        self.url = request.url
        self.answer: Answer | None = None
        self.page = Page("")
        self.done = 0
        self.passed_over: list[str] = []
        self.may_refuse = False
        http.recorder.masker.learn("password", identity.password)

    def open(self, method: str, url: str, pairs: list[tuple[str, str]] | None = None) -> None:
        """Request a page and follow redirects until a page shows or the app is reached."""
        for _ in range(REDIRECTS):
            if is_end(url, [self.request.redirect_uri] if self.request.redirect_uri else []):
                self._ended(url)
            host = urlsplit(url).netloc
            cookies = self.cookies.setdefault(host, {})
            if method == "POST":
                answer = self.http.send(
                    "POST",
                    url,
                    body=_encoded(pairs or []),
                    headers={
                        "Content-Type": "application/x-www-form-urlencoded",
                        "Accept": "text/html",
                        "Origin": urls.origin(self.url),
                        "Referer": self.url.partition("?")[0],
                    },
                    cookies=cookies,
                )
            else:
                answer = self.http.send("GET", url, headers={"Accept": "text/html,*/*;q=0.5"}, cookies=cookies)
            self.evidence.append(answer.evidence)
            _keep(cookies, answer)
            self.url, self.answer = url, answer
            location = answer.header("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                self.page = Page(answer.text) if "html" in answer.media_type else Page("")
                return
            url = urljoin(url, location)
            if answer.status in (301, 302, 303):
                method, pairs = "GET", None
        raise RecipeStuck(f"more than {REDIRECTS} redirects in a row, the last to {shorten(url, 120)}")

    def follow(self, steps: Sequence[Step]) -> None:
        """Do the steps in order; a step whose element is not there is skipped when optional, else the recipe is stuck."""
        for number, step in enumerate(steps, 1):
            for extra in wanted(step, self.identity, self.choices):
                if not self._do(step, {**self.extra, **extra}):
                    if step.optional or self._later_is_here(steps[number:]):
                        self.passed_over += [] if step.optional else [f"step {number} ({step.do} {step.at})"]
                        break
                    self._stuck(number, step)
            self.done = number

    def follow_what_is_asked(self, steps: Sequence[Step]) -> None:
        """Do those steps whose element is on the page when their turn comes: pages differ for who has signed in already."""
        for step in steps:
            for extra in wanted(step, self.identity, self.choices):
                self._do(step, {**self.extra, **extra})

    def _later_is_here(self, later: Sequence[Step]) -> bool:
        """A signed-in member may be led past the login page: some later step's element is on this page already."""
        for step in later:
            for extra in wanted(step, self.identity, self.choices):
                selector = filled(step.at, self.identity, {"scope": "", **self.extra, **extra})
                if self.page.find(selector):
                    return True
        return False

    def _do(self, step: Step, extra: dict[str, str]) -> bool:
        try:
            found = self.page.find(filled(step.at, self.identity, extra))
        except NotPlain as wrong:
            raise RecipeStuck(f"{wrong}; set login.plain_forms = false in the target file") from None
        if not found:
            return False
        element = found[0]
        if step.do == "fill":
            element.value = filled(step.value, self.identity, extra)
        elif step.do == "answer":
            element.value = answer_for(self.identity, self.page.text)
        elif step.do == "one_time_code":
            element.value = self._code(step)
        elif step.do in ("tick", "untick"):
            element.checked = step.do == "tick"
        elif step.do == "choose":
            self._choose(element, step, extra)
        elif step.do in ("click", "approve", "deny"):
            self._press(element)
        elif step.do == "press":
            self._submit(element, None)
        return True

    def _code(self, step: Step) -> str:
        if step.command:
            return code_from_command(step.command)
        if step.mailbox:
            return code_in(self.http.get(filled(step.mailbox, self.identity, self.extra)).text)
        return one_time_code(self.identity)

    def _choose(self, element: Element, step: Step, extra: dict[str, str]) -> None:
        if element.tag == "select":
            element.value = filled(step.value, self.identity, extra)
        elif element.kind == "radio" and element.form is not None:
            for control in element.form.controls:
                if control.kind == "radio" and control.name == element.name:
                    control.checked = control is element
        else:
            self._press(element)

    def _press(self, element: Element) -> None:
        if element.tag == "a" and element.attributes.get("href"):
            self.open("GET", urljoin(self.url, element.attributes["href"]))
        elif element.submits():
            self._submit(element, element)
        elif element.kind in ("checkbox", "radio"):
            element.checked = True
        else:
            raise RecipeStuck(
                f"pressing <{element.tag}> needs a browser; set login.plain_forms = false in the target file"
            )

    def _submit(self, element: Element, pressed: Element | None) -> None:
        form = element.form
        if form is None:
            raise RecipeStuck(f"<{element.tag} name={element.name!r}> belongs to no form; it needs a browser")
        action = (pressed.attributes.get("formaction") if pressed else None) or form.action
        url = urljoin(self.url, action) if action else self.url
        if form.method == "post":
            self.open("POST", url, form.pairs(pressed))
        else:
            self.open("GET", urls.with_query(url.partition("?")[0], form.pairs(pressed)))

    def press(self, element: Element) -> None:
        """Press a link or button of the page."""
        self._press(element)

    def finish(self, act: Callable[[], None]) -> Landing:
        """Do one more thing and say where it ended."""
        try:
            act()
        except _Ended as ended:
            return ended.landing
        return self.page_landing()

    def _ended(self, url: str) -> None:
        self.http.recorder.masker.learn_from_url(url)
        headers = self.answer.headers if self.answer else ()
        raise _Ended(Landing(url, True, tuple(self.evidence), step=self.done, headers=headers))

    def page_landing(self) -> Landing:
        """The page it stands on, as an end."""
        status = self.answer.status if self.answer else 0
        headers = self.answer.headers if self.answer else ()
        return Landing(self.url, False, tuple(self.evidence), status, self.page.text, self.done, headers)

    def _stuck(self, number: int, step: Step) -> None:
        # A page of the server where the recipe expected its next field is an end, if a refusal is what the check looks for.
        if self.may_refuse:
            raise _Ended(self.page_landing())
        raise RecipeStuck(
            f"step {number} ({step.do} {step.at}) of the login recipe found nothing: {self.where()}"
            f"{passed_over(self.passed_over)}"
        )

    def where(self) -> str:
        """Where the journey stands, for a message."""
        landing = self.page_landing()
        return f"{self.url.partition('?')[0]} shows {landing.described}"


def _encoded(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode(pairs).encode("ascii")


def _keep(cookies: dict[str, str], answer: Answer) -> None:
    for line in answer.all("set-cookie"):
        pair, _, attributes = line.partition(";")
        name, _, value = pair.partition("=")
        gone = "max-age=0" in attributes.lower().replace(" ", "")
        if gone or not value:
            cookies.pop(name.strip(), None)
        else:
            cookies[name.strip()] = value.strip()
