"""What is noted of a resource when it is stored: the values of its search parameters, whose record it is in, when it counts.

One compact document a resource (`index`), evaluated by matching.py; and for resources in nobody's record (practitioners, plans,
drugs) keys that lead from a value to the resources that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulators.payer.fhir.parameters import Catalog
from simulators.payer.fhir.paths import Extractor, reference_type
from simulators.payer.fhir.values import VALUES, folded

Resource = dict[str, Any]
# What the row itself holds.
_IN_THE_ROW = frozenset(("_id", "_lastUpdated"))
# Whose record a resource is in, where the type's own element for it has another name than subject or patient.
_SUBJECT = {"Coverage": "beneficiary", "Patient": ""}
KEYED = frozenset(("token", "reference", "string", "uri"))
KEY_LENGTH = 200  # a longer value is kept by its beginning; matching looks at the whole


class Indexer:
    """Compiled for one set of guides and types."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        Plan = tuple[frozenset[str] | None, str, str, Extractor, Callable[[list[Any]], list[Any]]]
        self._plans: dict[str, list[Plan]] = {
            type_name: [
                (parameter.path.firsts, name, parameter.kind, parameter.path.extract, VALUES[parameter.kind])
                for name, parameter in catalog.of(type_name).items()
                if parameter.kind in VALUES and name not in _IN_THE_ROW
            ]
            for type_name in catalog.types
        }

    def values(self, resource: Resource) -> dict[str, list[Any]]:
        """The values of every search parameter that has some in this resource."""
        found = {}
        keys = resource.keys()
        for firsts, name, _, extract, values in self._plans.get(resource["resourceType"], ()):
            if firsts is None or not firsts.isdisjoint(keys):
                nodes = extract(resource)
                if nodes:
                    value = values(nodes)
                    if value:
                        found[name] = value
        return found

    def keys(self, resource: Resource, index: dict[str, list[Any]]) -> Iterator[tuple[str, str]]:
        """(parameter, key) for each value an exact or prefix look-up can start from."""
        for _, name, kind, _, _ in self._plans.get(resource["resourceType"], ()):
            if kind in KEYED and name in index:
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
