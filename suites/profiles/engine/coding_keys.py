"""Concepts as something to remember answers by: a CodeableConcept of one coding, all of it text."""

from __future__ import annotations

from typing import Any

Key = tuple[tuple[str, str], ...]


def coding_key(concept: Any) -> Key | None:
    """The coding of a concept that has exactly one, and beside it at most a text; None for any other."""
    if concept.__class__ is not dict or len(concept) > 2:
        return None
    codings = concept.get("coding")
    if codings.__class__ is not list or len(codings) != 1 or (len(concept) == 2 and "text" not in concept):
        return None
    coding = codings[0]
    if coding.__class__ is not dict:
        return None
    for held in coding.values():
        if held.__class__ is not str:
            return None
    return tuple(coding.items())
