"""FHIRPath's list of choice elements is that of the R4 tables, and no property is taken for a choice by mistake."""

from __future__ import annotations

from suites.profiles.fhirpath.choices import CHOICE_TYPES, CHOICES
from suites.profiles.finding import base_guides


def test_choice_elements_and_their_types_are_those_of_r4() -> None:
    core = base_guides()[0]
    names: set[str] = set()
    types: set[str] = set()
    siblings: dict[str, dict[str, int]] = {}
    for header in core.headers():
        structure = core.structure(header.url, core) if header.derivation != "constraint" else None
        for element in structure.elements if structure is not None else ():
            last = element.path.rpartition(".")[2]
            if last.endswith("[x]"):
                names.add(last[:-3])
                types |= {t.code for t in element.types}
            else:
                siblings.setdefault(f"{header.url} {element.path.rpartition('.')[0]}", {})[last] = element.min
    assert frozenset(CHOICES) == names
    assert set(CHOICE_TYPES) == types
    capital = {t[:1].upper() + t[1:] for t in types}
    # Where an element and a property that spells it with a type stand side by side, asking for one
    # that is absent could find the other.
    mistaken = {
        (where, longer)
        for where, held in siblings.items()
        for longer in held
        for shorter in held.keys() & names
        if held[shorter] == 0 and longer.startswith(shorter) and longer[len(shorter) :] in capital
    }
    assert not mistaken
