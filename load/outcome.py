"""From tallies to verdicts: `load.json`, what a load run found, each finding with the requirement it decides.

Shape: `{"format", "scenario", "target", "started", "seconds", "verdict", "declared", "phases": [...], "series": [...],
"findings": [{"requirement", "verdict", "message", "expected", "found"}]}`; latencies in milliseconds.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from load.plan import Plan
from load.recorder import Recorder, Tally, percentile

WEIGHT = {"PASS": 0, "INCONCLUSIVE": 1, "FAIL": 2}
EXIT = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}


@dataclass(frozen=True)
class LoadFinding:
    """One thing the run decided."""

    requirement: str
    verdict: str
    message: str
    expected: str
    found: str


def phase_row(name: str, tally: Tally, seconds: float) -> dict[str, Any]:
    """One phase as a reader sees it."""
    return {
        "name": name,
        "seconds": round(seconds, 1),
        "requests": tally.requests,
        "refused": tally.refused,
        "failures": tally.failures,
        "rate": round(tally.requests / seconds, 1) if seconds else 0.0,
        "p50_ms": percentile(tally.latencies, 0.5),
        "p95_ms": percentile(tally.latencies, 0.95),
        "p99_ms": percentile(tally.latencies, 0.99),
        "reasons": dict(tally.reasons.most_common(5)),
    }


def thresholds_met(plan: Plan, recorder: Recorder) -> list[LoadFinding]:
    """Error rate, latency and recovery against the scenario's thresholds."""
    whole = Tally()
    for tally in recorder.phases.values():
        whole.merge(tally)
    if not whole.requests:
        return [LoadFinding("FHIR-LOAD-01", "INCONCLUSIVE", "No request was answered or refused.", "requests", "none")]
    if unanswered(whole):
        said = next(iter(whole.reasons), "no answer")
        return [LoadFinding("FHIR-LOAD-01", "INCONCLUSIVE", "The server never answered.", "answers", said)]
    findings = []
    limits = plan.thresholds
    # A refusal below the declared limit is an error of the server; where none is declared every refusal counts.
    within = refused_within_limit(plan, recorder)
    errors = whole.failures + within
    if (most := limits.get("error_rate")) is not None:
        rate = errors / whole.requests
        findings.append(
            LoadFinding(
                "FHIR-LOAD-01",
                "PASS" if rate <= most else "FAIL",
                "Requests that failed or were refused.",
                f"at most {most:.2%}",
                f"{rate:.2%} ({errors} of {whole.requests})"
                + (
                    f"; {whole.refused - within} more were refused above the declared limit"
                    if whole.refused > within
                    else ""
                ),
            )
        )
    if (most := limits.get("p95_ms")) is not None:
        found = percentile(whole.latencies, 0.95)
        verdict = "INCONCLUSIVE" if not whole.latencies else "PASS" if found <= most else "FAIL"
        findings.append(
            LoadFinding("FHIR-LOAD-01", verdict, "Latency below which 95 % fell.", f"at most {most} ms", f"{found} ms")
        )
    if (most := limits.get("recovery_ratio")) is not None:
        findings.append(recovered(recorder, most))
    return findings


def unanswered(whole: Tally) -> bool:
    """Whether nothing but the network spoke: no request was accepted, refused or failed with a status."""
    told = any(re.search(r": [1-5]\d\d$|not JSON$", reason) for reason in whole.reasons)
    return whole.failures == whole.requests and not told


def refused_within_limit(plan: Plan, recorder: Recorder) -> int:
    """Refusals that came although no more was asked than the payer declares, within its window before them."""
    if not plan.limit_requests or not plan.limit_seconds:
        return sum(tally.refused for tally in recorder.seconds.values())
    window = math.ceil(plan.limit_seconds)

    def asked(second: int) -> int:
        return sum(tally.requests for at, tally in recorder.seconds.items() if second - window <= at <= second)

    return sum(
        tally.refused
        for second, tally in recorder.seconds.items()
        if tally.refused and asked(second) <= plan.limit_requests
    )


def recovered(recorder: Recorder, most: float) -> LoadFinding:
    """After a spike the median is back near what it was before."""
    before, after = recorder.phases.get("before", Tally()), recorder.phases.get("after", Tally())
    text, expected = "Median latency after the spike against before.", f"at most {most} times"
    if not before.latencies or not after.latencies:
        return LoadFinding("FHIR-LOAD-01", "INCONCLUSIVE", text, expected, "a phase in which nothing was answered")
    # Below a millisecond timer noise decides, not the server.
    ratio = percentile(after.latencies, 0.5) / max(percentile(before.latencies, 0.5), 1.0)
    return LoadFinding("FHIR-LOAD-01", "PASS" if ratio <= most else "FAIL", text, expected, f"{ratio:.2f} times")


def report(
    plan: Plan, recorder: Recorder, started: str, lengths: dict[str, float], findings: list[LoadFinding]
) -> dict[str, Any]:
    """The content of load.json."""
    verdict = max((f.verdict for f in findings), key=WEIGHT.__getitem__, default="INCONCLUSIVE")
    return {
        "format": 1,
        "scenario": plan.scenario,
        "target": plan.target,
        "started": started,
        "seconds": round(sum(lengths.values()), 1),
        "verdict": verdict,
        "declared": {"requests": plan.limit_requests, "per_seconds": plan.limit_seconds},
        "phases": [phase_row(name, tally, lengths.get(name, 0.0)) for name, tally in recorder.phases.items()],
        "series": [
            {
                "second": second,
                "requests": tally.requests,
                "refused": tally.refused,
                "failures": tally.failures,
                "p95_ms": percentile(tally.latencies, 0.95),
            }
            for second, tally in sorted(recorder.seconds.items())
        ],
        "findings": [asdict(finding) for finding in findings],
    }
