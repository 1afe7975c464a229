"""A type as the specification defines it, compiled to a function: properties, JSON types, cardinality, bindings.

One shape per data type, resource type and backbone element; each is compiled when the first value of it is met and shared
by every profile. Values already found good are remembered per property, so that what recurs costs one look-up.
Leaves to others: what profiles add (constraints), extensions, invariants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.attachments import judge_attachment
from suites.profiles.engine.bindings import code_binding, concept_binding
from suites.profiles.engine.coding_keys import coding_key
from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.primitives import PRIMITIVES, checker, json_type
from suites.profiles.facts import Element, Structure, TypeRef

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

Handler = Callable[[Any, dict[str, Any], Place, "Run"], None]
"""Judges the value of one property: (value, the object it stands in, the object's place, the run)."""
After = Callable[[Any, Place, "Run"], object]

REMEMBERED = 4096
_SYSTEM = "http://hl7.org/fhirpath/System."
_RESOURCES = frozenset({"Resource", "DomainResource"})


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
    if not choice and variants and variants[0].type not in PRIMITIVES and variants[0].type not in _RESOURCES:
        code = variants[0].type
        shape = element.path if code in ("BackboneElement", "Element") else code
    return Child(element, name, tuple(variants), many, shape)


class Shape:
    """A compiled type. `check(object, place, run)` compiles itself at first use."""

    __slots__ = ("_engine", "check", "children", "good", "handlers", "name", "required", "type")

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.type = name
        self.children: dict[str, Child] = engine.children(name)
        self.handlers: dict[str, Handler] = {}
        self.good: dict[str, set[str]] = {}
        self.required: tuple[tuple[tuple[str, ...], str], ...] = ()
        self.check: Callable[[dict[str, Any], Place, Run], None] = self._first

    def _first(self, value: dict[str, Any], place: Place, run: Run) -> None:
        self.check = _compile(self._engine, self)
        self.check(value, place, run)


def _compile(engine: Engine, shape: Shape) -> Callable[[dict[str, Any], Place, Run], None]:
    structure = engine.structure_of(shape.name)
    is_resource = structure is not None and structure.kind == "resource" and "." not in shape.name
    handlers, good = shape.handlers, shape.good
    required: list[tuple[tuple[str, ...], str]] = []
    for name, child in shape.children.items():
        for variant in child.variants:
            _add_handlers(engine, shape, child, variant)
        if child.element.min:
            keys = [variant.key for variant in child.variants]
            primitive = any(variant.type in PRIMITIVES for variant in child.variants)
            required.append((tuple(keys + ["_" + key for key in keys] if primitive else keys), name))
    if is_resource:
        handlers["resourceType"] = _nothing
    nothing: set[str] = set()
    slots = {key: (good.get(key, nothing), handler) for key, handler in handlers.items()}
    shape.required = tuple(required)
    certain = frozenset(keys[0] for keys, _ in required)
    invariants = engine.invariants.of_shape(shape.name)
    label = shape.name

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        for key, held in value.items():
            slot = slots.get(key)
            if slot is None:
                run.add(ERROR, "unknown-property", place, f"unrecognized property '{key}'")
                continue
            known, handler = slot
            if held.__class__ is not str or held not in known:
                handler(held, value, place, run)
        if len(value) < 2 and not is_resource and (not value or "id" in value):
            run.add(
                ERROR,
                "object-empty" if not value else "ele-1",
                place,
                "an object must have some content"
                if not value
                else "an element must have a value or children beside its id",
            )
        if not certain <= value.keys() and value:
            for keys, name in required:
                if not any(key in value for key in keys):
                    run.add(ERROR, "cardinality-min", place, f"{label}.{name}: at least 1 is required, none found")
        for invariant in invariants:
            invariant(value, place, run)

    return check


def _nothing(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
    """Judged elsewhere."""


def _add_handlers(engine: Engine, shape: Shape, child: Child, variant: Variant) -> None:
    handlers, key, step = shape.handlers, variant.key, variant.step
    if key in ("extension", "modifierExtension") and variant.type == "Extension":
        handlers[key] = engine.extensions.handler(step, modifier=key == "modifierExtension")
        return
    if variant.type in _RESOURCES:
        handlers[key] = _resources(step, child.many)
        return
    if variant.type == "xhtml":
        handlers[key] = engine.narrative_handler(step)
        return
    if variant.type in PRIMITIVES:
        known: set[str] = set()
        alone = None if not child.choice else frozenset(v.key for v in child.variants)
        if child.many:
            handlers[key] = _primitives(engine, child, variant, known)
        else:
            if alone is None:
                shape.good[key] = known
            handlers[key] = _primitive(engine, child, variant, known, alone)
        handlers["_" + key] = _siblings(engine, child, variant)
        return
    inner = child.shape or variant.type
    if child.many:
        handlers[key] = _objects(engine, child, variant, engine.shape(inner))
    else:
        handlers[key] = _object(
            engine,
            child,
            variant,
            engine.shape(inner),
            frozenset(v.key for v in child.variants) if child.choice else None,
        )


def _other_choice(owner: dict[str, Any], key: str, alone: frozenset[str]) -> str | None:
    """Another type of the same choice that comes earlier in the object."""
    for other in owner:
        if other == key:
            return None
        if other in alone:
            return other
    return None


def _add_second_choice(owner: dict[str, Any], key: str, alone: frozenset[str], place: Place, run: Run) -> bool:
    first = _other_choice(owner, key, alone)
    if first is None:
        return False
    run.add(ERROR, "choice-repeated", place, f"property '{key}' is one type too many: '{first}' is already there")
    return True


def primitive_judge(engine: Engine, child: Child, variant: Variant) -> Callable[[Any, Place, Run], bool]:
    """Judges one primitive value: lexical form, length, regex, binding. True when nothing at all was to be said."""
    complain = checker(variant.type)
    bind = code_binding(engine.terminology, child.element.binding, variant.type)
    longest = child.element.max_length

    def judge(value: Any, place: Place, run: Run) -> bool:
        wrong = complain(value)
        if wrong is not None:
            run.add(
                ERROR, wrong[0], place, wrong[1], found=None if value.__class__ in (dict, list) else str(value)[:100]
            )
            return False
        if longest is not None and len(str(value)) > longest:
            run.add(ERROR, "max-length", place, f"has {len(str(value))} characters; at most {longest} are allowed")
            return False
        return bind is None or bind(value, place, run)

    return judge


def _primitive(
    engine: Engine, child: Child, variant: Variant, known: set[str], alone: frozenset[str] | None
) -> Handler:
    judge, step, key = primitive_judge(engine, child, variant), variant.step, variant.key
    invariants = engine.invariants.of_element(child, variant)
    noted: dict[str, tuple[str, ...]] = {}

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if alone is not None:
            if value.__class__ is str and value in known:
                if len(owner) > 1:
                    _add_second_choice(owner, key, alone, place, run)
                return
            if _add_second_choice(owner, key, alone, place, run):
                return
        here = (place, step, None)
        if value is None and "_" + key in owner:
            run.add(ERROR, "null", here, "null is only allowed inside an array")
            return
        if value.__class__ is list:
            run.add(ERROR, "json-type", here, "must be a single value, not an array")
            return
        findings = run.findings
        if value.__class__ is str and value in noted:
            for what in noted[value]:
                run.lacks(what, here)
            return
        issues, notes = len(findings.issues), findings.notes
        findings.notes = []
        fine = judge(value, here, run)
        for invariant in invariants:
            invariant(value, here, run)
        if value.__class__ is str and not invariants and len(value) < 200:
            if fine and len(known) < REMEMBERED:
                known.add(value)
            elif len(findings.issues) == issues and findings.notes and len(noted) < REMEMBERED:
                noted[value] = tuple(findings.notes)
        findings.notes = [*notes, *findings.notes]

    if alone is None and not invariants and variant.type in _NUMBERS and child.element.max_length is None:
        return _quick_number(checker(variant.type), handle)
    return handle


_NUMBERS = frozenset({"decimal", "integer", "unsignedInt", "positiveInt", "boolean"})


def _quick_number(complain: Callable[[Any], object], handle: Handler) -> Handler:
    """Numbers and booleans that are good need nothing more."""

    def quick(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if value.__class__ in _NUMERIC and complain(value) is None:
            return
        handle(value, owner, place, run)

    return quick


_NUMERIC = frozenset({int, Decimal, bool})


def _primitives(engine: Engine, child: Child, variant: Variant, known: set[str]) -> Handler:
    judge, step, key = primitive_judge(engine, child, variant), variant.step, variant.key
    most = child.element.max
    invariants = engine.invariants.of_element(child, variant)

    def handle(values: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if values.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(values)}")
            return
        if not values:
            # json.html says arrays are never empty; the official validator lets those of primitive values pass, and so a warning.
            run.add(WARNING, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
            return
        if most is not None and len(values) > most:
            run.add(
                ERROR, "cardinality-max", place, f"{child.element.path}: at most {most} allowed, {len(values)} found"
            )
        siblings = owner.get("_" + key)
        for index, value in enumerate(values):
            if value.__class__ is str and value in known:
                continue
            here = (place, step, index)
            if value is None:
                beside = siblings[index] if siblings.__class__ is list and index < len(siblings) else None
                if beside is None:
                    run.add(ERROR, "null", here, "null stands for nothing: neither a value nor an extension is here")
                continue
            fine = judge(value, here, run)
            for invariant in invariants:
                invariant(value, here, run)
            if fine and value.__class__ is str and not invariants and len(known) < REMEMBERED and len(value) < 200:
                known.add(value)

    return handle


def _siblings(engine: Engine, child: Child, variant: Variant) -> Handler:
    """`_name` beside a primitive `name`: id and extensions, nothing else (FHIR R4 json.html#primitive)."""
    step, key, many = variant.step, variant.key, child.many
    extensions = engine.extensions.handler(
        Step("extension", "extension", "Element.extension", "Extension"), modifier=False
    )

    def one(value: Any, here: Place, run: Run, has_value: bool) -> None:
        if value.__class__ is not dict:
            run.add(ERROR, "json-type", here, f"must be an object, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "object-empty", here, "an object must have some content")
        for name, held in value.items():
            if name == "extension":
                extensions(held, value, here, run)
            elif name == "id":
                if held.__class__ is not str or not held:
                    run.add(ERROR, "json-type", here, "an element's id is a string")
            else:
                run.add(ERROR, "unknown-property", here, f"unrecognized property '{name}'")
        if not has_value and value and "extension" not in value:
            run.add(ERROR, "ele-1", here, "an element must have a value or an extension beside its id")

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        beside = owner.get(key)
        if not many:
            one(value, (place, step, None), run, beside is not None)
            return
        if value.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
        values = beside if beside.__class__ is list else []
        for index, sibling in enumerate(value):
            has_value = index < len(values) and values[index] is not None
            if sibling is None:
                if not has_value:
                    run.add(
                        ERROR,
                        "null",
                        (place, step, index),
                        "null stands for nothing: neither a value nor an extension is here",
                    )
            else:
                one(sibling, (place, step, index), run, has_value)

    return handle


def after_shape(engine: Engine, child: Child, variant: Variant) -> tuple[After, ...]:
    """What the element's own definition says of its value beyond its type: binding, reference targets, type profiles, invariants."""
    found: list[After] = []
    element = child.element
    judge = _BY_TYPE.get(variant.type)
    if judge is not None:
        found.append(judge(engine))
    if variant.type == "Identifier":
        found.append(engine.terminology.judge_identifier)
    if variant.type == "Coding" and element.path != "CodeableConcept.coding":
        found.append(engine.terminology.judge_alone)
    bind = concept_binding(engine.terminology, element.binding, variant.type)
    if bind is not None:
        found.append(bind)
    if variant.type == "Reference":
        found.append(engine.references.judge(variant.ref.targets, None))
    if variant.ref.profiles:
        found.append(engine.type_profiles(variant.ref.profiles, variant.type))
    found.extend(engine.invariants.of_element(child, variant))
    return tuple(found)


def _coding(engine: Engine) -> After:
    return engine.terminology.judge_coding


def _quantity(engine: Engine) -> After:
    return engine.terminology.judge_quantity


def _attachment(engine: Engine) -> After:
    return judge_attachment


_BY_TYPE: dict[str, Callable[[Engine], After]] = {
    "Coding": _coding,
    "Attachment": _attachment,
    "Quantity": _quantity,
    "Age": _quantity,
    "Duration": _quantity,
    "Count": _quantity,
    "Distance": _quantity,
}
"""What is judged in every value of a type, beside its properties."""


def _judge_of(engine: Engine, child: Child, variant: Variant, shape: Shape) -> After:
    """One object of an element: its shape, then what the element's own definition says."""
    afters = after_shape(engine, child, variant)

    def judge(value: dict[str, Any], place: Place, run: Run) -> None:
        shape.check(value, place, run)
        for after in afters:
            after(value, place, run)

    return _remembering_concepts(judge) if variant.type == "CodeableConcept" else judge


def _remembering_concepts(judge: After) -> After:
    """The judging of CodeableConcepts, remembered by their coding: those of one kind of claim are few.

    Only what was found without a flaw is remembered, with what could not be checked in it.
    """
    clean: dict[Any, tuple[str, ...]] = {}

    def check(value: dict[str, Any], place: Place, run: Run) -> None:
        key: Any = coding_key(value)
        text = value.get("text", "")
        if key is None or text.__class__ is not str:
            judge(value, place, run)
            return
        if text:
            key = (text, key)
        findings = run.findings
        found = clean.get(key)
        if found is not None:
            for what in found:
                run.lacks(what, place)
            return
        issues, noted = len(findings.issues), findings.notes
        findings.notes = []
        judge(value, place, run)
        if len(findings.issues) == issues and len(clean) < REMEMBERED:
            clean[key] = tuple(findings.notes)
        findings.notes = [*noted, *findings.notes]

    return check


def _object(engine: Engine, child: Child, variant: Variant, shape: Shape, alone: frozenset[str] | None) -> Handler:
    step, key = variant.step, variant.key
    judge = _judge_of(engine, child, variant, shape)

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if alone is not None and _add_second_choice(owner, key, alone, place, run):
            return
        here = (place, step, None)
        if value.__class__ is not dict:
            run.add(ERROR, "json-type", here, f"must be an object, not {json_type(value)}")
            return
        judge(value, here, run)

    return handle


def _objects(engine: Engine, child: Child, variant: Variant, shape: Shape) -> Handler:
    step, most = variant.step, child.element.max
    judge = _judge_of(engine, child, variant, shape)

    def handle(values: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if values.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(values)}")
            return
        if not values:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
            return
        if most is not None and len(values) > most:
            run.add(
                ERROR, "cardinality-max", place, f"{child.element.path}: at most {most} allowed, {len(values)} found"
            )
        index = 0
        for value in values:
            here = (place, step, index)
            index += 1
            if value.__class__ is not dict:
                run.add(ERROR, "json-type", here, f"must be an object, not {json_type(value)}")
                continue
            judge(value, here, run)

    return handle


def _resources(step: Step, many: bool) -> Handler:
    """`contained`, `Bundle.entry.resource`, `Parameters.parameter.resource`: a resource of any type."""

    def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
        if not many:
            if value.__class__ is not dict:
                run.add(ERROR, "json-type", (place, step, None), f"must be an object, not {json_type(value)}")
            else:
                run.inner_resource(value, (place, step, None))
            return
        if value.__class__ is not list:
            run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(value)}")
            return
        if not value:
            run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
        for index, resource in enumerate(value):
            if resource.__class__ is not dict:
                run.add(ERROR, "json-type", (place, step, index), f"must be an object, not {json_type(resource)}")
            else:
                run.inner_resource(resource, (place, step, index))

    return handle
