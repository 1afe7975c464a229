"""Fixed values and patterns (FHIR R4 elementdefinition.html: fixed[x], pattern[x]).

Fixed means equal in every part; a pattern must be contained: every property of it, and for arrays one matching item each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.place import Place, Step
from suites.profiles.facts import TypedValue

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

_WHOLE = ("CodeableConcept",)
"""Types whose mismatch is told at the element itself, because several codings may meet the pattern."""


def matches(pattern: Any, value: Any) -> bool:
    """Whether the value holds all of the pattern."""
    if pattern.__class__ is dict:
        return value.__class__ is dict and all(
            key in value and matches(held, value[key]) for key, held in pattern.items()
        )
    if pattern.__class__ is list:
        if value.__class__ is not list:
            return False
        return all(any(matches(wanted, one) for one in value) for wanted in pattern)
    return same(pattern, value)


def same(one: Any, other: Any) -> bool:
    """Equal values; true is not 1."""
    if one.__class__ is bool or other.__class__ is bool:
        return one is other
    return bool(one == other)


def equal(fixed: Any, value: Any) -> bool:
    if fixed.__class__ is dict:
        return (
            value.__class__ is dict
            and fixed.keys() == value.keys()
            and all(equal(held, value[key]) for key, held in fixed.items())
        )
    if fixed.__class__ is list:
        return (
            value.__class__ is list
            and len(fixed) == len(value)
            and all(equal(a, b) for a, b in zip(fixed, value, strict=True))
        )
    return same(fixed, value)


def matcher(pattern: TypedValue) -> Callable[[Any], bool]:
    """`matches`, specialised for the commonest pattern: one coding of a CodeableConcept."""
    kind, wanted = pattern
    codings = (
        wanted.get("coding")
        if kind == "CodeableConcept" and wanted.__class__ is dict and wanted.keys() == {"coding"}
        else None
    )
    if (
        codings.__class__ is list
        and len(codings) == 1
        and codings[0].__class__ is dict
        and codings[0].keys() == {"system", "code"}
    ):
        system, code = codings[0]["system"], codings[0]["code"]

        def one_coding(value: Any) -> bool:
            if value.__class__ is not dict:
                return False
            listed = value.get("coding")
            if listed.__class__ is not list:
                return False
            for coding in listed:
                if coding.__class__ is dict and coding.get("code") == code and coding.get("system") == system:
                    return True
            return False

        return one_coding
    return lambda value: matches(wanted, value)


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if value.__class__ is dict:
        if "coding" in value and value["coding"].__class__ is list:
            return ", ".join(shown(coding) for coding in value["coding"])
        if "code" in value:
            return f"{value.get('system', '')}#{value['code']}"
        return "{" + ", ".join(f"{key}: {shown(held)}" for key, held in list(value.items())[:4]) + "}"
    if value.__class__ is list:
        return ", ".join(shown(one) for one in value[:4])
    return f"'{str(value)[:80]}'"


def _differences(wanted: Any, value: Any, exact: bool, place: Place) -> Iterator[tuple[Place, str, Any, Any]]:
    if wanted.__class__ is dict and value.__class__ is dict:
        for key, held in wanted.items():
            step = (place, Step(key, key, key, ""), None)
            if key not in value:
                yield step, "is missing", held, None
            elif held.__class__ is dict:
                yield from _differences(held, value[key], exact, step)
            elif not (equal if exact else matches)(held, value[key]):
                yield step, "is wrong", held, value[key]
        if exact:
            for key in value.keys() - wanted.keys():
                yield (place, Step(key, key, key, ""), None), "is not part of the fixed value", None, value[key]
    else:
        yield place, "is wrong", wanted, value


def fixed_check(fixed: TypedValue, profile: str, *, exact: bool) -> Callable[[Any, Any, Place, Run], None]:
    """The check of an element with `fixed[x]` (exact) or `pattern[x]`."""
    kind, wanted = fixed
    meets: Callable[[Any], bool] = (lambda value: equal(wanted, value)) if exact else matcher(fixed)
    rule, word = ("fixed", "fixed to") if exact else ("pattern", "required to match")

    def check(value: Any, sibling: Any, place: Place, run: Run) -> None:
        if exact and sibling.__class__ is dict and "extension" in sibling and wanted.__class__ is not dict:
            run.add(
                ERROR,
                rule,
                place,
                f"may have no extension: it is {word} {shown(wanted)}",
                profile,
                expected=shown(wanted),
            )
        if meets(value):
            return
        if value is None:
            run.add(ERROR, rule, place, f"has no value, but is {word} {shown(wanted)}", profile, expected=shown(wanted))
            return
        if not exact and kind in _WHOLE:
            run.add(
                ERROR,
                rule,
                place,
                f"{shown(value)} does not match {shown(wanted)}",
                profile,
                expected=shown(wanted),
                found=shown(value),
            )
            return
        for where, what, expected, found in _differences(wanted, value, exact, place):
            run.add(
                ERROR,
                rule,
                where,
                f"{what}: {word} {shown(expected)}, found {shown(found) if found is not None else 'nothing'}",
                profile,
                shown(expected),
                shown(found),
            )

    return check
