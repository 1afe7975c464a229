"""Reads with their validators: ETag, Last-Modified, conditional reads and HEAD, FHIR-READ-02, -03, -05 (FHIR R4 http; RFC 9110)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import FHIR_JSON, expect_json, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import Inconclusive, control, expect, findings, judged, not_applicable
from suites.record.held import READABLE
from suites.record.judge import Judge

TYPES = ("Patient", "Coverage", "Encounter", "Condition", "Observation", "ExplanationOfBenefit")
A_SECOND = 1.0


@pytest.fixture(scope="session")
def reads(judges: Callable[[str], Judge]) -> list[Answer]:
    """One read of each common type of a member's record."""
    judge, found = judges("fhir"), list[Answer]()
    for type in TYPES:
        for record in judge.records:
            try:
                held = record.of(type)
            except Inconclusive:
                continue
            first = next((str(one.get("id")) for one, _ in held.resources()), "")
            if first:
                found.append(record.read(f"{type}/{first}"))
                break
    control(found, "a member at hand has a resource to read")
    return found


@pytest.mark.requirement("FHIR-READ-03")
def test_validators_agree_with_meta(reads: list[Answer]) -> None:
    """A read carries ETag and Last-Modified that say what meta says."""
    with findings() as found:
        for answer in reads:
            resource = expect_json(answer, 200, READABLE)
            name, meta = f"{resource.get('resourceType')}/{resource.get('id')}", resource.get("meta") or {}
            tag, modified = answer.header("etag"), answer.header("last-modified")
            found.check(tag, "a read carries an ETag", found=name, evidence=answer.evidence)
            if tag and meta.get("versionId"):
                found.check(
                    tag.removeprefix("W/").strip('"') == meta["versionId"],
                    "the ETag is the version of the resource",
                    expected=f'W/"{meta["versionId"]}"',
                    found=f"{tag} of {name}",
                    path="meta.versionId",
                    evidence=answer.evidence,
                )
            found.check(
                modified and differs(modified, str(meta.get("lastUpdated", ""))) < A_SECOND,
                "Last-Modified is when the resource was last updated",
                expected=str(meta.get("lastUpdated", "meta.lastUpdated")),
                found=f"{modified or 'no Last-Modified'} of {name}",
                path="meta.lastUpdated",
                evidence=answer.evidence,
            )
    judged(len(reads), "read")


def differs(header: str, instant: str) -> float:
    """Whole seconds between an HTTP date and a FHIR instant, what HTTP cannot say set aside."""
    try:
        told = parsedate_to_datetime(header).astimezone(UTC)
        held = datetime.fromisoformat(instant).astimezone(UTC).replace(microsecond=0)
    except (TypeError, ValueError):
        return float("inf")
    return abs((told - held).total_seconds())


@pytest.mark.requirement("FHIR-READ-02")
def test_conditional_read(fhir: FhirClient, grant: Grant) -> None:
    """304 is answered only to a copy that is current."""
    path = f"Patient/{grant.patient}"
    plain = fhir.get(path)
    control(plain.status == 200, "the Patient is read without conditions", plain.status)
    tag = plain.header("etag")
    if not tag and not plain.header("last-modified"):
        not_applicable("reads carry no validators to make a condition of")
    old = fhir.get(path, headers={"If-None-Match": 'W/"no-such-version-7f3a"'})
    expect_status(old, 200, "a copy of another version is answered with the resource")
    expect(old.body == plain.body, "the resource comes whole to a copy of another version", evidence=old.evidence)
    since = fhir.get(path, headers={"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
    expect_status(since, 200, "what was modified since is answered with the resource")
    if tag:
        same = fhir.get(path, headers={"If-None-Match": tag})
        expect_status(same, (200, 304), "a current copy is answered 304, or whole again")
        expect(
            same.status == 200 or not same.body,
            "304 comes without a body",
            found=len(same.body),
            evidence=same.evidence,
        )
    judged(2 + bool(tag), "conditional read")


@pytest.mark.requirement("FHIR-READ-05")
def test_head_is_get_without_body(fhir: FhirClient, grant: Grant) -> None:
    """HEAD is answered as GET would be, with nothing in the body."""
    base, places = fhir.base.rstrip("/"), (f"Patient/{grant.patient}", f"Coverage?patient={grant.patient}")
    with findings() as found:
        for place in places:
            get = fhir.http.get(f"{base}/{place}", headers={"Accept": FHIR_JSON[0]}, token=fhir.token)
            control(get.status == 200, f"GET {place} is answered", get.status)
            head = fhir.http.send("HEAD", f"{base}/{place}", headers={"Accept": FHIR_JSON[0]}, token=fhir.token)
            found.check(
                (head.status, head.media_type, head.header("etag")) == (200, get.media_type, get.header("etag")),
                "HEAD has the status and headers of GET",
                expected=f"200 {get.media_type} {get.header('etag')}",
                found=f"{head.status} {head.media_type} {head.header('etag')}",
                path=place.partition("?")[0],
                evidence=head.evidence,
            )
            found.check(not head.body, "HEAD has no body", found=f"{len(head.body)} bytes", evidence=head.evidence)
    judged(len(places), "place")
