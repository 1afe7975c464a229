"""ElementDefinition JSON to element facts: what a rule needs is kept, what is told to readers is dropped.

`changes` reads the attributes an ElementDefinition states, so it serves snapshots (all of them) and differentials (some).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suites.profiles.element_lines import full_canonical, path_of, slice_of
from suites.profiles.facts import Binding, Constraint, Element, Slicing, TypedValue, TypeRef

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_TYPE = _EXTENSION + "structuredefinition-fhir-type"
_REGEX = (_EXTENSION + "regex", _EXTENSION + "structuredefinition-regex")
_BEST_PRACTICE = _EXTENSION + "elementdefinition-bestpractice"
_ADDITIONAL_BINDING = "http://hl7.org/fhir/tools/StructureDefinition/additional-binding"
_BINDING_PURPOSES = {"required": "required", "maximum": "required", "extensible": "extensible"}
_MAX_VALUE_SET = _EXTENSION + "elementdefinition-maxValueSet"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
PRIMITIVES = frozenset(
    [
        "base64Binary",
        "boolean",
        "canonical",
        "code",
        "date",
        "dateTime",
        "decimal",
        "id",
        "instant",
        "integer",
        "markdown",
        "oid",
        "positiveInt",
        "string",
        "time",
        "unsignedInt",
        "uri",
        "url",
        "uuid",
        "xhtml",
    ]
)


def changes(raw: dict[str, Any]) -> dict[str, Any]:
    """The attributes of `Element` that this ElementDefinition states."""
    stated: dict[str, Any] = {}
    if "min" in raw:
        stated["min"] = int(raw["min"])
    if "max" in raw:
        stated["max"] = _max(raw["max"])
    if "type" in raw:
        stated["types"] = tuple(_type(t, raw) for t in raw["type"])
    for word, attribute in (
        ("fixed", "fixed"),
        ("pattern", "pattern"),
        ("minValue", "min_value"),
        ("maxValue", "max_value"),
    ):
        value = _choice(raw, word)
        if value is not None:
            stated[attribute] = value
    if "binding" in raw:
        stated["binding"] = _binding(raw["binding"])
    if "slicing" in raw:
        stated["slicing"] = _slicing(raw["slicing"])
    if "constraint" in raw:
        stated["constraints"] = tuple(_constraint(c) for c in raw["constraint"])
    for word, attribute in (
        ("maxLength", "max_length"),
        ("mustSupport", "must_support"),
        ("isModifier", "modifier"),
        ("isSummary", "is_summary"),
        ("contentReference", "content_reference"),
    ):
        if word in raw:
            stated[attribute] = raw[word]
    if "representation" in raw:
        stated["representation"] = tuple(raw["representation"])
    if "base" in raw:
        base = raw["base"]
        stated |= {"base_path": base["path"], "base_min": int(base["min"]), "base_max": _max(base["max"])}
    regex = _extension(raw, *_REGEX) or next((r for t in raw.get("type", ()) if (r := _extension(t, *_REGEX))), None)
    if regex:
        stated["regex"] = regex
    return stated


def element(raw: dict[str, Any]) -> Element:
    """An element of a snapshot."""
    element_id = raw["id"]
    stated = changes(raw)
    path = raw.get("path") or path_of(element_id)
    return Element(id=element_id, path=path, slice_name=raw.get("sliceName") or slice_of(element_id), **stated)


def _max(text: Any) -> int | None:
    return None if text == "*" else int(text)


def _type(raw: dict[str, Any], element_raw: dict[str, Any]) -> TypeRef:
    code = raw.get("code") or ""
    if code.startswith(_SYSTEM_TYPE) and not str(element_raw.get("path", "")).endswith(".value"):
        code = _extension(raw, _FHIR_TYPE) or "string"
    return TypeRef(
        code,
        tuple(raw.get("profile", ())),
        tuple(raw.get("targetProfile", ())),
        tuple(raw.get("aggregation", ())),
        raw.get("versioning"),
    )


def _choice(raw: dict[str, Any], word: str) -> TypedValue | None:
    for key, value in raw.items():
        if key.startswith(word) and len(key) > len(word) and key[len(word)].isupper():
            name = key[len(word) :]
            primitive = name[0].lower() + name[1:]
            return (primitive if primitive in PRIMITIVES else name, value)
    return None


def _binding(raw: dict[str, Any]) -> Binding:
    return Binding(raw["strength"], raw.get("valueSet"), _extension(raw, _MAX_VALUE_SET), tuple(_additional(raw)))


def _additional(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Additional bindings that always hold and can be judged: as R5 writes them, or as the extension that R4 guides use.

    Those for some usage only, and those that merely propose codes, bind nobody.
    """
    stated = list(raw.get("additional", ()))
    for extension in raw.get("extension", ()):
        if extension.get("url") == _ADDITIONAL_BINDING:
            parts = {inner.get("url"): inner for inner in extension.get("extension", ())}
            held = {
                name: next((v for k, v in inner.items() if k.startswith("value")), inner)
                for name, inner in parts.items()
            }
            stated.append(held)
    for one in stated:
        strength = _BINDING_PURPOSES.get(one.get("purpose"))
        if strength is not None and isinstance(one.get("valueSet"), str) and not one.get("usage"):
            yield strength, one["valueSet"]


def _slicing(raw: dict[str, Any]) -> Slicing:
    found = tuple((d["type"], d["path"]) for d in raw.get("discriminator", ()))
    return Slicing(found, raw.get("rules", "open"), bool(raw.get("ordered", False)))


def _constraint(raw: dict[str, Any]) -> Constraint:
    best_practice = _extension(raw, _BEST_PRACTICE) is True
    source = full_canonical(raw["source"]) if raw.get("source") else None
    return Constraint(raw["key"], raw.get("severity", "error"), raw.get("expression"), source, best_practice)


def _extension(raw: dict[str, Any], *urls: str) -> Any:
    for extension in raw.get("extension", ()):
        if extension.get("url") in urls:
            return next((v for k, v in extension.items() if k.startswith("value")), None)
    return None
