"""A run as SARIF 2.1.0, for code hosts: rules are requirements, results are findings, and passes of their own kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reports.html.page import shorten, written_whole
from reports.model import CheckResult, Finding, Requirement, Verdict
from reports.reader import Run

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# SARIF: a level other than none belongs to results of kind fail only.
KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "open",
    Verdict.SKIPPED: "review",
    Verdict.NOT_APPLICABLE: "notApplicable",
}
LEVELS = {"SHALL": "error", "SHALL NOT": "error", "SHOULD": "warning", "SHOULD NOT": "warning"}


def write(run: Run, target: Path) -> None:
    """Write the run as SARIF."""
    rules = [requirement.id for requirement in run.header.requirements]
    rules += sorted({id for result in run.results for id in result.requirements} - set(rules))
    index = {id: number for number, id in enumerate(rules)}
    known = {requirement.id: requirement for requirement in run.header.requirements}
    place = str(run.header.target.get("fhir_base", "") or "target")
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "patient-access-conformance",
                        "version": run.header.versions.get("patient-access-conformance", "0"),
                        "rules": [_rule(id, known.get(id)) for id in rules],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not run.footer.stopped,
                        "startTimeUtc": run.header.started,
                        "endTimeUtc": run.footer.finished,
                    }
                ],
                "results": [one for result in run.results for one in _results(result, index, place)],
                "columnKind": "utf16CodeUnits",
            }
        ],
    }
    with written_whole(target) as file:
        json.dump(log, file, indent=1, ensure_ascii=False)
        file.write("\n")


def _rule(id: str, requirement: Requirement | None) -> dict[str, Any]:
    if requirement is None:
        return {"id": id}
    return {
        "id": id,
        "shortDescription": {"text": requirement.text},
        "help": {"text": f"{requirement.level}: {requirement.text}\nSource: {requirement.source}"},
        "defaultConfiguration": {"level": LEVELS.get(requirement.level, "note")},
        "properties": {
            "document": requirement.document,
            "actor": requirement.actor,
            "tags": [requirement.chapter or "other"],
        },
    }


def _results(result: CheckResult, index: dict[str, int], place: str) -> Iterator[dict[str, Any]]:
    failed = result.verdict is Verdict.FAIL
    for number, finding in enumerate(result.findings if failed and result.findings else (None,)):
        told: dict[str, Any] = {
            "kind": KINDS[result.verdict],
            "level": LEVELS.get(result.level, "note") if failed else "none",
            "message": {"text": _message(result, finding)},
            "locations": [_location(result, finding, place)],
            "partialFingerprints": {"check/v1": _fingerprint(result.check, number)},
            "properties": {"check": result.check, "requirements": list(result.requirements), "judged": result.judged},
        }
        if result.requirements:
            told |= {"ruleId": result.requirements[0], "ruleIndex": index[result.requirements[0]]}
        yield told


def _message(result: CheckResult, finding: Finding | None) -> str:
    lines = [f"{result.title}: {finding.message}" if finding else result.message or result.title]
    if finding:
        lines += [f"Expected: {finding.expected}"] if finding.expected else []
        lines += [f"Found: {finding.found}"] if finding.found else []
    lines += [f"Likely cause: {result.cause}"] if result.cause else []
    return shorten("\n".join(lines), 4000)


def _location(result: CheckResult, finding: Finding | None, place: str) -> dict[str, Any]:
    path = finding.path if finding else ""
    at = path if path.startswith(("http://", "https://")) and " " not in path else place
    logical = {"fullyQualifiedName": path or result.check, "kind": "member" if path else "function"}
    return {"physicalLocation": {"artifactLocation": {"uri": at.replace(" ", "%20")}}, "logicalLocations": [logical]}


def _fingerprint(check: str, number: int) -> str:
    return hashlib.sha256(f"{check}/{number}".encode()).hexdigest()[:32]
