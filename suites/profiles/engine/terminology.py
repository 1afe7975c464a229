"""Codes against code systems and value sets (FHIR R4 terminologies.html#strength).

A code that no table at hand can decide is noted as not checked, with the system that was lacking; it is never an error.
Answers are remembered by value set and code, so that a code met before costs one look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.profiles.engine.findings import ERROR, WARNING
from suites.profiles.engine.grammars import grammar_of, is_ucum
from suites.profiles.engine.place import Place, Step
from suites.profiles.facts import NOT_MEMBER, Membership

if TYPE_CHECKING:
    from suites.profiles.engine.engine import Engine
    from suites.profiles.engine.run import Run
    from suites.profiles.registry import Registry
    from suites.profiles.terminology import ValueSet

Contains = Callable[[str | None, str, str | None], Membership]
REMEMBERED = 50_000
UCUM = "http://unitsofmeasure.org"

_CODE = Step("code", "code", "Coding.code", "code")
_DISPLAY = Step("display", "display", "Coding.display", "string")


class Terminology:
    """Everything the engine asks about codes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._registry: Registry = engine.registry
        self._sets: dict[str, Contains | None] = {}
        self._codings: dict[tuple[Any, ...], tuple[tuple[Any, ...], ...]] = {}
        self._members: dict[tuple[Any, ...], Membership] = {}
        self.concepts_in: dict[tuple[str, bytes], bool | None] = {}
        """What `memberOf` was answered for concepts, by value set and what they hold."""

    def contains(self, url: str) -> Contains | None:
        """The membership test of a value set, remembering; None where the value set is not at hand."""
        if url not in self._sets:
            self._sets[url] = self._remembering(url)
        return self._sets[url]

    def _remembering(self, url: str) -> Contains | None:
        grammar = grammar_of(url)
        if grammar is not None:
            return grammar
        value_set = self._registry.value_set(url)
        if value_set is None:
            return None
        known: dict[tuple[str | None, str, str | None], Membership] = {}
        ask = self._engine.remote_membership

        def contains(system: str | None, code: str, version: str | None = None) -> Membership:
            key = (system, code, version)
            found = known.get(key)
            if found is None:
                found = value_set.contains(system, code, version)
                if found.member is None and ask is not None:
                    found = ask(url, system, code, version) or found
                if len(known) < REMEMBERED:
                    known[key] = found
            return found

        return contains

    # ---- one coding against its code system

    def judge_coding(self, value: dict[str, Any], place: Place, run: Run) -> None:
        """A Coding by itself: its system is absolute, its code exists, its display is one of the code's."""
        system, code = value.get("system"), value.get("code")
        if system.__class__ is not str:
            return
        if code is not None and code.__class__ is not str:
            return
        display = value.get("display")
        key = (
            (system, code, value.get("version"), display)
            if display.__class__ is str
            else (system, code, value.get("version"))
        )
        try:
            found = self._codings.get(key)
        except TypeError:
            return
        if found is None:
            found = tuple(self._complaints(system, code, display))
            if len(self._codings) < REMEMBERED:
                self._codings[key] = found
        for severity, rule, step, message in found:
            if severity is None:
                run.lacks(message, place)
            else:
                run.add(severity, rule, place if step is None else (place, step, None), message)

    def _complaints(self, system: str, code: str | None, display: Any) -> list[tuple[Any, ...]]:
        if ":" not in system:
            return []
        if code is None:
            return []
        if system == UCUM and not is_ucum(code):
            return [(WARNING, "ucum", _CODE, f"'{code[:60]}' does not have the form of a UCUM unit")]
        table = self._registry.code_system(system)
        if table is None or not table.complete:
            return [(None, None, None, system)]
        if not table.has(code):
            return [(ERROR, "code-unknown", _CODE, f"code '{code}' is not in the code system {system}")]
        held = table.display(code)
        if display.__class__ is str and held and display.strip().casefold() != held.strip().casefold():
            return [
                (
                    WARNING,
                    "display",
                    _DISPLAY,
                    f"display '{display[:80]}' is not that of {code} in {system}: '{held[:80]}'",
                )
            ]
        return []

    def judge_alone(self, value: dict[str, Any], place: Place, run: Run) -> None:
        """A Coding that is an element of its own, not one of a CodeableConcept: its system must be absolute."""
        system = value.get("system")
        if system.__class__ is str and system and ":" not in system and not any(blank.isspace() for blank in system):
            run.add(
                ERROR,
                "coding-system-relative",
                place,
                "Coding.system must be an absolute reference, not a local one",
                found=system,
            )

    def judge_identifier(self, value: dict[str, Any], place: Place, run: Run) -> None:
        """An Identifier's system must be absolute."""
        system = value.get("system")
        if system.__class__ is str and system and ":" not in system and not any(blank.isspace() for blank in system):
            run.add(
                ERROR,
                "identifier-system-relative",
                place,
                "Identifier.system must be an absolute reference, not a local one",
                found=system,
            )

    def judge_quantity(self, value: dict[str, Any], place: Place, run: Run) -> None:
        """A Quantity's unit system: absolute, and not a misspelling of UCUM's."""
        system = value.get("system")
        if system.__class__ is not str or not system:
            return
        self.judge_coding(value, place, run)
        if system == UCUM:
            return
        if system.startswith(UCUM):
            run.add(
                ERROR,
                "system-misspelled",
                place,
                f"'{system}' is not the system of UCUM: that is {UCUM}",
                expected=UCUM,
                found=system,
            )
        self.judge_alone(value, place, run)

    # ---- bindings

    def coding_in(self, url: str, system: str | None, code: str, version: str | None) -> Membership:
        """Whether a Coding is in a value set.

        A code without its system counts only for a value set that lists that very code, where the system can be inferred;
        one of a system whose codes are not at hand cannot be called wrong.
        """
        key = (url, system, code, version)
        found = self._members.get(key)
        if found is None:
            found = self._coding_in(url, system, code, version)
            if len(self._members) < REMEMBERED:
                self._members[key] = found
        return found

    def coding_in_slice(self, url: str, system: str | None, code: str, version: str | None) -> Membership:
        """Whether a Coding is in a value set that tells slices apart: only the value set's own gaps leave it open."""
        contains = self.contains(url)
        if contains is None:
            return Membership(None, (url.partition("|")[0],))
        if system is not None:
            return contains(system, code, version)
        return self.coding_in(url, None, code, version)

    def bare_in(self, url: str, code: str) -> Membership:
        """Whether a `code` (whose system is that of the value set) is in it."""
        contains = self.contains(url)
        return contains(None, code, None) if contains is not None else Membership(None, (url.partition("|")[0],))

    def gaps(self, url: str) -> tuple[str, ...]:
        """The code systems and value sets for lack of which the codes of a value set are not all known."""
        if grammar_of(url) is not None:
            return ()
        value_set = self._registry.value_set(url)
        return value_set.lacking if value_set is not None else (url.partition("|")[0],)

    def _listed(self, value_set: ValueSet, system: str) -> bool:
        """Whether a value set names codes of a system one by one, rather than taking the whole system or a part of it."""
        if system in value_set.unlisted:
            return False
        table = self._registry.code_system(system)
        return table is None or not table.complete or len(value_set.codes(system)) != len(table)

    def _coding_in(self, url: str, system: str | None, code: str, version: str | None) -> Membership:
        contains = self.contains(url)
        if contains is None:
            return Membership(None, (url.partition("|")[0],))
        if grammar_of(url) is not None:
            return contains(system, code, version)
        value_set = self._registry.value_set(url)
        systems = value_set.systems if value_set is not None else frozenset()
        if system is None:
            listed = (
                value_set is not None
                and len(systems) == 1
                and all(code in value_set.codes(name) and self._listed(value_set, name) for name in systems)
            )
            return contains(None, code, None) if listed else NOT_MEMBER
        found = contains(system, code, version)
        if (
            found.member
            and value_set is not None
            and code not in value_set.codes(system)
            and value_set.codes(system)
            and self._listed(value_set, system)
        ):
            return NOT_MEMBER  # listed one by one, and spelled otherwise
        if found.member is False:
            table = self._registry.code_system(system)
            if (table is None and system in systems) or (table is not None and not table.complete):
                return Membership(None, (system,))
        return found
