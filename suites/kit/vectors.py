"""Vectors: many inputs for the same steps, as reviewed data beside the checks (`CHAPTER/vectors/*.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

WANTS = ("granted", "refused", "either")


class BadVectors(Exception):
    """A vector file that breaks its own rules."""


@dataclass(frozen=True)
class Vector:
    """One input and what must become of it."""

    id: str
    sends: str
    want: str
    flags: tuple[str, ...]
    note: str


def load(path: Path) -> tuple[str, list[Vector]]:
    """The requirement of a file and its vectors; every flag explained, ids unique, something granted."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    notes = document["notes"]
    vectors: list[Vector] = []
    for one in document["vector"]:
        unexplained = [flag for flag in one["flags"] if flag not in notes]
        if unexplained or one["want"] not in WANTS or not one["flags"]:
            raise BadVectors(f"{path.name}: {one['id']}: want {one['want']!r}, unexplained flags {unexplained}")
        vectors.append(Vector(one["id"], one["sends"], one["want"], tuple(one["flags"]), notes[one["flags"][0]]))
    ids = [one.id for one in vectors]
    if len(set(ids)) != len(ids) or "granted" not in {one.want for one in vectors}:
        raise BadVectors(f"{path.name}: ids must differ and something must be granted")
    return str(document["requirement"]), vectors
