"""What an expression sees besides its focus: the resource, the variables, and a host for what other rooms know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from suites.profiles.fhirpath.errors import EvaluationError


class Host(Protocol):
    """What evaluation asks of its surroundings. None means: not decidable here."""

    def resolve(self, reference: str, env: Env) -> dict[str, Any] | None:
        """The resource a reference points at, or None where it is not at hand."""

    def member_of(self, value: Any, value_set: str) -> bool | None:
        """Whether a code, Coding, CodeableConcept or Quantity is in a value set."""

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        """Whether a resource conforms to a profile."""

    def html_checks(self, xhtml: str) -> bool:
        """Whether a narrative keeps to the XHTML that FHIR allows."""


class Alone:
    """A host that knows nothing: references lead nowhere, membership is undecidable, narrative is taken as it is."""

    def resolve(self, reference: str, env: Env) -> dict[str, Any] | None:
        found: dict[str, Any] | None = None
        if reference.startswith("#") and env.root_resource.__class__ is dict:
            held = env.root_resource.get("contained")
            inside = held if held.__class__ is list else []
            found = next((c for c in inside if c.__class__ is dict and c.get("id") == reference[1:]), None)
        return found

    def member_of(self, value: Any, value_set: str) -> bool | None:
        return None

    def conforms_to(self, value: Any, profile: str) -> bool | None:
        return None

    def html_checks(self, xhtml: str) -> bool:
        return True


MOST_STEPS = 1_000_000
LONGEST_TEXT = 10_000_000


class Env:
    """The surroundings of one evaluation; one Env serves all invariants of a resource.

    `assume` is what an undecidable membership counts as, and `lacking` collects what could not be decided.
    """

    __slots__ = ("assume", "context", "host", "index", "lacking", "resource", "root_resource", "steps", "total")

    def __init__(self, resource: Any, root_resource: Any = None, host: Host | None = None, context: Any = None) -> None:
        self.resource = resource
        self.root_resource = resource if root_resource is None else root_resource
        self.host: Host = Alone() if host is None else host
        self.context = context
        self.index: int | None = None
        self.total: list[Any] = []
        self.steps = 0
        self.assume = False
        self.lacking: list[str] = []

    def spend(self, steps: int) -> None:
        """Count items looked at; an expression that multiplies collections ends before the machine does."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise EvaluationError(f"takes more than {MOST_STEPS:,} steps on this resource")

    def undecided(self, what: str) -> bool:
        """Note what could not be decided, and answer as assumed."""
        self.lacking.append(what)
        return self.assume


class Focus(list[Any]):
    """A collection standing where an item stands: the focus of `iif`'s arguments."""

    __slots__ = ()


def one(items: list[Any], what: str) -> Any:
    """The single item of a collection, None if there is none."""
    if not items:
        return None
    if len(items) > 1:
        raise EvaluationError(f"{what} needs one item and was given {len(items)}")
    return items[0]


Items = list[Any]
"""A collection. It may be the JSON's own list, so nobody changes one that was handed on."""
Many = Callable[[Any, Env], Items]
"""A compiled expression that gives a collection for a focus."""
Truth = Callable[[Any, Env], bool | None]
"""A compiled expression that gives true, false, or None for empty."""
Function = Callable[..., Items]
"""A function of the library: input collection, environment, the value of each argument."""
