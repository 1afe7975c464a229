"""SearchParameters and CapabilityStatements of a package to entries of their tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from suites.profiles.compiler.packages import Package
from suites.profiles.compiler.refusing import made
from suites.profiles.element_lines import short_canonical

_EXPECTATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation"
_COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"


def search_parameter_entries(package: Package, refused: list[str]) -> dict[str, dict[str, Any]]:
    """Entries by URL, each on one line; what cannot be read is named in `refused`."""
    return _entries(package, "SearchParameter", _search_parameter, refused)


def capability_entries(package: Package, refused: list[str]) -> dict[str, dict[str, Any]]:
    """Entries by URL: a line for each resource type; what cannot be read is named in `refused`."""
    return _entries(package, "CapabilityStatement", _capability, refused)


def _entries(
    package: Package, kind: str, make: Callable[[dict[str, Any]], dict[str, Any] | None], refused: list[str]
) -> dict[str, dict[str, Any]]:
    entries = {}
    for definition in package.definitions[kind]:
        entry = made(definition, partial(make, definition), refused) if isinstance(definition.get("url"), str) else None
        if entry is not None:
            entries[definition["url"]] = entry
    return dict(sorted(entries.items()))


def _search_parameter(definition: dict[str, Any]) -> dict[str, Any] | None:
    if not (definition.get("code") and definition.get("base")):
        return None
    entry: dict[str, Any] = {k: definition[k] for k in ("code", "type", "base") if k in definition}
    if definition.get("expression"):
        entry["expression"] = definition["expression"]
    for word, name in (
        ("target", "targets"),
        ("comparator", "comparators"),
        ("modifier", "modifiers"),
        ("chain", "chains"),
    ):
        if definition.get(word):
            entry[name] = definition[word]
    for word in ("multipleOr", "multipleAnd"):
        if word in definition:
            entry[word] = definition[word]
    if definition.get("component"):
        entry["components"] = [[short_canonical(c["definition"]), c["expression"]] for c in definition["component"]]
    return entry


def _capability(definition: dict[str, Any]) -> dict[str, Any] | None:
    rest = next(iter(definition.get("rest", ())), None)
    if rest is None:
        return None
    entry: dict[str, Any] = {"mode": rest.get("mode", "server")}
    if definition.get("format"):
        entry["formats"] = _listed(definition, "format")
    if rest.get("interaction"):
        entry["interactions"] = [_line(i["code"], i) for i in rest["interaction"]]
    if rest.get("operation"):
        entry["operations"] = [_operation(o) for o in rest["operation"]]
    entry["resources"] = [_resource(r) for r in rest.get("resource", ())]
    return entry


def _expectation(carrier: Any) -> str | None:
    for extension in (carrier or {}).get("extension", ()):
        if extension.get("url") == _EXPECTATION:
            value: str | None = extension.get("valueCode")
            return value
    return None


def _line(what: Any, carrier: Any) -> list[Any]:
    expectation = _expectation(carrier)
    return [what] if expectation is None else [what, expectation]


def _listed(raw: dict[str, Any], name: str) -> list[list[Any]]:
    """A list of primitives, with the expectation in the sibling that begins with an underscore."""
    about = raw.get(f"_{name}", [])
    return [_line(value, about[i] if i < len(about) else None) for i, value in enumerate(raw.get(name, ()))]


def _operation(raw: dict[str, Any]) -> list[Any]:
    return [raw["name"], raw.get("definition"), _expectation(raw)]


def _resource(raw: dict[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = {"type": raw["type"]}
    expectation = _expectation(raw)
    if expectation:
        line["expectation"] = expectation
    if raw.get("profile"):
        line["profile"] = raw["profile"]
    for name, word in (
        ("supportedProfile", "profiles"),
        ("searchInclude", "includes"),
        ("searchRevInclude", "revincludes"),
    ):
        if raw.get(name):
            line[word] = _listed(raw, name)
    if raw.get("referencePolicy"):
        line["referencePolicies"] = _listed(raw, "referencePolicy")
    if raw.get("interaction"):
        line["interactions"] = [_line(i["code"], i) for i in raw["interaction"]]
    if raw.get("searchParam"):
        line["search"] = [[s["name"], s.get("type"), s.get("definition"), _expectation(s)] for s in raw["searchParam"]]
    combinations = [_combination(e) for e in raw.get("extension", ()) if e.get("url") == _COMBINATION]
    if combinations:
        line["combinations"] = combinations
    if raw.get("operation"):
        line["operations"] = [_operation(o) for o in raw["operation"]]
    return line


def _combination(extension: dict[str, Any]) -> list[Any]:
    parts = extension.get("extension", ())
    names = [p.get("valueString") for p in parts if p.get("url") == "required"]
    names += [p.get("valueString") for p in parts if p.get("url") == "optional"]
    return [names, _expectation(extension)]
