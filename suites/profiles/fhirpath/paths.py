"""Closures for paths, types and variables, and for turning one form of closure into the other.

Collections handed on may be the JSON's own lists, so nobody changes one.
"""

from __future__ import annotations

from typing import Any

from suites.profiles.fhirpath.choices import CHOICES
from suites.profiles.fhirpath.environment import Env, Focus, Items, Many, Truth
from suites.profiles.fhirpath.errors import EvaluationError, NotFHIRPath
from suites.profiles.fhirpath.types import has_type
from suites.profiles.fhirpath.values import collect, plain

_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


def this_item(this: Any, env: Env) -> Items:
    return list(this) if this.__class__ is Focus else [this]


def index(this: Any, env: Env) -> Items:
    return [] if env.index is None else [env.index]


def total(this: Any, env: Env) -> Items:
    return env.total


def variable(name: str) -> Many:
    if name in _CONSTANTS:
        constant = [_CONSTANTS[name]]
        return lambda this, env: constant
    if name.startswith("vs-"):
        value_set = [f"http://hl7.org/fhir/ValueSet/{name[3:]}"]
        return lambda this, env: value_set
    if name.startswith("ext-"):
        extension = [f"http://hl7.org/fhir/StructureDefinition/{name[4:]}"]
        return lambda this, env: extension
    if name == "resource":
        return lambda this, env: [env.resource]
    if name == "rootResource":
        return lambda this, env: [env.root_resource]
    if name == "context":
        return lambda this, env: [] if env.context is None else [env.context]
    raise NotFHIRPath(f"nobody knows the variable %{name}")


def root_member(name: str) -> Many:
    """A name at the start of a path: an element of `$this`, or its type."""
    if name[:1].isupper():
        return root_type(name)
    under, is_choice = f"_{name}", name in CHOICES

    def run(this: Any, env: Env) -> Items:
        if this.__class__ is dict and under not in this:
            value = this.get(name)
            if value is not None:
                return value if value.__class__ is list else [value]
            if not is_choice:
                return []
        found: Items = []
        for item in this if this.__class__ is Focus else (this,):
            collect(item, name, found)
        return found

    return run


def root_type(name: str) -> Many:
    def run(this: Any, env: Env) -> Items:
        value = plain(this)
        if value.__class__ is dict and "resourceType" not in value and getattr(this, "type", None) is None:
            return [this]
        return [this] if has_type(this, name) else []

    return run


def member(source: Many, name: str) -> Many:
    under, is_choice = f"_{name}", name in CHOICES

    def run(this: Any, env: Env) -> Items:
        found: Items = []
        for item in source(this, env):
            if item.__class__ is dict and under not in item:
                value = item.get(name)
                if value is not None:
                    if value.__class__ is list:
                        found.extend(value)
                    else:
                        found.append(value)
                    continue
                if not is_choice:
                    continue
            collect(item, name, found)
        return found

    return run


def path(names: list[str]) -> Many:
    """Names one after another from `$this`, as in `code.coding.system`: one closure for all of them."""
    steps = tuple((name, f"_{name}", name in CHOICES) for name in names)

    def run(this: Any, env: Env) -> Items:
        here: Items = list(this) if this.__class__ is Focus else [this]
        for name, under, is_choice in steps:
            found: Items = []
            for item in here:
                if item.__class__ is dict and under not in item:
                    value = item.get(name)
                    if value is not None:
                        if value.__class__ is list:
                            found.extend(value)
                        else:
                            found.append(value)
                        continue
                    if not is_choice:
                        continue
                collect(item, name, found)
            if not found:
                return found
            here = found
        return here

    return run


def indexed(source: Many, at: Many) -> Many:
    def run(this: Any, env: Env) -> Items:
        where = [plain(i) for i in at(this, env)]
        if not where:
            return []
        if len(where) > 1 or where[0].__class__ is not int:
            raise EvaluationError("an index is one integer")
        items = source(this, env)
        return [items[where[0]]] if 0 <= where[0] < len(items) else []

    return run


def of_type(inner: Many, type_name: str) -> Many:
    return lambda this, env: [i for i in inner(this, env) if has_type(i, type_name)]


def is_type(inner: Many, type_name: str) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = inner(this, env)
        if not items:
            return None
        if len(items) > 1:
            raise EvaluationError(f"'is' needs one item and was given {len(items)}")
        return has_type(items[0], type_name)

    return run


def listed(inner: Truth) -> Many:
    def run(this: Any, env: Env) -> Items:
        value = inner(this, env)
        return [] if value is None else [value]

    return run


def single(inner: Many) -> Truth:
    def run(this: Any, env: Env) -> bool | None:
        items = inner(this, env)
        if not items:
            return None
        if len(items) > 1:
            raise EvaluationError(f"one boolean is needed and there are {len(items)} items")
        value = plain(items[0])
        return value if value.__class__ is bool else True

    return run
