"""Resources in the form asked for: `_summary` and `_elements` (FHIR R4 search), and what a deployment adds to every resource.

Without any of these the stored bytes go out as they are.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from simulators.payer.deployment import Fhir
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.parameters import CORE, table
from simulators.payer.rules import rule

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = ("resourceType", "id", "meta")
_RELATIVE = re.compile(rb'("reference":\s*")([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")')


@rule
def elements_kept(type_name: str, names: tuple[str, ...]) -> frozenset[str]:
    """What remains of a resource under _elements: what was named and what is mandatory."""
    return frozenset((*_ALWAYS, *names, *_elements(type_name)["required"]))


@elements_kept.fault("elements-are-ignored", violates="FHIR-SEARCH-12")
def every_element(type_name: str, names: tuple[str, ...]) -> frozenset[str]:
    """A search with _elements answers whole resources."""
    return frozenset(("*",))


@elements_kept.fault("elements-drop-mandatory-ones", violates="FHIR-SEARCH-12")
def named_only(type_name: str, names: tuple[str, ...]) -> frozenset[str]:
    """A search with _elements leaves out elements the type requires."""
    return frozenset((*_ALWAYS, *names))


def shaped(active: frozenset[str], body: bytes, summary: str, elements: tuple[str, ...]) -> bytes:
    """One resource as `_summary` or `_elements` asks."""
    resource = orjson.loads(body)
    type_name = resource["resourceType"]
    if summary == "data":
        kept = {name: value for name, value in resource.items() if name != "text"}
    else:
        if summary == "text":
            names = frozenset((*_ALWAYS, "text", *_elements(type_name)["required"]))
        elif summary == "true":
            names = frozenset((*_ALWAYS, *_elements(type_name)["summary"], *_elements(type_name)["required"]))
        else:
            names = elements_kept(active, type_name, elements)
        if "*" in names:
            return body
        kept = {name: value for name, value in resource.items() if _element_of(name) in names or name in names}
    kept["meta"] = {**resource.get("meta", {}), "tag": [*resource.get("meta", {}).get("tag", ()), SUBSETTED]}
    return orjson.dumps(kept)


def _element_of(name: str) -> str:
    """`_birthDate` belongs to birthDate."""
    return name.removeprefix("_")


def _elements(type_name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = table(CORE)["elements"].get(type_name, {"summary": [], "required": []})
    return found


def dressed(fhir: Fhir, base: Base, body: bytes) -> bytes:
    """A resource as a deployment that writes absolute references or extra elements sends it."""
    if fhir.absolute_references:
        body = _RELATIVE.sub(rb"\1" + base.url.encode() + rb"/\2", body)
    if fhir.extra_elements:
        resource: dict[str, Any] = orjson.loads(body)
        extra = {"url": "http://payer.example/fhir/StructureDefinition/processed-by", "valueString": "core"}
        resource["extension"] = [*resource.get("extension", ()), extra]
        body = orjson.dumps(resource)
    return body


def needs_dressing(fhir: Fhir) -> bool:
    """Whether every resource has to be rewritten on its way out."""
    return fhir.absolute_references or fhir.extra_elements
