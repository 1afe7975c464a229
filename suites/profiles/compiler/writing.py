"""Lays tables out on disk: an entry's key at the start of a line, its parts one a line, nothing left half written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_PARTS = ("elements", "concepts", "resources", "codes")
_WIDTH = 118


def table_text(header: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The bytes of one table file."""
    lines = [b"{"]
    for name, value in header.items():
        lines.append(_json(name) + b":" + _shared(value) + b",")
    lines.append(b'"entries":{')
    bodies = [_json(key) + b":" + _entry(entry) for key, entry in entries.items()]
    return b"\n".join(lines) + b"\n" + b",\n".join(bodies) + (b"\n" if bodies else b"") + b"}\n}\n"


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _shared(value: Any) -> bytes:
    """A header's value: one line for each of an object's members."""
    if not isinstance(value, Mapping) or not value:
        return _json(value)
    return b"{\n " + b",\n ".join(_json(k) + b":" + _json(v) for k, v in value.items()) + b"}"


def _entry(entry: Mapping[str, Any]) -> bytes:
    facts = {k: v for k, v in entry.items() if k not in _PARTS}
    opening = _json(facts)
    parts = [k for k in _PARTS if k in entry]
    if not parts:
        return opening
    blocks = [b" " + _json(k) + b":" + _block(entry[k]) for k in parts]
    comma = b",\n" if facts else b"\n"
    return opening[:-1] + comma + b",\n".join(blocks) + b"}"


def _block(part: Any) -> bytes:
    if isinstance(part, Mapping):
        return b"{\n " + b",\n ".join(_json(k) + b":" + _wrapped(v) for k, v in part.items()) + b"}"
    return b"[\n " + b",\n ".join(_json(item) for item in part) + b"]"


def _wrapped(codes: list[str]) -> bytes:
    """A list of codes, folded so that a line stays readable."""
    rows: list[list[bytes]] = [[]]
    width = 0
    for code in map(_json, codes):
        if width + len(code) > _WIDTH and rows[-1]:
            rows.append([])
            width = 0
        rows[-1].append(code)
        width += len(code) + 1
    return b"[" + b",\n  ".join(b",".join(row) for row in rows) + b"]"


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a guide's tables in place all at once: a reader sees the old folder or the new one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    stale = fresh.with_name(f"{fresh.name}-old")
    try:
        for name, body in files.items():
            (fresh / name).write_bytes(body)
        fresh.chmod(0o755)
        if folder.exists():
            os.replace(folder, stale)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(stale, ignore_errors=True)
