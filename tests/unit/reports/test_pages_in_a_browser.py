"""Every page of this room in a real browser: no serious accessibility finding, no sideways scrolling, script and filter at work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from typer.testing import CliRunner

from patient_access import app
from reports.pdf import browser_path
from tests.unit.reports.runs import HEADER, RESULTS, evidence, many_results, write_run

pytestmark = pytest.mark.browser
WIDTHS = (390, 1024, 1600)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=browser_path(), args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each page, of a run that has every part."""
    folder = tmp_path_factory.mktemp("pages")
    invoke = CliRunner().invoke
    run = write_run(folder / "runs" / "a")
    (run / "load.json").write_text(
        '{"scenario":"limit","verdict":"PASS","seconds":3,"started":"2026-07-01T16:00:00Z","declared":{"requests":9,"per_seconds":1},'
        '"phases":[{"name":"below","requests":5,"p95_ms":2.5}],"findings":[{"requirement":"RFC6585-429-01","verdict":"PASS"}],'
        '"series":[{"second":0,"requests":5,"refused":0,"p95_ms":2},{"second":3,"requests":9,"refused":4,"p95_ms":3}]}'
    )
    (run / "certificate.json").write_text('{"app":"x","signed":{"by":"y"}}')
    for name, example in (("usage", "usage"), ("prior-authorization", "prior-authorization")):
        more = ["--by-month"] if name == "usage" else []
        target = str(run / "metrics" / f"{name}.json")
        invoke(app, ["metrics", name, "--input", f"examples/{example}-2026", "--year", "2026", "-o", target, *more])
    write_run(
        folder / "runs" / "b",
        [replace(RESULTS[0], check=f"c{n}") for n in range(3)],
        replace(HEADER, started="2026-07-02T16:00:00Z"),
    )
    commands = {
        "report": ["report", str(run)],
        "comparison": ["compare", str(run), str(folder / "runs" / "b"), "--format", "html"],
        "history": ["history", str(folder / "runs")],
        "usage": [
            "metrics",
            "usage",
            "--input",
            "examples/usage-2026",
            "--year",
            "2026",
            "--by-month",
            "--format",
            "html",
        ],
        "prior": [
            "metrics",
            "prior-authorization",
            "--input",
            "examples/prior-authorization-2026",
            "--year",
            "2026",
            "--format",
            "html",
        ],
    }
    for name, command in commands.items():
        assert invoke(app, [*command, "-o", str(folder / f"{name}.html")]).exit_code == 0, name
    return {name: folder / f"{name}.html" for name in commands}


def opened(browser: Browser, file: Path, width: int = 1024, scheme: str = "light") -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on(
        "request", lambda request: told.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(file.as_uri())
    return page, told


@pytest.mark.parametrize("name", ["report", "comparison", "history", "usage", "prior"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_finding(browser: Browser, pages: dict[str, Path], name: str, scheme: str) -> None:
    page, told = opened(browser, pages[name], scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    found = Axe().run(page).response["violations"]
    page.close()
    assert told == []
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
    ] == []


@pytest.mark.parametrize("name", ["report", "comparison", "history", "usage", "prior"])
def test_no_page_scrolls_sideways_at_any_width(browser: Browser, pages: dict[str, Path], name: str) -> None:
    for width in WIDTHS:
        page, _ = opened(browser, pages[name], width)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.close()


def test_filter_search_and_deep_links(browser: Browser, pages: dict[str, Path]) -> None:
    page, told = opened(browser, pages["report"])
    page.get_by_label("Find in requirements, findings and checks").fill("replay")
    expect(page.locator("#found")).to_contain_text("entries shown")
    shown = page.locator("[data-v]:not([hidden])")
    assert 0 < shown.count() < page.locator("[data-v]").count()
    assert "#?q=replay" in page.url
    page.reload()
    assert page.get_by_label("Find in requirements, findings and checks").input_value() == "replay"
    page.get_by_role("button", name="Clear").click()
    assert page.locator("[data-v][hidden]").count() == 0
    page.get_by_role("button", name="Inconclusive", exact=True).click()
    assert set(page.locator("[data-v]:not([hidden])").evaluate_all("all => all.map((one) => one.dataset.v)")) == {
        "INCONCLUSIVE"
    }
    page.goto(pages["report"].as_uri() + "#ev-main-3")
    assert page.locator("#ev-main-3").evaluate("fold => fold.open")
    assert told == []
    page.close()


def test_everything_is_reached_by_keyboard_and_read_without_a_script(browser: Browser, pages: dict[str, Path]) -> None:
    page, _ = opened(browser, pages["report"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.close()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(pages["report"].as_uri())
    assert plain.get_by_text("1 of 4 SHALL checks failed").is_visible()
    assert not plain.locator("#filters").is_visible()
    context.close()


def test_five_thousand_results_are_usable_at_once(browser: Browser, tmp_path: Path) -> None:
    results = [replace(result, evidence=(f"main/{n + 1}",)) for n, result in enumerate(many_results(5000))]
    write_run(tmp_path / "run", results, HEADER, evidence(5000, "x" * 4000))
    CliRunner().invoke(app, ["report", str(tmp_path / "run"), "-o", str(tmp_path / "r.html")])
    page, told = opened(browser, tmp_path / "r.html")
    page.get_by_role("button", name="Fail", exact=True).click()
    assert page.get_by_role("status").text_content() != ""
    assert told == []
    page.close()
    side, told = opened(browser, tmp_path / "r-evidence" / "main-00001.html")
    serious = [one["id"] for one in Axe().run(side).response["violations"] if one["impact"] in ("serious", "critical")]
    assert (serious, told) == ([], [])
    side.close()


def test_the_report_prints_as_pdf_with_tags_for_screen_readers(pages: dict[str, Path], tmp_path: Path) -> None:
    run = str(pages["report"].parent / "runs" / "a")
    command = [sys.executable, "-m", "patient_access", "report", run, "--format", "pdf", "-o", str(tmp_path / "r.pdf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = (tmp_path / "r.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in printed


def test_a_missing_browser_is_one_line_and_leaves_nothing(pages: dict[str, Path], tmp_path: Path) -> None:
    run = str(pages["report"].parent / "runs" / "a")
    command = [sys.executable, "-m", "patient_access", "report", run, "--format", "pdf", "-o", str(tmp_path / "r.pdf")]
    home = {**os.environ, "PATIENT_ACCESS_CHROMIUM": str(tmp_path / "none"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "make setup" in done.stderr
    assert list(tmp_path.iterdir()) == []
