"""Speed and size of the profile validator, printed. `FHIR_PACKAGE_FOLDER` names the official packages; `FHIR_OFFICIAL_VALIDATOR`,
where it is set, a build of the official validator to run beside ours on the same resources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.profiles_table import ALL, CARIN, claims, small
from tests.benchmarks.validator_speed import cold, command, everything_compiled, examples, official, speed

PACKAGES = os.environ.get("FHIR_PACKAGE_FOLDER")
OFFICIAL = os.environ.get("FHIR_OFFICIAL_VALIDATOR")
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not PACKAGES or not Path(PACKAGES).is_dir(), reason="FHIR_PACKAGE_FOLDER names no folder of official packages"
    ),
]
FOLDER = Path(PACKAGES or ".")


def test_warm_speed():
    for name, guides, documents in (
        ("CARIN EOBs", CARIN, claims(FOLDER)),
        ("small resources", ("us-core@3.1.1",), small(FOLDER)),
    ):
        found = speed(guides, documents)
        print(f"{name}: {found.per_second:,.0f} a second and core ({found.times_reading:.1f} times reading the JSON)")
        assert found.per_second > 100


def test_cold_start_and_memory(tmp_path: Path):
    patient = tmp_path / "patient.json"
    patient.write_bytes(examples(FOLDER / "hl7.fhir.us.core-3.1.1.tgz", "Patient-example")[0])
    clocked, spent = command(("us-core@3.1.1",), patient, times=3)
    print(f"the command on one Patient, cold: {clocked:.2f} s by the clock, {spent:.2f} s of processor time")
    files = []
    for number, document in enumerate([*claims(FOLDER), *small(FOLDER)]):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes(document)
    print(f"one family, {len(files)} resources: {cold(CARIN, files, tmp_path)[1]:.0f} MiB")
    print(f"every shipped guide, the same resources: {cold(ALL, files, tmp_path)[1]:.0f} MiB")
    compiled, megabytes = everything_compiled(ALL)
    print(f"every shipped guide, all its {compiled} profiles compiled: {megabytes:.0f} MiB")
    assert compiled > 300


@pytest.mark.skipif(not OFFICIAL, reason="FHIR_OFFICIAL_VALIDATOR names no build of the official validator")
def test_side_by_side_with_the_official_validator():
    documents = claims(FOLDER)
    packages = ["hl7.fhir.r4.core#4.0.1", "hl7.fhir.us.core#3.1.1", "hl7.fhir.us.carin-bb#2.0.0"]
    theirs = official(Path(OFFICIAL or "."), packages, documents, 20)
    ours = speed(CARIN, documents).per_second
    print(
        f"CARIN EOBs a second on one core, warm: ours {ours:,.0f}, the official validator {theirs:,.1f}: {ours / theirs:,.0f} times as many"
    )
    assert theirs > 0
