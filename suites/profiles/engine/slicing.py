"""Which slice an element belongs to (FHIR R4 profiling.html#discriminator).

A discriminator names a path; what the slice says about that path (a fixed value, a pattern, a required binding, its
presence, a type, a profile) is what an element must hold there to belong to the slice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bindings import codings_of
from suites.profiles.engine.paths import Getter, getter, steps_of
from suites.profiles.engine.patterns import equal, matcher, shown
from suites.profiles.engine.tree import Node
from suites.profiles.facts import Binding, TypeRef

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

Match = Callable[[Any, Any, str, "Run"], "bool | None"]
"""(value, sibling, type, run): whether the element belongs to the slice; None if that cannot be evaluated."""


@dataclass(frozen=True, slots=True)
class Discriminator:
    """One compiled discriminator and, for messages, what it wants."""

    match: Match
    wants: str
    path: str = ""
    coded: bool = False
    """Whether the answer hangs on the codings at `path` alone."""


@dataclass(slots=True)
class _Wanted:
    """What a slice's definition says at a discriminator's path."""

    pattern: tuple[str, Any] | None = None
    exact: bool = False
    binding: Binding | None = None
    type: str = ""
    min: int = 0
    max: int | None = None
    types: tuple[TypeRef, ...] = ()
    resolved: bool = False


def discriminator(engine: Engine, node: Node, kind: str, path: str, start: str) -> Discriminator | None:
    """Compile one discriminator for one slice; None when the slice says nothing that can be evaluated there."""
    steps = steps_of(path)
    wanted = _wanted(engine, node, steps, start)
    get = _from(getter(engine, steps), start)
    if kind in ("value", "pattern"):
        return _by_value(engine, get, wanted, path)
    if kind == "exists":
        return _by_existence(get, wanted, path)
    if kind == "type":
        return _by_type(engine, get, wanted, path)
    return _by_profile(engine, get, wanted, path)


def _from(get: Getter, start: str) -> Getter:
    """A getter that begins at a backbone element: its type says less than its path."""
    if "." not in start:
        return get
    return lambda value, kind, run: get(value, start, run)


def _by_value(engine: Engine, get: Getter, wanted: _Wanted, path: str) -> Discriminator | None:
    if wanted.pattern is not None:
        expected = wanted.pattern[1]
        meets: Callable[[Any], bool] = (
            (lambda value: equal(expected, value)) if wanted.exact else matcher(wanted.pattern)
        )
        return Discriminator(
            _any_meets(get, meets),
            f"{path} must be {shown(expected)}",
            path,
            coded=True,
        )
    if wanted.binding is not None and wanted.binding.value_set is not None and wanted.binding.strength == "required":
        url = wanted.binding.value_set

        def in_value_set(value: Any, sibling: Any, kind: str, run: Run) -> bool | None:
            undecided = False
            for one, of_type in get(value, kind, run):
                for system, code, version in codings_of(one, of_type):
                    member = (
                        engine.terminology.coding_in_slice(url, system, code, version)
                        if of_type in ("Coding", "CodeableConcept", "Quantity")
                        else engine.terminology.bare_in(url, code)
                    )
                    if member.member:
                        return True
                    undecided = undecided or member.member is None
            return None if undecided else False

        return Discriminator(in_value_set, f"{path} must be in {url.partition('|')[0]}", path, coded=True)
    if wanted.max == 0:
        return Discriminator(lambda value, sibling, kind, run: not get(value, kind, run), f"{path} must be absent")
    if wanted.min > 0:
        return Discriminator(lambda value, sibling, kind, run: bool(get(value, kind, run)), f"{path} must be present")
    return None


def _any_meets(get: Getter, meets: Callable[[Any], bool]) -> Match:
    def match(value: Any, sibling: Any, kind: str, run: Run) -> bool:
        found = get(value, kind, run)
        return meets(found[0][0]) if len(found) == 1 else any(meets(one) for one, _ in found)

    return match


def _by_existence(get: Getter, wanted: _Wanted, path: str) -> Discriminator:
    if wanted.max == 0:
        return Discriminator(lambda value, sibling, kind, run: not get(value, kind, run), f"{path} must be absent")
    return Discriminator(lambda value, sibling, kind, run: bool(get(value, kind, run)), f"{path} must be present")


def _by_type(engine: Engine, get: Getter, wanted: _Wanted, path: str) -> Discriminator | None:
    if not wanted.types:
        return None
    if wanted.resolved:
        allowed = engine.references.allowed(url for ref in wanted.types for url in ref.targets)
    else:
        allowed = frozenset(ref.code for ref in wanted.types)
    if allowed is None or allowed & {"Resource", "Element"}:
        return Discriminator(lambda value, sibling, kind, run: bool(get(value, kind, run)), f"{path} must be present")
    names = allowed

    def by_type(value: Any, sibling: Any, kind: str, run: Run) -> bool:
        return any(of_type in names for _, of_type in get(value, kind, run))

    return Discriminator(by_type, f"{path} must be of type {' or '.join(sorted(names))}")


def _by_profile(engine: Engine, get: Getter, wanted: _Wanted, path: str) -> Discriminator | None:
    urls = tuple(url for ref in wanted.types for url in (ref.targets if wanted.resolved else ref.profiles))
    if not urls:
        return None

    def conforms(value: Any, sibling: Any, kind: str, run: Run) -> bool | None:
        undecided = False
        for one, of_type in get(value, kind, run):
            for url in urls:
                passes = engine.conforms(one, of_type, url, run)
                if passes:
                    return True
                undecided = undecided or passes is None
        return None if undecided else False

    return Discriminator(conforms, f"{path} must conform to {' or '.join(urls)}")


def _wanted(engine: Engine, node: Node, steps: list[str], start: str) -> _Wanted:
    """Walk the slice's definition along the path; through type profiles where the slice itself says nothing."""
    element = node.element
    if element.fixed is not None or element.pattern is not None:
        held = element.fixed or element.pattern
        assert held is not None
        inner = _descend(held[1], steps)
        if inner is not None:
            kind = held[0] if not steps else ""
            return _Wanted(pattern=(kind, inner), exact=element.fixed is not None and not steps, types=element.types)
    if not steps:
        derived = _derived(engine, node, start)
        resolved = _Wanted(binding=element.binding, min=element.min, max=element.max, types=element.types)
        if derived is not None:
            resolved.pattern = ("", derived)
        elif element.binding is None or element.binding.strength != "required":
            found = next(
                (
                    w
                    for w in (_wanted(engine, root, [], root.name) for root in _profiled(engine, node))
                    if w.pattern is not None or w.binding is not None
                ),
                None,
            )
            if found is not None and not (element.types and element.types[0].code == "Extension"):
                resolved.pattern, resolved.binding = found.pattern, found.binding
        return resolved
    step, rest = steps[0], steps[1:]
    if step == "resolve()":
        return (
            _Wanted(types=element.types, resolved=True, min=element.min)
            if not rest
            else _through_targets(engine, element.types, rest)
        )
    if step.startswith("ofType("):
        return _wanted(engine, node, rest, step[7:-1])
    if step.startswith("extension("):
        url = step[len("extension(") : -1].strip("'\"")
        holder = node.children.get("extension")
        for one in holder.slices if holder is not None else ():
            if extension_url(one) == url:
                return _wanted(engine, one, rest, "Extension")
        return _Wanted()
    options: list[_Wanted] = []
    for below in (node, *_profiled(engine, node)):
        child = below.children.get(step) or below.children.get(step + "[x]")
        if child is not None:
            inner_type = engine.type_below(start, child.name)
            candidates = (child, *(one for one in child.slices if one.element.min))
            options.extend(_wanted(engine, candidate, rest, inner_type) for candidate in candidates)
    for tells in (_has_value, _is_bound, _has_types):
        found = next(filter(tells, options), None)
        if found is not None:
            return found
    base = engine.children(start).get(step) or engine.children(start).get(step + "[x]")
    if base is not None and not rest:
        return _Wanted(binding=base.element.binding, min=base.element.min, types=base.element.types)
    if base is not None and rest and base.element.types:
        return _wanted(engine, Node(base.element, base.name), rest, base.shape or base.element.types[0].code)
    return _Wanted()


def _has_value(wanted: _Wanted) -> bool:
    return wanted.pattern is not None or wanted.max == 0


def _is_bound(wanted: _Wanted) -> bool:
    return wanted.binding is not None and wanted.binding.strength == "required"


def _has_types(wanted: _Wanted) -> bool:
    return bool(wanted.types)


def _through_targets(engine: Engine, types: tuple[TypeRef, ...], rest: list[str]) -> _Wanted:
    for ref in types:
        for url in ref.targets:
            tree = engine.tree(url)
            if tree is not None:
                found = _wanted(engine, tree.root, rest, tree.structure.type)
                if found.pattern is not None or found.binding is not None:
                    return found
    return _Wanted()


def _profiled(engine: Engine, node: Node) -> list[Node]:
    """Roots of the profiles the element's types name."""
    found = []
    for ref in node.element.types:
        for url in ref.profiles:
            tree = engine.tree(url)
            if tree is not None:
                found.append(tree.root)
    return found


def _descend(value: Any, steps: list[str]) -> Any:
    """The part of a fixed value or pattern that a path leads to; None if it says nothing there."""
    here = value
    for step in steps:
        if isinstance(here, list):
            here = here[0] if len(here) == 1 else None
        if not isinstance(here, dict):
            return None
        here = (
            here.get(step)
            if step in here
            else next(
                (
                    held
                    for key, held in here.items()
                    if key.startswith(step) and key[len(step) : len(step) + 1].isupper()
                ),
                None,
            )
        )
    if isinstance(here, list):
        return here[0] if len(here) == 1 else here
    return here


def _derived(engine: Engine, node: Node, start: str) -> dict[str, Any] | None:
    """A pattern made of what the elements below say, for slices that fix `coding.code` where the path stops at the concept."""
    made: dict[str, Any] = {}
    for name, child in node.children.items():
        options = [child, *(one for one in child.slices if one.element.min)]
        for one in options:
            held = one.element.fixed or one.element.pattern
            inner = held[1] if held is not None else _derived(engine, one, engine.type_below(start, name))
            if inner is not None and not name.endswith("[x]"):
                base = engine.children(start).get(name)
                made[name] = [inner] if base is not None and base.many and not isinstance(inner, list) else inner
                break
    return made or None


def extension_url(node: Node) -> str | None:
    """The URL that an extension slice is about."""
    url = node.children.get("url")
    if url is not None and url.element.fixed is not None:
        return str(url.element.fixed[1])
    for ref in node.element.types:
        for profile in ref.profiles:
            return profile.partition("|")[0]
    return None
