"""Small FHIR packages made for tests."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

CANONICAL = "http://guide.example"


def definition(resource_type: str, name: str, **facts: Any) -> dict[str, Any]:
    """A definition of the guide, with the facts given."""
    url = f"{CANONICAL}/{resource_type}/{name}"
    return {"resourceType": resource_type, "id": name, "url": url, "name": name, "version": "1.0.0"} | facts


def profile(
    name: str, of: str, differential: list[dict[str, Any]], base: str | None = None, **facts: Any
) -> dict[str, Any]:
    """A profile with a differential only."""
    return definition(
        "StructureDefinition",
        name,
        kind="resource",
        type=of,
        derivation="constraint",
        baseDefinition=base or f"http://hl7.org/fhir/StructureDefinition/{of}",
        differential={"element": differential},
        **facts,
    )


def extension(name: str, differential: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    """An extension with a differential only."""
    return profile(name, "Extension", differential, **facts) | {"kind": "complex-type"}


def write_package(
    folder: Path,
    definitions: list[dict[str, Any]],
    name: str = "example.guide",
    version: str = "1.0.0",
    dependencies: dict[str, str] | None = None,
    manifest: dict[str, Any] | None = None,
) -> Path:
    """A package file of these definitions."""
    about = manifest or {
        "name": name,
        "version": version,
        "canonical": CANONICAL,
        "fhirVersions": ["4.0.1"],
        "dependencies": dependencies or {"hl7.fhir.r4.core": "4.0.1"},
    }
    files = {"package/package.json": json.dumps(about).encode()}
    for number, item in enumerate(definitions):
        files[f"package/{item.get('resourceType', 'Unknown')}-{number}.json"] = json.dumps(item).encode()
    return write_archive(folder / f"{name}-{version}.tgz", files)


def write_archive(path: Path, files: dict[str, bytes]) -> Path:
    """A .tgz of these files, names taken as they are."""
    with tarfile.open(path, "w:gz") as archive:
        for member_name, body in files.items():
            member = tarfile.TarInfo(member_name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path
