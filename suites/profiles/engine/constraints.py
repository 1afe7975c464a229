"""A profile compiled to what it adds to the type it constrains (FHIR R4 profiling.html).

The type itself is judged by its shape; here only elements that the profile narrows, and the ways to them, are visited.
Everything is told at the element (or, for what is missing, at its parent), with the profile that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.coding_keys import coding_key
from suites.profiles.engine.findings import ERROR, WARNING, Resource
from suites.profiles.engine.limits import limits_of
from suites.profiles.engine.patterns import fixed_check
from suites.profiles.engine.place import Place
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.engine.shapes import Child
from suites.profiles.engine.slicing import Discriminator, discriminator, extension_url
from suites.profiles.engine.tree import Node, Tree
from suites.profiles.facts import Element, TypeRef

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

Check = Callable[[dict[str, Any], Place, "Run"], None]
"""Judges an object as a whole: one element below it, or an invariant on it."""
Content = Callable[[Any, Any, Place, str, "Run"], None]
"""Judges one element: (value, `_sibling`, place, type, run)."""
Item = tuple[Any, Any, Place, str]
Collect = Callable[[dict[str, Any], Place], tuple[list[Item], int]]

_RESOURCES = ("Resource", "DomainResource")


@dataclass(slots=True)
class Slice:
    name: str
    label: str
    min: int
    max: int | None
    discriminators: tuple[Discriminator | None, ...]
    content: Content | None
    inner: Sliced | None

    def match(self, value: Any, sibling: Any, kind: str, run: Run) -> bool | None:
        for one in self.discriminators:
            if one is None:
                return None
            found = one.match(value, sibling, kind, run)
            if not found:
                return found
        return True


Sliced = Callable[[list[Item], Place, "Run"], None]


class Profile:
    """A compiled profile. `check(object, place, run)` compiles itself at first use."""

    __slots__ = ("_engine", "check", "tree", "url")

    def __init__(self, engine: Engine, tree: Tree) -> None:
        self._engine = engine
        self.tree = tree
        self.url = tree.structure.url
        self.check: Check = self._first

    def _first(self, value: dict[str, Any], place: Place, run: Run) -> None:
        self.check = _Compiler(self._engine, self.tree).root()
        self.check(value, place, run)


class _Compiler:
    def __init__(self, engine: Engine, tree: Tree) -> None:
        self.engine = engine
        self.tree = tree
        self.url = tree.structure.url
        self._deferred: dict[tuple[str, str], list[Check]] = {}

    def root(self) -> Check:
        structure = self.tree.structure
        checks = [*self.engine.invariants.of_profile(self.tree.root.element, self._base_keys(structure.type), self.url)]
        checks.extend(self.below(self.tree.root, structure.type))
        return _all(checks)

    def _base_keys(self, type_name: str) -> frozenset[str]:
        structure = self.engine.structure_of(type_name)
        return frozenset(c.key for c in structure.elements[0].constraints) if structure is not None else frozenset()

    def below(self, node: Node, shape: str) -> list[Check]:
        """Checks of the elements directly below a node, whose objects are of `shape`."""
        found: list[Check] = []
        base = self.engine.children(shape)
        for name, child_node in node.children.items():
            child = base.get(name)
            if child is None:
                continue
            check = self._child(child_node, child)
            if check is not None:
                found.append(check)
        return found

    def _child(self, node: Node, child: Child) -> Check | None:
        element, was = node.element, child.element
        least = element.min if element.min > was.min else 0
        most = element.max if element.max is not None and (was.max is None or element.max < was.max) else None
        content = self.content(node, child, was)
        sliced = self._sliced(node, child)
        if not (least or most is not None or content is not None or sliced is not None):
            return None
        url, label, collect = self.url, element.path, collector(child)
        keys = _keys_of(child)
        needs_none = not least and not _any_demanded(node)

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            if needs_none and keys is not None and keys[0] not in value and keys[1] not in value:
                return
            items, count = collect(value, place)
            if count < least:
                run.add(
                    ERROR, "cardinality-min", place, f"{label}: at least {least} required, {count or 'none'} found", url
                )
            elif most is not None and count > most:
                run.add(ERROR, "cardinality-max", place, f"{label}: at most {most} allowed, {count} found", url)
            if content is not None:
                for one, sibling, here, kind in items:
                    content(one, sibling, here, kind, run)
            if sliced is not None:
                sliced(items, place, run)

        return check

    # ---- one element

    def content(self, node: Node, child: Child, was: Element) -> Content | None:
        """What the profile adds for a single element (or slice) over the definition in the base type."""
        element = node.element
        checks: list[Content] = []
        narrowed = self._types(element, was)
        if narrowed is not None:
            checks.append(narrowed)
        if element.fixed is not None and element.fixed != was.fixed:
            checks.append(_valued(fixed_check(element.fixed, self.url, exact=True)))
        if element.pattern is not None and element.pattern != was.pattern:
            checks.append(_valued(fixed_check(element.pattern, self.url, exact=False)))
        checks.extend(limits_of(element, was, self.url))
        checks.extend(self._bindings(element, was))
        checks.extend(self._typed(element, was))
        keys = self._known_keys(child, was)
        checks.extend(map(_on_value, self.engine.invariants.of_profile(element, keys, self.url)))
        inside = self._inside(node, child)
        if inside is not None:
            checks.append(inside)
        if not checks:
            return None
        if len(checks) == 1:
            return checks[0]
        every = tuple(checks)

        def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            for check in every:
                check(value, sibling, place, kind, run)

        return content

    def _known_keys(self, child: Child, was: Element) -> frozenset[str]:
        keys = {c.key for c in was.constraints} | {"ele-1", "ext-1"}
        for variant in child.variants:
            keys |= self._base_keys(variant.type)
        return frozenset(keys)

    def _types(self, element: Element, was: Element) -> Content | None:
        """Fewer types than the base allows: of a choice, or of a resource inside."""
        allowed, before = {ref.code for ref in element.types}, {ref.code for ref in was.types}
        if not allowed or allowed == before or element.content_reference is not None:
            return None
        url = self.url
        if before & set(_RESOURCES):
            engine = self.engine

            def resource_type(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
                found = value.get("resourceType") if value.__class__ is dict else None
                if found.__class__ is str and not (allowed & set(engine.lineage(found))):
                    run.add(
                        ERROR,
                        "type",
                        place,
                        f"must be {' or '.join(sorted(allowed))}, not {found}",
                        url,
                        " | ".join(sorted(allowed)),
                        found,
                    )

            return resource_type
        if len(before) < 2:
            return None

        def choice_type(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            if kind not in allowed:
                run.add(
                    ERROR,
                    "type",
                    place,
                    f"must be {' or '.join(sorted(allowed))}, not {kind}",
                    url,
                    " | ".join(sorted(allowed)),
                    kind,
                )

        return choice_type

    def _bindings(self, element: Element, was: Element) -> list[Content]:
        if element.binding is None or element.binding == was.binding:
            return []
        found: list[Content] = []
        for name in {ref.code for ref in element.types}:
            if name in PRIMITIVES:
                bind = self.engine.terminology.code_binding(element.binding, name, self.url)
            else:
                bind = self.engine.terminology.binding(element.binding, name, self.url)
            if bind is not None:
                found.append(_of_type(name, bind))
        return found

    def _typed(self, element: Element, was: Element) -> list[Content]:
        """Reference targets and type profiles that the base does not have."""
        found: list[Content] = []
        before = {ref.code: ref for ref in was.types}
        for ref in element.types:
            old = before.get(ref.code)
            if (
                ref.code in ("Reference", "canonical")
                and ref.targets
                and (old is None or set(ref.targets) != set(old.targets))
                and ref.code == "Reference"
            ):
                found.append(_judging("Reference", self.engine.references.judge(ref.targets, self.url)))
            if not ref.profiles or ref.code == "Extension" or (old is not None and ref.profiles == old.profiles):
                continue
            if self.engine.is_resource(ref.code) or ref.code in _RESOURCES:
                found.append(self._resource_profiles(ref))
            else:
                found.append(_judging(ref.code, self.engine.type_profiles(ref.profiles, ref.code)))
        return found

    def _resource_profiles(self, ref: TypeRef) -> Content:
        engine, url = self.engine, self.url

        def conforms(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            name = value.get("resourceType") if value.__class__ is dict else None
            if name.__class__ is not str or (ref.code not in _RESOURCES and name != ref.code):
                return
            inner = run.entering(Resource(value, name, place, None, run.bundle))
            engine.judge.against_any(ref.profiles, value, name, place, inner, url)

        return conforms

    def _inside(self, node: Node, child: Child) -> Content | None:
        """The elements below, for each type the element may have."""
        engine = self.engine
        reference = node.element.content_reference
        if not node.children and reference is None:
            return None
        if not node.children and reference is not None:
            return self._deferred_content(reference.rpartition("#")[2])
        by_type: dict[str, list[Check]] = {}
        names = {ref.code for ref in node.element.types} or {v.type for v in child.variants}
        for variant in child.variants:
            if variant.type not in names and variant.type not in _RESOURCES:
                continue
            if variant.type in _RESOURCES:
                for name in names - set(_RESOURCES):
                    by_type[name] = self.below(node, name)
                continue
            shape = "Element" if variant.type in PRIMITIVES else (child.shape or variant.type)
            checks = self.below(node, shape)
            if checks:
                by_type[variant.type] = checks
        by_type = {name: checks for name, checks in by_type.items() if checks}
        if not by_type:
            return None
        ready = {name: _all(checks) for name, checks in by_type.items()}
        resources = any(engine.is_resource(name) for name in ready)

        def inside(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            name = value.get("resourceType", kind) if resources and value.__class__ is dict else kind
            check = ready.get(name) if name.__class__ is str else None
            if check is None:
                return
            if value.__class__ is dict:
                check(value, place, run)
            elif kind in PRIMITIVES:
                check(sibling if sibling.__class__ is dict else {}, place, run)

        return inside

    def _deferred_content(self, target: str) -> Content | None:
        """`contentReference`: the elements below another node of the same profile, compiled when first met."""
        node = self.tree.nodes.get(target)
        if node is None or not node.children:
            return None
        ready: list[Check] = []

        def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            if not ready:
                ready.append(_all(self.below(node, node.element.path)))
            if value.__class__ is dict:
                ready[0](value, place, run)

        return content

    # ---- slices

    def _sliced(self, node: Node, child: Child) -> Sliced | None:
        if not node.slices:
            return None
        slicing = node.element.slicing
        extension = bool(child.variants) and child.variants[0].type == "Extension"
        if slicing is not None:
            discriminators, rules, ordered = slicing.discriminators, slicing.rules, slicing.ordered
        else:
            discriminators, rules, ordered = ((("value", "url"),) if extension else (("type", "$this"),)), "open", False
        if not discriminators and child.choice:
            discriminators = (("type", "$this"),)
        slices = [self._slice(one, child, discriminators) for one in node.slices]
        if extension and discriminators == (("value", "url"),):
            return _extension_slices(
                slices, [extension_url(one) for one in node.slices], rules, node.element.path, self.url
            )
        return _slices(slices, rules, ordered, node.element.path, self.url)

    def _slice(self, node: Node, child: Child, discriminators: tuple[tuple[str, str], ...]) -> Slice:
        element = node.element
        start = child.shape or (
            element.types[0].code if element.types else child.variants[0].type if child.variants else "Element"
        )
        compiled = tuple(discriminator(self.engine, node, kind, path, start) for kind, path in discriminators)
        if (element.slice_name or "").endswith("@default"):
            compiled = ()
        return Slice(
            element.slice_name or element.id,
            element.id,
            element.min,
            element.max
            if element.max is not None
            and (child.element.max is None or element.max < child.element.max or child.choice)
            else None,
            compiled,
            self.content(node, child, child.element),
            self._sliced(node, child),
        )


def _slices(slices: list[Slice], rules: str, ordered: bool, label: str, url: str) -> Sliced:
    default = next((one for one in slices if one.name.endswith("@default")), None)
    named = [one for one in slices if one is not default]
    closed = rules == "closed" and default is None
    told_by = _told_by(named)
    known: dict[Any, tuple[int, list[int]]] = {}

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
        key = coding_key(value.get(told_by)) if value.__class__ is dict else None
        if key is None:
            return slice_of(value, sibling, kind, run)
        found = known.get(key)
        if found is None:
            found = slice_of(value, sibling, kind, run)
            if len(known) < 4096:
                known[key] = found
        return found

    find = remembered if told_by is not None else slice_of

    def check(items: list[Item], place: Place, run: Run) -> None:
        members: list[list[Item]] = [[] for _ in named]
        rest: list[Item] = []
        undecided: set[int] = set()
        last, ended = -1, False
        for item in items:
            value, sibling, here, kind = item
            hit, unknown = find(value, sibling, kind, run)
            if hit < 0:
                undecided.update(unknown)
                rest.append(item)
                ended = ended or not unknown
                if closed and not unknown:
                    run.add(
                        ERROR,
                        "slice-closed",
                        here,
                        f"matches no slice of {label}, and the slicing is closed: {_reasons(named)}",
                        url,
                    )
                continue
            members[hit].append(item)
            if ordered and hit < last:
                run.add(
                    ERROR,
                    "slice-order",
                    here,
                    f"slice '{named[hit].name}' of {label} comes after '{named[last].name}', and the slices are ordered",
                    url,
                )
            if rules == "openAtEnd" and ended:
                run.add(
                    ERROR,
                    "slice-order",
                    here,
                    f"slice '{named[hit].name}' of {label} comes after elements of no slice, which are only allowed at the end",
                    url,
                )
            last = max(last, hit)
        for number, one in enumerate(named):
            found_items = members[number]
            if len(found_items) < one.min:
                if number not in undecided:
                    _tell_missing(one, len(found_items), rest, label, place, url, run)
                else:
                    run.lacks(f"slice {one.label}", place)
            elif one.max is not None and len(found_items) > one.max:
                run.add(
                    ERROR, "slice-max", place, f"{one.label}: at most {one.max} allowed, {len(found_items)} found", url
                )
            _content(one, found_items, place, run)
        if default is not None:
            _content(default, rest, place, run)

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


def _content(one: Slice, items: list[Item], place: Place, run: Run) -> None:
    if one.content is not None:
        for value, sibling, here, kind in items:
            one.content(value, sibling, here, kind, run)
    if one.inner is not None and items:
        one.inner(items, place, run)


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


def _extension_slices(slices: list[Slice], urls: list[str | None], rules: str, label: str, url: str) -> Sliced:
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


# ---- adapters and collectors


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    every = tuple(checks)

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        for one in every:
            one(value, place, run)

    return check


def _valued(check: Callable[[Any, Any, Place, Run], None]) -> Content:
    return lambda value, sibling, place, kind, run: check(value, sibling, place, run)


def _on_value(check: Callable[[Any, Place, Run], None]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if value is not None:
            check(value, place, run)

    return content


def _judging(name: str, judge: Callable[[Any, Place, Run], None]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if kind == name and value is not None:
            judge(value, place, run)

    return content


def _of_type(name: str, bind: Callable[[Any, Place, Run], bool]) -> Content:
    def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
        if kind == name and value is not None:
            bind(value, place, run)

    return content


def _keys_of(child: Child) -> tuple[str, str] | None:
    """The two JSON properties an element may be in, None for a choice."""
    return (child.variants[0].key, "_" + child.variants[0].key) if len(child.variants) == 1 else None


def _any_demanded(node: Node) -> bool:
    return any(one.element.min for one in node.slices)


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
    """A choice of many types: the object has fewer properties than the choice has types."""
    by_key = {variant.key: (variant.step, variant.type, variant.type in PRIMITIVES) for variant in child.variants}
    beside = {"_" + variant.key: variant.key for variant in child.variants if variant.type in PRIMITIVES}

    def choice(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
        items: list[Item] = []
        for name in value:
            if name in by_key:
                key = name
            elif name in beside and beside[name] not in value:
                key = beside[name]
            else:
                continue
            step, kind, primitive = by_key[key]
            held = value.get(key)
            if (held.__class__ not in (list, dict)) if primitive else (held.__class__ is dict):
                items.append((held, value.get("_" + key) if primitive else None, (place, step, None), kind))
        return items, len(items)

    return choice


def _one(key: str, step: Any, kind: str) -> Collect:
    if kind in PRIMITIVES:
        sibling_key = "_" + key

        def primitive(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
            held, sibling = value.get(key), value.get(sibling_key)
            if held is None and sibling is None:
                return [], 0
            return ([(held, sibling, (place, step, None), kind)] if held.__class__ not in (list, dict) else []), 1

        return primitive

    def single(value: dict[str, Any], place: Place) -> tuple[list[Item], int]:
        held = value.get(key)
        if held is None:
            return [], 0
        return ([(held, None, (place, step, None), kind)] if held.__class__ is dict else []), 1

    return single


def _many(key: str, step: Any, kind: str) -> Collect:
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


__all__ = ["WARNING", "Profile"]
