"""What is noted of a resource when it is stored: the values of its search parameters, whose record it is in, when it counts.

One compact document a resource (`index`), evaluated by matching.py; and for resources in nobody's record (practitioners, plans,
drugs) keys that lead from a value to the resources that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from simulators.payer.fhir.parameters import Catalog, SearchParameter
from simulators.payer.fhir.paths import Extractor, Step, reference_type
from simulators.payer.fhir.values import VALUES, folded

Resource = dict[str, Any]
ToValues = Callable[[list[Any]], list[Any]]
# What the row itself holds.
_IN_THE_ROW = frozenset(("_id", "_lastUpdated"))
# Whose record a resource is in, where the type's own element for it has another name than subject or patient.
_SUBJECT = {"Coverage": "beneficiary", "Binary": "securityContext"}
KEYED = frozenset(("token", "reference", "string", "uri"))
KEY_LENGTH = 200  # a longer value is kept by its beginning; matching looks at the whole


class Indexer:
    """Compiled for the bases of one payer."""

    def __init__(self, catalogs: Iterable[Catalog]) -> None:
        # For each type: what starts from which element, so that a resource costs what it has and not what it might have.
        self._by_element: dict[str, dict[str, list[tuple[str, str, Step | None, ToValues]]]] = {}
        self._by_whole: dict[str, list[tuple[str, Extractor, ToValues]]] = {}
        self._keyed: dict[str, dict[str, str]] = {}
        noted: set[tuple[str, str]] = set()
        for catalog in catalogs:
            for type_name in catalog.types:
                self._by_element.setdefault(type_name, {})
                self._by_whole.setdefault(type_name, [])
                self._keyed.setdefault(type_name, {})
                for parameter in catalog.of(type_name).values():
                    known = (type_name, parameter.noted) in noted
                    if not known and parameter.kind in VALUES and parameter.name not in _IN_THE_ROW:
                        noted.add((type_name, parameter.noted))
                        self._add(parameter)

    def _add(self, parameter: SearchParameter) -> None:
        name, values = parameter.noted, VALUES[parameter.kind]
        if parameter.path.parts is None:
            self._by_whole[parameter.type].append((name, parameter.path.extract, values))
        for element, within, child in parameter.path.parts or ():
            self._by_element[parameter.type].setdefault(element, []).append((name, child, within, values))
        if parameter.kind in KEYED:
            self._keyed[parameter.type][name] = parameter.kind

    def values(self, resource: Resource) -> dict[str, list[Any]]:
        """The values of every search parameter that has some in this resource."""
        found: dict[str, list[Any]] = {}
        type_name = resource["resourceType"]
        elements = self._by_element.get(type_name)
        if elements is None:
            return found
        for element, value in resource.items():
            plans = elements.get(element)
            if plans is not None:
                nodes = value if type(value) is list else [value]
                within_one = value if type(value) is dict else None
                for name, child, within, to_values in plans:
                    if child and within_one is not None and child not in within_one:
                        continue
                    selected = nodes if within is None else within(nodes)
                    if selected:  # noted even where it has no value to compare, for :missing
                        if name in found:
                            found[name] += to_values(selected)
                        else:
                            found[name] = to_values(selected)
        for name, extract, to_values in self._by_whole[type_name]:
            selected = extract(resource)
            if selected:
                found[name] = to_values(selected)
        return found

    def keys(self, resource: Resource, index: dict[str, list[Any]]) -> Iterator[tuple[str, str]]:
        """(parameter, key) for each value an exact or prefix look-up can start from."""
        for name, kind in self._keyed.get(resource["resourceType"], {}).items():
            if name in index:
                for key in {key_of(kind, value) for value in index[name]}:
                    yield name, key


def key_of(kind: str, value: Any) -> str:
    """The key under which a stored value is found: codes and texts folded, references as they are."""
    if kind == "token":
        return folded(str(value[1]))[:KEY_LENGTH]
    return (folded(value) if kind == "string" else str(value))[:KEY_LENGTH]


def subject_of(resource: Resource) -> str:
    """The id of the Patient whose record the resource is in; empty when it is in nobody's."""
    type_name = resource["resourceType"]
    if type_name == "Patient":
        return str(resource["id"])
    names = (_SUBJECT[type_name],) if type_name in _SUBJECT else ("patient", "subject")
    for name in names:
        node = resource.get(name)
        if type(node) is dict and reference_type(node) == "Patient" and "reference" in node:
            return str(node["reference"]).rsplit("/", 1)[1]
    return ""
