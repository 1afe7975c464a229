"""Read, vread, history, conditional requests, negotiation, $everything and export over the tiny dataset."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from simulators.payer.context import Payer
from simulators.payer.fhir.rows import RowReader
from tests.unit.payer.fhir.conftest import NOW, PUBLIC, Api


def modes(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (entry["search"]["mode"], f"{entry['resource']['resourceType']}/{entry['resource']['id']}")
        for entry in bundle.get("entry", ())
    ]


def test_a_read_is_the_stored_resource_with_its_validators(api: Api) -> None:
    response = api.get("Patient/m1")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/fhir+json")
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"] == "Mon, 01 Jun 2026 08:00:00 GMT"
    assert response.json()["meta"] == {"versionId": "1", "lastUpdated": "2026-06-01T08:00:00Z"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": 'W/"1"'}, 304),
        ({"if-none-match": '"7", W/"1"'}, 304),
        ({"if-none-match": 'W/"2"'}, 200),
        ({"if-modified-since": "Mon, 01 Jun 2026 08:00:00 GMT"}, 304),
        ({"if-modified-since": "Mon, 01 Jun 2026 07:59:59 GMT"}, 200),
        ({"if-modified-since": "whenever"}, 200),
        ({"if-none-match": 'W/"2"', "if-modified-since": "Mon, 01 Jun 2026 08:00:00 GMT"}, 200),
    ],
)
def test_a_conditional_read_is_304_only_for_the_current_version(api: Api, headers: dict[str, str], status: int) -> None:
    response = api.get("Patient/m1", headers=headers)
    assert response.status_code == status
    assert bool(response.content) is (status == 200)


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("application/fhir+json", "", 200), ("application/json", "", 200), ("*/*", "", 200), ("text/html, */*;q=0.1", "", 200),
        ("application/fhir+json; fhirVersion=4.0", "", 200), ("application/fhir+json; fhirVersion=5.0", "", 406),
        ("application/fhir+xml", "", 406), ("text/turtle", "", 406), ("application/fhir+xml", "?_format=json", 200),
        ("application/fhir+json", "?_format=xml", 406), ("*/*", "?_format=application/fhir%2Bjson", 200), ("application/fhir+json;q=0", "", 406),
    ],
)  # fmt: skip
def test_json_is_served_and_nothing_else(api: Api, accept: str, query: str, status: int) -> None:
    response = api.get(f"Patient/m1{query}", headers={"accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/fhir+json")


def test_head_answers_like_get_without_a_body(api: Api) -> None:
    got, head = api.get("Patient/m1"), api.send("HEAD", "Patient/m1")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


def test_a_browser_may_ask_first(api: Api) -> None:
    response = api.send(
        "OPTIONS", "Patient/m1", None, headers={"origin": "https://app.example", "access-control-request-method": "GET"}
    )
    assert response.status_code == 204
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_versions_are_kept(make_payer: Callable[..., Payer]) -> None:
    payer = make_payer()
    api = Api(payer)
    resource = api.get("Condition/m1-cond-1").json()
    resource["meta"] = {"versionId": "2", "lastUpdated": "2026-07-02T08:00:00Z"}
    resource["onsetDateTime"] = "2025-04"
    row = RowReader(payer.deployment, 0).row(json.dumps(resource).encode())
    payer.store.put(row, version=2)
    assert api.get("Condition/m1-cond-1").headers["etag"] == 'W/"2"'
    assert api.get("Condition/m1-cond-1/_history/1").json()["onsetDateTime"] == "2025-03"
    history = api.get("Condition/m1-cond-1/_history").json()
    assert history["type"] == "history"
    assert [entry["response"]["etag"] for entry in history["entry"]] == ['W/"2"', 'W/"1"']
    assert api.ids("Condition?patient=m1&onset-date=2025-04") == ["m1-cond-1"]
    assert api.ids("Condition?patient=m1&onset-date=2025-03") == []
    assert api.get("Condition/m1-cond-1/_history/1", "m2").status_code == 404


@pytest.mark.parametrize(("fault", "shown"), [("", False), ("arrivals-shift-the-pages", True)])
def test_pages_stay_whole_while_resources_arrive(make_payer: Callable[..., Payer], fault: str, shown: bool) -> None:
    payer = make_payer()
    payer.faults = frozenset({fault} - {""})
    api = Api(payer)
    first = api.get("Observation?patient=m1&_count=2").json()
    link = next(link["url"] for link in first["link"] if link["relation"] == "next")
    late = {
        **api.get("Observation/m1-obs-5").json(),
        "id": "m1-obs-new",
        "meta": {"lastUpdated": "2026-07-02T11:00:00Z"},
    }
    payer.store.put(RowReader(payer.deployment, 0).row(json.dumps(late, separators=(",", ":")).encode()), version=1)
    payer.store.delete("Observation", "m1-obs-2", int(NOW.timestamp() * 1000))
    rest = api.ids(link)
    assert rest == ["m1-obs-3", "m1-obs-4", "m1-obs-5"] + ["m1-obs-new"] * shown
    assert "m1-obs-new" in api.ids("Observation?patient=m1")


def test_page_links_serve_the_app_they_were_given_to(api: Api) -> None:
    first = api.get("Observation?patient=m1&_count=2").json()
    link = next(link["url"] for link in first["link"] if link["relation"] == "next")
    assert api.get(link).status_code == 200
    assert api.get(link, "m2").status_code == 400
    assert api.get(link, None).status_code == 401
    assert api.get(link[:-2] + "xx").status_code == 400
    assert api.get(link.replace("/fhir?", "/directory?"), None).status_code == 400


def test_everything_is_the_members_record_and_what_it_refers_to(api: Api) -> None:
    found = api.ids("Patient/m1/$everything?_count=4")
    assert found == api.ids("Patient/m1/$everything?_count=1000")
    assert len(found) == len(set(found)) == 22
    assert {"m1", "m1-eob-5", "prac-1", "org-clinic"} <= set(found)
    assert not any(id.startswith(("m2", "m3")) for id in found)
    assert api.get("Patient/m2/$everything").status_code == 404
    assert api.ids("Patient/m1/$everything?_type=Observation&start=2026-03-01&end=2026-04-30") == [
        "m1-obs-3",
        "m1-obs-4",
    ]
    assert api.get("Patient/m1/$everything?_type=Nothing").status_code == 400
    assert api.get("Patient/m1/$everything?start=soon").status_code == 400


def test_a_backend_exports_all_members_once(make_payer: Callable[..., Payer]) -> None:
    payer = make_payer()
    api = Api(payer)
    assert api.get("Patient/$export", "*").status_code == 400
    kicked = api.get("Patient/$export?_type=Patient,Observation,Condition", "*", headers={"prefer": "respond-async"})
    assert kicked.status_code == 202
    status = kicked.headers["content-location"]
    waiting = api.get(status, "*")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
    payer.clock.advance(timedelta(seconds=5))
    manifest = api.get(status, "*").json()
    assert manifest["requiresAccessToken"] is True
    counts = {}
    for output in manifest["output"]:
        file = api.get(output["url"], "*")
        assert file.headers["content-type"] == "application/fhir+ndjson"
        resources = [json.loads(line) for line in file.text.splitlines()]
        assert len(resources) == output["count"] == len({one["id"] for one in resources})
        counts[output["type"]] = len(resources)
    assert counts == {"Condition": 3, "Observation": 15, "Patient": 3}  # the labelled conditions stay out
    assert api.get("Patient/$export", "m1", headers={"prefer": "respond-async"}).status_code == 403
    assert api.get(status, "m1").status_code == 403
    assert api.send("DELETE", status, "*").status_code == 202
    assert api.get(status, "*").status_code == 404


def test_long_answers_are_compressed_for_who_can_read_them(payer: Payer) -> None:
    import asyncio

    api = Api(payer)
    sent: list[Any] = []
    scope = {
        "type": "http", "method": "GET", "path": "/fhir/Observation", "raw_path": b"/fhir/Observation", "query_string": b"patient=m1",
        "headers": [(b"authorization", b"Bearer m1"), (b"accept-encoding", b"gzip")],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(api._app(scope, receive, send))
    assert (b"content-encoding", b"gzip") in sent[0]["headers"]
    assert json.loads(gzip.decompress(sent[1]["body"]))["total"] == 5


def test_elements_and_summaries_keep_what_is_mandatory_and_say_so(api: Api) -> None:
    one = api.get("Observation?patient=m1&_elements=code&_count=1").json()["entry"][0]["resource"]
    assert set(one) == {"resourceType", "id", "meta", "code", "status"}
    assert one["meta"]["tag"][-1]["code"] == "SUBSETTED"
    count = api.get("Observation?patient=m1&_summary=count").json()
    assert (count["total"], "entry" in count) == (5, False)
    assert api.get("Observation?patient=m1&_count=0").json()["total"] == 5
    text = api.get("Observation?patient=m1&_summary=text&_count=1").json()["entry"][0]["resource"]
    assert "valueQuantity" not in text


def test_sorting_is_by_each_key_in_turn(api: Api) -> None:
    assert api.ids("Observation?patient=m1&_sort=-date") == [f"m1-obs-{number}" for number in (5, 4, 3, 2, 1)]
    assert api.ids("Observation?patient=m1&_sort=code,-date") == [
        "m1-obs-4",
        "m1-obs-2",
        "m1-obs-5",
        "m1-obs-3",
        "m1-obs-1",
    ]
    assert api.ids("Observation?patient=m1&_sort=-date&_count=2") == [f"m1-obs-{number}" for number in (5, 4, 3, 2, 1)]
    assert api.ids("Observation?patient=m1&_sort=value-quantity")[0] == "m1-obs-1"


def test_chains_and_reverse_chains(api: Api) -> None:
    assert len(api.ids("Encounter?practitioner.family=oka&_count=50")) == 5
    assert api.ids("Observation?encounter.date=2026-02-11") == ["m1-obs-2"]
    assert api.ids("Observation?encounter:Encounter.date=2026-02-11") == ["m1-obs-2"]
    assert api.ids("Encounter?_has:Observation:encounter:code=2345-7") == ["m1-enc-2", "m1-enc-4"]
    assert api.ids("PractitionerRole?practitioner.name=oka", None, base="/directory") == ["role-1"]
    assert api.ids("PractitionerRole?location.address-city=sonoma&specialty=101YM0800X", None, base="/directory") == [
        "role-1"
    ]


def test_the_open_bases_ask_for_no_token_and_show_no_members(api: Api) -> None:
    assert api.ids("Organization?name=clinica", None, base="/directory") == ["org-clinic"]
    assert api.ids("Basic?formulary=InsurancePlan/plan-drugs&drug-tier=generic", None, base="/formulary") == ["item-1"]
    assert api.get("Patient/m1", None, base="/directory").status_code == 404
    assert api.get("Organization/org-payer", None, base="/directory").status_code == 404
    assert (
        api.get("Practitioner?identifier=1999999992", None, base="/directory").json()["entry"][0]["fullUrl"]
        == f"{PUBLIC}/directory/Practitioner/prac-1"
    )


def test_unknown_parameters_are_ignored_or_refused_as_preferred(api: Api) -> None:
    lenient = api.get("Observation?patient=m1&shoe-size=44&_count=1").json()
    assert lenient["total"] == 5
    assert "shoe-size" not in lenient["link"][0]["url"]
    strict = api.get("Observation?patient=m1&shoe-size=44", headers={"prefer": "handling=strict"})
    assert strict.status_code == 400
    assert strict.json()["issue"][0]["expression"] == ["shoe-size"]


def test_search_by_post_is_search_by_get(api: Api) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = api.send("POST", "Observation/_search", content="patient=m1&category=survey", headers=form).json()
    got = api.get("Observation?patient=m1&category=survey").json()
    assert modes(posted) == modes(got)
    assert len(modes(posted)) == 3


def test_deployments_may_look_different(fhir_settings: Callable[..., Api]) -> None:
    odd = fhir_settings(
        page_size=3, absolute_references=True, extra_elements=True, reorder_entries=True, bundle_total=False
    )
    bundle = odd.get("Observation?patient=m1").json()
    assert len(bundle["entry"]) == 3
    assert "total" not in bundle
    first = bundle["entry"][0]["resource"]
    assert first["id"] == "m1-obs-5"
    assert first["subject"]["reference"] == f"{PUBLIC}/fhir/Patient/m1"
    assert "extension" in first
    assert sorted(odd.ids("Observation?patient=m1")) == [f"m1-obs-{number}" for number in range(1, 6)]
    assert odd.get("Observation?patient=m1&_total=accurate").json()["total"] == 5
