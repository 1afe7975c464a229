"""Reads an official FHIR package (npm-style .tgz), trusting nothing in it.

Nothing is written to disk. A package whose entries climb out of their folder, that unpacks to more than a package can
hold, or that is cut short is refused with the name of the entry.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

MOST_BYTES = 512 * 1024 * 1024
MOST_ENTRIES = 60_000
MOST_BYTES_OF_A_FILE = 64 * 1024 * 1024
READ_TYPES = frozenset(("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "CapabilityStatement"))
_CHUNK = 1024 * 1024


class BadPackage(ValueError):
    """A file that is not a FHIR package we dare or are able to read; the message says what and where."""


@dataclass(frozen=True)
class Package:
    """What a package holds, as far as tables are made of it; `definitions` by resourceType, in order of file name."""

    name: str
    version: str
    sha256: str
    canonical: str | None
    fhir_versions: tuple[str, ...]
    dependencies: Mapping[str, str]
    definitions: Mapping[str, tuple[dict[str, Any], ...]]


class _Bounded(io.RawIOBase):
    """The unpacked stream, which stops being read once it is longer than a package can be."""

    def __init__(self, source: IO[bytes], path: Path) -> None:
        self._source = gzip.GzipFile(fileobj=source, mode="rb")
        self._left = MOST_BYTES
        self._path = path

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(_CHUNK if size is None or size < 0 else min(size, _CHUNK))
        self._left -= len(chunk)
        if self._left < 0:
            raise BadPackage(
                f"{self._path.name}: unpacks to more than {MOST_BYTES >> 20} MiB, more than any package holds"
            )
        return chunk


def sha256_of(path: Path) -> str:
    """Hash of the file as it is."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def read_package(path: Path) -> Package:
    """The definitions in a package file."""
    try:
        sha256 = sha256_of(path)
        with path.open("rb") as source:
            return _package(_files(source, path), sha256, path)
    except OSError as failed:
        if isinstance(failed, gzip.BadGzipFile):
            raise BadPackage(f"{path.name}: not a gzip file, so not a FHIR package") from None
        raise BadPackage(f"{path}: {failed.strerror or failed}") from None
    except (tarfile.TarError, EOFError, zlib.error) as broken:
        raise BadPackage(f"{path.name}: damaged or cut short ({broken})") from None


def read_package_folder(folder: Path) -> Package:
    """The definitions of a package that lies unpacked in a FHIR package cache (its `package/` folder)."""
    digest = hashlib.sha256()
    files = []
    left = MOST_BYTES
    try:
        for path in sorted(folder.glob("*.json")):
            left -= path.stat().st_size
            if left < 0:
                raise BadPackage(f"{folder}: holds more than {MOST_BYTES >> 20} MiB, more than any package does")
            body = path.read_bytes()
            digest.update(f"{path.name}\0{len(body)}\0".encode() + body)
            files.append((path.name, body))
    except OSError as failed:
        raise BadPackage(f"{failed.filename or folder}: {failed.strerror or failed}") from None
    return _package(iter(files), digest.hexdigest(), folder)


def _package(files: Iterator[tuple[str, bytes]], sha256: str, path: Path) -> Package:
    manifest: dict[str, Any] | None = None
    definitions: dict[str, list[tuple[str, dict[str, Any]]]] = {kind: [] for kind in READ_TYPES}
    for name, body in files:
        if name == "package.json":
            manifest = _json(body, path, name)
        elif not name.startswith(".") and name != "ig-r4.json":
            definition = _json(body, path, name)
            kind = definition.get("resourceType")
            if isinstance(kind, str) and kind in definitions:
                definitions[kind].append((name, definition))
    if manifest is None:
        raise BadPackage(f"{path.name}: holds no package/package.json, so it is not a FHIR package")
    return _described(manifest, sha256, path, definitions)


def _files(source: IO[bytes], path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each JSON file directly in `package/`."""
    count = 0
    with tarfile.open(fileobj=_Bounded(source, path), mode="r|", bufsize=_CHUNK) as archive:
        for member in archive:
            count += 1
            if count > MOST_ENTRIES:
                raise BadPackage(f"{path.name}: holds more than {MOST_ENTRIES} entries")
            where = PurePosixPath(member.name.replace("\\", "/"))
            if where.is_absolute() or ".." in where.parts or ":" in where.parts[:1]:
                raise BadPackage(f"{path.name}: the entry {member.name!r} leaves the package's folder")
            if not (member.isfile() or member.isdir()):
                raise BadPackage(
                    f"{path.name}: the entry {member.name!r} is a link or device, which packages do not hold"
                )
            if not member.isfile() or where.suffix != ".json" or where.parent != PurePosixPath("package"):
                continue
            if member.size > MOST_BYTES_OF_A_FILE:
                raise BadPackage(f"{path.name}: {member.name} is larger than {MOST_BYTES_OF_A_FILE >> 20} MiB")
            stream = archive.extractfile(member)
            if stream is not None:
                yield where.name, stream.read()


def _json(body: bytes, path: Path, name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as broken:
        raise BadPackage(f"{path.name}: package/{name} is not JSON ({broken})") from None
    if not isinstance(value, dict):
        raise BadPackage(f"{path.name}: package/{name} is not a JSON object")
    return value


def _described(
    manifest: dict[str, Any], sha256: str, path: Path, definitions: dict[str, list[tuple[str, dict[str, Any]]]]
) -> Package:
    name, version = manifest.get("name"), manifest.get("version")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        raise BadPackage(f"{path.name}: package.json names no package and version")
    if not set(name + version) <= _NAME_LETTERS or name.startswith(".") or ".." in name + version:
        raise BadPackage(
            f"{path.name}: package.json calls the package {name!r} {version!r}, which is not a package name"
        )
    versions = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or ["4.0.1"]
    if not any(str(v).startswith("4.0") for v in versions):
        raise BadPackage(f"{path.name}: made for FHIR {', '.join(map(str, versions))}; these tables are for R4 (4.0.1)")
    dependencies = manifest.get("dependencies") or {}
    return Package(
        name=name,
        version=version,
        sha256=sha256,
        canonical=manifest.get("canonical"),
        fhir_versions=tuple(map(str, versions)),
        dependencies=dict(dependencies) if isinstance(dependencies, dict) else {},
        definitions={
            kind: tuple(body for _, body in sorted(found, key=lambda pair: pair[0]))
            for kind, found in definitions.items()
        },
    )


_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+")
