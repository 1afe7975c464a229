"""USCDI's classes and elements as data (classes.toml), and which of them the records at hand show."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from suites.kit.outcomes import Inconclusive
from suites.record.judge import Judge


@dataclass(frozen=True)
class DataClass:
    """One class or element: where it stands and what tells it."""

    name: str
    since: str
    type: str
    group: str = ""
    element: str = ""
    codes: tuple[str, ...] = ()
    url: str = ""

    def shown_by(self, resource: dict[str, Any]) -> bool:
        """Whether a resource shows it."""
        if self.element and not any(True for _ in values(resource, self.element.split("."))):
            return False
        if self.codes and not set(self.codes) & set(all_codes(resource)):
            return False
        return not self.url or any(
            str(one.get("url", "")).endswith(self.url)
            for one in resource.get("extension") or []
            if isinstance(one, dict)
        )


@cache
def data_classes() -> tuple[DataClass, ...]:
    """Every class of classes.toml."""
    table = tomllib.loads((Path(__file__).parent / "classes.toml").read_text(encoding="utf-8"))
    return tuple(DataClass(**{**one, "codes": tuple(one.get("codes", ()))}) for one in table["class"])


def since(*versions: str) -> list[DataClass]:
    """The classes that came with a version."""
    return [one for one in data_classes() if one.since in versions]


def group(name: str) -> list[DataClass]:
    """The classes of one paragraph."""
    return [one for one in data_classes() if one.group == name]


def values(part: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a path of element names, lists stepped into."""
    if isinstance(part, list):
        for one in part:
            yield from values(one, path)
    elif not path:
        if part not in (None, "", {}, []):
            yield part
    elif isinstance(part, dict) and path[0] in part:
        yield from values(part[path[0]], path[1:])


def all_codes(part: Any) -> Iterator[str]:
    """Every code and status anywhere in a resource."""
    if isinstance(part, dict):
        for name, one in part.items():
            if name in ("code", "status") and isinstance(one, str):
                yield one
            else:
                yield from all_codes(one)
    elif isinstance(part, list):
        for one in part:
            yield from all_codes(one)


def first_shown(judge: Judge, wanted: DataClass) -> tuple[str, str]:
    """The first resource that shows a class, and evidence of it; further members are opened while none does."""
    for records in (judge.records, judge.further()):
        for record in records:
            try:
                held = judge.of(record, wanted.type, False)
            except Inconclusive:
                continue
            for resource, evidence in held.resources():
                if wanted.shown_by(resource):
                    return f"{wanted.type}/{resource.get('id')}", evidence
    return "", ""
