"""An element's values below an object, ready to be judged one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.children import Child
from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.handlers import REMEMBERED
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.primitives import PRIMITIVES

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

Check = Callable[[dict[str, Any], Place, "Run"], None]
"""Judges an object as a whole: one element below it, or an invariant on it."""
Content = Callable[[Any, Any, Place, str, "Run"], None]
"""Judges one element: (value, `_sibling`, place, type, run)."""
Item = tuple[Any, Any, Place, str]
"""(value, `_sibling`, place, type)."""
Collect = Callable[[dict[str, Any], Place], tuple[list[Item], int]]
"""Items to judge, and how many elements there are: those of a wrong JSON type count, but are told elsewhere."""


def keys_of(child: Child) -> tuple[str, str] | None:
    """The two JSON properties an element may be in, None for a choice."""
    return (child.variants[0].key, "_" + child.variants[0].key) if len(child.variants) == 1 else None


def plain_check(
    child: Child,
    least: int,
    content: Content,
    label: str,
    url: str,
    inner: Check | None,
    clean: Mapping[bytes | None, tuple[str, ...]] | None,
) -> Check:
    """The check of an element that is neither a primitive nor a choice nor sliced: straight at its values.

    `inner` is the content as a check of the value alone, where it is no more than that; `clean` what the content remembers of
    concepts that were found good.
    """
    variant = child.variants[0]
    key, step, kind = variant.key, variant.step, variant.type

    def missing(count: int, place: Place, run: Run) -> None:
        message = f"{label}: at least {least} required, {count or 'none'} found"
        run.add(ERROR, "cardinality-min", place, message, url)

    def one(value: dict[str, Any], place: Place, run: Run) -> None:
        held = value.get(key)
        if held.__class__ is dict:
            content(held, None, (place, step, None), kind, run)
        elif least and key not in value:
            missing(0, place, run)

    def one_concept(value: dict[str, Any], place: Place, run: Run) -> None:
        held = value.get(key)
        if held.__class__ is not dict:
            if least and key not in value:
                missing(0, place, run)
            return
        lacking = clean.get(run.keys.get(id(held)))  # type: ignore[union-attr]
        if lacking is None:
            content(held, None, (place, step, None), kind, run)
        elif lacking:
            for what in lacking:
                run.lacks(what, (place, step, None))

    def one_alone(value: dict[str, Any], place: Place, run: Run) -> None:
        held = value.get(key)
        if held.__class__ is dict:
            inner(held, (place, step, None), run)  # type: ignore[misc]
        elif least and key not in value:
            missing(0, place, run)

    def several(value: dict[str, Any], place: Place, run: Run) -> None:
        held = value.get(key)
        if held.__class__ is not list:
            if least and key not in value:
                missing(0, place, run)
            return
        if len(held) < least:
            missing(len(held), place, run)
        if inner is not None:
            for index, each in enumerate(held):
                if each.__class__ is dict:
                    inner(each, (place, step, index), run)
            return
        for index, each in enumerate(held):
            if each.__class__ is dict:
                content(each, None, (place, step, index), kind, run)

    if child.many:
        return several
    if clean is not None:
        return one_concept
    return one if inner is None else one_alone


def presence_check(child: Child, least: int, label: str, url: str) -> Check:
    """The check of an element of which a profile says no more than that it must be there."""
    key, beside = child.variants[0].key, "_" + child.variants[0].key
    collect = collector(child)

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        held = value.get(key)
        if held is not None and (len(held) >= least if held.__class__ is list else least == 1):
            return
        count = collect(value, place)[1] if key in value or beside in value else 0
        if count < least:
            message = f"{label}: at least {least} required, {count or 'none'} found"
            run.add(ERROR, "cardinality-min", place, message, url)

    return check


def collector(child: Child) -> Collect:
    """Gathers an element's values below an object: items to judge, and how many there are (those of a wrong JSON type count)."""
    if len(child.variants) == 1:
        variant = child.variants[0]
        return (
            _many(variant.key, variant.step, variant.type)
            if child.many
            else _one(variant.key, variant.step, variant.type)
        )
    return _choice_by_key(child)


def _choice_by_key(child: Child) -> Collect:
    """A choice of many types: the object has fewer properties than the choice has types, or the other way round."""
    by_key = {variant.key: (variant.step, variant.type, variant.type in PRIMITIVES) for variant in child.variants}
    beside = {"_" + variant.key: variant.key for variant in child.variants if variant.type in PRIMITIVES}
    names = frozenset((*by_key, *beside))
    none_of_them = names.isdisjoint
    nothing: tuple[list[Item], int] = ([], 0)

    def choice(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
        if none_of_them(value):
            return nothing
        items: list[Item] = []
        count = 0
        for name in value:
            if name not in names:
                continue
            key = name
            if name not in by_key:
                key = beside[name]
                if key in value:
                    continue
            count += 1
            step, kind, primitive = by_key[key]
            held = value.get(key)
            if (held.__class__ not in (list, dict)) if primitive else (held.__class__ is dict):
                items.append((held, value.get("_" + key) if primitive else None, (place, step, None), kind))
        return items, count

    return choice


def _one(key: str, step: Step, kind: str) -> Collect:
    if kind in PRIMITIVES:
        sibling_key = "_" + key

        def primitive(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
            held, sibling = value.get(key), value.get(sibling_key)
            if held is None and sibling is None:
                return [], 1 if key in value else 0
            return ([(held, sibling, (place, step, None), kind)] if held.__class__ not in (list, dict) else []), 1

        return primitive

    def single(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
        held = value.get(key)
        if held is None:
            return [], 1 if key in value else 0
        return ([(held, None, (place, step, None), kind)] if held.__class__ is dict else []), 1

    return single


def _many(key: str, step: Step, kind: str) -> Collect:
    if kind in PRIMITIVES:
        sibling_key = "_" + key

        def primitives(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
            held, siblings = value.get(key), value.get(sibling_key)
            values = held if held.__class__ is list else []
            beside = siblings if siblings.__class__ is list else []
            count = max(len(values), len(beside))
            items: list[Item] = []
            for index in range(count):
                one = values[index] if index < len(values) else None
                items.append((one, beside[index] if index < len(beside) else None, (place, step, index), kind))
            return items, count

        return primitives

    def several(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
        held = value.get(key)
        if held.__class__ is not list:
            return [], 0 if held is None else 1
        return [
            (one, None, (place, step, index), kind) for index, one in enumerate(held) if one.__class__ is dict
        ], len(held)

    return several


# ---- checks of other signatures as contents


def together(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    every = tuple(checks)

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        for one in every:
            one(value, place, run)

    return check


def in_turn(contents: list[Content]) -> Content:
    every = tuple(contents)

    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        for one in every:
            one(value, sibling, place, kind, run)

    return content


def remembering_concepts(contents: list[Content], clean: dict[bytes | None, tuple[str, ...]]) -> Content:
    """Contents of a CodeableConcept that look at nothing but it: one that was found good by all of them costs one look-up.

    Remembered, in `clean`, is what could not be checked in it. Not remembered are concepts with extensions, whose place matters, and findings.
    """
    judge = contents[0] if len(contents) == 1 else in_turn(contents)

    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        key = run.keys.get(id(value))
        if key is None:
            judge(value, sibling, place, kind, run)
            return
        lacking = clean.get(key)
        if lacking is not None:
            for what in lacking:
                run.lacks(what, place)
            return
        findings = run.findings
        said, notes = findings.said, findings.notes
        findings.notes = []
        judge(value, sibling, place, kind, run)
        if findings.said == said and len(clean) < REMEMBERED and b'xtension":' not in key:
            clean[key] = tuple(findings.notes)
        findings.notes = [*notes, *findings.notes]

    return content


def valued(check: Callable[[Any, Any, Place, Run], None]) -> Content:
    return lambda value, sibling, place, kind, run: check(value, sibling, place, run)


def on_value(check: Callable[[Any, Place, Run], None]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if value is not None:
            check(value, place, run)

    return content


def judging(name: str, judge: Callable[[Any, Place, Run], None]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if kind == name and value is not None:
            judge(value, place, run)

    return content


def of_type(name: str, bind: Callable[[Any, Place, Run], bool]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if kind == name and value is not None:
            bind(value, place, run)

    return content
