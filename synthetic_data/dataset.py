"""Reads and writes datasets: `ResourceType.ndjson` files and `manifest.json` in one folder (docs/architecture.md, Dataset).

A dataset is written beside its place and moved there whole; a reader never sees half of one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

FORMAT = 1
MANIFEST = "manifest.json"


class DatasetError(Exception):
    """A dataset cannot be read or written; the message says where and what to do."""


class DatasetWriter:
    """Writes one dataset beside `out` and moves it in place when all of it is there."""

    def __init__(self, out: Path) -> None:
        """Prepare the folder beside; refuse a place that holds something else."""
        self.out = out
        refuse_foreign_folder(out)
        self.partial = out.parent / f".{out.name}.partial-{os.getpid()}"
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.partial, ignore_errors=True)
            self.partial.mkdir()
            self.members: BinaryIO = (self.partial / "members.part").open("wb")
        except OSError as error:
            raise DatasetError(f"{out.parent} cannot be written: {error.strerror}; choose another --out") from error
        self.files: dict[str, BinaryIO] = {}
        self.first_member = True

    def __enter__(self) -> DatasetWriter:
        """Open for writing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind when writing ended early."""
        for file in (*self.files.values(), self.members):
            with suppress(OSError):  # on a full disk closing fails again, as bytes still wait to be written
                file.close()
        shutil.rmtree(self.partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise DatasetError(f"{self.out} could not be written: {error.strerror}; nothing was left behind") from error

    def append(self, lines_by_type: Mapping[str, bytes]) -> None:
        """Add lines to the files of their types."""
        for resource_type, lines in lines_by_type.items():
            file = self.files.get(resource_type)
            if file is None:
                file = self.files[resource_type] = (self.partial / f"{resource_type}.ndjson").open("wb", 1 << 20)
            file.write(lines)

    def append_members(self, entries: list[bytes]) -> None:
        """Add members to the manifest, one JSON object each."""
        for entry in entries:
            self.members.write(b"\n" if self.first_member else b",\n")
            self.members.write(entry)
            self.first_member = False

    def finish(self, header: Mapping[str, Any]) -> None:
        """Write the manifest and move the dataset in place."""
        for file in (*self.files.values(), self.members):
            file.close()
        head = orjson.dumps({"format": FORMAT, **header})
        part = self.partial / "members.part"
        with (self.partial / MANIFEST).open("wb") as manifest, part.open("rb") as members:
            manifest.write(head[:-1] + b',"members":[')
            shutil.copyfileobj(members, manifest)
            manifest.write(b"\n]}\n")
        part.unlink()
        old = self.out.parent / f".{self.out.name}.replaced-{os.getpid()}"
        replacing = self.out.exists()
        if replacing:
            self.out.rename(old)
        try:
            self.partial.rename(self.out)
        except OSError:
            if replacing:
                old.rename(self.out)
            raise
        shutil.rmtree(old, ignore_errors=True)


def refuse_foreign_folder(out: Path) -> None:
    """A folder may be replaced only if it is empty or a dataset of this format."""
    if not out.exists():
        return
    if not out.is_dir():
        raise DatasetError(f"{out} is a file; --out names a folder")
    if not any(out.iterdir()):
        return
    manifest = out / MANIFEST
    if not manifest.exists():
        raise DatasetError(f"{out} holds something that is not a dataset; empty it or choose another --out")
    found = read_manifest(out)["format"]
    if found != FORMAT:
        raise DatasetError(
            f"{out} holds a dataset of format {found}, this version writes format {FORMAT}; remove it first"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a dataset."""
    path = folder / MANIFEST
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(
            f"{folder} is no dataset: {MANIFEST} is missing; make one with `patient-access generate`"
        ) from error
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise DatasetError(f"{path} names no format; it is not a manifest of a dataset")
    return manifest


def open_dataset(folder: Path) -> dict[str, Any]:
    """The manifest of a dataset this version can read."""
    manifest = read_manifest(folder)
    if manifest["format"] != FORMAT:
        raise DatasetError(f"{folder} is a dataset of format {manifest['format']}; this version reads format {FORMAT}")
    return manifest


def resource_types(folder: Path) -> list[str]:
    """The resource types a dataset holds, by name."""
    return sorted(path.stem for path in folder.glob("*.ndjson"))


def read_lines(folder: Path, resource_type: str) -> Iterator[bytes]:
    """The resources of a type as stored bytes, in generation order."""
    with (folder / f"{resource_type}.ndjson").open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def read_resources(folder: Path, resource_type: str) -> Iterator[dict[str, Any]]:
    """The resources of a type, parsed."""
    for line in read_lines(folder, resource_type):
        yield orjson.loads(line)
