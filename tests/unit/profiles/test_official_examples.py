"""Every official example of the guides is valid, but for a short list of contradictions inside the guides themselves."""

from __future__ import annotations

import json
import os
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from suites.profiles import Validator

FOLDER = os.environ.get("FHIR_PACKAGE_FOLDER")
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not FOLDER or not Path(FOLDER).is_dir(), reason="FHIR_PACKAGE_FOLDER names no folder of official packages"
    ),
]
FAMILIES = {
    "hl7.fhir.us.core-3.1.1": ["us-core@3.1.1"],
    "hl7.fhir.us.core-4.0.0": ["us-core@4.0.0"],
    "hl7.fhir.us.core-5.0.1": ["us-core@5.0.1"],
    "hl7.fhir.us.core-6.1.0": ["us-core@6.1.0"],
    "hl7.fhir.us.carin-bb-1.0.0": ["us-core@3.1.1", "carin-bb@1.0.0"],
    "hl7.fhir.us.carin-bb-1.1.0": ["us-core@3.1.1", "carin-bb@1.1.0"],
    "hl7.fhir.us.carin-bb-2.0.0": ["us-core@3.1.1", "carin-bb@2.0.0"],
    "hl7.fhir.us.davinci-hrex-0.2.0": ["us-core@3.1.1", "hrex@0.2.0"],
    "hl7.fhir.us.davinci-hrex-1.0.0": ["us-core@3.1.1", "hrex@1.0.0", "pas@2.0.1"],
    "hl7.fhir.us.davinci-pdex-1.0.0": ["us-core@3.1.1", "hrex@0.2.0", "pdex@1.0.0"],
    "hl7.fhir.us.davinci-pdex-2.0.0": ["us-core@3.1.1", "hrex@1.0.0", "pas@2.0.1", "pdex@2.0.0"],
    "hl7.fhir.us.davinci-pas-2.0.1": ["us-core@3.1.1", "hrex@1.0.0", "pas@2.0.1"],
    "hl7.fhir.us.davinci-pdex-plan-net-1.0.0": ["us-core@3.1.1", "plan-net@1.0.0"],
    "hl7.fhir.us.davinci-pdex-plan-net-1.1.0": ["us-core@3.1.1", "plan-net@1.1.0"],
    "hl7.fhir.us.davinci-drug-formulary-1.0.1": ["us-core@3.1.1", "formulary@1.0.1"],
    "hl7.fhir.us.davinci-drug-formulary-1.1.0": ["us-core@3.1.1", "formulary@1.1.0"],
    "hl7.fhir.us.davinci-drug-formulary-2.0.0": ["us-core@3.1.1", "hrex@1.0.0", "plan-net@1.0.0", "formulary@2.0.0"],
    "hl7.fhir.us.davinci-drug-formulary-2.0.1": ["us-core@3.1.1", "hrex@1.0.0", "plan-net@1.1.0", "formulary@2.0.1"],
}
CONTRADICTIONS = json.loads((Path(__file__).parent / "contradictions.json").read_text())
"""Package to example to the rules it breaks and why that is the guide's doing."""


def examples(package: str) -> dict[str, bytes]:
    with tarfile.open(Path(FOLDER or ".") / f"{package}.tgz") as tar:
        found = {}
        for member in tar.getmembers():
            if (
                "/example/" in member.name
                and member.name.endswith(".json")
                and not member.name.endswith((".index.json", "package.json"))
            ):
                stream = tar.extractfile(member)
                assert stream is not None
                found[Path(member.name).stem] = stream.read()
        return found


@pytest.mark.parametrize("package", sorted(FAMILIES))
def test_official_examples_are_valid(package: str):
    validator = Validator(guides=FAMILIES[package])
    known = CONTRADICTIONS.get(package, {})
    checked: Counter[str] = Counter()
    surprises = {}
    for name, document in sorted(examples(package).items()):
        report = validator.validate(document)
        if report.resource_type in (None, "ImplementationGuide"):
            continue
        checked["all"] += 1
        rules = sorted({issue.rule for issue in report.errors()})
        if rules != sorted(known.get(name, {}).get("rules", [])):
            surprises[name] = {issue.rule: f"{issue.path}: {issue.message}" for issue in report.errors()}
    assert not surprises
    assert checked["all"] > 5
