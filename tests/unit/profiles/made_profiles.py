"""Profiles made by hand: a base type's snapshot with elements changed, added and sliced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from suites.profiles.engine.engine import Engine
from suites.profiles.facts import Element, Slicing, Structure, TypeRef
from suites.profiles.registry import Registry

CANONICAL = "http://made.example/StructureDefinition/"


class WithProfiles(Registry):
    """The registry of FHIR R4 with some more structures."""

    def __init__(self, structures: Iterable[Structure]) -> None:
        super().__init__(())
        self._made = {structure.url: structure for structure in structures}

    def structure(self, url: str, version: str | None = None) -> Structure | None:
        return self._made.get(url.partition("|")[0]) or super().structure(url, version)


def element(identity: str, **facts: Any) -> Element:
    """An element of a made profile; its path is its id without slice names."""
    path = ".".join(part.partition(":")[0] for part in identity.split("."))
    last = identity.rpartition(".")[2]
    return Element(identity, path, last.partition(":")[2] or None, **facts)


def profile(name: str, base: str, *changes: Element) -> Structure:
    """A profile of a base type: its elements, those named changed, the others put in after their parents."""
    core = Registry(()).structure(base)
    assert core is not None
    elements = list(core.elements)
    for change in changes:
        here = next((n for n, one in enumerate(elements) if one.id == change.id), None)
        if here is not None:
            was = elements[here]
            elements[here] = replace(
                change,
                types=change.types or was.types,
                max=change.max if change.max is not None else was.max,
                constraints=(*was.constraints, *change.constraints),
            )
            continue
        sibling = next((one for one in core.elements if one.path == change.path), None)
        filled = replace(change, types=change.types or (sibling.types if sibling is not None else ()))
        elements.append(filled)
    return Structure(
        CANONICAL + name, None, name, base, core.kind, "constraint", core.url, False, (), "made", tuple(elements)
    )


def judged(structures: list[Structure], resource: dict[str, Any]) -> list[tuple[str, str]]:
    """(rule, path) of every error, the first structure being the profile asked for."""
    engine = Engine(WithProfiles(structures))
    run = engine.judge.document(resource, [structures[0].url])
    return [(issue.rule, issue.path) for issue in run.findings.issues if issue.severity == "error"]


__all__ = ["CANONICAL", "Slicing", "TypeRef", "WithProfiles", "element", "judged", "profile"]
