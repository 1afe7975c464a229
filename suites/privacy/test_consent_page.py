"""What the consent page says of substance-use records: PART2-2.31-CONSENT-TICK, PART2-2.32-* (42 CFR 2.31, 2.32)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from suites.kit.app import App
from suites.kit.forms import Journey
from suites.kit.outcomes import control, expect, judged, not_applicable
from suites.kit.page_forms import Element
from suites.kit.portal import login_steps
from suites.kit.recipe import APPROVE_ALL
from suites.kit.target import Client, Target
from suites.kit.workbench import Workbench
from suites.privacy.conftest import candidates

pytestmark = pytest.mark.together
# 42 CFR 2.32(a): the statement in full or its short form, in the page's own words.
REDISCLOSURE = re.compile(r"(42\s+(CFR|C\.F\.R\.)\s+part\s+2|part\s+2\s+of\s+title\s+42)", re.IGNORECASE)
PROHIBITS = re.compile(
    r"(prohibit|may\s+not|not\s+be)[^.]*(redisclos|disclos|shared|use)|unauthori[sz]ed\s+(use|disclosure)",
    re.IGNORECASE,
)


@pytest.fixture(scope="session")
def consent_page(
    workbench: Workbench, target: Target, app_of: Callable[[Client], App], consent_can_be_withheld: None
) -> Journey:
    """The consent page as it opens for a member with such records, nothing ticked yet."""
    if not target.login.plain_forms:
        not_applicable("the pages of this target need a browser; a person looks at the consent page")
    app, member = app_of(target.client[0]), candidates(target)[0]
    request, _verifier = app.request()
    journey = Journey(workbench.http, request, member.identity(), APPROVE_ALL, {})
    journey.open("GET", request.url)
    journey.follow_what_is_asked(login_steps(workbench))
    approve = next((step for step in target.login.step if step.do == "approve"), None)
    control(approve and journey.page.find(approve.at), "the consent page shows its approving button")
    return journey


def sensitive_boxes(target: Target, journey: Journey) -> list[Element]:
    """The controls that consent to sensitive records."""
    return [one for step in target.login.step if step.sensitive for one in journey.page.find(step.at)]


@pytest.mark.requirement("PART2-2.31-CONSENT-TICK", "HEALTHSHARE-2.1.1-SCOPES-SENSITIVE")
def test_sensitive_box_is_unticked(target: Target, consent_page: Journey) -> None:
    """The box for substance-use records is on the consent page and unticked when it opens."""
    boxes = sensitive_boxes(target, consent_page)
    evidence = consent_page.evidence[-1]
    expect(boxes, "the consent page names substance-use records by a choice of their own", evidence=evidence)
    ticked = [one for one in boxes if one.checked]
    expect(not ticked, "consent to substance-use records is not given beforehand", found="ticked", evidence=evidence)
    judged(len(boxes), "box")


@pytest.mark.requirement("PART2-2.32-NOTICE")
def test_redisclosure_notice_is_there(target: Target, consent_page: Journey) -> None:
    """Where substance-use records can be shared, the notice of 42 CFR 2.32 on redisclosure stands beside the choice."""
    control(sensitive_boxes(target, consent_page), "the consent page offers substance-use records")
    text = " ".join(consent_page.page.text.split())
    expect(
        REDISCLOSURE.search(text) and PROHIBITS.search(text),
        "the notice on redisclosure goes with records under 42 CFR part 2",
        expected="a statement that names 42 CFR part 2 and what it prohibits",
        found=text[:300],
        evidence=consent_page.evidence[-1],
    )
    judged(1, "notice")
