"""FHIR clients we did not write read through the payer's API: fhirpy from PyPI and fhir-kit-client from npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.payer.fhir import tiny
from tests.unit.payer.running import App, Running, running

PACKAGE = "fhir-kit-client@1.9.2"
READER = """
const Client = require('fhir-kit-client');
const [baseUrl, token] = process.argv.slice(2);
(async () => {
  const client = new Client({ baseUrl, customHeaders: { Authorization: `Bearer ${token}` } });
  const capability = await client.capabilityStatement();
  const patient = await client.read({ resourceType: 'Patient', id: 'm1' });
  let bundle = await client.search({ resourceType: 'Observation', searchParams: { patient: 'm1', _count: 2 } });
  const ids = [];
  while (bundle) {
    ids.push(...(bundle.entry || []).map((entry) => entry.resource.id));
    bundle = await client.nextPage({ bundle });
  }
  const foreign = await client.read({ resourceType: 'Patient', id: 'm2' }).catch((error) => error.response.status);
  console.log(JSON.stringify({ fhirVersion: capability.fhirVersion, family: patient.name[0].family, ids, foreign }));
})().catch((error) => { console.error(error); process.exit(1); });
"""
OBSERVATIONS = [f"m1-obs-{number}" for number in range(1, 6)]


@pytest.fixture(scope="module")
def payer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tiny.write(tmp_path_factory.mktemp("dataset"))) as found:
        yield found


@pytest.fixture(scope="module")
def token(payer: Running) -> str:
    return str(App(payer).tokens()["access_token"])


def test_fhirpy_reads_and_follows_pages(payer: Running, token: str) -> None:
    from fhirpy import SyncFHIRClient

    client = SyncFHIRClient(payer.fhir, authorization=f"Bearer {token}")
    assert client.reference("Patient", "m1").to_resource()["name"][0]["family"] == "Ångström"
    observations = (
        client.resources("Observation").search(patient="m1", category="survey").sort("-date").limit(2).fetch_all()
    )
    assert [one["id"] for one in observations] == ["m1-obs-5", "m1-obs-3", "m1-obs-1"]
    assert client.resources("Observation").search(patient="m1").count() == 5
    claims = (
        client.resources("ExplanationOfBenefit")
        .search(patient="m1")
        .include("ExplanationOfBenefit", "coverage")
        .fetch_raw()
    )
    assert {entry["resource"]["resourceType"] for entry in claims["entry"]} == {"ExplanationOfBenefit", "Coverage"}
    directory = SyncFHIRClient(payer.url + "/directory")
    assert [
        one["id"]
        for one in directory.resources("PractitionerRole").search(practitioner__Practitioner__name="oka").fetch_all()
    ] == ["role-1"]


def test_fhir_kit_client_reads_and_follows_pages(payer: Running, token: str, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not installed")
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tmp_path), PACKAGE], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip(f"npm cannot install {PACKAGE}: {installed.stderr.strip()[-200:]}")
    (tmp_path / "read.js").write_text(READER, "utf-8")
    ran = subprocess.run([node, "read.js", payer.fhir, token], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"fhirVersion": "4.0.1", "family": "Ångström", "ids": OBSERVATIONS, "foreign": 404}
