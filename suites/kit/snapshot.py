"""What a run saw of the members' records, kept so that a later run can tell what came, went and changed: `snapshot.json` beside `run.jsonl`.

    {"format": 1, "fhir_base": URL, "taken": INSTANT, "salt": HEX,
     "members": {LABEL: {TYPE: {KEY: {"updated", "version", "content", "status", "use", "adjudicated"}}}}}

KEY and `content` are salted hashes of `Type/id` and of the resource without its meta and narrative: enough to know the same one again and
to see that it changed, and nothing of what it says. Beside them stand only instants, versions and statuses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from suites.kit.outcomes import BadTarget

FORMAT = 1
NAME = "snapshot.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource as it was seen; what it does not say is empty."""

    updated: str = ""  # meta.lastUpdated
    version: str = ""  # meta.versionId
    content: str = ""
    status: str = ""
    use: str = ""  # of an ExplanationOfBenefit: claim, preauthorization
    adjudicated: str = ""  # ExplanationOfBenefit.created


@dataclass
class Snapshot:
    """What was seen, by member, type and key; a type that could not be fetched is not there."""

    fhir_base: str
    taken: datetime
    salt: str
    members: dict[str, dict[str, dict[str, Seen]]] = field(default_factory=dict)

    def see(self, member: str, type: str, resources: Iterable[dict[str, Any]]) -> None:
        """Note everything of one type in one member's record; what carries a security label goes and comes with consents, and is left out."""
        held = self.members.setdefault(member, {}).setdefault(type, {})
        for resource in resources:
            meta = resource.get("meta")
            if not (isinstance(meta, dict) and meta.get("security")):
                held[self._hash(f"{type}/{resource.get('id')}")] = self._seen(resource)

    def _seen(self, resource: dict[str, Any]) -> Seen:
        meta = resource.get("meta")
        rest = {name: value for name, value in resource.items() if name not in ("meta", "text")}
        content = orjson.dumps(rest, option=orjson.OPT_SORT_KEYS).decode()
        return Seen(
            _text(meta, "lastUpdated"),
            _text(meta, "versionId"),
            self._hash(content),
            _text(resource, "status"),
            _text(resource, "use"),
            _text(resource, "created") if resource.get("resourceType") == "ExplanationOfBenefit" else "",
        )

    def _hash(self, text: str) -> str:
        return hashlib.sha256(f"{self.salt}{text}".encode()).hexdigest()[:20]

    def write(self, folder: Path) -> None:
        """Keep it in a run's folder."""
        document = {"format": FORMAT, **asdict(self), "taken": self.taken.isoformat()}
        (folder / NAME).write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


def _text(part: Any, name: str) -> str:
    value = part.get(name) if isinstance(part, Mapping) else None
    return value if isinstance(value, str) else ""


def load(path: Path) -> Snapshot:
    """The snapshot in a run's folder, or in a file; BadTarget says what is wrong with it."""
    file = path / NAME if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
        if document["format"] != FORMAT:
            raise BadTarget(f"{file}: a snapshot of format {document['format']}, and this version reads {FORMAT}")
        taken = datetime.fromisoformat(document["taken"])
        members = {
            label: {type: {key: Seen(**one) for key, one in held.items()} for type, held in types.items()}
            for label, types in document["members"].items()
        }
        found = Snapshot(str(document["fhir_base"]), taken, str(document["salt"]), members)
    except OSError as wrong:
        raise BadTarget(
            f"--since {path}: {wrong.strerror or wrong}; it takes the folder of an earlier run that judged freshness, or its {NAME}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise BadTarget(f"--since {file} is no snapshot of an earlier run: {wrong}") from None
    if taken.tzinfo is None:
        raise BadTarget(f"--since {file}: `taken` needs its offset")
    return found


def of_target(path: Path, fhir_base: str) -> Snapshot:
    """The snapshot of an earlier run against the same server."""
    found = load(path)
    if found.fhir_base.rstrip("/") != fhir_base.rstrip("/"):
        raise BadTarget(f"--since {path}: its snapshot is of {found.fhir_base}, and the target is {fhir_base}")
    return found
