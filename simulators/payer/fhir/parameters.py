"""Which search parameters, includes and profiles each type has on one FHIR base: the compiled tables of its guides.

The core specification's parameters are there for every type a base serves; a guide adds its own and redefines some. Later
guides of a deployment win over earlier ones. Leaves to others: how a value is found (paths.py) and compared (matching.py).
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from simulators.payer.fhir.paths import Extractor, Path, compile_expression, concerning

TABLES = pathlib.Path(__file__).parent / "search_parameters"
CORE = "core@4.0.1"
# Parameters of the core specification whose meaning is not the resource's own content.
_META = {
    "_id": ("token", "Resource.id"),
    "_lastUpdated": ("date", "Resource.meta.lastUpdated"),
    "_profile": ("uri", "Resource.meta.profile"),
    "_security": ("token", "Resource.meta.security"),
    "_tag": ("token", "Resource.meta.tag"),
    "_source": ("uri", "Resource.meta.source"),
}
# Parameters that ask for more than comparing values: how a name sounds.
_BEYOND = frozenset(("phonetic",))


class UnknownGuide(ValueError):
    """A guide no compiled table exists for."""


@dataclass(frozen=True)
class Component:
    """One part of a composite parameter: its kind and where it is, from the composite's own element."""

    kind: str
    extract: Extractor


@dataclass(frozen=True)
class SearchParameter:
    """One way to search a type."""

    type: str
    name: str
    kind: str
    expression: str
    url: str
    targets: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    noted: str = ""  # the name its values are noted under; two guides may mean different elements by one name
    path: Path = field(compare=False, repr=False, default=Path(lambda resource: [], ()))


@dataclass(frozen=True)
class TypeCapability:
    """What guides ask of one type beyond its parameters."""

    profiles: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    combinations: tuple[tuple[str, ...], ...] = ()
    include: tuple[str, ...] = ()
    revinclude: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def table(guide: str) -> dict[str, Any]:
    """The compiled table of a guide such as `us-core@3.1.1`."""
    path = TABLES / f"{guide.replace('@', '-')}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in TABLES.glob("*.json")))
        raise UnknownGuide(f"no search parameters for guide {guide!r}; there are {known}")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


# (type, parameter) to the expressions it stands for on the bases of one payer, in order; the first has the plain name.
Notes = dict[tuple[str, str], list[str]]


class Catalog:
    """The parameters and capabilities of a set of guides over a set of types."""

    def __init__(self, guides: Sequence[str], types: Iterable[str], noted: Notes | None = None) -> None:
        self._noted: Notes = {} if noted is None else noted
        self.guides = tuple(guides)
        self.types = tuple(sorted(set(types)))
        tables = [table(CORE), *(table(guide) for guide in guides)]
        self.choices: dict[str, list[str]] = tables[0]["choices"]
        self.compartment: dict[str, list[str]] = tables[0]["compartment"]
        self.stamp = hashlib.sha256("|".join(one["sha256"] for one in tables).encode()).hexdigest()[:16]
        self._kinds = {fact["url"]: fact["kind"] for one in tables for fact in one["parameters"]}
        facts: dict[tuple[str, str], dict[str, Any]] = {}
        for one in tables:
            for fact in one["parameters"]:
                if fact["type"] in self.types:
                    facts[fact["type"], fact["name"]] = {**facts.get((fact["type"], fact["name"]), {}), **fact}
        self._by_type: dict[str, dict[str, SearchParameter]] = {name: self._meta(name) for name in self.types}
        for (type_name, name), fact in sorted(facts.items()):
            parameter = self._parameter(fact)
            if name not in _META and parameter is not None:
                self._by_type[type_name][name] = parameter
        self._capability = {name: self._merged(name, tables[1:]) for name in self.types}

    def of(self, type_name: str) -> dict[str, SearchParameter]:
        """The parameters of a type, by name."""
        return self._by_type.get(type_name, {})

    def capability(self, type_name: str) -> TypeCapability:
        """What the guides ask of a type."""
        return self._capability[type_name]

    @cached_property
    def references(self) -> dict[str, tuple[str, ...]]:
        """The names of the parameters of each type that one can include along."""
        return {
            name: tuple(parameter.name for parameter in self.of(name).values() if parameter.kind == "reference")
            for name in self.types
        }

    def _meta(self, type_name: str) -> dict[str, SearchParameter]:
        return {
            name: SearchParameter(
                type_name, name, kind, expression, f"http://hl7.org/fhir/SearchParameter/Resource-{name.lstrip('_')}",
                noted=name, path=compile_expression(expression, type_name, self.choices),
            )
            for name, (kind, expression) in _META.items()
        }  # fmt: skip

    def _parameter(self, fact: dict[str, Any]) -> SearchParameter | None:
        type_name, kind = fact["type"], fact["kind"]
        components: tuple[Component, ...] = ()
        if kind == "composite":
            if "components" not in fact:
                return None
            root = fact["expression"].split(" |")[0]
            components = tuple(
                Component(
                    self._kinds[part["definition"]], compile_expression(part["expression"], root, self.choices).extract
                )
                for part in fact["components"]
                if part["definition"] in self._kinds
            )
            if len(components) < len(fact["components"]):
                return None
        elif kind == "special" or fact["name"] in _BEYOND:
            return None
        path = compile_expression(fact["expression"], type_name, self.choices)
        if path.parts == ():  # an example of the specification that selects nothing in this type
            return None
        return SearchParameter(
            type_name,
            fact["name"],
            kind,
            fact["expression"],
            fact["url"],
            tuple(fact.get("target", ())),
            tuple(fact.get("chains", ())),
            components,
            self._note(type_name, fact["name"], concerning(fact["expression"], type_name)),
            path,
        )

    def _note(self, type_name: str, name: str, expression: str) -> str:
        known = self._noted.setdefault((type_name, name), [])
        if expression not in known:
            known.append(expression)
        place = known.index(expression)
        return f"{name}~{place + 1}" if place else name

    def _merged(self, type_name: str, tables: Sequence[dict[str, Any]]) -> TypeCapability:
        entries = [one["capability"][type_name] for one in tables if type_name in one["capability"]]

        def union(key: str) -> list[Any]:
            return sorted(
                {tuple(value) if isinstance(value, list) else value for entry in entries for value in entry[key]}
            )

        known = self.of(type_name)
        return TypeCapability(
            tuple(union("profiles")),
            tuple(name for name in union("parameters") if name in known),
            tuple(names for names in union("combinations") if all(name in known for name in names)),
            tuple(value if ":" in value else f"{type_name}:{value}" for value in union("include")),
            tuple(value if ":" in value else f"{value}:target" for value in union("revinclude")),
        )
