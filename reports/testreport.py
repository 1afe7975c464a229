"""A run as a FHIR R4 TestReport: a test a check, an assertion a finding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from reports.digests import file_digest
from reports.html.page import shorten, written_whole
from reports.model import CheckResult, Verdict, run_verdict
from reports.reader import Run

RESULTS = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}
ASSERTIONS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "error",
    Verdict.SKIPPED: "skip",
    Verdict.NOT_APPLICABLE: "skip",
}
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # a FHIR string holds none of these


def write(run: Run, target: Path) -> None:
    """Write the run as a TestReport."""
    verdict = run_verdict(run.results)
    decided = [result for result in run.results if result.verdict in (Verdict.PASS, Verdict.FAIL)]
    passed = sum(result.verdict is Verdict.PASS for result in decided)
    digest = file_digest(run.folder / "run.jsonl")
    base = str(run.header.target.get("fhir_base", ""))
    report: dict[str, Any] = {
        "resourceType": "TestReport",
        "id": f"run-{digest[:32]}",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:sha256:{digest}"},
        "name": f"Patient Access conformance of {_text(str(run.header.target.get('name', '')) or 'the target')}",
        "status": "stopped" if run.footer.stopped else "completed",
        # The suite is a program, not a TestScript resource, so the reference is logical.
        "testScript": {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:patient-access-conformance:suites"},
            "display": f"patient-access-conformance {run.header.versions.get('patient-access-conformance', '')}".strip(),
        },
        "result": RESULTS.get(verdict, "pending"),
        "tester": "patient-access-conformance",
        "issued": run.footer.finished,
        "participant": [
            {"type": "test-engine", "uri": "urn:patient-access-conformance", "display": "patient-access-conformance"},
            *([{"type": "server", "uri": base}] if base else []),
        ],
        "test": [_test(result) for result in run.results],
    }
    if decided:
        report["score"] = float((Decimal(100 * passed) / len(decided)).quantize(Decimal("0.01")))
    with written_whole(target) as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
        file.write("\n")


def _test(result: CheckResult) -> dict[str, Any]:
    described = [result.title, *result.requirements]
    return {
        "name": _text(result.check),
        "description": _text("; ".join(described)),
        "action": [{"assert": {"result": kind, "message": message}} for kind, message in _assertions(result)],
    }


def _assertions(result: CheckResult) -> Iterator[tuple[str, str]]:
    kind = ASSERTIONS[result.verdict]
    if result.verdict is not Verdict.FAIL or not result.findings:
        yield kind, _text(result.message or f"{result.title} ({result.verdict.name}, judged {result.judged})")
        return
    for finding in result.findings[:50]:
        parts = [finding.message]
        parts += [f"at {finding.path}"] if finding.path else []
        parts += [f"expected {finding.expected}"] if finding.expected else []
        parts += [f"found {finding.found}"] if finding.found else []
        yield kind, _text("; ".join(parts))


def _text(text: str) -> str:
    """Text FHIR can hold: no control characters, never empty."""
    return shorten(UNPRINTABLE.sub("\ufffd", text).strip(), 4000) or "–"
