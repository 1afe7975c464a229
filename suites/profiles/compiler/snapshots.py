"""Snapshots for packages without them: the base structure walked, the differential laid over it (FHIR R4, profiling §5.1).

Children of a data type are unrolled where the differential steps into them; a slice starts as a copy of what it slices; a
type named by a single profile is unrolled from that profile. What cannot be resolved is refused with the profile's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from suites.profiles.compiler.raw_elements import changes
from suites.profiles.element_lines import CORE, path_of, slice_of
from suites.profiles.facts import Binding, Constraint, Element, Slicing, TypeRef

Resolve = Callable[[str], tuple[Element, ...] | None]
"""Elements of a structure by canonical URL, its snapshot made first where need be."""

_BY_URL = Slicing((("value", "url"),), "open")
_BY_TYPE = Slicing((("type", "$this"),), "open")
_ONLY_TYPES = Slicing((("type", "$this"),), "closed")


class NoSnapshot(ValueError):
    """A profile whose snapshot cannot be made; the message names the profile and the reason."""


def generate(definition: dict[str, Any], resolve: Resolve) -> tuple[Element, ...]:
    """The snapshot of a StructureDefinition that comes with a differential only."""
    name = definition.get("url") or definition.get("id") or "a structure without url"
    base_url = definition.get("baseDefinition")
    base = resolve(base_url) if base_url else ()
    if base is None:
        raise NoSnapshot(f"{name}: has no snapshot, and its base {base_url} is not at hand to make one")
    differential = definition.get("differential", {}).get("element", [])
    walk = _Walk(name, resolve, base, definition)
    for raw in differential:
        walk.lay(raw)
    walk.narrow_choices()
    return tuple(walk.elements.values())


class _Walk:
    def __init__(self, name: str, resolve: Resolve, base: tuple[Element, ...], definition: dict[str, Any]) -> None:
        self.name = name
        self.resolve = resolve
        root = definition["type"] if definition.get("derivation") == "specialization" or not base else base[0].id
        self.root = root.rpartition("/")[2]
        old = base[0].id if base else self.root
        self._by_type: set[str] = set()
        self._sliced_by_guide: set[str] = set()
        self.elements: dict[str, Element] = {}
        for inherited in base:
            self._put(self._moved(inherited, old, self.root))

    def lay(self, raw: dict[str, Any]) -> None:
        """Lay one element of the differential over what is there."""
        element_id = self._reach(_stated_id(raw))
        stated = changes(raw)
        before = self.elements[element_id]
        if "slicing" in stated:
            self._sliced_by_guide.add(element_id)
        if "constraints" in stated:
            stated["constraints"] = _joined(before.constraints, stated["constraints"], self.name)
        if stated.get("binding") is not None and before.binding is not None:
            stated["binding"] = _with_additional(before.binding, stated["binding"])
        if before.base_path is None and "base_path" not in stated:
            stated |= {
                "base_path": before.path,
                "base_min": stated.get("min", before.min),
                "base_max": stated.get("max", before.max),
            }
        after = replace(before, **stated)
        self.elements[element_id] = after
        if slice_of(element_id) is not None:
            self._declare_slicing(element_id)
            if element_id.rpartition(":")[0].endswith("[x]") and not str(raw.get("path", "[x]")).endswith("[x]"):
                self._by_type.add(element_id.rpartition(":")[0])

    def _reach(self, element_id: str) -> str:
        """The id under which the element stands, walking into types and opening slices on the way."""
        at = self.root
        for step in element_id.split(".")[1:]:
            at = self._step(at, step)
        return at

    def _step(self, parent: str, step: str) -> str:
        name, colon, slice_name = step.partition(":")
        child = f"{parent}.{name}"
        if child not in self.elements:
            self._unroll(parent)
        if child not in self.elements:
            choice = self._choice(parent, name)
            if choice is None:
                if self._is_own_content(parent):
                    self._append(parent, Element(id=child, path=path_of(child)))
                    choice = (child, None)
                else:
                    raise NoSnapshot(
                        f"{self.name}: has no snapshot, and its differential names {child}, which its base lacks"
                    )
            child, typed = choice
            if typed is not None:
                return self._open_slice(child, f"{name}", typed)
        if colon:
            return self._open_slice(child, slice_name, None)
        return child

    def _is_own_content(self, parent: str) -> bool:
        """A new type (specialization) may add elements of its own; a profile may not."""
        above = self.elements[parent]
        return above.base_path is None or (above.base_path.partition(".")[0] == self.root and not self._constrains)

    @property
    def _constrains(self) -> bool:
        return self.root in _KNOWN_ROOTS or any(e.base_path and "." in e.base_path for e in self.elements.values())

    def _choice(self, parent: str, name: str) -> tuple[str, TypeRef | None] | None:
        """`valueQuantity` for `value[x]`: the choice element and the type meant."""
        start = f"{parent}."
        for candidate, held in self.elements.items():
            if not (candidate.startswith(start) and candidate.endswith("[x]") and "." not in candidate[len(start) :]):
                continue
            stem = candidate[len(start) : -3]
            if name.startswith(stem) and len(name) > len(stem):
                wanted = name[len(stem) :]
                for ref in held.types:
                    if ref.code[:1].upper() + ref.code[1:] == wanted:
                        return candidate, ref
        return None

    def _open_slice(self, sliced: str, slice_name: str, typed: TypeRef | None) -> str:
        element_id = f"{sliced}:{slice_name}"
        if element_id in self.elements:
            return element_id
        outer = slice_name.rpartition("/")[0]
        # A slash re-slices a slice of that name; where there is none it is only part of a name.
        model = self.elements.get(f"{sliced}:{outer}") or self.elements[sliced]
        if typed is None and sliced.endswith("[x]"):
            stem = sliced.rpartition(".")[2][:-3]
            typed = next((t for t in model.types if slice_name == stem + t.code[:1].upper() + t.code[1:]), None)
        types = (typed,) if typed is not None else model.types
        opened = replace(model, id=element_id, slice_name=slice_name, slicing=None, types=types, min=0)
        self._insert_after(sliced, opened)
        return element_id

    def _declare_slicing(self, element_id: str) -> None:
        """Slices of extensions and of choices are told apart without the guide saying so."""
        sliced = element_id.rpartition(":")[0]
        held = self.elements.get(sliced)
        if held is None or held.slicing is not None:
            return
        if held.path.endswith(("extension", "modifierExtension")):
            self.elements[sliced] = replace(held, slicing=_BY_URL)
        elif held.path.endswith("[x]"):
            self.elements[sliced] = replace(held, slicing=_BY_TYPE)

    def narrow_choices(self) -> None:
        """A path that names the type (`valueQuantity`) says that the choice is that type, not only what it would be.

        Unless the differential slices the choice itself and so says more.
        """
        for choice in sorted(self._by_type - self._sliced_by_guide):
            self._narrow(choice)

    def _narrow(self, choice: str) -> None:
        slices = [e for i, e in self.elements.items() if i.startswith(f"{choice}:") and "." not in i[len(choice) :]]
        held = self.elements[choice]
        codes = {t.code for s in slices for t in s.types}
        types = tuple(t for t in held.types if t.code in codes)
        least = max(held.min, *(s.min for s in slices)) if len(slices) == 1 else held.min
        self.elements[choice] = replace(held, types=types, slicing=_ONLY_TYPES, min=least)

    def _unroll(self, parent: str) -> None:
        above = self.elements[parent]
        sliced = parent.rpartition(":")[0] if ":" in parent.rpartition(".")[2] else None
        if sliced is not None and self._copy_children(sliced, parent):
            return
        if above.content_reference:
            self._unroll_content(above.content_reference.rpartition("#")[2], parent)
            return
        if len(above.types) != 1:
            return
        ref = above.types[0]
        source = self._profiled(ref) or self.resolve(CORE + ref.code)
        if source is None:
            raise NoSnapshot(
                f"{self.name}: has no snapshot, and steps into {parent}, whose type {ref.code} is not at hand"
            )
        inside = [self._moved(e, source[0].id, parent) for e in source[1:]]
        self._insert_children(parent, inside)

    def _profiled(self, ref: TypeRef) -> tuple[Element, ...] | None:
        """The snapshot of the one profile a type names; None where it cannot be made, as when it is this very profile."""
        try:
            return self.resolve(ref.profiles[0]) if len(ref.profiles) == 1 else None
        except NoSnapshot:
            return None

    def _unroll_content(self, source: str, parent: str) -> None:
        """Content by reference is as the type defines it, whatever this profile says where it is defined."""
        defined = self.resolve(CORE + source.partition(".")[0]) or tuple(self.elements.values())
        inside = [self._moved(e, source, parent) for e in defined if e.id.startswith(f"{source}.")]
        self._insert_children(parent, inside)

    def _copy_children(self, source: str, target: str) -> bool:
        inside = [e for i, e in self.elements.items() if i.startswith(f"{source}.")]
        if inside:
            self._insert_children(target, [self._moved(e, source, target) for e in inside])
        return bool(inside)

    def _moved(self, element: Element, old: str, new: str) -> Element:
        moved_id = new + element.id[len(old) :]
        return replace(element, id=moved_id, path=path_of(moved_id))

    def _put(self, element: Element) -> None:
        self.elements[element.id] = element

    def _append(self, parent: str, element: Element) -> None:
        self._insert_after(parent, element)

    def _insert_children(self, parent: str, inside: list[Element]) -> None:
        ordered: dict[str, Element] = {}
        for element_id, held in self.elements.items():
            ordered[element_id] = held
            if element_id == parent:
                ordered |= {e.id: e for e in inside}
        self.elements = ordered

    def _insert_after(self, sliced: str, opened: Element) -> None:
        """After the sliced element, its children, and the slices already there with theirs."""
        last = sliced
        for element_id in self.elements:
            if element_id == sliced or element_id.startswith((f"{sliced}.", f"{sliced}:")):
                last = element_id
        ordered: dict[str, Element] = {}
        for element_id, held in self.elements.items():
            ordered[element_id] = held
            if element_id == last:
                ordered[opened.id] = opened
        self.elements = ordered


_KNOWN_ROOTS = frozenset(("Extension",))


def _stated_id(raw: dict[str, Any]) -> str:
    """The id of an element of a differential; older packages leave it out, or leave the slice out of it."""
    element_id: str = raw.get("id") or raw["path"]
    slice_name = raw.get("sliceName")
    if slice_name and ":" not in element_id.rpartition(".")[2]:
        element_id = f"{element_id}:{slice_name}"
    return element_id


def _with_additional(before: Binding, stated: Binding) -> Binding:
    """Additional bindings add up: a profile cannot take one back."""
    return replace(stated, additional=tuple(dict.fromkeys((*before.additional, *stated.additional))))


def _joined(before: tuple[Constraint, ...], added: tuple[Constraint, ...], source: str) -> tuple[Constraint, ...]:
    keys = {c.key for c in added}
    kept = tuple(c for c in before if c.key not in keys)
    return kept + tuple(c if c.source else replace(c, source=source) for c in added)
