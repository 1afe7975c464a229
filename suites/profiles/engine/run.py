"""The state of one validation: the resource in hand, the Bundle around it, what was found so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bundles import BundleIndex
from suites.profiles.engine.findings import Findings, Resource
from suites.profiles.engine.place import Place

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.fhirpath import Env


class Run:
    """One validation, or one trial inside it. `resource` is the nearest resource, `bundle` the nearest Bundle around it."""

    __slots__ = (
        "add",
        "bundle",
        "engine",
        "env",
        "findings",
        "keys",
        "lacks",
        "profiles",
        "resource",
        "root",
        "trials",
    )

    def __init__(
        self,
        engine: Engine,
        root: dict[str, Any],
        resource: Resource | None = None,
        bundle: BundleIndex | None = None,
        profiles: dict[str, list[str]] | None = None,
        trials: int = 0,
        findings: Findings | None = None,
        keys: dict[int, bytes] | None = None,
    ) -> None:
        self.engine = engine
        self.env: Env | None = None
        self.root = root
        self.findings = Findings() if findings is None else findings
        self.add = self.findings.add
        self.lacks = self.findings.lacks
        self.resource: Resource = resource  # type: ignore[assignment]
        self.bundle = bundle
        self.profiles = profiles if profiles is not None else {}
        self.trials = trials
        self.keys: dict[int, bytes] = {} if keys is None else keys
        """Keys of the document's concepts by their identity (`coding_keys`)."""

    def entering(self, resource: Resource) -> Run:
        """Inside another resource: the same findings."""
        return Run(self.engine, self.root, resource, self.bundle, self.profiles, self.trials, self.findings, self.keys)

    def trial(self) -> Run:
        """The same place with empty findings: to learn whether something would pass."""
        return Run(self.engine, self.root, self.resource, self.bundle, self.profiles, self.trials + 1, None, self.keys)

    def inner_resource(self, value: dict[str, Any], place: Place) -> None:
        self.engine.judge.inner(value, place, self)

    def resolve(self, reference: str) -> Resource | None:
        """The resource a reference points at, where it is in this document."""
        if reference.startswith("#"):
            outer = self.resource.outermost
            if reference == "#":
                return outer
            found = outer.contained(reference[1:])
            if found is None:
                return None
            json, index = found
            kind = json.get("resourceType")
            if not isinstance(kind, str):
                return None
            step = self.engine.contained_step(outer.type)
            return Resource(json, kind, (outer.place, step, index), outer, self.bundle)
        if self.bundle is None:
            return None
        return self.bundle.resolve(reference, self.resource)

    def value_at(self, place: Place) -> dict[str, Any]:
        """The object at a place of this document (empty if there is none)."""
        chain: list[tuple[str, int | None]] = []
        here: Place | None = place
        while here is not None and here[0] is not None:
            chain.append((here[1].key, here[2]))
            here = here[0]
        value: Any = self.root
        for key, index in reversed(chain):
            value = value.get(key) if isinstance(value, dict) else None
            if index is not None:
                value = value[index] if isinstance(value, list) and index < len(value) else None
        return value if isinstance(value, dict) else {}

    def extension_urls_above(self, place: Place) -> list[str]:
        """URLs of the extensions this one is nested in, nearest first."""
        found: list[str] = []
        here: Place | None = place[0]
        while here is not None and here[1].key in ("extension", "modifierExtension"):
            url = self.value_at(here).get("url")
            found.append(url if isinstance(url, str) else "")
            here = here[0]
        return found
