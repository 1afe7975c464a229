"""A population as large as wanted from a small dataset: each member is a copy of a generated one under an id of its own.

Members are slim (a Patient, a Coverage, claims and observations), because what is measured is how the number of members counts,
not how large a member is. Leaves to others: making the dataset that is copied (`patient-access generate`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIGNING_IN = 8  # members with credentials, spread over all
PER_MEMBER = {"Patient": 1, "Coverage": 1, "Encounter": 1, "ExplanationOfBenefit": 1, "Observation": 4}
SHARED = (
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "InsurancePlan",
    "MedicationKnowledge",
    "Basic",
)


def _signing_in(original: dict[str, Any], place: int, number: int) -> dict[str, Any]:
    """A copy one can sign in as."""
    own = {"patient": copied_id(number), "username": f"member{place}", "acts_for": [], "withheld": [], "totals": {}}
    return {**original, **own}


def copied_id(number: int) -> str:
    """The id of the copy of that number."""
    return f"b{number:07d}"


def write(template: Path, members: int, out: Path) -> int:
    """Write a dataset of that many copied members; how many resources of members it has."""
    manifest = json.loads((template / "manifest.json").read_text("utf-8"))
    originals = [str(member["patient"]) for member in manifest["members"]]
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for type_name, most in PER_MEMBER.items():
        lines = _lines_of(template / f"{type_name}.ndjson", originals, most)
        full = [original for original in originals if len(lines[original]) == most]
        with (out / f"{type_name}.ndjson").open("wb") as file:
            for number in range(members):
                original = full[number % len(full)]
                text = b"".join(lines[original])
                file.write(text.replace(original.encode(), copied_id(number).encode()))
                written += most
    for type_name in SHARED:
        source = template / f"{type_name}.ndjson"
        if source.is_file():
            (out / f"{type_name}.ndjson").write_bytes(source.read_bytes())
    few = [
        _signing_in(manifest["members"][0], place, place * members // SIGNING_IN)
        for place in range(min(members, SIGNING_IN))
    ]
    manifest |= {"members": few, "members_requested": members, "counts": {}}
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return written


def _lines_of(path: Path, originals: list[str], most: int) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {original: [] for original in originals}
    keys = [(original, f'"Patient/{original}"'.encode(), f'"id":"{original}"'.encode()) for original in originals]
    with path.open("rb") as file:
        for line in file:
            for original, reference, own in keys:
                if (reference in line or (path.stem == "Patient" and own in line)) and len(found[original]) < most:
                    found[original].append(line)
                    break
    return found
