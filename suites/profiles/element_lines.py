"""Elements to lines of a table and back: each line holds what differs from the element it refines.

The element refined is found the same way in both directions (`refined`): the same element of the base structure, the
element a slice is taken from, or the element of the data type it unrolls. An element that adds nothing is its id alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from suites.profiles.facts import Binding, Constraint, Element, Slicing, TypeRef

CORE = "http://hl7.org/fhir/StructureDefinition/"
Elements = Mapping[str, Element]
"""Elements of one structure by id."""
TypeElements = Callable[[str], Elements | None]
"""Elements of a data type by its name."""

_ATTRIBUTE_OF = {
    "path": "path",
    "sliceName": "slice_name",
    "min": "min",
    "max": "max",
    "types": "types",
    "fixed": "fixed",
    "pattern": "pattern",
    "binding": "binding",
    "minValue": "min_value",
    "maxValue": "max_value",
    "maxLength": "max_length",
    "mustSupport": "must_support",
    "isModifier": "modifier",
    "isSummary": "is_summary",
    "slicing": "slicing",
    "contentReference": "content_reference",
    "constraints": "constraints",
    "representation": "representation",
    "base": "base",
    "regex": "regex",
}
_PLAIN = tuple(f.name for f in fields(Element) if f.name not in ("id", "base_path", "base_min", "base_max"))
_WORD_OF = {attribute: word for word, attribute in _ATTRIBUTE_OF.items()}


def path_of(element_id: str) -> str:
    """`Patient.identifier:mrn.system` → `Patient.identifier.system`."""
    return ".".join(step.partition(":")[0] for step in element_id.split("."))


def slice_of(element_id: str) -> str | None:
    """The slice the element opens: its last step's, if it has one."""
    return element_id.rpartition(".")[2].partition(":")[2] or None


def refined(
    element_id: str, done: Elements, base: Elements, root: str | None, type_elements: TypeElements
) -> Element | None:
    """The element that this one refines, or None when it starts anew.

    `base` is the structure this one derives from and `root` the name its element ids begin with.
    """
    step, _, rest = element_id.partition(".")
    if root is not None:
        inherited = base.get(f"{root}.{rest}" if rest else root) if ":" not in step else None
        if inherited is not None:
            return inherited
    parent, _, last = element_id.rpartition(".")
    name, colon, slice_name = last.partition(":")
    if colon:
        outer = slice_name.rpartition("/")[0]
        sliced = f"{parent}.{name}:{outer}" if outer else f"{parent}.{name}"
        if sliced in done:
            return done[sliced]
        last = name
    if not parent:
        return None
    above = done.get(parent)
    unsliced = f"{parent.rpartition(':')[0]}.{last}" if ":" in parent.rpartition(".")[2] else None
    if unsliced is not None and unsliced in done:
        return done[unsliced]
    if above is None:
        return None
    if above.content_reference:
        return done.get(f"{above.content_reference.rpartition('#')[2]}.{last}")
    if len(above.types) == 1:
        unrolled = type_elements(above.types[0].code)
        if unrolled is not None:
            return unrolled.get(f"{above.types[0].code}.{last}")
    return None


def _fresh(element_id: str) -> Element:
    path = path_of(element_id)
    return Element(id=element_id, path=path, slice_name=slice_of(element_id))


def _start(element_id: str, ancestor: Element | None) -> Element:
    """What a line's differences are relative to."""
    if ancestor is None:
        return _fresh(element_id)
    # A slice does not inherit being sliced; min of a slice counts for itself.
    slicing = ancestor.slicing if slice_of(element_id) is None else None
    return replace(ancestor, id=element_id, path=path_of(element_id), slice_name=slice_of(element_id), slicing=slicing)


def refined_structure(url: str, base: str | None, type_name: str, bases: Callable[[str], str | None]) -> str | None:
    """Which structure's elements a structure's lines refine: its base where this package defines it, else FHIR's own type.

    `bases` gives the base of a structure of this package ("" where it has none), and None for any other structure.
    Profiles that derive from each other in a circle refine FHIR's type, so that reading one ends.
    """
    if base is None:
        return None
    seen = {url}
    link: str | None = base
    while link and link not in seen:
        seen.add(link)
        link = bases(link)
    source = base if bases(base) is not None and not link else CORE + type_name
    return None if source == url else source


def short_canonical(url: str) -> str:
    """Definitions of FHIR itself by their bare name; anything else as it is."""
    name = url.removeprefix(CORE)
    return name if name and name != url and "/" not in name and ":" not in name else url


def full_canonical(text: str) -> str:
    return text if ":" in text or "/" in text else CORE + text


def _type_line(ref: TypeRef) -> Any:
    line: dict[str, Any] = {"code": ref.code}
    if ref.profiles:
        line["profiles"] = [short_canonical(p) for p in ref.profiles]
    if ref.targets:
        line["targets"] = [short_canonical(t) for t in ref.targets]
    if ref.aggregation:
        line["aggregation"] = list(ref.aggregation)
    if ref.versioning:
        line["versioning"] = ref.versioning
    return line if len(line) > 1 else ref.code


def _type_ref(line: Any) -> TypeRef:
    if isinstance(line, str):
        return TypeRef(line)
    return TypeRef(
        line["code"],
        tuple(full_canonical(p) for p in line.get("profiles", ())),
        tuple(full_canonical(t) for t in line.get("targets", ())),
        tuple(line.get("aggregation", ())),
        line.get("versioning"),
    )


def _slicing_line(slicing: Slicing) -> dict[str, Any]:
    line: dict[str, Any] = {"by": [list(d) for d in slicing.discriminators], "rules": slicing.rules}
    if slicing.ordered:
        line["ordered"] = True
    return line


def _word(attribute: str, value: Any, constraint_name: Callable[[Constraint], str]) -> Any:
    """An attribute's value as the table writes it; None says that the refined element's value is taken back."""
    if attribute == "max":
        return "*" if value is None else value
    if value is None:
        return None
    if attribute == "types":
        return [_type_line(t) for t in value]
    if attribute == "binding":
        additional = [list(pair) for pair in value.additional] or None
        line = [value.strength, value.value_set, value.max_value_set, additional]
        while line[-1] is None:
            line.pop()
        return line
    if attribute == "slicing":
        return _slicing_line(value)
    if attribute == "constraints":
        return [constraint_name(c) for c in value]
    if isinstance(value, tuple):
        return list(value)
    return value


def to_line(element: Element, ancestor: Element | None, constraint_name: Callable[[Constraint], str]) -> Any:
    """The line of an element: its id alone when it only repeats what it refines."""
    start = _start(element.id, ancestor)
    line: dict[str, Any] = {"id": element.id}
    for attribute in _PLAIN:
        value = getattr(element, attribute)
        if value != getattr(start, attribute):
            line[_WORD_OF[attribute]] = _word(attribute, value, constraint_name)
    base = (element.base_path, element.base_min, element.base_max)
    if base != _base(start, element.path, ancestor is None, element.min, element.max):
        line["base"] = [base[0], base[1], "*" if base[2] is None else base[2]] if base[0] is not None else None
    return line if len(line) > 1 else element.id


def _base(
    start: Element, path: str, is_new: bool, lowest: int, highest: int | None
) -> tuple[str | None, int | None, int | None]:
    """An element that refines nothing is its own base."""
    if is_new:
        return path, lowest, highest
    return start.base_path, start.base_min, start.base_max


def from_line(line: Any, ancestor: Element | None, constraints: Mapping[str, Constraint]) -> Element:
    """The element of a line, given the element it refines."""
    if isinstance(line, str):
        line = {"id": line}
    start = _start(line["id"], ancestor)
    changes: dict[str, Any] = {}
    for word, value in line.items():
        if word in ("id", "base"):
            continue
        changes[_ATTRIBUTE_OF[word]] = _value(word, value, constraints)
    element = replace(start, **changes) if changes else start
    if "base" in line:
        written = line["base"]
        base = (None, None, None) if written is None else (written[0], written[1], _max(written[2]))
    else:
        base = _base(start, element.path, ancestor is None, element.min, element.max)
    if base == (element.base_path, element.base_min, element.base_max):
        return element
    return replace(element, base_path=base[0], base_min=base[1], base_max=base[2])


def _max(value: Any) -> int | None:
    return None if value == "*" else int(value)


def _value(word: str, value: Any, constraints: Mapping[str, Constraint]) -> Any:
    if word == "max":
        return _max(value)
    if value is None:
        return None
    if word == "types":
        return tuple(_type_ref(t) for t in value)
    if word == "binding":
        strength, value_set, max_value_set, additional = [*value, None, None, None][:4]
        return Binding(strength, value_set, max_value_set, tuple((purpose, url) for purpose, url in additional or ()))
    if word == "slicing":
        return Slicing(tuple((kind, path) for kind, path in value["by"]), value["rules"], value.get("ordered", False))
    if word == "constraints":
        return tuple(constraints[name] for name in value)
    if word in ("fixed", "pattern", "minValue", "maxValue"):
        return (value[0], value[1])
    if word == "representation":
        return tuple(value)
    return value


def read_elements(
    lines: Iterable[Any],
    base: Elements,
    root: str | None,
    type_elements: TypeElements,
    constraints: Mapping[str, Constraint],
) -> tuple[Element, ...]:
    """All elements of a structure, in order."""
    done: dict[str, Element] = {}
    for line in lines:
        element_id = line if isinstance(line, str) else line["id"]
        ancestor = refined(element_id, done, base, root, type_elements)
        done[element_id] = from_line(line, ancestor, constraints)
    return tuple(done.values())


def write_elements(
    elements: Iterable[Element],
    base: Elements,
    root: str | None,
    type_elements: TypeElements,
    constraint_name: Callable[[Constraint], str],
) -> list[Any]:
    """The lines of a structure's elements, in order."""
    done: dict[str, Element] = {}
    lines = []
    for element in elements:
        ancestor = refined(element.id, done, base, root, type_elements)
        lines.append(to_line(element, ancestor, constraint_name))
        done[element.id] = element
    return lines
