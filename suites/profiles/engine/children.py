"""The elements of a type and the JSON properties they are in (FHIR R4 json.html, elementdefinition.html)."""

from __future__ import annotations

from dataclasses import dataclass

from suites.profiles.engine.place import Step
from suites.profiles.engine.primitives import PRIMITIVES
from suites.profiles.facts import Element, Structure, TypeRef

RESOURCES = frozenset({"Resource", "DomainResource"})
_SYSTEM = "http://hl7.org/fhirpath/System."


@dataclass(frozen=True, slots=True)
class Variant:
    """One JSON property of an element: an element has one, a choice one for each type."""

    key: str
    step: Step
    type: str
    ref: TypeRef


@dataclass(frozen=True, slots=True)
class Child:
    """An element of a type: its definition, its JSON properties, whether they are arrays."""

    element: Element
    name: str
    variants: tuple[Variant, ...]
    many: bool
    shape: str | None
    """Name of the shape of its objects, None for primitives, choices and resources."""

    @property
    def choice(self) -> bool:
        return self.name.endswith("[x]")


def _type_code(ref: TypeRef, path: str) -> str:
    if not ref.code.startswith(_SYSTEM):
        return ref.code
    if path == "Extension.url":
        return "uri"
    if path.count(".") == 1 and path.endswith(".id") and path[0].isupper():
        return "id" if path == "Resource.id" else "string"
    return {"String": "string", "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal"}.get(
        ref.code.removeprefix(_SYSTEM), "string"
    )


def children_of(structure: Structure, at: str) -> dict[str, Child]:
    """The elements directly below `at` (a type name or the path of a backbone element)."""
    resource = structure.kind == "resource"
    found: dict[str, Child] = {}
    for element in structure.elements:
        if element.slice_name is not None or not element.path.startswith(at + "."):
            continue
        name = element.path[len(at) + 1 :]
        if "." in name or name in found:
            continue
        found[name] = _child(element, name, resource and at == structure.type)
    return found


def _child(element: Element, name: str, of_resource: bool) -> Child:
    many = (
        element.max is None
        or element.max > 1
        or (element.base_max is None and element.base_path is not None and element.max != 1)
    )
    if element.content_reference is not None:
        target = element.content_reference.rpartition("#")[2]
        step = Step(name, name, target, "BackboneElement")
        return Child(element, name, (Variant(name, step, "BackboneElement", TypeRef("BackboneElement")),), many, target)
    variants: list[Variant] = []
    stem = name.removesuffix("[x]")
    choice = name.endswith("[x]")
    for ref in element.types:
        code = "id" if of_resource and name == "id" else _type_code(ref, element.path)
        key = stem + code[0].upper() + code[1:] if choice else name
        shown = f"{stem}.ofType({code})" if choice else name
        variants.append(Variant(key, Step(key, shown, element.path, code), code, ref))
    shape = None
    if not choice and variants and variants[0].type not in PRIMITIVES and variants[0].type not in RESOURCES:
        code = variants[0].type
        shape = element.path if code in ("BackboneElement", "Element") else code
    return Child(element, name, tuple(variants), many, shape)


def one_of_choice(children: dict[str, Child], key: str) -> Child | None:
    """The choice that has a type of this property's name, narrowed to it: some guides write `valueQuantity` for `value[x]`."""
    for child in children.values():
        if child.choice:
            for variant in child.variants:
                if variant.key == key:
                    shape = None if variant.type in PRIMITIVES else variant.type
                    return Child(child.element, key, (variant,), False, shape)
    return None
