"""A profile's snapshot as a tree: elements below elements, slices beside the element they slice."""

from __future__ import annotations

from dataclasses import dataclass, field

from suites.profiles.facts import Element, Structure


@dataclass(slots=True)
class Node:
    """One element of a snapshot with what stands below it; `slices` holds its slices (of a slice: its re-slices)."""

    element: Element
    name: str
    children: dict[str, Node] = field(default_factory=dict)
    slices: list[Node] = field(default_factory=list)
    structure: Structure | None = None

    @property
    def label(self) -> str:
        return self.element.id


@dataclass(slots=True)
class Tree:
    """The nodes of one structure by element id."""

    structure: Structure
    root: Node
    nodes: dict[str, Node]


def tree_of(structure: Structure) -> Tree:
    nodes: dict[str, Node] = {}
    first = structure.elements[0]
    root = Node(first, first.path, structure=structure)
    nodes[first.id] = root
    for element in structure.elements[1:]:
        parent_id = _parent(element.id, nodes)
        parent = nodes[parent_id]
        segment = element.id[len(parent_id) + 1 :]
        name, _, slice_name = segment.partition(":")
        node = Node(element, name, structure=structure)
        nodes[element.id] = node
        whole = parent.children.get(name)
        if not slice_name or whole is None:
            parent.children.setdefault(name, node)
            continue
        above = slice_name.rpartition("/")[0]
        holder = nodes.get(f"{parent_id}.{name}:{above}") if above else None
        (holder or whole).slices.append(node)
    return Tree(structure, root, nodes)


def _parent(identity: str, nodes: dict[str, Node]) -> str:
    """The longest known id before a dot (slice names may hold dots)."""
    end = len(identity)
    while (end := identity.rfind(".", 0, end)) > 0:
        if identity[:end] in nodes:
            return identity[:end]
    return next(iter(nodes))
