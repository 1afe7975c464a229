"""Past the declared limit: RFC6585-429-* (RFC 6585 section 4, RFC 9110 section 10.2.3). `load --scenario limit` proves more.

Requests go out faster than declared until one is refused: twice the allowance and one more within one window must meet the limit,
wherever the window begins. One registration is spent, the others stay as they are.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from suites.kit.app import App
from suites.kit.expectations import FHIR_JSON
from suites.kit.fhir import FHIR_ACCEPT
from suites.kit.http import Answer, Http
from suites.kit.masking import Masker
from suites.kit.outcomes import Inconclusive, control, expect, not_applicable, not_permitted
from suites.kit.recorder import Recorder
from suites.kit.target import Member, Target
from suites.protocol import urls

pytestmark = [pytest.mark.together, pytest.mark.exclusive("spends one app's allowance")]
MOST = 5000  # requests a check may send; a larger allowance is for `load`
AT_ONCE = 8


@dataclass(frozen=True)
class Burst:
    """What came of asking too fast: the first refusal, if any, and how many were answered before it in how many seconds."""

    app: App
    url: str
    refused: Answer | None
    answered: int
    seconds: float


@pytest.fixture(scope="module")
def burst(target: Target, confidential_app: App, member: Member, http: Http) -> Burst:
    """One app asks for one Patient until it is refused."""
    declared = target.limits
    if not declared.requests:
        not_applicable("the target file declares no limit: [limits]")
    if 2 * declared.requests + 1 > MOST:
        not_applicable(
            f"{declared.requests} requests are many: `patient-access load --scenario limit` proves this limit"
        )
    if not target.permitted.load and not urls.is_loopback(target.server.fhir_base):
        not_permitted("it asks faster than the payer declares; set permitted.load = true")
    token = confidential_app.fresh_grant(member)
    url = urls.below(target.server.fhir_base, f"Patient/{token.patient}")
    control(http.get(url, headers=FHIR_ACCEPT, token=token.access_token).status == 200, "the app reads before")
    made = ask_until_refused(target, confidential_app, http, url, token.access_token, asked=1)
    wait = told_seconds(made.refused) if made.refused is not None else None
    if made.answered < declared.requests and wait and wait <= declared.per_seconds:
        # Checks before this one may have spent of the same window: counted again from the next one's start.
        time.sleep(wait)
        made = ask_until_refused(target, confidential_app, http, url, token.access_token)
    return made


def ask_until_refused(target: Target, app: App, http: Http, url: str, token: str, asked: int = 0) -> Burst:
    """Requests as fast as they go, until one is refused or the limit must have been met; `asked`: how many went before."""
    # Hundreds of equal exchanges are no evidence: only the refusal is recorded.
    silent = Http(target.network, Recorder(None, "burst", Masker()))
    refused: Answer | None = None
    began, answered = time.monotonic(), asked
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(0, 2 * target.limits.requests + 1, AT_ONCE):
            answers = list(pool.map(lambda _: silent.get(url, headers=FHIR_ACCEPT, token=token), range(AT_ONCE)))
            answered += sum(one.status == 200 for one in answers)
            refused = next((one for one in answers if one.status != 200), None)
            if refused is not None:
                break
    seconds = time.monotonic() - began
    silent.close()
    if refused is not None:
        recorded = http.get(url, headers=FHIR_ACCEPT, token=token)
        return Burst(app, url, recorded if recorded.status != 200 else refused, answered, seconds)
    return Burst(app, url, None, answered, seconds)


@pytest.fixture(scope="module")
def refusal(burst: Burst) -> Answer:
    """The refusal, for checks that need it to be one of the limit."""
    control(burst.refused is not None and burst.refused.status == 429, "past the limit 429 comes")
    assert burst.refused is not None
    return burst.refused


@pytest.mark.requirement("RFC6585-429-03")
def test_nobody_is_refused_below_the_limit(burst: Burst, target: Target) -> None:
    """At least as many requests as declared were answered before the first refusal."""
    declared = target.limits
    control(burst.refused is not None or burst.answered >= declared.requests, "the limit was met, or passed unnoticed")
    expect(
        burst.answered >= declared.requests or burst.seconds > declared.per_seconds,
        "nobody may be refused below the declared limit",
        expected=f"{declared.requests} in {declared.per_seconds} s",
        found=f"refused after {burst.answered} in {burst.seconds:.1f} s",
        evidence=burst.refused.evidence if burst.refused else "",
    )


@pytest.mark.requirement("RFC6585-429-01")
def test_past_the_limit_comes_429(burst: Burst, target: Target) -> None:
    """Past the limit a client is refused, with 429."""
    declared = target.limits
    if burst.refused is None and burst.seconds > declared.per_seconds:
        raise Inconclusive(f"{burst.answered} requests took {burst.seconds:.0f} s: too slow to meet the limit")
    expect(
        burst.refused is not None,
        "a client far past its declared limit must be refused",
        expected=f"a refusal after {declared.requests} requests in {declared.per_seconds} s",
        found=f"{burst.answered} answers in {burst.seconds:.1f} s",
    )
    assert burst.refused is not None
    expect(
        burst.refused.status == 429,
        "past the limit 429 must come",
        expected="status 429",
        found=burst.refused.status,
        evidence=burst.refused.evidence,
    )


@pytest.mark.requirement("RFC6585-429-06")
def test_429_explains_itself(refusal: Answer) -> None:
    """The body is an OperationOutcome, as every error of the interface."""
    kind = refusal.media_type
    expect(kind in FHIR_JSON, "429 should be explained in FHIR", found=kind, evidence=refusal.evidence)
    outcome = refusal.object()
    expect(
        outcome.get("resourceType") == "OperationOutcome" and outcome.get("issue"),
        "429 should carry an OperationOutcome",
        found=outcome.get("resourceType"),
        evidence=refusal.evidence,
    )


@pytest.mark.requirement("RFC6585-429-04")
def test_other_apps_are_served(
    burst: Burst, refusal: Answer, public_app: App, member: Member, http: Http, target: Target
) -> None:
    """While one app is over its limit, another one is answered."""
    grant = public_app.grant(member)
    over = http.get(burst.url, headers=FHIR_ACCEPT, token=burst.app.grant(member).access_token)
    answer = http.get(
        urls.below(target.server.fhir_base, f"Patient/{grant.patient}"), headers=FHIR_ACCEPT, token=grant.access_token
    )
    if over.status == 200 and answer.status == 200:
        raise Inconclusive("the window was over before the other app asked")
    expect(
        answer.status == 200,
        "an app within its limit must be served while another is over its own",
        expected="status 200",
        found=answer.status,
        evidence=answer.evidence,
    )


def told_seconds(answer: Answer) -> float | None:
    """Retry-After as seconds from now; None when it is neither seconds nor a date (RFC 9110 section 10.2.3)."""
    header = answer.header("retry-after")
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None


@pytest.mark.requirement("RFC6585-429-05")
def test_retry_after_tells_the_truth(burst: Burst, refusal: Answer, target: Target, member: Member) -> None:
    """Retry-After is a number of seconds or a date, and who waits as long is answered."""
    wait = told_seconds(refusal)
    expect(
        wait is not None,
        "429 must carry a Retry-After of seconds or a date",
        found=refusal.header("retry-after") or "no Retry-After",
        evidence=refusal.evidence,
    )
    assert wait is not None
    if wait > 60:
        not_applicable(f"Retry-After says {wait:.0f} s, longer than a check may wait")
    token = burst.app.grant(member).access_token
    # Met anew, since the checks before this one took their time.
    probe = ask_until_refused(target, burst.app, burst.app.http, burst.url, token).refused
    if probe is None or probe.status != 429:
        raise Inconclusive("the limit could not be met a second time")
    wait = told_seconds(probe) or 0.0
    time.sleep(max(0.0, wait))
    after = burst.app.http.get(burst.url, headers=FHIR_ACCEPT, token=token)
    expect(
        after.status == 200,
        "who waits as long as Retry-After says must be answered",
        expected=f"status 200 after {wait:.0f} s",
        found=after.status,
        evidence=after.evidence,
    )
