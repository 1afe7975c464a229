"""Extensions against their definitions and their contexts of use (FHIR R4 extensibility.html, defining-extensions.html).

An extension nobody here knows is let pass, unless its URL is in HL7's own space, where every extension is published: then
it is a slip of the pen. A modifier extension nobody knows cannot be understood, so it is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR, INFORMATION, WARNING
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.primitives import json_type
from suites.profiles.facts import Structure

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.handlers import Handler
    from suites.profiles.engine.run import Run

_HL7 = ("http://hl7.org/fhir/", "https://hl7.org/fhir/", "http://terminology.hl7.org/")
_CROSS_VERSION = tuple(
    f"http://hl7.org/fhir/{version}/StructureDefinition/extension-" for version in ("1.0", "3.0", "4.0", "4.3", "5.0")
)


_TOOLING = {
    "http://hl7.org/fhir/StructureDefinition/instance-name": "string",
    "http://hl7.org/fhir/StructureDefinition/instance-description": "markdown",
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-type-must-support": "boolean",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-conformance-derivedFrom": "canonical",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fmm-support": "string",
    "http://hl7.org/fhir/StructureDefinition/codesystem-properties-mode": "code",
    "http://hl7.org/fhir/StructureDefinition/definition": "string",
}
"""Extensions of HL7's publishing tools that no package for R4 defines; they stand in published examples. URL to type."""


class Definition:
    """What judging needs of one extension definition."""

    __slots__ = ("contexts", "fhirpath_contexts", "modifier", "nested", "structure", "types")

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        root = structure.elements[0]
        value = next((e for e in structure.elements if e.path == "Extension.value[x]" and e.slice_name is None), None)
        self.modifier = root.modifier
        self.types = frozenset(ref.code for ref in value.types) if value is not None and value.max != 0 else frozenset()
        self.nested = _urls_below(structure)
        self.contexts = frozenset((context.kind, context.expression) for context in structure.contexts)
        self.fhirpath_contexts = tuple(
            context.expression for context in structure.contexts if context.kind == "fhirpath"
        )


def _urls_below(structure: Structure) -> dict[tuple[str, ...], set[str]]:
    """URLs of the extensions defined inside, by the way of URLs that leads to them."""
    url_of: dict[str, str] = {}
    for element in structure.elements:
        if element.id.endswith(".url") and element.fixed is not None:
            url_of[element.id.removesuffix(".url")] = str(element.fixed[1])
        elif (
            element.slice_name is not None
            and element.path.endswith(".extension")
            and element.types
            and element.types[0].profiles
        ):
            url_of.setdefault(element.id, element.types[0].profiles[0].partition("|")[0])
    nested: dict[tuple[str, ...], set[str]] = {}
    for place, url in url_of.items():
        if place == "Extension":
            continue
        parts = place.split(".")
        above = [".".join(parts[:n]) for n in range(2, len(parts))]
        nested.setdefault(tuple(url_of.get(one, "") for one in above), set()).add(url)
    return nested


class Extensions:
    """Extension handling, compiled once for the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Definition | None] = {}

    def definition(self, url: str) -> Definition | None:
        if url not in self._known:
            structure = self._engine.registry.extension(url)
            self._known[url] = Definition(structure) if structure is not None else None
        return self._known[url]

    def handler(self, step: Step, *, modifier: bool) -> Handler:
        """Judges an `extension` or `modifierExtension` array."""
        shape = self._engine.shape("Extension")

        def handle(values: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
            if values.__class__ is not list:
                run.add(ERROR, "json-type", (place, step, None), f"must be an array, not {json_type(values)}")
                return
            if not values:
                run.add(ERROR, "array-empty", (place, step, None), "an array must not be empty: leave the property out")
                return
            for index, value in enumerate(values):
                here = (place, step, index)
                if value.__class__ is not dict:
                    run.add(ERROR, "json-type", here, f"must be an object, not {json_type(value)}")
                    continue
                shape.check(value, here, run)
                url = value.get("url")
                if url.__class__ is str and url:
                    self._judge(url, value, owner, here, run, modifier)

        return handle

    def _judge(
        self, url: str, value: dict[str, Any], owner: dict[str, Any], place: Place, run: Run, modifier: bool
    ) -> None:
        above = self._ways_above(place, owner, run)
        if above is not None:
            parent, way = above
            allowed = parent.nested.get(way)
            if allowed is not None and url in allowed and ":" not in url:
                return  # judged by the profile of the extension it is part of
            if ":" not in url:
                if allowed is not None:
                    run.add(
                        ERROR,
                        "extension-nested-unknown",
                        place,
                        f"'{url}' is not defined by the extension {parent.structure.url}",
                        parent.structure.url,
                    )
                return
        elif ":" not in url:
            if place[0][1].type != "Extension":
                run.add(
                    ERROR, "extension-url", place, f"the URL of an extension must be absolute, and '{url[:80]}' is not"
                )
            return
        definition = self.definition(url)
        if definition is None:
            self._unknown(url, value, place, run, modifier)
            return
        self._against(definition, value, owner, place, run, modifier)

    def _ways_above(self, place: Place, owner: dict[str, Any], run: Run) -> tuple[Definition, tuple[str, ...]] | None:
        """The nearest extension above that has a definition of its own, and the way of URLs from it down to here."""
        if place[0][1].type != "Extension" or place[0][1].key not in ("extension", "modifierExtension"):
            return None
        nearest = owner.get("url")
        if nearest.__class__ is str and ":" in nearest:
            definition = self.definition(nearest)
            return (definition, ()) if definition is not None else None
        ways: list[str] = []
        for url in run.extension_urls_above(place):
            if ":" in url:
                definition = self.definition(url)
                return (definition, tuple(reversed(ways))) if definition is not None else None
            ways.append(url)
        return None

    def _tooling(self, url: str, value: dict[str, Any], place: Place, run: Run) -> None:
        given = next((key for key in value if key.startswith("value")), None)
        wanted = _TOOLING[url]
        if given is None:
            run.add(ERROR, "extension-value", place, f"the extension {url} must have a value", url, expected=wanted)
        elif self._engine.value_type(given) != wanted:
            run.add(
                ERROR,
                "extension-type",
                place,
                f"the extension {url} allows {wanted}, not {self._engine.value_type(given)}",
                url,
                expected=wanted,
            )

    def _unknown(self, url: str, value: dict[str, Any], place: Place, run: Run, modifier: bool) -> None:
        if url in _TOOLING:
            self._tooling(url, value, place, run)
        elif url.startswith(_HL7) and not url.startswith(_CROSS_VERSION):
            run.add(
                ERROR,
                "extension-unknown",
                place,
                f"the extension {url} is not defined in any guide at hand, and HL7 publishes all of its own",
                found=url,
            )
        elif modifier:
            run.add(
                WARNING,
                "modifier-extension-unknown",
                place,
                f"the modifier extension {url} is not known, so what it modifies cannot be understood",
            )
        else:
            run.add(INFORMATION, "extension-unknown", place, f"the extension {url} is not known, so it was not judged")

    def _against(
        self,
        definition: Definition,
        value: dict[str, Any],
        owner: dict[str, Any],
        place: Place,
        run: Run,
        modifier: bool,
    ) -> None:
        structure = definition.structure
        url = structure.url
        if modifier != definition.modifier:
            wrong = (
                "is no modifier extension, but is used as one"
                if modifier
                else "is a modifier extension and must be used as one"
            )
            run.add(ERROR, "extension-modifier", place, f"the extension {url} {wrong}", url)
        if not self._allowed_here(definition, owner, place, run):
            where = ", ".join(sorted(expression for _, expression in definition.contexts))
            run.add(
                ERROR,
                "extension-context",
                place[0],
                f"the extension {url} is not for use here; it is for: {where}",
                url,
                expected=where,
                found=place[0][1].element,
            )
        for condition in structure.context_invariants:
            if not self._engine.invariants.holds_on(condition, owner, run):
                message = f"the extension {url} is only for use where {condition[:200]}"
                run.add(ERROR, "extension-context", place[0], message, url, expected=condition[:200])
        given = next((key for key in value if key.startswith("value")), None)
        if definition.types:
            if given is None:
                if "extension" not in value:
                    run.add(
                        ERROR,
                        "extension-value",
                        place,
                        f"the extension {url} must have a value",
                        url,
                        expected=" | ".join(sorted(definition.types)),
                    )
            else:
                kind = self._engine.value_type(given)
                if kind is not None and kind not in definition.types:
                    wanted = " | ".join(sorted(definition.types))
                    run.add(
                        ERROR,
                        "extension-type",
                        place,
                        f"the extension {url} allows {wanted}, not {kind}",
                        url,
                        expected=wanted,
                        found=kind,
                    )
                    return
        self._engine.profile_of(structure).check(value, place, run)

    def _allowed_here(self, definition: Definition, owner: dict[str, Any], place: Place, run: Run) -> bool:
        if not definition.contexts:
            return True
        parent: Place = place[0]
        step = parent[1]
        names = {step.element, step.type, "Element", "Base"}
        if parent[0] is None or self._engine.is_resource(step.type) or step.type in ("Resource", "DomainResource"):
            kind = owner.get("resourceType")
            names |= {"Resource", "DomainResource", str(kind)}
            if {"url", "status"} <= self._engine.children(str(kind)).keys():
                names |= {"CanonicalResource", "MetadataResource"}
        names.update(self._engine.names_of(parent, run))
        for kind, expression in definition.contexts:
            if kind == "element" and (
                expression in names
                or expression.rpartition("#")[2] in names
                or expression.removeprefix("http://hl7.org/fhir/StructureDefinition/") in names
            ):
                return True
            if (
                kind == "extension"
                and step.key in ("extension", "modifierExtension")
                and run.value_at(parent).get("url") == expression.rpartition("#")[0 if "#" in expression else 2]
            ):
                return True
            if kind == "fhirpath" and self._engine.invariants.holds_at(expression, owner, parent, run):
                return True
        return False
