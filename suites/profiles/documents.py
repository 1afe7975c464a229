"""Documents to judge, from files, directories and standard input, without holding more than one of them.

A `.json` file is one document; `.ndjson` and `.jsonl` are one document a line, of any number; a directory is all of them
below it. Standard input is read as lines if its first line is a whole document, else as one document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LINES = (".ndjson", ".jsonl")
# The index of a dataset names resources and is none; named as a path of its own it is judged like anything.
DATASET_INDEX = "manifest.json"


@dataclass(frozen=True, slots=True)
class Document:
    """Where a document came from (`file`, or `file:line`) and its bytes."""

    source: str
    content: bytes


class NoSuchDocument(Exception):
    """A path that cannot be read."""


def documents(paths: Iterable[str], largest: int) -> Iterator[Document]:
    """Every document of the paths, in order; `-` is standard input."""
    for path in paths:
        if path == "-":
            yield from _of_stream(sys.stdin.buffer, "-", largest)
        else:
            yield from _of_path(Path(path), largest)


def check_paths(paths: Iterable[str]) -> None:
    """Fail before anything is judged when a path does not exist."""
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise NoSuchDocument(f"{path}: no such file or directory")


def guides_of_datasets(paths: Iterable[str]) -> dict[str, Path]:
    """Guides, as in `us-core@6.1.0`, that the datasets at these paths were made for, each with the index that names it.

    A dataset is a folder with an index (`manifest.json`: `"guides": {"us_core": "6.1.0", …}`), or lines in such a folder.
    """
    found: dict[str, Path] = {}
    for path in map(Path, dict.fromkeys(paths)):
        index = (path if path.is_dir() else path.parent) / DATASET_INDEX
        if not path.is_dir() and path.suffix not in LINES:
            continue
        try:
            said = json.loads(index.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        named = said.get("guides") if isinstance(said, dict) and "generator" in said else None
        for name, version in named.items() if isinstance(named, dict) else ():
            if isinstance(version, str):
                found.setdefault(f"{name.replace('_', '-')}@{version}", index)
    return found


def _of_path(path: Path, largest: int) -> Iterator[Document]:
    if path.is_dir():
        for one in sorted(p for p in path.rglob("*") if p.suffix in (".json", *LINES) and p.is_file()):
            if one.name != DATASET_INDEX:
                yield from _of_path(one, largest)
        return
    try:
        with path.open("rb") as stream:
            if path.suffix in LINES:
                yield from _lines(stream, str(path), largest)
            else:
                yield Document(str(path), stream.read(largest + 1))
    except OSError as wrong:
        raise NoSuchDocument(f"{path}: {wrong.strerror}") from wrong


def _of_stream(stream: BinaryIO, name: str, largest: int) -> Iterator[Document]:
    first = stream.readline(largest + 1)
    if _is_whole(first):
        yield from _lines(stream, name, largest, first)
    else:
        yield Document(name, first + stream.read(max(largest + 1 - len(first), 0)))


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(stream: BinaryIO, name: str, largest: int, first: bytes | None = None) -> Iterator[Document]:
    number = 0
    line = first if first is not None else stream.readline(largest + 1)
    while line:
        number += 1
        if len(line) > largest and not line.endswith(b"\n"):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(1 << 20)
        if line.strip():
            yield Document(f"{name}:{number}", line)
        line = stream.readline(largest + 1)
