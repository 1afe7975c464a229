"""From a token's grant to what it reaches: data scopes by type, conditions of v2 scopes, labels the member opened.

Leaves to others: whether the token is good (authorization/access.py), what the reach admits (compartment.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from simulators.payer.context import Grant, Payer, Scope
from simulators.payer.errors import FhirError
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.chains import CandidateTest, clause_test
from simulators.payer.fhir.compartment import Filter, Reach
from simulators.payer.fhir.privacy import opened_by
from simulators.payer.fhir.query import clause_of
from simulators.payer.fhir.search import World
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate

_REMEMBERED = 4096
Permissions = dict[str, tuple[frozenset[str], Filter | None]]


@rule
def condition_of(test: CandidateTest) -> CandidateTest:
    """A scope with a condition (`?category=…`) reaches what fulfils it, nothing else."""
    return test


@condition_of.fault("scope-conditions-are-ignored", violates="SMART2-SCOPES-02")
def no_condition(test: CandidateTest) -> CandidateTest:
    """A token for one category of a type reads every category."""
    return lambda candidate: True


class Access:
    """Makes the reach of each request; remembers what scopes of a token come to."""

    def __init__(self, payer: Payer) -> None:
        self.payer = payer
        self._remembered: OrderedDict[str, tuple[Grant, frozenset[str], Permissions, frozenset[str]]] = OrderedDict()
        payer.on_reset.append(self._remembered.clear)

    def reach(self, base: Base, grant: Grant | None) -> Reach:
        """What one request on a base may see now."""
        active = self.payer.faults
        now = int(self.payer.clock.timestamp() * 1000)
        if grant is None or base.is_open:
            return Reach(base, None, now, active)
        known = self._remembered.get(grant.token_id)
        if known is None or known[1] != active or (known[0] is not grant and known[0] != grant):
            known = (grant, active, self._permissions(base, grant, active), opened_by(active, grant))
            self._remembered[grant.token_id] = known
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return Reach(base, grant, now, active, None, known[3], known[2])

    def _permissions(self, base: Base, grant: Grant, active: frozenset[str]) -> Permissions:
        found: Permissions = {}
        for type_name in base.types:
            scopes = [scope for scope in grant.scopes if scope.resource in ("*", type_name) and _is_about(scope, grant)]
            letters = frozenset[str]().union(*(scope.permissions for scope in scopes))
            narrow: Filter | None = None
            if scopes and all(scope.constraints for scope in scopes):
                narrow = _any_of([self._conditions(base, type_name, scope, active) for scope in scopes])
            found[type_name] = (letters, narrow)
        return found

    def _conditions(self, base: Base, type_name: str, scope: Scope, active: frozenset[str]) -> Filter:
        world = World(self.payer.store, Reach(base, None, int(self.payer.clock.timestamp() * 1000), active))
        tests: list[CandidateTest] = []
        for name, value in scope.constraints:
            try:
                clause = clause_of(base.catalog, type_name, name, value)
                if clause is None or clause.chain is not None or clause.has is not None:
                    return lambda candidate: False  # a condition that is not understood opens nothing
                tests.append(clause_test(clause, world))
            except FhirError:
                return lambda candidate: False
        return condition_of(active, lambda candidate: all(test(candidate) for test in tests))


def _is_about(scope: Scope, grant: Grant) -> bool:
    """patient/ and user/ scopes count for a member's token, system/ scopes for a backend's."""
    return scope.level == "system" if grant.patient is None else scope.level in ("patient", "user")


def _any_of(filters: list[Filter]) -> Callable[[Candidate], bool]:
    if len(filters) == 1:
        return filters[0]
    return lambda candidate: any(one(candidate) for one in filters)
