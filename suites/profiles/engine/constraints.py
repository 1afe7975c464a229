"""A profile compiled to what it adds to the type it constrains (FHIR R4 profiling.html).

The type itself is judged by its shape; here only elements that the profile narrows, and the ways to them, are visited.
Everything is told at the element (or, for what is missing, at its parent), with the profile that asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bindings import code_binding, concept_contents
from suites.profiles.engine.children import RESOURCES, Child, one_of_choice
from suites.profiles.engine.findings import ERROR, Resource
from suites.profiles.engine.items import (
    Check,
    Content,
    collector,
    in_turn,
    judging,
    keys_of,
    of_type,
    on_value,
    plain_check,
    presence_check,
    remembering_concepts,
    together,
    valued,
)
from suites.profiles.engine.limits import limits_of
from suites.profiles.engine.patterns import fixed_check
from suites.profiles.engine.place import Place
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.engine.slices import Slice, Sliced, sliced_by_content, sliced_by_url
from suites.profiles.engine.slicing import Discriminator, discriminator, extension_url
from suites.profiles.engine.tree import Node, Tree
from suites.profiles.engine.type_narrowing import narrowed_types
from suites.profiles.facts import Element, TypeRef

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

_LOOKS_AROUND = re.compile(r"%(?!ucum\b)|\bresolve\(")
"""What in an invariant asks about more than the element it stands on."""


class Profile:
    """A compiled profile. `check(object, place, run)` compiles itself at first use."""

    __slots__ = ("_engine", "check", "tree", "url")

    def __init__(self, engine: Engine, tree: Tree) -> None:
        self._engine = engine
        self.tree = tree
        self.url = tree.structure.url
        self.check: Check = self._first

    def _first(self, value: dict[str, Any], place: Place, run: Run) -> None:
        self.compile()
        self.check(value, place, run)

    def compile(self) -> None:
        """Compile now what the first value of it would have compiled."""
        self.check = _Compiler(self._engine, self.tree).root()


class _Compiler:
    def __init__(self, engine: Engine, tree: Tree) -> None:
        self.engine = engine
        self.tree = tree
        self.url = tree.structure.url
        self._bare: dict[Content, Check] = {}
        """Contents that do no more than check what is inside, and that check."""
        self._clean: dict[Content, dict[bytes | None, tuple[str, ...]]] = {}
        """Contents that remember good concepts, and what they remember."""

    def root(self) -> Check:
        structure = self.tree.structure
        checks = [*self.engine.invariants.of_profile(self.tree.root.element, self._base_keys(structure.type), self.url)]
        checks.extend(self.below(self.tree.root, structure.type))
        return together(checks)

    def _base_keys(self, type_name: str) -> frozenset[str]:
        structure = self.engine.structure_of(type_name)
        return frozenset(c.key for c in structure.elements[0].constraints) if structure is not None else frozenset()

    def below(self, node: Node, shape: str) -> list[Check]:
        """Checks of the elements directly below a node, whose objects are of `shape`."""
        found: list[Check] = []
        base = self.engine.children(shape)
        for name, child_node in node.children.items():
            child = base.get(name) or one_of_choice(base, name)
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
        url, label, keys = self.url, element.path, keys_of(child)
        if sliced is None and most is None and keys is not None:
            if content is None:
                return presence_check(child, least, label, url)
            if child.variants[0].type not in PRIMITIVES:
                return plain_check(child, least, content, label, url, self._bare.get(content), self._clean.get(content))
        collect = collector(child)
        needs_none = not least and not any(one.element.min for one in node.slices)
        skips = needs_none and keys is not None
        key, beside = keys or ("", "")

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            if skips and key not in value and beside not in value:
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
        narrowed = narrowed_types(self.engine, element, was, self.url)
        if narrowed is not None:
            checks.append(narrowed)
        if element.fixed is not None and element.fixed != was.fixed:
            checks.append(valued(fixed_check(element.fixed, self.url, exact=True)))
        if element.pattern is not None and element.pattern != was.pattern:
            checks.append(valued(fixed_check(element.pattern, self.url, exact=False)))
        checks.extend(limits_of(element, was, self.url))
        checks.extend(self._bindings(element, was))
        checks.extend(self._typed(element, was))
        keys = self._known_keys(child, was)
        checks.extend(map(on_value, self.engine.invariants.of_profile(element, keys, self.url)))
        inside = self._inside(node, child)
        if inside is not None:
            checks.append(inside)
        if not checks:
            return None
        concept = any(variant.type == "CodeableConcept" for variant in child.variants)
        if concept and self._told_by_value(node):
            clean: dict[bytes | None, tuple[str, ...]] = {}
            remembering = remembering_concepts(checks, clean)
            self._clean[remembering] = clean
            return remembering
        if len(checks) == 1:
            return checks[0]
        return in_turn(checks)

    def _told_by_value(self, node: Node) -> bool:
        """Whether what is said of an element hangs on its value alone: no invariant and no type profile looks around it."""
        element = node.element
        if element.content_reference is not None or any(ref.profiles or ref.targets for ref in element.types):
            return False
        if any(_LOOKS_AROUND.search(one.expression or "") for one in element.constraints):
            return False
        return all(map(self._told_by_value, (*node.children.values(), *node.slices)))

    def _known_keys(self, child: Child, was: Element) -> frozenset[str]:
        keys = {c.key for c in was.constraints} | {"ele-1", "ext-1"}
        for variant in child.variants:
            keys |= self._base_keys(variant.type)
        return frozenset(keys)

    def _bindings(self, element: Element, was: Element) -> list[Content]:
        if element.binding is None or element.binding == was.binding:
            return []
        found: list[Content] = []
        for name in {ref.code for ref in element.types}:
            if name not in PRIMITIVES:
                found.extend(concept_contents(self.engine.terminology, element.binding, name, self.url))
                continue
            bind = code_binding(self.engine.terminology, element.binding, name, self.url)
            if bind is not None:
                found.append(of_type(name, bind))
        return found

    def _typed(self, element: Element, was: Element) -> list[Content]:
        """Reference targets and type profiles that the base does not have."""
        found: list[Content] = []
        before = {ref.code: ref for ref in was.types}
        for ref in element.types:
            old = before.get(ref.code)
            if ref.code == "Reference":
                found.extend(judging("Reference", judge) for judge in self._references(ref, old))
            if not ref.profiles or ref.code == "Extension" or (old is not None and ref.profiles == old.profiles):
                continue
            if self.engine.is_resource(ref.code) or ref.code in RESOURCES:
                found.append(self._resource_profiles(ref))
            else:
                found.append(judging(ref.code, self.engine.type_profiles(ref.profiles, ref.code)))
        return found

    def _references(self, ref: TypeRef, old: TypeRef | None) -> list[Callable[[dict[str, Any], Place, Run], None]]:
        references = self.engine.references
        found: list[Callable[[dict[str, Any], Place, Run], None]] = []
        if ref.targets and (old is None or set(ref.targets) != set(old.targets)):
            found.append(references.judge(ref.targets, self.url))
            conforming = references.conforming(ref.targets, self.url)
            if conforming is not None:
                found.append(conforming)
        if ref.aggregation and (old is None or ref.aggregation != old.aggregation):
            found.append(references.aggregated(ref.aggregation, self.url))
        return found

    def _resource_profiles(self, ref: TypeRef) -> Content:
        engine, url = self.engine, self.url

        def conforms(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            name = value.get("resourceType") if value.__class__ is dict else None
            if name.__class__ is not str or (ref.code not in RESOURCES and name != ref.code):
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
            if variant.type not in names and variant.type not in RESOURCES:
                continue
            if variant.type in RESOURCES:
                for name in names - RESOURCES:
                    by_type[name] = self.below(node, name)
                continue
            shape = "Element" if variant.type in PRIMITIVES else (child.shape or variant.type)
            checks = self.below(node, shape)
            if checks:
                by_type[variant.type] = checks
        by_type = {name: checks for name, checks in by_type.items() if checks}
        if not by_type:
            return None
        ready = {name: together(checks) for name, checks in by_type.items()}
        resources = any(engine.is_resource(name) for name in ready)

        if len(ready) == 1 and not child.choice and child.shape is not None:
            only = next(iter(ready.values()))

            def inside_alone(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
                only(value, place, run)

            self._bare[inside_alone] = only
            return inside_alone

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
                ready.append(together(self.below(node, node.element.path)))
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
            return sliced_by_url(
                slices, [extension_url(one) for one in node.slices], rules, node.element.path, self.url
            )
        return sliced_by_content(slices, rules, ordered, node.element.path, self.url)

    def _slice(self, node: Node, child: Child, discriminators: tuple[tuple[str, str], ...]) -> Slice:
        element = node.element
        start = child.shape or (
            element.types[0].code if element.types else child.variants[0].type if child.variants else "Element"
        )
        compiled = tuple(discriminator(self.engine, node, kind, path, start) for kind, path in discriminators)
        if (element.slice_name or "").endswith("@default"):
            compiled = ()
        content = self.content(self._without_what_matched(node, child, compiled), child, child.element)
        return Slice(
            element.slice_name or element.id,
            element.id,
            element.min,
            element.max
            if element.max is not None
            and (child.element.max is None or element.max < child.element.max or child.choice)
            else None,
            compiled,
            content,
            self._sliced(node, child),
            self._bare.get(content) if content is not None else None,
        )

    def _without_what_matched(self, node: Node, child: Child, compiled: tuple[Discriminator | None, ...]) -> Node:
        """A slice's node without the value its elements were found by: they have it, or they would not be in the slice."""
        found = {d.path for d in compiled if d is not None and d.coded and d.path in node.children}
        base = self.engine.children(child.shape) if child.shape is not None else {}
        found = {name for name in found if name in base and not base[name].many and not node.children[name].slices}
        if not found:
            return node
        children = dict(node.children)
        for name in found:
            inner = children[name]
            told = inner.element
            if told.pattern is not None:
                bare = replace(told, pattern=None)
            elif told.binding is not None and told.binding.strength == "required" and not told.binding.max_value_set:
                bare = replace(told, binding=None)
            else:
                continue
            children[name] = Node(bare, inner.name, inner.children, inner.slices, inner.structure)
        return Node(node.element, node.name, children, node.slices, node.structure)
