"""What a Reference points at (FHIR R4 references.html): its form, the type it names, whether the element allows that type.

References are followed inside the resource (`#id`) and inside the Bundle (fullUrl, relative to it, or Type/id); elsewhere
only the type they name is judged, never whether the target exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.place import Place

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run

RELATIVE = re.compile(r"/?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?(#.*)?")
RESTFUL = re.compile(r"https?://.+?/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?(#.*)?")
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"


def named_type(reference: str) -> str | None:
    """The resource type a reference spells: `Patient/1`, `https://server/fhir/Patient/1`."""
    found = RELATIVE.fullmatch(reference) or RESTFUL.fullmatch(reference)
    return found.group(1) if found else None


class References:
    """Reference targets of elements, compiled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._types: dict[str, str | None] = {}

    def target_type(self, url: str) -> str | None:
        """The resource type a target profile is about."""
        if url not in self._types:
            bare = url.partition("|")[0]
            if bare.startswith(_STRUCTURE) and self._engine.is_resource(bare.removeprefix(_STRUCTURE)):
                self._types[url] = bare.removeprefix(_STRUCTURE)
            else:
                structure = self._engine.registry.structure(url)
                self._types[url] = structure.type if structure is not None else None
        return self._types[url]

    def allowed(self, targets: Iterable[str]) -> frozenset[str] | None:
        """Types allowed by target profiles; None where any type is, or where a profile is not at hand."""
        found = [self.target_type(url) for url in targets]
        if not found or None in found or "Resource" in found or "DomainResource" in found:
            return None
        return frozenset(name for name in found if name is not None)

    def aggregated(self, modes: tuple[str, ...], profile: str | None) -> Callable[[dict[str, Any], Place, Run], None]:
        """The check of ElementDefinition.type.aggregation: whether a target must, or may not, be contained or in the Bundle."""
        outside = {"referenced", "bundled"} & set(modes)

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            reference = value.get("reference")
            if reference.__class__ is not str or not reference:
                return
            inside = reference.startswith("#")
            if inside and "contained" not in modes:
                run.add(
                    ERROR,
                    "reference-aggregation",
                    place,
                    f"the target may not be contained (allowed: {', '.join(modes)})",
                    profile,
                )
            elif not inside and not outside:
                run.add(ERROR, "reference-aggregation", place, "the target must be contained", profile)
            elif not inside and outside == {"bundled"} and run.bundle is not None and run.resolve(reference) is None:
                run.add(ERROR, "reference-aggregation", place, "the target must be in the Bundle", profile)

        return check

    def conforming(self, targets: tuple[str, ...], profile: str) -> Callable[[dict[str, Any], Place, Run], None] | None:
        """A warning where a target inside the document conforms to none of the target profiles (it is judged by itself, too)."""
        own = tuple(url for url in targets if not url.startswith(_STRUCTURE))
        if not own or len(own) != len(targets):
            return None

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            reference = value.get("reference")
            if reference.__class__ is not str or (run.bundle is None and not reference.startswith("#")) or run.trials:
                return
            target = run.resolve(reference)
            if target is None or target.json is run.resource.json:
                return
            key = (id(target.json), own)
            answer = run.findings.targets.get(key)
            if answer is None:
                inner = run.entering(target)
                answer = any(self._engine.conforms(target.json, target.type, url, inner) is not False for url in own)
                run.findings.targets[key] = answer
            if not answer:
                names = ", ".join(own)
                run.add(
                    WARNING,
                    "reference-target-profile",
                    place,
                    f"the target, {reference[:80]}, conforms to none of {names}",
                    profile,
                    expected=names,
                )

        return check

    def judge(self, targets: tuple[str, ...], profile: str | None) -> Callable[[dict[str, Any], Place, Run], None]:
        """The check of one element's references: form and type."""
        known: list[frozenset[str] | None] = []
        good: set[str] = set()

        def check(value: dict[str, Any], place: Place, run: Run) -> None:
            reference = value.get("reference")
            if reference.__class__ is not str or not reference:
                return
            if reference in good and run.bundle is None and "type" not in value:
                return
            if not known:
                known.append(self.allowed(targets))
            fine = self._judge(reference, value, known[0], place, run, profile)
            if fine and reference[0] != "#" and run.bundle is None and len(good) < 4096 and len(reference) < 120:
                good.add(reference)

        return check

    def _judge(
        self,
        reference: str,
        value: dict[str, Any],
        allowed: frozenset[str] | None,
        place: Place,
        run: Run,
        profile: str | None,
    ) -> bool:
        if profile is None and reference.split(None, 1) != [reference]:
            run.add(
                ERROR,
                "reference-invalid",
                place,
                f"'{reference[:80]}' is not a reference: it holds white space",
                found=reference[:100],
            )
            return False
        if (
            profile is None
            and run.bundle is not None
            and reference[0] != "#"
            and ":" not in reference
            and RELATIVE.fullmatch(reference) is None
        ):
            run.add(
                ERROR,
                "reference-form",
                place,
                f"relative reference '{reference[:80]}' is not of the form [type]/[id]",
                found=reference[:100],
            )
            return False
        if profile is None and run.bundle is not None and reference[0] == "/":
            run.add(
                ERROR,
                "reference-form",
                place,
                f"relative reference '{reference[:80]}' is not of the form [type]/[id]",
                found=reference[:100],
            )
            return False
        if allowed is None:
            return True
        target = run.resolve(reference)
        stated = value.get("type")
        name = target.type if target is not None else named_type(reference)
        if name is None and stated.__class__ is str:
            name = stated.removeprefix(_STRUCTURE)
        if name is None or not self._engine.is_resource(name) or name in allowed:
            return True
        if target is None and RESTFUL.fullmatch(reference) and not self._engine.is_resource(name):
            return True
        run.add(
            ERROR,
            "reference-type",
            place,
            f"a reference to {name} is not allowed here (allowed: {', '.join(sorted(allowed))})",
            profile,
            expected=" | ".join(sorted(allowed)),
            found=name,
        )
        return False
