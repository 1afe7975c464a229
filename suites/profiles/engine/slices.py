"""Slices at work: which slice each element is in, how many there are, their order (FHIR R4 profiling.html#slicing)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.coding_keys import key_of
from suites.profiles.engine.findings import ERROR
from suites.profiles.engine.items import Check, Content, Item
from suites.profiles.engine.place import Place
from suites.profiles.engine.slicing import Discriminator

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run

Sliced = Callable[[list[Item], Place, "Run"], None]
"""Judges all elements that one slicing is about."""


@dataclass(slots=True)
class Slice:
    name: str
    label: str
    min: int
    max: int | None
    discriminators: tuple[Discriminator | None, ...]
    content: Content | None
    inner: Sliced | None
    bare: Check | None = None
    """The content, where it is no more than a check of the value."""

    def match(self, value: Any, sibling: Any, kind: str, run: Run) -> bool | None:
        for one in self.discriminators:
            if one is None:
                return None
            found = one.match(value, sibling, kind, run)
            if not found:
                return found
        return True


def sliced_by_content(slices: list[Slice], rules: str, ordered: bool, label: str, url: str) -> Sliced:
    default = next((one for one in slices if one.name.endswith("@default")), None)
    named = [one for one in slices if one is not default]
    closed = rules == "closed" and default is None
    limited = [(number, one) for number, one in enumerate(named) if one.min or one.max is not None]
    at_end = rules == "openAtEnd"
    told_by = _told_by(named)
    known: dict[bytes | None, tuple[int, list[int]]] = {}

    def slice_of(value: Any, sibling: Any, kind: str, run: Run) -> tuple[int, list[int]]:
        """The slice an element belongs to (-1 for none) and those that cannot be decided."""
        unknown: list[int] = []
        for number, one in enumerate(named):
            found = one.match(value, sibling, kind, run)
            if found:
                return number, unknown
            if found is None:
                unknown.append(number)
        return -1, unknown

    def remembered(value: Any, sibling: Any, kind: str, run: Run) -> tuple[int, list[int]]:
        found = slice_of(value, sibling, kind, run)
        key = key_of(value.get(told_by), run) if value.__class__ is dict else None
        if key is not None and len(known) < 4096:
            known[key] = found
        return found

    find = remembered if told_by is not None else slice_of

    contents = [(one.content, one.bare) for one in named]
    resliced = any(one.inner is not None for one in named)
    in_order = ordered or at_end

    def check(items: list[Item], place: Place, run: Run) -> None:
        counts = [0] * len(contents)
        inner: dict[int, list[Item]] = {}
        rest: list[Item] = []
        undecided: set[int] = set()
        last, ended = -1, False
        for item in items:
            value, sibling, here, kind = item
            found = known.get(run.keys.get(id(value.get(told_by)))) if told_by and value.__class__ is dict else None
            hit, unknown = find(value, sibling, kind, run) if found is None else found
            if hit < 0:
                undecided.update(unknown)
                rest.append(item)
                ended = ended or not unknown
                if closed and not unknown:
                    message = f"matches no slice of {label}, and the slicing is closed: {_reasons(named)}"
                    run.add(ERROR, "slice-closed", here, message, url)
                continue
            counts[hit] += 1
            content, bare = contents[hit]
            if bare is not None:
                bare(value, here, run)
            elif content is not None:
                content(value, sibling, here, kind, run)
            if resliced:
                inner.setdefault(hit, []).append(item)
            if not in_order:
                continue
            one = named[hit]
            if ordered and hit < last:
                message = f"slice '{one.name}' of {label} comes after '{named[last].name}', and the slices are ordered"
                run.add(ERROR, "slice-order", here, message, url)
            if at_end and ended:
                message = (
                    f"slice '{one.name}' of {label} comes after elements of no slice, which may only stand at the end"
                )
                run.add(ERROR, "slice-order", here, message, url)
            if hit > last:
                last = hit
        for number, one in limited:
            count = counts[number]
            if count < one.min:
                if number not in undecided:
                    _tell_missing(one, count, rest, label, place, url, run)
                else:
                    run.lacks(f"slice {one.label}", place)
            elif one.max is not None and count > one.max:
                run.add(ERROR, "slice-max", place, f"{one.label}: at most {one.max} allowed, {count} found", url)
        for number, found_items in inner.items():
            reslice = named[number].inner
            if reslice is not None:
                reslice(found_items, place, run)
        if default is not None and default.content is not None:
            for value, sibling, here, kind in rest:
                default.content(value, sibling, here, kind, run)

    return check


def _told_by(slices: list[Slice]) -> str | None:
    """The one element by whose codings all slices are told apart, if they are: its answers can be remembered by code."""
    names = {d.path for one in slices for d in one.discriminators if d is not None}
    if len(names) != 1 or not all(
        d is not None and d.coded and len(one.discriminators) == 1 for one in slices for d in one.discriminators
    ):
        return None
    name = names.pop()
    return name if name.isidentifier() else None


def _tell_missing(one: Slice, count: int, rest: list[Item], label: str, place: Place, url: str, run: Run) -> None:
    why = ""
    if rest:
        wants = "; ".join(d.wants for d in one.discriminators if d is not None)
        names = ", ".join(f"[{here[2]}]" for _, _, here, _ in rest[:5] if here[2] is not None)
        why = f"; the {len(rest)} without a slice {names} did not match because {wants}"
    run.add(
        ERROR,
        "slice-min",
        place,
        f"slice {one.label}: at least {one.min} required, {count or 'none'} found{why}",
        url,
        expected="; ".join(d.wants for d in one.discriminators if d is not None),
    )


def _reasons(slices: list[Slice]) -> str:
    return "; ".join(
        f"{one.name} because {', '.join(d.wants for d in one.discriminators if d is not None)}" for one in slices[:6]
    )


def sliced_by_url(slices: list[Slice], urls: list[str | None], rules: str, label: str, url: str) -> Sliced:
    """Slices of extensions by URL: one look-up each."""
    number_of = {name: number for number, name in enumerate(urls) if name is not None}
    demanded = [number for number, one in enumerate(slices) if one.min]
    closed = rules == "closed"

    def check(items: list[Item], place: Place, run: Run) -> None:
        if not items:
            for number in demanded:
                _tell_missing(slices[number], 0, [], label, place, url, run)
            return
        counts = [0] * len(slices)
        for item in items:
            value = item[0]
            found = value.get("url")
            number = number_of.get(found, -1) if found.__class__ is str else -1
            if number < 0:
                if closed:
                    run.add(
                        ERROR,
                        "slice-closed",
                        item[2],
                        f"extension '{found}' is none of {label}'s, and the slicing is closed",
                        url,
                    )
                continue
            counts[number] += 1
            content = slices[number].content
            if content is not None:
                content(*item, run)
        for number, one in enumerate(slices):
            if counts[number] < one.min:
                _tell_missing(one, counts[number], [], label, place, url, run)
            elif one.max is not None and counts[number] > one.max:
                run.add(
                    ERROR, "slice-max", place, f"{one.label}: at most {one.max} allowed, {counts[number]} found", url
                )

    return check
