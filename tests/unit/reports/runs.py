"""Runs made by hand for the tests of this room: one of each verdict, with evidence, tables and a proof."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from reports.model import CheckResult, Exchange, Finding, Footer, Header, Requirement, Verdict

REQUIREMENTS = (
    Requirement(
        "CMS9115-431.60-b1", "SHALL", "server", "Adjudicated claims are available within one business day",
        "42 CFR 431.60(b)(1); 422.119(b)(1)(i)", "CMS-9115-F (42 CFR 431.60 and parallels)", "freshness",
    ),
    Requirement(
        "CMS0057-PA-DATA-01", "SHALL", "server", "Prior authorizations appear in the API", "42 CFR 431.60(b)(5)(i)",
        "CMS-0057-F", "pdex-prior-auth",
    ),
    Requirement(
        "CMS9115-431.60-g", "SHALL", "payer-org", "Members are told how to choose an app", "42 CFR 431.60(g)(1)",
        "CMS-9115-F (42 CFR 431.60 and parallels)", "education", review="a person reads the education page",
    ),
    Requirement(
        "OAUTH-CODE-02", "SHALL NOT", "server", "An authorization code is exchanged at most once",
        "RFC 6749 section 4.1.2", "OAuth 2.0 (RFC 6749 and RFC 6750)", "tokens",
    ),
    Requirement(
        "SMART-PKCE-01", "SHALL", "server", "PKCE with S256 is supported", "SMART App Launch 2.0.0, PKCE",
        "SMART App Launch 2.0.0 and 2.2.0", "launch",
    ),
    Requirement(
        "USCORE-MS-01", "SHOULD", "server", "Must-support elements are seen", "US Core 3.1.1, must support",
        "US Core 3.1.1 and 6.1.0", "us-core",
    ),
    Requirement(
        "LAW-HIPAA-01", "SHALL", "payer-org", "Logs are kept six years", "45 CFR 164.316(b)(2)(i)", "HIPAA Rules", "privacy",
        not_tested="retention cannot be seen from outside",
    ),
)  # fmt: skip

HEADER = Header(
    target={
        "name": "reference", "fhir_base": "http://127.0.0.1:8080/fhir", "payer_type": "medicaid-managed-care",
        "rating_period_start": "2026-07-01", "guides": ["us-core@3.1.1", "carin-bb@2.0.0"], "smart": "2.0.0",
    },
    versions={"patient-access-conformance": "0.1.0", "python": "3.11.7"},
    seed=7,
    started="2026-07-01T16:00:00Z",
    requirements=REQUIREMENTS,
    proof={"mutants": 120, "killed": 118, "variants": 6, "variants_green": 6},
)  # fmt: skip

RESULTS = (
    CheckResult(
        "discovery.smart.test_pkce", "S256 is announced", "launch", ("SMART-PKCE-01",), "SHALL", Verdict.PASS,
        judged=1, evidence=("main/1",), seconds=0.01,
    ),
    CheckResult(
        "tokens.code.test_replay", "A code is refused the second time", "tokens", ("OAUTH-CODE-02",), "SHALL NOT",
        Verdict.FAIL, message="the code was exchanged twice",
        findings=(
            Finding(
                "a replayed authorization code was exchanged", "HTTP 400 with error=invalid_grant",
                "HTTP 200 with an access_token", "token_endpoint", evidence=("main/3",),
            ),
        ),
        judged=1, evidence=("main/2", "main/3"), curl="curl -X POST http://127.0.0.1:8080/token -d 'code=<code>'",
        cause="the server does not mark codes as used", member="first", seconds=0.2,
    ),
    CheckResult(
        "freshness.claims.test_day", "A processed claim is visible the next business day", "freshness",
        ("CMS9115-431.60-b1",), "SHALL", Verdict.PASS, judged=12, evidence=("main/4",),
    ),
    CheckResult(
        "us_core.must_support.test_seen", "Must-support elements are seen", "us-core", ("USCORE-MS-01",), "SHOULD",
        Verdict.PASS, judged=40, not_checked=("http://www.ama-assn.org/go/cpt",),
        tables={
            "must_support": {
                "title": "Must-support elements", "columns": ["profile", "elements", "seen"],
                "rows": [["us-core-patient", 12, 11], ["us-core-condition", 7, 7]], "note": "over 20 members",
            },
            "leak_matrix": {"columns": ["resource", "first reads second"], "rows": [["Patient", "PASS"], ["Coverage", "PASS"]]},
        },
    ),
    CheckResult(
        "pdex.prior.test_visible", "Prior authorizations are visible", "pdex-prior-auth", ("CMS0057-PA-DATA-01",), "SHALL",
        Verdict.NOT_APPLICABLE, message="not before 2027-07-01 for this rating period",
    ),
    CheckResult(
        "tokens.refresh.test_rotation", "A refresh token is rotated", "tokens", ("OAUTH-CODE-02",), "SHOULD",
        Verdict.INCONCLUSIVE, message="control: the first refresh was refused with 503",
    ),
)  # fmt: skip


def evidence(
    count: int = 4, body: str = '{"resourceType":"Patient","id":"<img src=x onerror=alert(1)>"}'
) -> list[Exchange]:
    """Exchanges main/1 … main/COUNT."""
    return [
        Exchange(
            f"main/{number}", "http", "GET", f"http://127.0.0.1:8080/fhir/Patient/{number}", 200,
            (("accept", "application/fhir+json"), ("authorization", "Bearer <masked>")), "",
            (("content-type", "application/fhir+json"),), body, len(body), "ab" * 32, "2026-07-01T16:00:01Z", 0.012,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def write_run(
    folder: Path,
    results: Iterable[CheckResult] = RESULTS,
    header: Header = HEADER,
    exchanges: Iterable[Exchange] = tuple(evidence()),
) -> Path:
    """Write a run folder as the judges do and return it."""
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with (folder / "run.jsonl").open("w", encoding="utf-8") as run:
        run.write(json.dumps(header.as_line()) + "\n")
        for result in results:
            counts[result.verdict.name] += 1
            run.write(json.dumps(result.as_line()) + "\n")
        footer = Footer(dict(counts), "2026-07-01T16:02:00Z", 120.0)
        run.write(json.dumps(footer.as_line()) + "\n")
    with (folder / "evidence" / "main.jsonl").open("w", encoding="utf-8") as file:
        for exchange in exchanges:
            file.write(json.dumps(asdict(exchange)) + "\n")
    return folder


def many_results(count: int) -> list[CheckResult]:
    """COUNT results over the verdicts, for size and time."""
    return [
        replace(RESULTS[number % len(RESULTS)], check=f"chapter{number % 20}.check_{number}", tables={})
        for number in range(count)
    ]
