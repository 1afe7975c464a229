"""Declared limits and what is answered past them: 429 with Retry-After (RFC 6585 section 4, RFC 9110 section 10.2.3).

A client is counted by its client_id, whoever its members are; who has no token, by address, in fixed windows (counting.py) that go
by real time: a limit protects machines, not people's dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from simulators.payer.context import Payer
from simulators.payer.protection.counting import Counts, counts_for
from simulators.payer.rules import rule

MOST_REFUSALS_KEPT = 1000


@dataclass(frozen=True)
class Allowance:
    """So many in so many seconds."""

    requests: int
    seconds: int


class TooMany(Exception):
    """The caller must wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests; wait {seconds} s")
        self.seconds = seconds


@rule
def allowance(requests: int, seconds: int) -> Allowance:
    """What the payer declares is what it allows."""
    return Allowance(requests, seconds)


@allowance.fault("limit-never-answers", violates="RFC6585-429-01")
def unlimited(requests: int, seconds: int) -> Allowance:
    """A client may ask as often as it likes."""
    return Allowance(10**9, seconds)


@allowance.fault("limit-lower-than-declared", violates="RFC6585-429-03")
def halved(requests: int, seconds: int) -> Allowance:
    """A client is refused well below the declared limit."""
    return Allowance(max(1, requests // 2), seconds)


@rule
def caller_counted(client_id: str, address: str) -> str:
    """Each app has an allowance of its own; who shows no token is counted by address."""
    return f"client {client_id}" if client_id else f"address {address}"


@caller_counted.fault("limit-shared-between-apps", violates="RFC6585-429-04")
def one_for_all(client_id: str, address: str) -> str:
    """One app over its limit shuts every other app out."""
    return "everybody"


@rule
def answer_headers(seconds: int) -> tuple[int, dict[str, str]]:
    """Status and headers past the limit: 429, Retry-After in whole seconds."""
    return 429, {"Retry-After": str(seconds)}


@answer_headers.fault("limit-without-retry-after", violates="RFC6585-429-05")
def no_retry_after(seconds: int) -> tuple[int, dict[str, str]]:
    """429 comes without Retry-After."""
    return 429, {}


@answer_headers.fault("limit-answered-503", violates="RFC6585-429-01")
def unavailable(seconds: int) -> tuple[int, dict[str, str]]:
    """Past the limit the answer is 503."""
    return 503, {"Retry-After": str(seconds)}


@answer_headers.fault("limit-answered-403", violates="RFC6585-429-01")
def forbidden(seconds: int) -> tuple[int, dict[str, str]]:
    """Past the limit the answer is 403, as if the app had no right."""
    return 403, {}


@answer_headers.fault("retry-after-in-words", violates="RFC6585-429-05")
def in_words(seconds: int) -> tuple[int, dict[str, str]]:
    """Retry-After is neither a number of seconds nor a date."""
    return 429, {"Retry-After": "a moment"}


@answer_headers.fault("retry-after-too-short", violates="RFC6585-429-05")
def too_short(seconds: int) -> tuple[int, dict[str, str]]:
    """A client that waits as long as Retry-After says is refused again."""
    return 429, {"Retry-After": "0"}


@rule
def body_past_limit(seconds: int, fhir: bool) -> tuple[str, bytes]:
    """At the FHIR API an OperationOutcome with code throttled, elsewhere OAuth's JSON error."""
    text = f"Too many requests. Wait {seconds} seconds."
    if fhir:
        issue: Mapping[str, Any] = {"severity": "error", "code": "throttled", "diagnostics": text}
        return "application/fhir+json", orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return "application/json", orjson.dumps({"error": "temporarily_unavailable", "error_description": text})


@body_past_limit.fault("limit-answered-in-html", violates="RFC6585-429-06")
def html(seconds: int, fhir: bool) -> tuple[str, bytes]:
    """Past the limit the body is a web page."""
    return "text/html", b"<html><body><h1>429 Too Many Requests</h1></body></html>"


def counts_of(payer: Payer) -> Counts:
    """The counts of this payer: its own unless it was given some it shares."""
    counts: Counts | None = payer.parts.get("counts")
    return counts if counts is not None else use_counts(payer, counts_for(payer.parts.get("redis_url", ""), workers=1))


def use_counts(payer: Payer, counts: Counts) -> Counts:
    """Count there from now on; workers are given what their parent made before they started."""
    payer.parts["counts"] = counts
    payer.on_reset.append(lambda: _reset(payer))
    return counts


def _reset(payer: Payer) -> None:
    counts_of(payer).reset()
    payer.parts.pop("refusals", None)


def take(payer: Payer, kind: str, requests: int, seconds: int, client_id: str, address: str = "") -> None:
    """Count one request of a caller; raises TooMany past the allowance."""
    faults = payer.faults
    caller = caller_counted(faults, client_id, address)
    allowed = allowance(faults, requests, seconds)
    wait = counts_of(payer).hit(f"{kind} {caller}", allowed.requests, allowed.seconds)
    if wait:
        note_refusal(payer, kind, caller)
        raise TooMany(wait)


def token_request(payer: Payer, client_id: str) -> None:
    """Count one request at the token endpoint."""
    declared = payer.deployment.limits
    take(payer, "token", declared.token_requests, declared.token_per_seconds, client_id)


def note_refusal(payer: Payer, kind: str, caller: str) -> None:
    """Remember that a limit answered, for the administrator's page."""
    refusals: dict[tuple[str, str], list[float]] = payer.parts.setdefault("refusals", {})
    if len(refusals) >= MOST_REFUSALS_KEPT and (kind, caller) not in refusals:
        refusals.pop(next(iter(refusals)))
    entry = refusals.setdefault((kind, caller), [0.0, 0.0])
    entry[0] += 1
    entry[1] = payer.clock.timestamp()


def refusals(payer: Payer) -> list[tuple[str, str, int, float]]:
    """Kind, caller, how many refusals, when last; newest first."""
    found: dict[tuple[str, str], list[float]] = payer.parts.get("refusals", {})
    return sorted(((kind, who, int(count), at) for (kind, who), (count, at) in found.items()), key=lambda row: -row[3])


def oauth_answer(payer: Payer, too_many: TooMany, headers: dict[str, str]) -> Response:
    """The answer past a limit outside the FHIR API."""
    status, extra = answer_headers(payer.faults, too_many.seconds)
    content_type, body = body_past_limit(payer.faults, too_many.seconds, False)
    return Response(body, status, {**headers, **extra, "Cache-Control": "no-store"}, content_type)
