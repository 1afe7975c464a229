"""Whatever is sent, the answer is a 4xx OperationOutcome that names what was wrong: never a 5xx, never another member's byte."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.payer.fhir.requests import LONGEST_URL
from tests.unit.payer.fhir.conftest import Api

OTHERS = (b"m2", b"m3", b"Baker", b"Chen")


def refused(api: Api, path: str, status: int, name: str = "", method: str = "GET", **options: Any) -> dict[str, Any]:
    response = api.send(method, path, **options)
    assert response.status_code == status, response.text
    outcome: dict[str, Any] = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    assert issue["code"]
    assert name in issue["diagnostics"]
    if name:
        assert issue.get("expression") == [name]
    return outcome


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("date=2026-13-01", "date"),
        ("date=2026-02-30", "date"),
        ("date=yesterday", "date"),
        ("date=ge", "date"),
        ("date=xx2026-01-01", "date"),
        ("date=2026-01-01T25:00:00Z", "date"),
        ("code:text-contains=a", "code:text-contains"),
        ("code:above=44261-6", "code:above"),
        ("code=a|b|c", "code"),
        ("code=|", "code"),
        ("code=a,,b", "code"),
        ("date:exact=2026-01-01", "date:exact"),
        ("value-quantity=five", "value-quantity"),
        ("value-quantity=5|x", "value-quantity"),
        ("code-value-quantity=44261-6", "code-value-quantity"),
        ("code-value-quantity=44261-6$ge5$6", "code-value-quantity"),
        ("subject=a b", "subject"),
        ("_count=-1", "_count"),
        ("_count=ten", "_count"),
        ("_count=1.5", "_count"),
        ("_count=99999999999999999999", "_count"),
        ("_summary=some", "_summary"),
        ("_total=maybe", "_total"),
        ("_elements=", "_elements"),
        ("_sort=shoe-size", "_sort"),
        ("_sort=code-value-quantity", "_sort"),
        ("_include=Observation", "_include"),
        ("_include=Observation:code", "_include"),
        ("_include=Encounter:patient", "_include"),
        ("_include:sideways=Observation:encounter", "_include:sideways"),
        ("_include=Observation:encounter:Patient", "_include"),
        ("_revinclude=Nothing:target", "_revinclude"),
        ("_has:Observation:code=1", "_has:Observation:code"),
        ("_has:Coverage:payor:status=active", "_has:Coverage:payor:status"),
        ("code.name=x", "code.name"),
        ("encounter:Patient.name=x", "encounter:Patient.name"),
        ("status:missing=perhaps", "status:missing"),
        ("code:of-type=a|b", "code"),
        ("_page=forged", "_page"),
        ("code=" + ",".join("a" * 1 for _ in range(101)), "code"),
    ],
)
def test_malformed_parameters_are_named(api: Api, query: str, name: str) -> None:
    refused(api, f"Observation?{query}", 400, name)


def test_chains_have_an_end(api: Api) -> None:
    refused(api, "Encounter?" + "part-of." * 8 + "status=finished", 400, "part-of." * 8 + "status")


def test_cyclic_includes_end(api: Api) -> None:
    response = api.get(
        "Encounter?_include:iterate=Encounter:part-of&_revinclude:iterate=Observation:encounter&_include:iterate=Observation:encounter"
    )
    assert response.status_code == 200
    entries = [entry["fullUrl"] for entry in response.json()["entry"]]
    assert len(entries) == len(set(entries)) > 5


def test_ten_thousand_parameters_are_too_many(api: Api) -> None:
    body = "&".join(f"code=c{number}" for number in range(10_000))
    refused(
        api,
        "Observation/_search",
        413,
        method="POST",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    refused(
        api,
        "Observation/_search",
        400,
        method="POST",
        content="&".join(["a=1"] * 1000),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


def test_an_address_of_a_megabyte_is_too_long(api: Api) -> None:
    refused(api, "Observation?code=" + "a" * 60_000, 414)
    assert LONGEST_URL < 60_000


@pytest.mark.parametrize("encoded", ["%", "%4", "%zz", "%ff%fe", "a%00b", "%0d%0aset-cookie:x"])
def test_invalid_percent_encoding_is_refused(api: Api, encoded: str) -> None:
    for raw in (f"code={encoded}", f"{encoded}=1"):
        status, body = raw_get(api, f"/fhir/Observation?{raw}")
        assert status == 400, body
        assert b"OperationOutcome" in body


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/Patient/../Patient/m2", "/fhir/Patient/%2e%2e/m2", "/fhir/Patient/m1%2f..%2fm2", "/fhir//Patient/m2", "/fhir/Patient/m2/",
        "/fhir/Patient/m2%00", "/fhir/patient/m1", "/fhir/Patient/m1/_history/2", "/fhir/Patient/m1/_history/x", "/fhir/Patient/" + "a" * 65,
        "/fhir/Nothing", "/fhir/Nothing/1", "/fhir/", "/fhir", "/fhir/Patient/m1/$nothing", "/fhir/$everything", "/fhir/bulk/none",
    ],
)  # fmt: skip
def test_path_tricks_lead_nowhere(api: Api, path: str) -> None:
    status, body = raw_get(api, path)
    assert status in (400, 403, 404), body
    assert b"OperationOutcome" in body
    assert not any(other in body for other in OTHERS[2:])


@pytest.mark.parametrize(
    "text",
    ["' OR 1=1 --", '"; DROP TABLE resource; --', "%", "_", "m1') UNION SELECT body FROM resource --", "\\", "*"],
)
def test_sql_metacharacters_are_only_characters(api: Api, text: str) -> None:
    for name in ("_id", "code", "patient", "identifier", "_lastUpdated", "encounter"):
        response = api.get(f"Observation?{name}={quote(text)}")
        assert response.status_code in (200, 400, 403), response.text
        if response.status_code == 200:
            assert response.json()["total"] == 0
    assert api.get("Patient/m1").status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/fhir+json", "text/plain", "multipart/form-data; boundary=x"]
)
def test_search_by_post_wants_a_form(api: Api, content_type: str) -> None:
    refused(
        api, "Observation/_search", 415, method="POST", content="patient=m1", headers={"content-type": content_type}
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_other_methods_are_answered_405_with_allow(api: Api, method: str) -> None:
    for path in ("Patient/m1", "Patient", "metadata"):
        response = api.send(method, path)
        assert response.status_code == 405
        assert "GET" in response.headers["allow"]
        assert response.json()["resourceType"] == "OperationOutcome"


def test_a_deleted_resource_is_gone(make_payer: Any) -> None:
    payer = make_payer()
    api = Api(payer)
    payer.store.delete("Observation", "m1-obs-1", 1_783_000_000_000)
    refused(api, "Observation/m1-obs-1", 410)
    assert "m1-obs-1" not in api.ids("Observation?patient=m1")
    history = api.get("Observation/m1-obs-1/_history").json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "POST"]
    assert api.get("Observation/m1-obs-1/_history/1").status_code == 200


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["date", "code", "_id", "value-quantity", "subject", "_sort", "_include", "_has:Provenance:target:recorded", "_lastUpdated", "code-value-quantity", "category:text", "identifier:of-type", "performer:identifier", "_elements"]),
    value=st.text(max_size=40),
)  # fmt: skip
def test_no_value_breaks_the_server(api: Api, name: str, value: str) -> None:
    response = api.get(f"Observation?{name}={quote(value.encode('utf-8', 'replace'), safe='')}")
    assert response.status_code in (200, 400, 403), response.text
    assert not any(f"Patient/{other.decode()}".encode() in response.content for other in OTHERS)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(alphabet="abc_=&:%.,|$?/*-0123456789 +", max_size=60))
def test_no_query_breaks_the_server(api: Api, query: str) -> None:
    status, body = raw_get(api, f"/fhir/Condition?{query.replace(' ', '%20')}")
    assert status in (200, 400, 403), body


def raw_get(api: Api, path: str, token: str = "m1") -> tuple[int, bytes]:
    """A request whose address no client library has tidied."""
    raw, _, query = path.partition("?")
    scope = {
        "type": "http", "method": "GET", "path": raw, "raw_path": raw.encode(), "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(api._app(scope, receive, send))
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])
