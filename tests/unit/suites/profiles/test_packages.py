"""Reading official packages without trusting them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from suites.profiles.compiler import packages
from suites.profiles.compiler.packages import BadPackage, read_package, read_package_folder
from tests.unit.suites.profiles.packages import definition, write_archive, write_package


def test_definitions_are_read_by_resource_type(tmp_path: Path) -> None:
    path = write_package(tmp_path, [definition("ValueSet", "colours"), definition("CodeSystem", "paint")])
    package = read_package(path)
    assert (package.name, package.version, len(package.sha256)) == ("example.guide", "1.0.0", 64)
    assert [d["id"] for d in package.definitions["ValueSet"]] == ["colours"]
    assert [d["id"] for d in package.definitions["CodeSystem"]] == ["paint"]


@pytest.mark.parametrize(
    "name", ["../escape.json", "package/../../escape.json", "/etc/escape.json", "package\\..\\..\\x.json"]
)
def test_an_entry_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = write_archive(tmp_path / "bad.tgz", {"package/package.json": b"{}", name: b"{}"})
    with pytest.raises(BadPackage, match="leaves the package's folder"):
        read_package(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.tgz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("package/ValueSet-x.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(BadPackage, match="link or device"):
        read_package(path)


def test_a_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_BYTES", 4 * 1024 * 1024)
    path = write_archive(tmp_path / "bomb.tgz", {"package/other/zeros.bin": bytes(16 * 1024 * 1024)})
    assert path.stat().st_size < 100_000
    with pytest.raises(BadPackage, match="unpacks to more than 4 MiB"):
        read_package(path)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_ENTRIES", 10)
    path = write_archive(tmp_path / "many.tgz", {f"package/{n}.json": b"{}" for n in range(20)})
    with pytest.raises(BadPackage, match="more than 10 entries"):
        read_package(path)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_BYTES_OF_A_FILE", 1024)
    path = write_archive(tmp_path / "large.tgz", {"package/ValueSet-x.json": bytes(4096)})
    with pytest.raises(BadPackage, match=r"ValueSet-x\.json is larger"):
        read_package(path)


def _archive(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return held.getvalue()


MANIFEST = json.dumps({"name": "example.guide", "version": "1.0.0", "fhirVersions": ["4.0.1"]}).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not a package", "not a gzip file"),
        (b"", "holds no package/package.json|damaged"),
        (gzip.compress(b"not a tar file" * 100), "damaged"),
        (_archive({"package/package.json": MANIFEST})[:-40], "damaged|cut short"),
        (_archive({"package/x.json": b"{}"}), "holds no package/package.json"),
        (_archive({"package/package.json": b"{"}), "package/package.json is not JSON"),
        (_archive({"package/package.json": b"[]"}), "not a JSON object"),
        (_archive({"package/package.json": b'{"name": "x"}'}), "names no package and version"),
        (_archive({"package/package.json": b'{"name": "../x", "version": "1"}'}), "not a package name"),
        (
            _archive({"package/package.json": b'{"name": "x", "version": "1", "fhirVersions": ["5.0.0"]}'}),
            "made for FHIR 5.0.0",
        ),
        (
            _archive({"package/package.json": MANIFEST, "package/ValueSet-a.json": b"\xff"}),
            r"ValueSet-a\.json is not JSON",
        ),
        (
            _archive({"package/package.json": MANIFEST, "package/V.json": b'{"a":' * 5000 + b"1" + b"}" * 5000}),
            "not JSON",
        ),
    ],
    # Named by place: archives carry the time they were made, and workers must agree on names.
    ids=map(str, range(32)),
)
def test_what_is_not_a_package_is_said_plainly(tmp_path: Path, body: bytes, said: str) -> None:
    path = tmp_path / "odd.tgz"
    path.write_bytes(body)
    with pytest.raises(BadPackage, match=said):
        read_package(path)


def test_a_missing_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(BadPackage, match="No such file"):
        read_package(tmp_path / "nowhere.tgz")


def test_an_unpacked_package_reads_like_a_packed_one(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_bytes(MANIFEST)
    (tmp_path / "ValueSet-a.json").write_text(json.dumps(definition("ValueSet", "a")))
    package = read_package_folder(tmp_path)
    assert package.name == "example.guide"
    assert [d["id"] for d in package.definitions["ValueSet"]] == ["a"]
    before = package.sha256
    (tmp_path / "ValueSet-a.json").write_text(json.dumps(definition("ValueSet", "b")))
    assert read_package_folder(tmp_path).sha256 != before
