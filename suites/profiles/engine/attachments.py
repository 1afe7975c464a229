"""Attachment (FHIR R4 datatypes.html#Attachment): its hash is the base64 SHA-1 of its data, its size the data's length."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.place import Place

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run


def judge_attachment(value: dict[str, Any], place: Place, run: Run) -> None:
    """Data, size and hash agree where they are given together."""
    data, size, stated = value.get("data"), value.get("size"), value.get("hash")
    if data.__class__ is not str or (size is None and stated is None):
        return
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return  # told at the data itself
    if size.__class__ is int and size != len(content):
        run.add(
            ERROR,
            "attachment-size",
            place,
            f"size is {size}, but the data has {len(content)} bytes",
            expected=str(len(content)),
            found=str(size),
        )
    if stated.__class__ is str:
        actual = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
        if stated != actual:
            run.add(
                ERROR,
                "attachment-hash",
                place,
                f"hash is '{stated[:60]}', but that of the data is '{actual}'",
                expected=actual,
                found=stated[:100],
            )
