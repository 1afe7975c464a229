"""Every declared fault of the FHIR side changes an answer a bystander can get: a fault nobody can see proves nothing."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulators.payer.clock import Clock
from simulators.payer.context import Payer
from simulators.payer.database import open_database
from simulators.payer.deployment import load
from simulators.payer.fhir.loading import ensure_loaded, read_manifest
from simulators.payer.fhir.rows import RowReader
from simulators.payer.rules import CATALOG, Fault, load_catalog
from simulators.payer.store import Store
from tests import made
from tests.unit.payer.fhir import tiny
from tests.unit.payer.fhir.conftest import PUBLIC, Api, authenticate

load_catalog()
# Seen where something arrives between two pages: test_interactions.py.
ELSEWHERE = {"arrivals-shift-the-pages"}
FAULTS = sorted(id for id, fault in CATALOG.items() if fault.rule.startswith("fhir.") and id not in ELSEWHERE)
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Probe:
    """One request, and when it is sent."""

    path: str
    token: str | None = "{member}"
    base: str = "/fhir"
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    content: str = ""
    days: float = 0.0  # after the moment the dataset describes


FIXED = [
    Probe("metadata", None), Probe("metadata", None, "/directory"), Probe("Patient/{member}"), Probe("Patient/{other}"), Probe("Patient/nobody"),
    Probe("Patient/{member}", None), Probe("Patient/{member}?access_token={member}", None), Probe("Practitioner?_count=2", None, "/directory"), Probe("InsurancePlan?_count=2", None, "/formulary"),
    Probe("Observation?patient={other}"), Probe("Observation?patient={member}&_count=2"), Probe("Observation?patient={member}&_count=2&_sort=-date"),
    Probe("Observation?patient={member}&_sort=date"), Probe("Observation?patient={member}&date=ge2024-01-01&_count=200"),
    Probe("Observation?patient={member}&date=lt2024-01-01&_count=200"), Probe("Observation?patient={member}&date=le2024-01-01&_count=200"),
    Probe("Observation?patient={member}&code=44261-6&_count=200"), Probe("Observation?patient={member}&code=http://loinc.org|44261-6&_count=200"),
    Probe("Observation?patient={member}&code=http://nobody.example|44261-6"), Probe("Observation?patient={member}&code=44261"),
    Probe("Observation?patient={member}&category=survey&date=lt2023-06-01&_count=3"), Probe("Observation?patient={member}&shoe-size=44"),
    Probe("Observation?patient={member}&shoe-size=44", headers={"prefer": "handling=strict"}), Probe("Observation?patient={member}&_elements=code&_count=1"),
    Probe("Patient?family={start}"), Probe("Practitioner?name=ire", None, "/directory"), Probe("Observation?date=bad"), Probe("Observation?patient={member}&status:missing=true"), Probe("Observation?encounter.date=1999"),
    Probe("Observation?subject=http://payer.example/fhir/Patient/{member}&_count=1"), Probe("Observation?_id={others}"), Probe("Patient/{other}/_history"),
    Probe("Patient/{member}/_history/9"), Probe("Patient/{member}", method="HEAD"), Probe("?_page=forged"),
    Probe("Observation/_search", method="POST", headers={"content-type": "application/json"}, content="patient={member}"), Probe("Observation?patient={member}&date={seen}"), Probe("Observation?patient={member}&date=ge{seen}&_count=200"), Probe("Patient/{member}", method="PUT"),
    Probe("Patient/{member}", headers={"accept": "application/fhir+xml"}), Probe("Patient/{member}", headers={"accept": "application/fhir+json"}),
    Probe("Patient/{member}?_format=xml"), Probe("Patient/{member}?_format=json", headers={"accept": "application/fhir+xml"}),
    Probe("Patient/{member}", headers={"if-none-match": 'W/"7"'}), Probe("Observation/_search", method="POST", headers=FORM, content="patient={member}&_count=1"),
    Probe("ExplanationOfBenefit?patient={member}&_count=1&_include=ExplanationOfBenefit:*"), Probe("Coverage?patient={member}&_include=Coverage:subscriber"),
    Probe("Patient/{member}/$everything?_count=500"), Probe("Observation?patient={member}", "{member} patient/Patient.read"),
    Probe("Observation?patient={member}&_count=200", "{member} patient/Observation.rs?category=laboratory"), Probe("{gone}"),
    Probe("Observation?date={instant}"), Probe("Observation?patient={member}&_lastUpdated=ge2026-01-01&_count=0"), Probe("Practitioner?_count=1&_total=accurate"),
    Probe("Patient/$export", headers={"prefer": "respond-async"}), Probe("Patient/$export?_type=Patient", "*", headers={"prefer": "respond-async"}),
    Probe("ExplanationOfBenefit?patient={member}&service-date={day}&_count=200"), Probe("Condition?_summary=count"), Probe("DocumentReference?_summary=count"),
    Probe("Condition?_summary=count", "{member}+substance-use"),
]  # fmt: skip


class Watch:
    """A payer over a generated dataset, and what each request is answered while nothing is wrong."""

    def __init__(self, folder: Path) -> None:
        store = Store(open_database(":memory:"))
        deployment = load("reference")
        ensure_loaded(store, folder, deployment)
        self.manifest = read_manifest(folder)
        self.as_of = datetime.fromisoformat(self.manifest["as_of"])
        clock = Clock()
        clock.freeze(self.as_of)
        self.payer = Payer(deployment, clock, store.database, store, self.manifest, PUBLIC, authenticate=authenticate)
        self.api = Api(self.payer)
        members = sorted(self.manifest["members"], key=lambda one: -len(one["totals"]))
        self.names = self._names(store, members[0]["patient"], members[1]["patient"])
        self.probes = FIXED + self._probes(members)
        self.usual: dict[Probe, tuple[int, str, bytes]] = {}

    def _names(self, store: Store, member: str, other: str) -> dict[str, str]:
        self._arriving(store, member, other)
        observation = store.record("Observation", member)[0]
        store.delete("Observation", observation.id, int(self.as_of.timestamp() * 1000))
        day = datetime.fromtimestamp(
            store.record("ExplanationOfBenefit", member)[0].index["service-date"][0][0] / 1000, self.as_of.tzinfo
        )
        seen = self.api_time(store.record("Observation", member)[0].index["date"][0][0])
        patient = store.record("Patient", member)[0]
        return {
            "member": member, "other": other, "gone": f"Observation/{observation.id}", "start": patient.index["family"][0][:2].lower(), "day": f"{day:%Y-%m-%d}",
            "others": store.record("Observation", other)[0].id, "instant": seen, "seen": seen[:10],
        }  # fmt: skip

    def _arriving(self, store: Store, member: str, other: str) -> None:
        """An authorization and an observation that arrive two days later, a formulary, and a coverage through somebody else."""
        reader = RowReader(self.payer.deployment, int(self.as_of.timestamp() * 1000))
        for resource in tiny.shared():
            if "drug-formulary" in str(resource["meta"].get("profile")):
                store.put(reader.row(json.dumps(resource, separators=(",", ":")).encode()), version=1)
        coverage = json.loads(store.bodies([store.record("Coverage", member)[0].rid])[0])
        coverage |= {"id": f"{member}-family", "subscriber": {"reference": f"Patient/{other}"}}
        store.put(reader.row(json.dumps(coverage, separators=(",", ":")).encode()), version=1)
        for type_name, wanted in (("ExplanationOfBenefit", "preauthorization"), ("Observation", "")):
            for candidate in store.record(type_name, member):
                resource = json.loads(store.bodies([candidate.rid])[0])
                if resource.get("use", "") == wanted:
                    resource |= {
                        "id": f"{member}-late-{type_name.lower()}",
                        "meta": {"lastUpdated": (self.as_of + timedelta(days=2)).isoformat()},
                    }
                    store.put(reader.row(json.dumps(resource, separators=(",", ":")).encode()), version=1)
                    break

    @staticmethod
    def api_time(milliseconds: int) -> str:
        from datetime import UTC

        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _probes(self, members: list[dict[str, object]]) -> list[Probe]:
        found = []
        for type_name in sorted(self.payer.deployment.fhir.resource_types):
            found += [
                Probe(
                    f"{type_name}?"
                    + ("" if type_name == "Provenance" else f"patient={one['patient']}&")
                    + "_count=1000",
                    f"{one['patient']}+substance-use",
                    days=days,
                )
                for one in members
                for days in (0, 3)
                if type_name in one["totals"]
            ]  # type: ignore[operator]
        found += [
            Probe(f"{name}?_count=100", None, "/directory")
            for name in sorted(self.payer.deployment.fhir.directory_types)
        ]
        found += [
            Probe(f"{name}?_count=100", None, "/formulary")
            for name in sorted(self.payer.deployment.fhir.formulary_types)
        ]
        found += [Probe("Condition?_summary=count", str(one["patient"])) for one in members]
        return found

    def answer(self, probe: Probe) -> tuple[int, str, bytes]:
        def filled(text: str) -> str:
            for name, value in self.names.items():
                text = text.replace("{" + name + "}", value)
            return text

        self.payer.clock.freeze(self.as_of + timedelta(days=probe.days))
        token = filled(probe.token) if probe.token is not None else None
        options = {"content": filled(probe.content)} if probe.content else {}
        first = self.api.send(
            probe.method, filled(probe.path), token, base=probe.base, headers=probe.headers, **options
        )
        headers = "\n".join(
            f"{name}: {first.headers.get(name, '')}" for name in ("content-type", "etag", "allow", "content-location")
        )
        body = first.content
        if b'"relation":"next"' in body:
            url = next(link["url"] for link in first.json()["link"] if link["relation"] == "next")
            body += self.api.get(url, token).content + self.api.get(url, f"{self.names['other']}").content
        if "content-location" in first.headers:
            body += self._exported(first.headers["content-location"], token)
        return first.status_code, headers.split("/bulk/")[0], body

    def _exported(self, status: str, token: str | None) -> bytes:
        self.payer.clock.advance(timedelta(seconds=2))
        manifest = self.api.get(status, token).json()
        return b"".join(self.api.get(output["url"], token).content for output in manifest["output"])

    def sees(self, fault: str) -> Probe | None:
        """The first request that is answered otherwise with the fault than without."""
        for probe in self._likely(CATALOG[fault]):
            self.payer.faults = frozenset()
            if probe not in self.usual:
                self.usual[probe] = self.answer(probe)
            self.payer.faults = frozenset({fault})
            if self.answer(probe) != self.usual[probe]:
                return probe
        return None

    def _likely(self, fault: Fault) -> list[Probe]:
        """Requests for the types a data fault names, all requests for the others."""
        if fault.rule not in ("fhir.served.as_stored", "fhir.freshness.is_available"):
            return FIXED + self.probes[len(FIXED) :]
        source = inspect.getsource(fault.function)
        probes = self.probes[len(FIXED) :]
        return [probe for probe in probes if f'"{probe.path.split("?")[0]}"' in source] or probes


Probe.__hash__ = lambda self: hash(
    (self.path, self.token, self.base, self.method, self.content, self.days, tuple(self.headers.items()))
)  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(made.dataset("--members", "14", "--seed", "7", "--guide", "us-core@3.1.1"))


def test_every_fault_of_the_fhir_side_can_be_seen(watch: Watch) -> None:
    assert len(FAULTS) > 120
    unseen = [fault for fault in FAULTS if watch.sees(fault) is None]
    assert "\n".join(unseen) == ""
