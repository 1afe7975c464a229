"""CodeSystems of a package to entries of its code system table.

Displays are carried only where HL7 itself is the author and the licence lets them be (CC0): a code system of others, or
one whose copyright names others, keeps its codes alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from suites.profiles.compiler.packages import Package
from suites.profiles.compiler.refusing import made

_HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")
_OTHERS = re.compile(
    r"AMA\b|American Medical|ADA\b|American Dental|NUCC|NUBC|X12|NCPDP|SNOMED|LOINC|Regenstrief|\bISO\b|DICOM|NEMA|ASTM|\bWHO\b"
    r"|World Health|UB-04|American Hospital|CPT"
)
_OTHERS_AT_HL7 = re.compile(
    r"/v3-(HealthcareProviderTaxonomyHIPAA|nuccProviderCodes|Dentition)$|snodent|nubc|x12|cpt", re.IGNORECASE
)
KEPT_PROPERTIES = frozenset(("notSelectable", "abstract", "inactive", "deprecated", "status"))
_USUAL = {"status": ("active", "A"), "notSelectable": (False, "false"), "inactive": (False, "false")}


def code_system_entries(package: Package, refused: list[str]) -> dict[str, dict[str, Any]]:
    """Entries by URL; what cannot be read is named in `refused`. Of two with one URL the complete one counts."""
    kept = KEPT_PROPERTIES | _filtered_properties(package)
    entries: dict[str, dict[str, Any]] = {}
    for definition in package.definitions["CodeSystem"]:
        url = definition.get("url")
        if not isinstance(url, str) or (url in entries and entries[url]["content"] == "complete"):
            continue
        entry = made(definition, partial(_entry, definition, kept), refused)
        if entry is not None:
            entries[url] = entry
    return dict(sorted(entries.items()))


def may_show_displays(definition: dict[str, Any]) -> bool:
    """Whether the displays of a code system are HL7's own."""
    url = definition.get("url", "")
    return (
        url.startswith(_HL7)
        and not _OTHERS_AT_HL7.search(url)
        and not _OTHERS.search(definition.get("copyright") or "")
    )


def _filtered_properties(package: Package) -> frozenset[str]:
    """Properties that filters of the package's own value sets ask about."""
    return frozenset(
        f["property"]
        for definition in package.definitions["ValueSet"]
        for part in ("include", "exclude")
        for include in _listed(_mapped(definition.get("compose")).get(part))
        for f in _listed(_mapped(include).get("filter"))
        if isinstance(_mapped(f).get("property"), str)
    )


def _mapped(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _entry(definition: dict[str, Any], kept: frozenset[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"content": definition.get("content", "complete")}
    if definition.get("version"):
        entry["version"] = definition["version"]
    if not definition.get("caseSensitive", False):
        entry["caseSensitive"] = False
    if definition.get("supplements"):
        entry["supplements"] = definition["supplements"]
    shows = may_show_displays(definition)
    concepts = list(_concepts(definition.get("concept", ()), None, kept, shows))
    if concepts:
        _add_children_named(concepts)
        entry["concepts"] = [_line(c) for c in concepts]
    return entry


def _concepts(raw: Any, above: str | None, kept: frozenset[str], shows: bool) -> Iterator[dict[str, Any]]:
    for concept in raw:
        code = concept["code"]
        parents = [above] if above is not None else []
        properties: dict[str, Any] = {}
        children = []
        for stated in concept.get("property", ()):
            name = stated.get("code")
            value = next((v for k, v in stated.items() if k.startswith("value")), None)
            if isinstance(value, dict):
                value = value.get("code")
            if name in ("subsumedBy", "parent", "partOf") and isinstance(value, str):
                parents.append(value)
            elif name == "child" and isinstance(value, str):
                children.append(value)
            elif name in kept and value not in _USUAL.get(name, ()):
                properties[name] = value
        display = concept.get("display") if shows else None
        yield {"code": code, "display": display, "parents": parents, "properties": properties, "children": children}
        yield from _concepts(concept.get("concept", ()), code, kept, shows)


def _add_children_named(concepts: list[dict[str, Any]]) -> None:
    """A hierarchy told from above (`child`) is kept as told from below."""
    by_code = {c["code"]: c for c in concepts}
    for concept in concepts:
        for child in concept["children"]:
            below = by_code.get(child)
            if below is not None and concept["code"] not in below["parents"]:
                below["parents"].append(concept["code"])


def _line(concept: dict[str, Any]) -> Any:
    """Code, display, codes above, properties; what is empty at the end is left out, a code alone stands bare."""
    parents = list(dict.fromkeys(concept["parents"]))
    above = parents[0] if len(parents) == 1 else parents or None
    line = [concept["code"], concept["display"], above, concept["properties"] or None]
    while line[-1] is None:
        line.pop()
    return line[0] if len(line) == 1 else line
