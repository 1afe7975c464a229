"""Evidence for the report: what stands inside it, and side pages for the rest.

Evidence is streamed once and each exchange forgotten as soon as it is written, so memory does not grow with it. Exchanges
that findings cite go into the report first, then those other checks cite, each within a budget; if any is left over, all of them
are also written to pages in a folder beside the report, a hundred a page, and links lead there.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from markupsafe import Markup

from reports.html.page import environment, evidence_anchor, slug
from reports.model import CheckResult, Exchange, Verdict
from reports.reader import exchanges

BODY_INSIDE = 4_000  # characters of a body inside the report
BODY_ASIDE = 100_000  # and on a side page
FOR_FINDINGS = 800_000  # characters of markup for what findings cite
FOR_OTHERS = 300_000  # and for what other checks cite
SCREENSHOTS = 500_000  # bytes of pictures inside the report
PAGE = 100  # exchanges on a side page


@dataclass
class Shelf:
    """Where each exchange is to be found: inside the report, on a side page, or nowhere."""

    inside: dict[str, Markup] = field(default_factory=dict)
    aside: str = ""  # name of the side folder, when there is one
    total: int = 0
    known: set[str] = field(default_factory=set)  # cited exchanges that the evidence files hold

    def link(self, id: str) -> str:
        """The address of an exchange, or nothing when the run does not hold it."""
        if id in self.inside:
            return f"#{evidence_anchor(id)}"
        return f"{self.aside}/{page_name(id)}#{evidence_anchor(id)}" if self.aside and id in self.known else ""


def page_name(id: str) -> str:
    """The side page of an exchange, from its id alone, so that links need no index."""
    worker, _, number = id.rpartition("/")
    return f"{slug(worker)}-{int(number) // PAGE:05d}.html"


def cited(results: Iterable[CheckResult]) -> tuple[dict[str, None], dict[str, None]]:
    """Exchanges cited by what did not pass, and those cited by the rest, in the order of the results."""
    first: dict[str, None] = {}
    others: dict[str, None] = {}
    for result in results:
        chosen = first if result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) else others
        chosen.update(dict.fromkeys(result.evidence))
        for finding in result.findings:
            chosen.update(dict.fromkeys(finding.evidence))
    for id in first:
        others.pop(id, None)
    return first, others


def collect(folder: Path, results: Iterable[CheckResult], report: Path) -> Shelf:
    """Stream the evidence of a run once; side pages are written only when the report cannot hold all that is cited."""
    first, others = cited(results)
    shelf = Shelf()
    budget = {"first": FOR_FINDINGS, "others": FOR_OTHERS, "pictures": SCREENSHOTS}
    left_over = False
    for exchange in exchanges(folder):
        shelf.total += 1
        purse = "first" if exchange.id in first else "others" if exchange.id in others else ""
        if not purse:
            continue
        shelf.known.add(exchange.id)
        if budget[purse] <= 0:
            left_over = True
            continue
        picture = _picture(folder, exchange, budget["pictures"])
        budget["pictures"] -= len(picture)
        markup = _render(exchange, BODY_INSIDE, picture)
        if len(markup) - len(picture) > budget[purse]:
            left_over, budget[purse] = True, 0
            continue
        budget[purse] -= len(markup) - len(picture)
        shelf.inside[exchange.id] = markup
    if left_over:
        shelf.aside = f"{report.stem}-evidence"
        write_side_pages(folder, report.with_name(shelf.aside), report.name)
    return shelf


def write_side_pages(folder: Path, target: Path, report: str) -> None:
    """All exchanges of a run on pages of a hundred, in a folder that appears when it is complete."""
    head = environment().get_template("evidence_page.html")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    name = ""
    file: IO[str] | None = None
    try:
        for exchange in exchanges(folder):
            if file is None or page_name(exchange.id) != name:
                if file is not None:
                    file.close()
                name = page_name(exchange.id)
                fresh = not (part / name).exists()  # workers number upwards, but nothing here depends on it
                file = (part / name).open("a", encoding="utf-8")
                if fresh:
                    file.write(head.render(name=name, report=f"../{report}"))
            file.write(_render(exchange, BODY_ASIDE, ""))
        if file is not None:
            file.close()
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _picture(folder: Path, exchange: Exchange, room: int) -> str:
    """A screenshot as a data URL, where there is one, it is a plain file name and there is room."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+\.(png|jpe?g)", exchange.screenshot):
        return ""
    path = folder / "evidence" / exchange.screenshot
    if not path.is_file() or path.stat().st_size * 4 // 3 > room:
        return ""
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _render(exchange: Exchange, limit: int, picture: str) -> Markup:
    template = environment().get_template("exchange.html")
    # Rendered by an escaping template, so what goes into the page is markup of ours around text of theirs.
    return Markup(template.render(x=exchange, limit=limit, picture=picture))  # noqa: S704
