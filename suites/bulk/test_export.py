"""Bulk Data export: FHIR-BULK-01, -02 (FHIR Bulk Data Access 2.0.0, kick-off, status, files; SMART Backend Services)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from suites.kit.app import App, Grant
from suites.kit.expectations import expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer, Http
from suites.kit.outcomes import Inconclusive, control, expect, findings, judged, not_applicable, trail
from suites.kit.target import Client, Target
from suites.record.judge import Judge

ASYNCHRONOUS = {"Prefer": "respond-async"}
TYPES = ("Patient", "Coverage", "Encounter", "Condition", "Observation", "ExplanationOfBenefit")
MOST_WAITS = 60
LONGEST_WAIT = 5.0  # seconds between two looks at a status


def exports(capability_statement: dict[str, Any]) -> list[str]:
    """Where the CapabilityStatement lists an export: `Patient`, `Group`, or empty for the whole system."""
    return [
        str(place.get("type", ""))
        for rest in capability_statement.get("rest") or []
        for place in (rest, *(rest.get("resource") or []))
        for one in place.get("operation") or []
        if str(one.get("name", "")).lstrip("$") in ("export", "patient-export", "group-export")
    ]


@pytest.fixture(scope="session")
def place(capability_statement: dict[str, Any]) -> str:
    """The path of an export that is advertised."""
    listed = exports(capability_statement)
    if not listed:
        not_applicable("the CapabilityStatement lists no export")
    return "Patient/$export" if "Patient" in listed else "$export"


@pytest.fixture(scope="session")
def service(target: Target, http: Http, app_of: Callable[[Client], App], place: str) -> FhirClient:
    """A backend service with system scopes."""
    client = next((one for one in target.client if "system/" in one.scopes), None)
    if client is None:
        not_applicable("the target file has no [[client]] with system scopes")
    answer = app_of(client).token({"grant_type": "client_credentials", "scope": client.scopes})
    control(answer.status == 200, "the backend service gets its token", answer.status)
    return FhirClient(http, target.server.fhir_base, str(answer.object().get("access_token", "")))


def finished(service: FhirClient, kicked_off: Answer) -> dict[str, Any]:
    """The manifest of an export, waited for as its status asks."""
    status = kicked_off.header("content-location")
    expect(status, "the kick-off tells where the status is", expected="Content-Location", evidence=kicked_off.evidence)
    for _ in range(MOST_WAITS):
        answer = service.http.get(status, headers={"Accept": "application/json"}, token=service.token)
        if answer.status != 202:
            expect_status(answer, 200, "an export comes to its end")
            return answer.object()
        wait = answer.header("retry-after")
        time.sleep(min(float(wait) if wait.isdigit() else 0.5, LONGEST_WAIT))
    raise Inconclusive(f"the export did not end within {MOST_WAITS} looks at its status")


@pytest.mark.requirement("FHIR-BULK-01")
def test_export_holds_everything_once(service: FhirClient, place: str, judges: Callable[[str], Judge]) -> None:
    """The files of an export hold each resource once, and what members find of their own; sensitive records may be kept from a service."""
    kicked_off = service.get(place, {"_type": ",".join(TYPES)}, ASYNCHRONOUS)
    expect_status(kicked_off, 202, "an export is kicked off")
    manifest = finished(service, kicked_off)
    lines: Counter[str] = Counter()
    with findings() as found:
        for file in manifest.get("output") or []:
            answer = service.http.get(
                str(file.get("url")), headers={"Accept": "application/fhir+ndjson"}, token=service.token
            )
            expect_status(answer, 200, "a file of the manifest is served")
            held = [orjson.loads(line) for line in answer.body.splitlines() if line.strip()]
            wrong = [one for one in held if one.get("resourceType") != file.get("type")]
            found.check(
                not wrong,
                "a file holds resources of its type",
                expected=str(file.get("type")),
                found=len(wrong),
                evidence=answer.evidence,
            )
            if isinstance(file.get("count"), int):
                found.check(
                    file["count"] == len(held),
                    "a file holds as many resources as the manifest says",
                    expected=file["count"],
                    found=f"{len(held)} {file.get('type')}",
                    evidence=answer.evidence,
                )
            lines.update(f"{one.get('resourceType')}/{one.get('id')}" for one in held)
        twice = sorted(name for name, count in lines.items() if count > 1)
        found.check(
            not twice,
            "an export holds each resource once",
            found=f"{len(twice)} more than once: {', '.join(twice[:3])}",
            evidence=kicked_off.evidence,
        )
        for record in judges("fhir").records:
            trail().member = trail().member or record.label
            for type in TYPES:
                own = [one for one, _ in record.of(type).resources() if not (one.get("meta") or {}).get("security")]
                lost = sorted({f"{type}/{one.get('id')}" for one in own} - set(lines))
                found.check(
                    not lost,
                    "an export holds what members find of their own",
                    expected=f"every {type} of {record.label}",
                    found=f"without {', '.join(lost[:3])}",
                    path=type,
                    evidence=kicked_off.evidence,
                )
        last = {type: sum(name.startswith(f"{type}/") for name in lines) for type in TYPES}
        for type, count in last.items():
            answer = service.get(type, {"_summary": "count"})
            total = answer.object().get("total") if answer.status == 200 else None
            found.check(
                total is None or total == count,
                "an export holds as many resources as a search of all counts",
                expected=f"{total} {type}",
                found=count,
                path=type,
                evidence=answer.evidence,
            )
    judged(sum(lines.values()), "line")


@pytest.mark.requirement("FHIR-BULK-02")
def test_a_members_token_exports_nothing(fhir: FhirClient, grant: Grant, place: str, service: FhirClient) -> None:
    """A token of one member starts no export."""
    control(fhir.read("Patient", grant.patient).status == 200, "the member's token reads")
    kicked_off = service.get(place, {"_type": "Patient"}, ASYNCHRONOUS)
    control(kicked_off.status == 202, "a backend service starts the same export", kicked_off.status)
    refused = fhir.get(place, {"_type": "Patient"}, ASYNCHRONOUS)
    expect_status(refused, (401, 403, 404), "a member's token must not start an export")
    judged(1, "export")
