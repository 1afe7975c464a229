"""A browser and payers for journeys; every page a test looks at is kept as a picture under build/screens and checked by axe-core."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from suites.kit.browser import chromium_path
from tests.unit.payer import running as walking
from tests.unit.payer.running import Running, dataset, running

PICTURES = Path("build/screens/payer")
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
}
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}

Look = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("dataset"))


class Landing(BaseHTTPRequestHandler):
    """The app's own page, where the browser arrives with the code."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>app</title>")

    def log_message(self, format: str, *values: object) -> None:
        """Nothing is logged."""


@pytest.fixture(scope="module", autouse=True)
def landing() -> Iterator[None]:
    """Somebody listens at the app's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Landing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before, walking.REDIRECT = walking.REDIRECT, f"http://127.0.0.1:{server.server_port}/callback"
    yield
    walking.REDIRECT = before
    server.shutdown()


@pytest.fixture(scope="module")
def reference(folder: Path) -> Iterator[Running]:
    with running(folder) as found:
        yield found


@pytest.fixture
def at(reference: Running) -> Iterator[Running]:
    yield reference
    reference.faults()
    reference.clock(reset=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    found.set_default_timeout(15_000)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def look() -> Look:
    """Keep pictures at both widths and in both languages; hold each to WCAG 2.1 AA and to fitting on a phone."""

    def looking(page: Page, name: str) -> None:
        held_up(page, name)
        spanish = page.locator("a[hreflang=es]")
        if spanish.count() and page.locator("html").get_attribute("lang") == "en":
            # Beside the page, so that what was filled in and what it says of the last step stay.
            other = page.context.new_page()
            other.goto(str(spanish.first.evaluate("link => link.href")))
            assert other.locator("html").get_attribute("lang") == "es"
            if name != "error":
                assert other.locator("h1").inner_text() != "No se puede continuar", f"{name} is lost in Spanish"
            held_up(other, f"{name}-es")
            other.goto(str(other.locator("a[hreflang=en]").first.evaluate("link => link.href")))
            other.close()

    return looking


def held_up(page: Page, name: str) -> None:
    """One page in one language."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width, (across, down) in WIDTHS.items():
        page.set_viewport_size({"width": across, "height": down})
        page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name} is {wider} pixels wider than a {width}"
    results = Axe().run(page, options=AXE_OPTIONS)
    assert results.violations_count == 0, results.generate_report()
    page.set_viewport_size({"width": 1280, "height": 900})
