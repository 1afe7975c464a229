"""Must-support coverage: which elements, slices and extensions a profile marks were seen in a set of resources, and where.

A result of its own, not a verdict: an element no resource shows may be rightly absent from every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from suites.profiles.engine.children import Child
from suites.profiles.engine.engine import Engine
from suites.profiles.engine.findings import Resource
from suites.profiles.engine.items import Item, collector
from suites.profiles.engine.place import root
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.engine.run import Run
from suites.profiles.engine.slicing import Discriminator, discriminator, extension_url
from suites.profiles.engine.tree import Node

MOST_WITNESSES = 5
Walk = Callable[[Any, str, Run, str, dict[str, list[str]]], None]


@dataclass(slots=True)
class Seen:
    """Coverage of one profile: for each must-support element the first resources that show it."""

    resources: int = 0
    witnesses: dict[str, list[str]] = field(default_factory=dict)


class Coverage:
    """Collects coverage over resources."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: dict[str, Seen] = {}
        self._walks: dict[str, tuple[tuple[str, ...], Walk] | None] = {}

    def add(self, resource: dict[str, Any], profiles: Iterable[str]) -> None:
        """Look at one resource through each of the profiles it was judged by."""
        name = resource.get("resourceType")
        if not isinstance(name, str):
            return
        who = f"{name}/{resource.get('id', '?')}"
        for url in profiles:
            compiled = self._compiled(url)
            if compiled is None:
                continue
            wanted, walk = compiled
            seen = self._seen.setdefault(url.partition("|")[0], Seen(0, {element: [] for element in wanted}))
            seen.resources += 1
            run = Run(self._engine, resource)
            run = run.entering(Resource(resource, name, root(name)))
            walk(resource, name, run, who, seen.witnesses)

    def take(self) -> Mapping[str, Seen]:
        """Hand over what was collected and begin anew."""
        taken, self._seen = self._seen, {}
        return taken

    def merge(self, other: Mapping[str, Seen]) -> None:
        """Add what another process collected."""
        for url, seen in other.items():
            mine = self._seen.setdefault(url, Seen(0, {element: [] for element in seen.witnesses}))
            mine.resources += seen.resources
            for element, names in seen.witnesses.items():
                held = mine.witnesses.setdefault(element, [])
                held.extend(name for name in names if name not in held and len(held) < MOST_WITNESSES)

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "profile": url,
                "resources": seen.resources,
                "elements": [{"element": element, "seen_in": names} for element, names in seen.witnesses.items()],
            }
            for url, seen in sorted(self._seen.items())
        ]

    def _compiled(self, url: str) -> tuple[tuple[str, ...], Walk] | None:
        if url not in self._walks:
            tree = self._engine.tree(url)
            if tree is None:
                self._walks[url] = None
            else:
                wanted = tuple(element.id for element in tree.structure.elements if element.must_support)
                self._walks[url] = (wanted, self._walk(tree.root, tree.structure.type))
        return self._walks[url]

    def _walk(self, node: Node, shape: str) -> Walk:
        """A function that marks every must-support element below an object of `shape`."""
        parts = []
        children = self._engine.children(shape)
        for name, child_node in node.children.items():
            child = children.get(name)
            if child is not None and _marks(child_node):
                parts.append(
                    (
                        collector(child),
                        self._element(child_node, child),
                        [self._slice(one, child, child_node) for one in child_node.slices if _marks(one)],
                    )
                )

        def walk(value: Any, kind: str, run: Run, who: str, witnesses: dict[str, list[str]]) -> None:
            for collect, element, slices in parts:
                items, _ = collect(value, run.resource.place)
                for item in items:
                    element(item, run, who, witnesses)
                    for matches, inside in slices:
                        if matches(item, run):
                            inside(item, run, who, witnesses)

        return walk

    def _element(self, node: Node, child: Child) -> Callable[[Item, Run, str, dict[str, list[str]]], None]:
        marked = node.element.must_support
        identity = node.element.id
        allowed = {ref.code for ref in node.element.types}
        inner = {
            variant.type: self._walk(node, "Element" if variant.type in PRIMITIVES else (child.shape or variant.type))
            for variant in child.variants
            if node.children and (not allowed or variant.type in allowed)
        }

        def element(item: Item, run: Run, who: str, witnesses: dict[str, list[str]]) -> None:
            value, sibling, _, kind = item
            if marked:
                held = witnesses.setdefault(identity, [])
                if len(held) < MOST_WITNESSES and who not in held:
                    held.append(who)
            walk = inner.get(kind)
            below = value if value.__class__ is dict else sibling
            if walk is not None and below.__class__ is dict:
                walk(below, kind, run, who, witnesses)

        return element

    def _slice(
        self, node: Node, child: Child, whole: Node
    ) -> tuple[Callable[[Item, Run], bool], Callable[[Item, Run, str, dict[str, list[str]]], None]]:
        element = self._element(node, child)
        if child.variants and child.variants[0].type == "Extension":
            url = extension_url(node)
            return (lambda item, run: item[0].__class__ is dict and item[0].get("url") == url), element
        slicing = whole.element.slicing
        pairs = slicing.discriminators if slicing is not None and slicing.discriminators else (("type", "$this"),)
        start = child.shape or (node.element.types[0].code if node.element.types else "Element")
        tests: list[Discriminator | None] = [
            discriminator(self._engine, node, kind, path, start) for kind, path in pairs
        ]

        def matches(item: Item, run: Run) -> bool:
            return all(test is not None and bool(test.match(item[0], item[1], item[3], run)) for test in tests)

        return matches, element


def _marks(node: Node) -> bool:
    """Whether a node or anything below it is must-support."""
    return node.element.must_support or any(map(_marks, node.children.values())) or any(map(_marks, node.slices))
