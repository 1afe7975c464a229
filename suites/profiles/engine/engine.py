"""The engine: everything compiled from one registry, made when first needed and shared by all validations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.children import Child, children_of
from suites.profiles.engine.constraints import Profile
from suites.profiles.engine.extensions import Extensions
from suites.profiles.engine.findings import ERROR, none_of
from suites.profiles.engine.invariants import Invariants
from suites.profiles.engine.judge import Judge
from suites.profiles.engine.narrative import complaints
from suites.profiles.engine.place import Place, Step
from suites.profiles.engine.references import References, named_type
from suites.profiles.engine.shapes import Shape
from suites.profiles.engine.terminology import Terminology
from suites.profiles.engine.tree import Tree, tree_of
from suites.profiles.facts import Membership, Structure

if TYPE_CHECKING:
    from suites.profiles.engine.handlers import Handler
    from suites.profiles.engine.run import Run
    from suites.profiles.registry import Registry

RemoteMembership = Callable[[str, str | None, str, str | None], Membership | None]


class Engine:
    """Compiled shapes and profiles of one registry. Not for use by several threads at once."""

    def __init__(
        self,
        registry: Registry,
        remote_membership: RemoteMembership | None = None,
        defaults: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.registry = registry
        self.remote_membership = remote_membership
        self._defaults = defaults or {}
        self._shapes: dict[str, Shape] = {}
        self._children: dict[str, dict[str, Child]] = {}
        self._profiles: dict[str, Profile | None] = {}
        self._by_structure: dict[tuple[str, str | None], Profile] = {}
        self._trees: dict[str, Tree | None] = {}
        self._resources: dict[str, bool] = {}
        self._lineages: dict[str, tuple[str, ...]] = {}
        self._value_types: dict[str, str | None] = {}
        self.terminology = Terminology(self)
        self.references = References(self)
        self.invariants = Invariants(self)
        self.extensions = Extensions(self)
        self.judge = Judge(self)

    # ---- structures

    def structure_of(self, name: str) -> Structure | None:
        """The structure that defines a type, or the one a backbone path is in."""
        return self.registry.structure(name.partition(".")[0])

    def children(self, name: str) -> dict[str, Child]:
        """Elements directly below a type or a backbone path."""
        found = self._children.get(name)
        if found is None:
            structure = self.structure_of(name)
            found = self._children[name] = children_of(structure, name) if structure is not None else {}
        return found

    def type_below(self, name: str, child_name: str) -> str:
        """The shape or type of the element `child_name` below `name`."""
        child = self.children(name).get(child_name)
        if child is None or not child.variants:
            return "Element"
        return child.shape or child.variants[0].type

    def shape(self, name: str) -> Shape:
        found = self._shapes.get(name)
        if found is None:
            found = self._shapes[name] = Shape(self, name)
        return found

    def is_resource(self, name: str) -> bool:
        """Whether a name is a concrete resource type of FHIR R4."""
        found = self._resources.get(name)
        if found is None:
            structure = self.registry.structure(name) if name.isalnum() else None
            found = (
                structure is not None
                and structure.kind == "resource"
                and not structure.abstract
                and structure.derivation != "constraint"
            )
            if len(self._resources) < 2000:
                self._resources[name] = found
        return found

    def lineage(self, name: str) -> tuple[str, ...]:
        """A resource type and the types it specialises: Patient, DomainResource, Resource."""
        found = self._lineages.get(name)
        if found is None:
            structure = self.registry.structure(name)
            base = structure.base.rpartition("/")[2] if structure is not None and structure.base else None
            found = self._lineages[name] = (name, *(self.lineage(base) if base else ()))
        return found

    # ---- profiles

    def tree(self, url: str) -> Tree | None:
        """The snapshot of a profile as a tree."""
        if url not in self._trees:
            structure = self.registry.structure(url)
            self._trees[url] = tree_of(structure) if structure is not None else None
        return self._trees[url]

    def profile(self, url: str) -> Profile | None:
        """A compiled profile by canonical URL, version allowed."""
        if url not in self._profiles:
            structure = self.registry.structure(url)
            self._profiles[url] = self.profile_of(structure) if structure is not None else None
        return self._profiles[url]

    def profile_of(self, structure: Structure) -> Profile:
        key = (structure.url, structure.version)
        found = self._by_structure.get(key)
        if found is None:
            found = self._by_structure[key] = Profile(self, tree_of(structure))
        return found

    def default_profiles(self, resource_type: str) -> tuple[str, ...]:
        return self._defaults.get(resource_type, ())

    def type_profiles(self, urls: tuple[str, ...], type_name: str) -> Callable[[dict[str, Any], Place, Run], None]:
        """The check of a value whose type names profiles: it must conform to one of them."""

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            known = [profile for profile in map(self.profile, urls) if profile is not None]
            if len(known) == 1:
                known[0].check(value, place, run)
            elif known:
                self._any(known, value, place, run)

        return check

    def _any(self, profiles: list[Profile], value: dict[str, Any], place: Place, run: Run) -> None:
        trials = []
        for profile in profiles:
            trial = run.trial()
            profile.check(value, place, trial)
            if not trial.findings.errors:
                return
            trials.append((profile.url, trial.findings))
        run.add(ERROR, "profile-none", place, none_of(trials))

    def _passes(self, profile: Profile, value: dict[str, Any], place: Place, run: Run) -> bool:
        trial = run.trial()
        profile.check(value, place, trial)
        return not trial.findings.errors

    def conforms(self, value: Any, type_name: str, url: str, run: Run) -> bool | None:
        """Whether a value conforms to a profile; None where the profile is not at hand. An absent value is judged by its type."""
        profile = self.profile(url)
        if profile is None:
            return (
                type_name in url.rpartition("/")[2:]
                if url.startswith("http://hl7.org/fhir/StructureDefinition/")
                else None
            )
        if value is None:
            return None if profile.tree.structure.type in (type_name, "Resource") else False
        if value.__class__ is not dict:
            return True
        if self.is_resource(type_name):
            return self.judge.passes(profile, value, type_name, run.resource.place, run)
        return self._passes(profile, value, run.resource.place, run)

    # ---- small questions

    def value_type(self, key: str) -> str | None:
        """The type of `valueX` in an Extension."""
        if not self._value_types:
            child = self.children("Extension").get("value[x]")
            self._value_types = {variant.key: variant.type for variant in child.variants} if child is not None else {}
        return self._value_types.get(key)

    def references_named(self, reference: str, value: Any) -> str | None:
        """The type a reference that cannot be followed names: in its URL, or in Reference.type."""
        stated = value.get("type") if isinstance(value, dict) else None
        return named_type(reference) or (stated if isinstance(stated, str) else None)

    def contained_step(self, resource_type: str) -> Step:
        child = self.children(resource_type).get("contained")
        return (
            child.variants[0].step
            if child is not None
            else Step("contained", "contained", "DomainResource.contained", "Resource")
        )

    def meta_profile_steps(self, resource_type: str) -> tuple[Step, Step]:
        return Step("meta", "meta", f"{resource_type}.meta", "Meta"), Step(
            "profile", "profile", "Meta.profile", "canonical"
        )

    def names_of(self, place: Place, run: Run) -> set[str]:
        """Other names under which an extension's context may know a place: paths through the types it is in."""
        names: set[str] = set()
        tail: list[str] = []
        here: Place | None = place
        while here is not None:
            step = here[1]
            tail.insert(0, step.key if here[0] is not None else step.type)
            name = step.element
            if len(tail) > 1:
                names.add(".".join([name, *tail[1:]]))
                if step.type and step.type[0].isupper():
                    names.add(".".join([step.type, *tail[1:]]))
            here = here[0]
        stem = place[1].shown.partition(".ofType(")[0]
        if stem != place[1].shown:
            names.add(place[1].element)
            names.add(place[1].element.removesuffix("[x]"))
        return names

    def narrative_handler(self, step: Step) -> Handler:
        """Judges Narrative.div."""

        def handle(value: Any, owner: dict[str, Any], place: Place, run: Run) -> None:
            here = (place, step, None)
            if value.__class__ is not str:
                run.add(ERROR, "json-type", here, "must be a string of XHTML")
                return
            for rule, message in complaints(value):
                run.add(ERROR, rule, here, message)

        return handle
