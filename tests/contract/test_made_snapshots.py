"""Snapshots we make judge as the published ones do: guides stripped of theirs give the same findings on their own examples."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from suites.profiles.validator import Validator

GUIDES = (
    ("us-core@3.1.1", "hl7.fhir.us.core-3.1.1"),
    ("carin-bb@2.0.0", "hl7.fhir.us.carin-bb-2.0.0"),
    ("plan-net@1.1.0", "hl7.fhir.us.davinci-pdex-plan-net-1.1.0"),
    ("pdex@2.0.0", "hl7.fhir.us.davinci-pdex-2.0.0"),
)


@pytest.fixture(scope="module")
def packages() -> Path:
    folder = os.environ.get("FHIR_PACKAGE_FOLDER")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            f"FHIR_PACKAGE_FOLDER ({folder or 'not set'}) is not a folder of official FHIR packages: nothing to strip"
        )
    return Path(folder)


def stripped(archive: Path, into: Path) -> tuple[Path, list[bytes]]:
    """The package without snapshots, and its examples."""
    examples = []
    bare = into / archive.name
    with tarfile.open(archive) as source, tarfile.open(bare, "w:gz") as target:
        for member in source:
            stream = source.extractfile(member) if member.isfile() else None
            if stream is None or not member.name.endswith(".json"):
                continue
            body = stream.read()
            if member.name.startswith("package/example/"):
                examples.append(body)
                continue
            if b'"StructureDefinition"' in body[:2000]:
                definition = json.loads(body)
                definition.pop("snapshot", None)
                body = json.dumps(definition).encode()
            member.size = len(body)
            target.addfile(member, io.BytesIO(body))
    return bare, [e for e in examples if b'"resourceType"' in e]


def findings(validator: Validator, example: bytes) -> set[tuple[str, str]]:
    report = validator.validate(example)
    return {(issue.rule, issue.path) for issue in report.issues if issue.severity == "error"}


@pytest.mark.packages
@pytest.mark.parametrize(("guide", "package"), GUIDES, ids=[guide for guide, _ in GUIDES])
def test_a_guide_without_snapshots_finds_what_it_finds_with_them(
    guide: str, package: str, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATIENT_ACCESS_CACHE", str(tmp_path / "cache"))
    bare, examples = stripped(packages / f"{package}.tgz", tmp_path)
    with_published, with_made = Validator([guide]), Validator([], packages=[bare])
    assert examples
    broken = [example.replace(b'"system"', b'"sistem"', 1).replace(b'"status"', b'"statos"', 1) for example in examples]
    found = 0
    for example in (*examples, *broken):
        expected = findings(with_published, example)
        found += len(expected)
        assert findings(with_made, example) == expected, example[:200]
    assert found, "the broken examples are found broken"
