"""The report as PDF, printed by Chromium, with page numbers, tags for screen readers and an outline."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path

from reports.html import report
from reports.html.page import moment
from reports.model import run_verdict
from reports.reader import BadRun, Run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOOT = (
    '<div style="font:7pt sans-serif;width:100%;padding:0 14mm;color:#444;display:flex;justify-content:space-between">'
    '<span>{told}</span><span>page <span class="pageNumber"></span> of <span class="totalPages"></span></span></div>'
)


def browser_path() -> str | None:
    """The Chromium to print with: PATIENT_ACCESS_CHROMIUM, the one set-up put beside this Python, the system's, or None for Playwright's own."""
    named = os.environ.get("PATIENT_ACCESS_CHROMIUM")
    names = (named,) if named else (str(Path(sys.executable).with_name("chromium")), *NAMES)
    return next((found for found in map(shutil.which, names) if found), None)


def write(run: Run, target: Path, proof: Path | None = None) -> None:
    """Render the report and print it."""
    from playwright.sync_api import Error, sync_playwright

    told = f"{run.header.target.get('name', '')}: {run_verdict(run.results).name}, {moment(run.footer.finished)}"
    # Root has no sandbox in Chromium; the page is ours and its policy forbids all but its own script.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="patient-access-") as folder:
        page_file = Path(folder) / "report.html"
        report.write(run, page_file, proof)
        printed = Path(folder) / "report.pdf"
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=browser_path(), args=flags)
                try:
                    page = browser.new_page(color_scheme="light")
                    page.goto(page_file.as_uri())
                    # Paper has no folds; raw evidence stays in the HTML report.
                    page.evaluate(
                        "document.querySelectorAll('details:not(.evidence, .paper-shut)').forEach((fold) => { fold.open = true; })"
                    )
                    page.pdf(
                        path=printed,
                        prefer_css_page_size=True,
                        print_background=True,
                        display_header_footer=True,
                        header_template="<span></span>",
                        footer_template=FOOT.format(told=escape(told)),
                        tagged=True,
                        outline=True,
                    )
                finally:
                    browser.close()
        except Error as error:
            reason = str(error).splitlines()[0]
            raise BadRun(f"no PDF: {reason}; run 'make setup' or set PATIENT_ACCESS_CHROMIUM to a Chromium") from None
        shutil.copyfile(printed, target.with_name(f".{target.name}.part"))
        os.replace(target.with_name(f".{target.name}.part"), target)
