"""What is kept back leaves no trace: not in a Provenance, a total, a page link, an export or an old version."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulators.payer.clock import Clock
from simulators.payer.context import Payer
from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.fhir.rows import RowReader
from simulators.payer.store import Store
from tests.unit.payer.fhir import tiny
from tests.unit.payer.fhir.conftest import NOW, PUBLIC, Api, authenticate

SECRET = ("m1-cond-2", "m1-doc-1", "m1-prov-hidden")
CONSENTED = "m1+substance-use"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tiny.write(tmp_path_factory.mktemp("dataset"))
    targets = {
        "m1-prov-hidden": ["Condition/m1-cond-2"],
        "m1-prov-mixed": ["Condition/m1-cond-2", "Observation/m1-obs-2", "DocumentReference/m1-doc-1"],
    }
    with (folder / "Provenance.ndjson").open("a", encoding="utf-8") as file:
        for id, names in targets.items():
            one = {"resourceType": "Provenance", "id": id, "meta": tiny.meta(), "recorded": "2026-06-01T08:00:00Z", "target": [{"reference": name} for name in names],
                   "agent": [{"who": {"reference": "Organization/org-payer"}}]}  # fmt: skip
            file.write(json.dumps(one, separators=(",", ":")) + "\n")
    store, deployment, clock = Store(open_database(":memory:")), load("reference"), Clock()
    ensure_loaded(store, folder, deployment)
    clock.freeze(NOW)
    yield Api(Payer(deployment, clock, store.database, store, read_manifest(folder), PUBLIC, authenticate=authenticate))
    store.database.close()


def targets_told(resource: dict[str, Any]) -> list[str]:
    return [one["reference"] for one in resource["target"]]


ROADS = (
    "Provenance/m1-prov-mixed", "Provenance/m1-prov-mixed/_history", "Provenance/m1-prov-mixed/_history/1", "Provenance?_count=100", "Provenance?_id=m1-prov-mixed",
    "Observation?_revinclude=Provenance:target&_count=100", "Patient/m1/$everything?_count=1000", "Observation?_has:Provenance:target:_id=m1-prov-mixed&_revinclude=Provenance:target",
    "Provenance?target=Observation/m1-obs-2&_include=Provenance:target", "Condition?_summary=count", "Patient?_has:Condition:patient:code=F11.20",
)  # fmt: skip


@pytest.mark.parametrize("road", ROADS)
def test_what_is_kept_back_is_named_nowhere(api: Api, road: str) -> None:
    answer = api.get(road)
    assert answer.status_code == 200
    assert not [name for name in SECRET if name in answer.text.replace("_id=m1-prov-mixed", "")]


def test_a_provenance_tells_its_other_targets_and_all_to_who_may_see_them(api: Api) -> None:
    assert targets_told(api.get("Provenance/m1-prov-mixed").json()) == ["Observation/m1-obs-2"]
    told = targets_told(api.get("Provenance/m1-prov-mixed", CONSENTED).json())
    assert told == ["Condition/m1-cond-2", "Observation/m1-obs-2"]  # the psychotherapy note never
    assert api.get("Provenance/m1-prov-hidden").status_code == 404
    assert api.get("Provenance/m1-prov-hidden", CONSENTED).status_code == 200
    assert api.ids("Provenance?target=Observation/m1-obs-2") == ["m1-prov-mixed"]


@pytest.mark.parametrize(
    ("search", "without", "consented"),
    [
        ("Provenance?target=Condition/m1-cond-2", [], ["m1-prov-hidden", "m1-prov-mixed"]),
        ("Provenance?target=DocumentReference/m1-doc-1", [], []),
        ("Provenance?target:Condition.code=F11.20", [], ["m1-prov-hidden", "m1-prov-mixed"]),
        ("Condition?_has:Provenance:target:_id=m1-prov-mixed", [], ["m1-cond-2"]),
        ("DocumentReference?_has:Provenance:target:_id=m1-prov-mixed", [], []),
    ],
)
def test_no_search_finds_a_record_by_what_is_kept_back(
    api: Api, search: str, without: list[str], consented: list[str]
) -> None:
    assert api.ids(search) == without
    assert sorted(api.ids(search, CONSENTED)) == consented
    for token, ids in (("m1", without), (CONSENTED, consented)):
        assert api.get(f"{search}&_summary=count", token).json()["total"] == len(ids)


def test_a_page_link_tells_nothing(api: Api) -> None:
    bundle = api.get("Observation?patient=m1&_count=2").json()
    link = next(one["url"] for one in bundle["link"] if one["relation"] == "next")
    token = link.partition("_page=")[2]
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"Observation" not in sealed
    assert b"patient" not in sealed
    again = api.get("Observation?patient=m1&_count=2").json()
    assert link not in str(again["link"])  # and no two can be compared
    assert api.ids(link) == ["m1-obs-3", "m1-obs-4", "m1-obs-5"]


def test_an_export_keeps_to_its_scopes_and_names_nothing_kept_back(api: Api) -> None:
    token = "* system/Observation.rs?category=survey system/Provenance.rs"
    kicked = api.get("Patient/$export", token, headers={"prefer": "respond-async"})
    api.payer.clock.advance(timedelta(seconds=5))
    try:
        manifest = api.get(kicked.headers["content-location"], token).json()
        files = {output["type"]: api.get(output["url"], token).text for output in manifest["output"]}
        assert set(files) == {"Observation", "Provenance"}
        assert [json.loads(line)["id"] for line in files["Observation"].splitlines()] == [f"m{member}-obs-{number}" for member in (1, 2, 3) for number in (1, 3, 5)]  # fmt: skip
        assert "m1-prov-mixed" in files["Provenance"]
        assert not [name for name in SECRET if name in files["Provenance"]]
        narrower = "* system/Observation.rs?category=survey"
        url = next(output["url"] for output in manifest["output"] if output["type"] == "Provenance")
        assert api.get(url, narrower).status_code == 403
    finally:
        api.payer.clock.freeze(NOW)


def test_a_version_that_was_kept_back_stays_so(api: Api) -> None:
    resource = api.get("Condition/m1-cond-2", CONSENTED).json()
    resource["meta"] = {"versionId": "2", "lastUpdated": "2026-07-02T08:00:00Z"}
    reader = RowReader(api.payer.deployment, 0)
    api.payer.store.put(reader.row(json.dumps(resource, separators=(",", ":")).encode()), version=2)
    assert api.get("Condition/m1-cond-2").status_code == 200
    assert api.get("Condition/m1-cond-2/_history/1").status_code == 404
    assert api.get("Condition/m1-cond-2/_history/1", CONSENTED).status_code == 200
    assert [entry["response"]["etag"] for entry in api.get("Condition/m1-cond-2/_history").json()["entry"]] == ['W/"2"']
