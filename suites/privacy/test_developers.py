"""Developers are told what substance-use records bring with them: SHM-PART2-NOTICE-01 (42 CFR 2.32; Shared Health developer page)."""

from __future__ import annotations

import pytest

from suites.kit.http import Http
from suites.kit.outcomes import control, expect, judged, not_applicable
from suites.kit.page_reading import same_site, visit
from suites.kit.target import Target

PAGES = 12


@pytest.mark.requirement("SHM-PART2-NOTICE-01")
def test_developers_are_told_of_part2(http: Http, target: Target) -> None:
    """The documentation says that records may be protected by 42 CFR Part 2."""
    if not target.server.documentation_url:
        not_applicable("the target file names no documentation_url")
    first = visit(http, target.server.documentation_url)
    control(first.answer.status == 200, "the documentation is reachable", first.answer.status)
    folder = first.url.rstrip("/")
    pages = [first, *(visit(http, url) for url in same_site(first)[:PAGES] if url.startswith(folder))]
    expect(
        any(page.says(r"42\s*(CFR|C\.F\.R\.)\s*part\s*2", r"part\s*2\s*of\s*title\s*42") for page in pages),
        "developers are told that records may be protected by 42 CFR Part 2",
        expected="a statement that names 42 CFR Part 2",
        found=f"none on {len(pages)} pages",
        evidence=first.answer.evidence,
    )
    judged(len(pages), "page")
