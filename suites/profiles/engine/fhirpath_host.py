"""What FHIRPath asks of the validation around it: references, value sets, profiles, narratives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.profiles.engine.bindings import codings_of
from suites.profiles.engine.coding_keys import key_of
from suites.profiles.engine.narrative import complaints
from suites.profiles.engine.terminology import REMEMBERED
from suites.profiles.fhirpath import Env, Node

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run


_ASK = object()


class RunHost:
    """The host of one resource's run."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def resolve(self, reference: str, env: Env) -> dict[str, Any] | None:
        target = self._run.resolve(reference)
        return target.json if target is not None else None

    def member_of(self, value: Any, value_set: str) -> bool | None:
        """True when one of its codings is in; False when all are known to be out."""
        terminology = self._run.engine.terminology
        kind, bare = _kind_of(value)
        key = key_of(bare, self._run)
        if key is None:
            return self._member_of(kind, bare, value_set)
        known = terminology.concepts_in
        found = known.get((value_set, key), _ASK)
        if found is _ASK:
            found = self._member_of(kind, bare, value_set)
            if len(known) < REMEMBERED:
                known[value_set, key] = found
        return found  # type: ignore[return-value]

    def _member_of(self, kind: str, bare: Any, value_set: str) -> bool | None:
        terminology = self._run.engine.terminology
        if kind == "code":
            return terminology.bare_in(value_set, bare).member
        undecided = False
        for system, code, version in codings_of(bare, kind):
            member = terminology.coding_in_slice(value_set, system, code, version).member
            if member:
                return True
            undecided = undecided or member is None
        return None if undecided else False

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        bare = value.value if value.__class__ is Node else value
        name = bare.get("resourceType", "") if bare.__class__ is dict else ""
        return self._run.engine.conforms(bare, name, profile, self._run)

    def html_checks(self, xhtml: str) -> bool:
        return not any(complaints(xhtml))


def _kind_of(value: Any) -> tuple[str, Any]:
    bare = value.value if value.__class__ is Node else value
    if bare.__class__ is not dict:
        return "code", bare
    return ("CodeableConcept" if "coding" in bare else "Coding"), bare
