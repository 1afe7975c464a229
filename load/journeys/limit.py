"""The proof of a declared limit: below it nothing is refused, above it 429 and Retry-After come, after the wait all is well.

Control first: a request is accepted. One token is used throughout, since limits are counted by whoever calls. Bounded in count and time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from load.outcome import LoadFinding

REQUIREMENT = "RFC6585-429-01"
BELOW_LIMIT, TRUTH, FORMAT = "RFC6585-429-03", "RFC6585-429-05", "RFC6585-429-06"
BELOW = 0.8  # share of the declared rate that must pass untouched
MOST_SECONDS_BELOW = 12.0
MOST_WAIT = 120.0
GIVE_UP = 10  # requests without an answer, after which the server is taken for gone


@dataclass(frozen=True)
class Answer:
    """Status, Retry-After and content type of one answer; status 0 when none came."""

    status: int
    retry_after: str = ""
    content_type: str = ""
    body: str = ""


@dataclass
class Proof:
    """Sends through `send(phase)`, waits through `sleep(seconds)`, reads time through `now()`."""

    requests: int
    per_seconds: float
    send: Callable[[str], Answer]
    sleep: Callable[[float], None]
    now: Callable[[], float]
    burst: Callable[[int], list[Answer]]
    findings: list[LoadFinding] = field(default_factory=list)

    def run(self) -> list[LoadFinding]:
        """The three phases in order; each decides one finding, a failed control leaves the rest undecided."""
        if not self.requests or not self.per_seconds:
            return [self.say("INCONCLUSIVE", "No limit is declared in [limits].", "requests and per_seconds", "none")]
        first = self.send("control")
        if first.status == 429:
            self.sleep(min(max(seconds_to_wait(first.retry_after), 0.0), MOST_WAIT))
            first = self.send("control")
        if first.status != 200:
            return [self.say("INCONCLUSIVE", "The control request was not accepted.", "200", str(first.status))]
        # Start in a fresh window, so that what was sent before does not count against this proof.
        self.sleep(min(self.per_seconds, MOST_WAIT))
        self.findings.append(self.below())
        refused = self.above()
        if refused is not None:
            self.findings.append(self.recovers(refused))
        return self.findings

    def below(self) -> LoadFinding:
        """An even pace under the declared rate."""
        rate = self.requests * BELOW / self.per_seconds
        planned = max(1, min(int(self.requests * BELOW), int(rate * MOST_SECONDS_BELOW)))
        begun, refused, silent, sent = self.now(), 0, 0, 0
        for number in range(planned):
            due = begun + number / rate
            if (ahead := due - self.now()) > 0:
                self.sleep(ahead)
            answer = self.send("below")
            sent += 1
            refused += answer.status not in (0, 200)
            silent += answer.status == 0
            if silent >= GIVE_UP:
                break
        pace = sent / max(self.now() - begun, 0.001)
        # No answer at all is no refusal: a server that is gone decides nothing about its limit.
        verdict = "FAIL" if refused else "INCONCLUSIVE" if silent else "PASS"
        return self.say(
            verdict,
            f"At {BELOW:.0%} of the declared rate nothing is refused.",
            f"{sent} answers of 200 at {rate:.1f}/s",
            f"{sent - refused - silent} of {sent} at {pace:.1f}/s"
            + (f", {silent} without an answer" if silent else ""),
            BELOW_LIMIT,
        )

    def above(self) -> Answer | None:
        """As fast as answers come until a refusal, at most three times the declared number within the declared time."""
        begun, sent, silent = self.now(), 0, 0
        refusals: list[Answer] = []
        while sent < 3 * self.requests + 20 and self.now() - begun < max(self.per_seconds, 1.0) and len(refusals) < 5:
            answers = self.burst(min(50, 3 * self.requests + 20 - sent))
            sent += len(answers)
            refusals += [answer for answer in answers if answer.status == 429]
            silent += sum(answer.status == 0 for answer in answers)
            if silent >= GIVE_UP:
                break
        text = "Above the declared limit requests are refused with 429 and Retry-After."
        expected = f"429 after {self.requests} requests in {self.per_seconds:g} s, with Retry-After"
        if not refusals:
            # Too slow a path to the server proves nothing about its limit.
            reached = sent - silent > self.requests
            verdict = "FAIL" if reached else "INCONCLUSIVE"
            self.findings.append(
                self.say(
                    verdict,
                    text,
                    expected,
                    f"no 429 in {sent} requests" + (f", {silent} without an answer" if silent else ""),
                )
            )
            return None
        first = refusals[0]
        good = all(seconds_to_wait(answer.retry_after) >= 0 for answer in refusals)
        found = f"429 within {sent} requests, Retry-After {first.retry_after or 'absent'}"
        self.findings.append(self.say("PASS" if good else "FAIL", text, expected, found))
        outcome = all("fhir+json" in answer.content_type and "OperationOutcome" in answer.body for answer in refusals)
        self.findings.append(
            self.say(
                "PASS" if outcome else "FAIL",
                "A refusal carries an OperationOutcome.",
                "application/fhir+json, resourceType OperationOutcome",
                f"{first.content_type or 'no content type'}",
                FORMAT,
            )
        )
        return refusals[-1] if good else None

    def recovers(self, refused: Answer) -> LoadFinding:
        """The first request after the wait is accepted."""
        wait = seconds_to_wait(refused.retry_after)
        text, expected = "After Retry-After the next request succeeds.", f"200 after {wait:g} s"
        if wait > MOST_WAIT:
            return self.say("INCONCLUSIVE", text, expected, f"the wait is longer than {MOST_WAIT:g} s", TRUTH)
        self.sleep(wait)
        answer = self.send("after")
        verdict = "PASS" if answer.status == 200 else "FAIL" if answer.status else "INCONCLUSIVE"
        return self.say(verdict, text, expected, str(answer.status or "no answer"), TRUTH)

    def say(self, verdict: str, message: str, expected: str, found: str, requirement: str = REQUIREMENT) -> LoadFinding:
        """A finding of this proof."""
        return LoadFinding(requirement, verdict, message, expected, found)


def seconds_to_wait(value: str) -> float:
    """Retry-After in seconds, from delay-seconds or an HTTP-date (RFC 9110 section 10.2.3); -1 when it is neither."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return -1.0
