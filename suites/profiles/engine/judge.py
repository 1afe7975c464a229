"""A resource against its type and its profiles: the order of judging, and where profiles come from.

Profiles are those the resource claims in `meta.profile`, those asked for, and those FHIR itself asks for (vital signs by
their LOINC code, observation-vitalsigns.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bundles import BundleIndex, judge_bundle, judge_contained
from suites.profiles.engine.findings import ERROR, WARNING, Resource, none_of
from suites.profiles.engine.place import Place, root
from suites.profiles.engine.primitives import json_type
from suites.profiles.engine.run import Run
from suites.profiles.engine.vital_signs import vital_signs_profiles
from suites.profiles.registry import version_matches

if TYPE_CHECKING:
    from suites.profiles.engine.constraints import Profile
    from suites.profiles.engine.engine import Engine


class Judge:
    """Judges whole resources."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def document(self, tree: Any, profiles: Sequence[str] = ()) -> Run:
        """Judge one document: its root must be a resource."""
        run = Run(self._engine, tree if isinstance(tree, dict) else {})
        if not isinstance(tree, dict):
            run.add(
                ERROR, "not-a-resource", root("Resource"), f"a resource is a JSON object, and this is {json_type(tree)}"
            )
            return run
        name = tree.get("resourceType")
        if not isinstance(name, str) or not self._engine.is_resource(name):
            run.add(
                ERROR,
                "resource-type",
                root(name if isinstance(name, str) and name.isalnum() else "Resource"),
                "resourceType is missing" if name is None else f"'{str(name)[:80]}' is not a resource type of FHIR R4",
                found=str(name)[:80],
            )
            return run
        self.resource(tree, name, root(name), run, None, profiles)
        return run

    def inner(self, value: dict[str, Any], place: Place, run: Run) -> None:
        """Judge a resource inside another: contained, an entry of a Bundle, a parameter."""
        name = value.get("resourceType")
        if not isinstance(name, str) or not self._engine.is_resource(name):
            run.add(
                ERROR,
                "resource-type",
                place,
                "resourceType is missing" if name is None else f"'{str(name)[:80]}' is not a resource type of FHIR R4",
                found=str(name)[:80],
            )
            return
        contained = place[1].key == "contained"
        self.resource(value, name, place, run, run.resource if contained else None, ())

    def resource(
        self,
        value: dict[str, Any],
        name: str,
        place: Place,
        outer: Run,
        container: Resource | None,
        asked: Sequence[str],
    ) -> None:
        """Judge one resource, its content included."""
        bundle = outer.bundle
        run = outer.entering(Resource(value, name, place, container, bundle))
        if name == "Bundle":
            run.bundle = BundleIndex(value, place)
        self._engine.shape(name).check(value, place, run)
        if name == "Bundle":
            judge_bundle(value, place, run)
        elif container is None and "contained" in value:
            judge_contained(value, place, self._engine.contained_step(name), run)
        self._profiles(value, name, place, run, asked)
        run.env = None  # it knows the run: without it a document is freed as soon as nobody asks for it

    def _profiles(self, value: dict[str, Any], name: str, place: Place, run: Run, asked: Sequence[str]) -> None:
        applied: list[str] = []
        steps = None
        for number, url in enumerate(claimed(value)):
            if url in applied:
                continue
            profile = self._engine.profile(url)
            other = _other_version(profile, url)
            if profile is None or other is not None:
                steps = steps or self._engine.meta_profile_steps(name)
                had = f" (version {other} is)" if other is not None else ""
                run.add(
                    WARNING,
                    "profile-unknown",
                    ((place, steps[0], None), steps[1], number),
                    f"the profile {url} is not in any guide at hand{had}, so it was not judged",
                )
                run.lacks(url, place)
                continue
            applied.append(url)
            self._apply(profile, value, name, place, run)
        extra = list(asked)
        if name == "Observation":
            extra += [url for url in vital_signs_profiles(value) if url not in extra]
        if not asked and place[0] is None:
            extra += [url for url in self._engine.default_profiles(name) if not applied]
        for url in extra:
            if url in applied:
                continue
            profile = self._engine.profile(url)
            if profile is None:
                run.add(ERROR, "profile-unknown", place, f"the profile {url} asked for is not in any guide at hand")
                continue
            applied.append(url)
            self._apply(profile, value, name, place, run)
        if place[0] is None:
            run.profiles[""] = applied

    def _apply(self, profile: Profile, value: dict[str, Any], name: str, place: Place, run: Run) -> None:
        wanted = profile.tree.structure.type
        if wanted in self._engine.lineage(name):
            profile.check(value, place, run)
            for imposed in self._imposed(profile, place, run):
                imposed.check(value, place, run)
            return
        run.add(
            ERROR,
            "profile-type",
            place,
            f"the profile {profile.url} is for {wanted}, and this is a {name}",
            profile.url,
            expected=wanted,
            found=name,
        )
        self._of_another_type(profile, value, name, wanted, place, run)

    def _imposed(self, profile: Profile, place: Place, run: Run) -> Iterator[Profile]:
        """Profiles that this one imposes on whatever conforms to it (structuredefinition-imposeProfile), and so on."""
        seen, waiting = {profile.url}, list(profile.tree.structure.imposes)
        while waiting:
            url = waiting.pop(0)
            found = self._engine.profile(url)
            if found is None:
                run.lacks(url, place)
            elif found.url not in seen and found.tree.structure.type == profile.tree.structure.type:
                seen.add(found.url)
                waiting.extend(found.tree.structure.imposes)
                yield found

    def _of_another_type(
        self, profile: Any, value: dict[str, Any], name: str, wanted: str, place: Place, run: Run
    ) -> None:
        """Name the elements that the profile's type does not have, so that the finding stands where the trouble is."""
        others = {
            variant.key: variant for child in self._engine.children(wanted).values() for variant in child.variants
        }
        for child in self._engine.children(name).values():
            for variant in child.variants:
                if variant.key not in value:
                    continue
                other = others.get(variant.key)
                if other is not None and (other.type == variant.type or child.name in ("contained", "id")):
                    continue
                held = value[variant.key]
                wrong = "has no such element" if other is None else f"has {other.type} here, not {variant.type}"
                for index in range(len(held)) if isinstance(held, list) else (None,):
                    run.add(
                        ERROR,
                        "element-not-in-profile",
                        (place, variant.step, index),
                        f"{profile.url} {wrong}",
                        profile.url,
                    )

    def against_any(
        self, urls: Iterable[str], value: dict[str, Any], name: str, place: Place, run: Run, asker: str
    ) -> None:
        """A resource inside an element whose type names profiles: it must conform to one of them."""
        known = [profile for profile in (self._engine.profile(url) for url in urls) if profile is not None]
        if not known:
            for url in urls:
                run.lacks(url, place)
            return
        if len(known) == 1:
            self._apply(known[0], value, name, place, run)
            return
        trials = []
        for profile in known:
            trial = run.trial()
            self._apply(profile, value, name, place, trial)
            if not trial.findings.errors:
                return
            trials.append((profile.url, trial.findings))
        run.add(ERROR, "profile-none", place, none_of(trials), asker)

    def passes(self, profile: Any, value: dict[str, Any], name: str, place: Place, run: Run) -> bool:
        """Whether a trial of a profile finds no error."""
        trial = run.trial()
        if trial.trials > 12:
            return True
        self._apply(profile, value, name, place, trial)
        return not trial.findings.errors


def _other_version(profile: Profile | None, url: str) -> str | None:
    """The version at hand, where a claim names another one: a canonical with a version means that version (references.html#canonical).

    Patches of one release count as the same.
    """
    wanted = url.partition("|")[2]
    held = profile.tree.structure.version if profile is not None else None
    if not wanted or held is None or version_matches(held, wanted):
        return None
    return None if held.split(".")[:2] == wanted.split(".")[:2] else held


def claimed(value: dict[str, Any]) -> list[str]:
    """The profiles a resource claims."""
    meta = value.get("meta")
    listed = meta.get("profile") if isinstance(meta, dict) else None
    return [url for url in listed if isinstance(url, str) and url] if isinstance(listed, list) else []
