"""Bindings of elements to value sets (FHIR R4 terminologies.html#strength): required is an error, extensible a warning.

What was found for a concept is remembered by binding, so that those that recur cost one look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.coding_keys import key_of
from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.place import Place
from suites.profiles.facts import Binding

if TYPE_CHECKING:
    from suites.profiles.engine.run import Run
    from suites.profiles.engine.terminology import Terminology

Bind = Callable[[Any, Place, "Run"], bool]
"""Judges a value; True when it is decided, and in."""
Content = Callable[[Any, Any, Place, str, "Run"], None]

REMEMBERED = 20_000
_CODED = ("code", "Coding", "CodeableConcept", "Quantity", "string", "uri")
_Codings = list[tuple[str | None, str, str | None]]


def code_binding(
    terminology: Terminology, binding: Binding | None, type_name: str, profile: str | None = None
) -> Bind | None:
    """The binding of a primitive."""
    if binding is None or type_name not in _CODED:
        return None
    wanted: list[tuple[str, str]] = [
        (url, "binding-required") for strength, url in binding.additional if strength == "required"
    ]
    if binding.value_set is not None and binding.strength == "required":
        wanted.insert(0, (binding.value_set, "binding-required"))
    elif binding.value_set is not None and binding.max_value_set is not None:
        wanted.insert(0, (binding.max_value_set, "binding-max"))
    return _all_of([_code_in(terminology, url, rule, profile) for url, rule in wanted])


def _all_of(binds: list[Bind]) -> Bind | None:
    """Several bindings of one element: every one has its say."""
    if len(binds) < 2:
        return binds[0] if binds else None

    def every(value: Any, place: Place, run: Run) -> bool:
        fine = [bind(value, place, run) for bind in binds]
        return all(fine)

    return every


def _code_in(terminology: Terminology, url: str, rule: str, profile: str | None) -> Bind:
    bare = url.partition("|")[0]

    def bind(value: Any, place: Place, run: Run) -> bool:
        member = terminology.bare_in(url, value)
        if member.member is None:
            for system in member.lacking or (bare,):
                run.lacks(system, place)
            return False
        if not member.member:
            message = f"'{value}' is not in the value set {bare}"
            run.add(ERROR, rule, place, message, profile, expected=bare, found=str(value))
            return False
        return True

    return bind


def concept_binding(
    terminology: Terminology, binding: Binding | None, type_name: str, profile: str | None = None
) -> Bind | None:
    """The binding of a Coding, CodeableConcept or Quantity."""
    return _all_of([bound.judge for bound in _bounds(terminology, binding, type_name, profile)])


def concept_contents(terminology: Terminology, binding: Binding, type_name: str, profile: str | None) -> list[Content]:
    """The same for the values of an element that may be of several types: each binding as a content of its own."""
    return [bound.content() for bound in _bounds(terminology, binding, type_name, profile)]


def _bounds(terminology: Terminology, binding: Binding | None, type_name: str, profile: str | None) -> list[_Bound]:
    if binding is None or type_name not in _CODED:
        return []
    found: list[_Bound] = []
    if binding.value_set is not None and binding.strength in ("required", "extensible"):
        found.append(_Bound(terminology, binding.value_set, binding.strength, type_name, profile))
    if binding.max_value_set is not None and binding.strength != "required":
        found.append(_Bound(terminology, binding.max_value_set, "max", type_name, profile))
    found.extend(_Bound(terminology, url, strength, type_name, profile) for strength, url in binding.additional)
    return found


class _Bound:
    """One binding of one element, compiled: `judge` is its check."""

    def __init__(self, terminology: Terminology, url: str, strength: str, type_name: str, profile: str | None) -> None:
        self._terminology = terminology
        self._url = url
        self._bare = url.partition("|")[0]
        self._severity = WARNING if strength == "extensible" else ERROR
        self._strength = strength
        self._type = type_name
        self._profile = profile
        self._known: dict[bytes, tuple[str, ...]] = {}
        self.judge: Bind = self._remembering() if type_name == "CodeableConcept" else self._judge

    def content(self) -> Content:
        """`judge` for values of any type: only those of the binding's own are meant."""
        known, judge, name = self._known, self.judge, self._type

        def content(value: Any, sibling: Any, place: Place, kind: str, run: Run) -> None:
            if kind != name or value is None:
                return
            key = run.keys.get(id(value))
            lacking = known.get(key) if key is not None else None
            if lacking is None:
                judge(value, place, run)
                return
            for what in lacking:
                run.lacks(what, place)

        return content

    def _remembering(self) -> Bind:
        known = self._known
        judge = self._judge

        def check(value: Any, place: Place, run: Run) -> bool:
            key = key_of(value, run)
            if key is None:
                return judge(value, place, run)
            lacking = known.get(key)
            if lacking is not None:
                for what in lacking:
                    run.lacks(what, place)
                return not lacking
            findings = run.findings
            said, notes = findings.said, findings.notes
            findings.notes = []
            fine = judge(value, place, run)
            if findings.said == said and len(known) < REMEMBERED and (fine or findings.notes):
                known[key] = tuple(findings.notes)
            findings.notes = [*notes, *findings.notes]
            return fine

        return check

    def _judge(self, value: Any, place: Place, run: Run) -> bool:
        codings = codings_of(value, self._type)
        if not codings:
            self._tell_no_code(value, place, run)
            return False
        lacking: list[str] = []
        undecided = False
        for system, code, version in codings:
            member = self._terminology.coding_in(self._url, system, code, version)
            if member.member:
                return True
            if member.member is None:
                undecided = True
                lacking.extend(member.lacking or (self._bare,))
        if undecided:
            for what in lacking:
                run.lacks(what, place)
            return False
        shown = ", ".join(f"{system or ''}#{code}" for system, code, _ in codings[:3])
        message = f"none of the codings ({shown}) is in the value set {self._bare}"
        rule = f"binding-{self._strength}"
        run.add(self._severity, rule, place, message, self._profile, expected=self._bare, found=shown)
        return False

    def _tell_no_code(self, value: Any, place: Place, run: Run) -> None:
        if self._severity != ERROR or self._type not in ("CodeableConcept", "Coding"):
            return
        if self._strength == "max" and self._type == "CodeableConcept" and isinstance(value.get("text"), str):
            return
        lacking = self._terminology.gaps(self._url)
        if lacking and value.get("coding" if self._type == "CodeableConcept" else "system"):
            for what in lacking:  # what stands there cannot be looked up
                run.lacks(what, place)
            return
        message = f"no code is given, and one from the value set {self._bare} is required"
        run.add(ERROR, f"binding-{self._strength}", place, message, self._profile, expected=self._bare)


def codings_of(value: Any, type_name: str) -> list[tuple[str | None, str, str | None]]:
    """(system, code, version) of each code in a value of a coded type."""
    if type_name == "CodeableConcept":
        listed = value.get("coding") if value.__class__ is dict else None
        return [
            (one.get("system"), one["code"], _text(one.get("version")))
            for one in (listed if listed.__class__ is list else ())
            if one.__class__ is dict
            and one.get("code").__class__ is str
            and (one.get("system") is None or one.get("system").__class__ is str)
        ]
    if type_name in ("Coding", "Quantity"):
        if value.__class__ is not dict or value.get("code").__class__ is not str:
            return []
        system = value.get("system")
        return (
            [(system, value["code"], _text(value.get("version")))] if system is None or system.__class__ is str else []
        )
    return [(None, value, None)] if value.__class__ is str else []


def _text(value: Any) -> str | None:
    return value if value.__class__ is str else None
