"""Which format comes: Accept, _format and what is not served, FHIR-CONNEG-* (FHIR R4 http, content types and encodings)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from suites.kit.app import Grant
from suites.kit.expectations import FHIR_JSON, expect_status
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.kit.outcomes import control, expect, findings, judged

JSON_FORMATS = ("json", "application/json", "application/fhir+json")
XML = ("application/fhir+xml", "application/xml", "text/xml")
UNSERVED = "image/png"  # no FHIR server serves resources as pictures


def places(grant: Grant) -> dict[str, dict[str, str]]:
    """A read and a search, whose format is negotiated alike."""
    return {f"Patient/{grant.patient}": {}, "Observation": {"patient": grant.patient, "_count": "2"}}


def is_json(answer: Answer) -> bool:
    """Whether a resource came, as FHIR JSON by its label and by its bytes."""
    return answer.media_type in FHIR_JSON and answer.body.lstrip()[:1] == b"{"


def serves_xml(capability_statement: Mapping[str, Any]) -> bool:
    """Whether the server says that it serves XML too."""
    formats = capability_statement.get("format")
    return isinstance(formats, list) and any("xml" in str(one) for one in formats)


@pytest.mark.requirement("FHIR-CONNEG-01")
def test_fhir_json_is_served(fhir: FhirClient, grant: Grant) -> None:
    """Who accepts application/fhir+json, or asks for it by _format, gets it under that name."""
    asked = 0
    with findings() as found:
        for path, params in places(grant).items():
            ways: list[tuple[str, dict[str, str], dict[str, str]]] = [
                ("Accept: application/fhir+json", params, {"Accept": "application/fhir+json"}),
                ("Accept: several, FHIR JSON first", params, {"Accept": "application/fhir+json, */*;q=0.1"}),
            ]
            ways += [(f"_format={one}", {**params, "_format": one}, {"Accept": "*/*"}) for one in JSON_FORMATS]
            for way, query, headers in ways:
                answer = fhir.get(path, query, headers)
                asked += 1
                found.check(
                    answer.status == 200 and is_json(answer),
                    f"{way} is answered with FHIR JSON",
                    expected="200 application/fhir+json",
                    found=f"{answer.status} {answer.header('content-type')}",
                    path=path.partition("/")[0],
                    evidence=answer.evidence,
                )
    judged(asked, "request")


@pytest.mark.requirement("FHIR-CONNEG-02")
def test_what_is_not_served_is_406(fhir: FhirClient, grant: Grant, capability_statement: dict[str, Any]) -> None:
    """Who accepts only what is not served is answered 406, never with another format."""
    path = f"Patient/{grant.patient}"
    control(is_json(fhir.get(path)), "the same read is answered as FHIR JSON")
    wanted = [UNSERVED] if serves_xml(capability_statement) else [UNSERVED, "application/fhir+xml"]
    with findings() as found:
        for accepted in wanted:
            answer = fhir.get(path, headers={"Accept": accepted})
            found.check(
                answer.status == 406,
                "a format that is not served is refused",
                expected=f"406 to Accept: {accepted}",
                found=f"{answer.status} {answer.header('content-type')}",
                evidence=answer.evidence,
            )
    judged(len(wanted), "format")


@pytest.mark.requirement("FHIR-CONNEG-03")
def test_format_parameter_wins(fhir: FhirClient, grant: Grant, capability_statement: dict[str, Any]) -> None:
    """_format decides where Accept says something else."""
    path = f"Patient/{grant.patient}"
    answer = fhir.get(path, {"_format": "json"}, {"Accept": "application/fhir+xml"})
    expect_status(answer, 200, "_format=json is answered although Accept names XML")
    expect(
        is_json(answer), "_format=json gives FHIR JSON", found=answer.header("content-type"), evidence=answer.evidence
    )
    answer = fhir.get(path, {"_format": "xml"}, {"Accept": "application/fhir+json"})
    served = answer.status == 200 and answer.media_type in XML
    refused = answer.status in (400, 406) and not serves_xml(capability_statement)
    expect(
        served or refused,
        "_format=xml is not answered with JSON because Accept says so",
        expected="XML, or 406 where none is served",
        found=f"{answer.status} {answer.header('content-type')}",
        evidence=answer.evidence,
    )
    judged(2, "request")
