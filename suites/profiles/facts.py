"""The facts of a guide that judging needs: structures, value sets, code systems, search parameters, capabilities.

Nothing here reads a file or judges a resource: `registry` hands these out, the engine compiles them. All are frozen, so
one copy serves every validation. Words are those of FHIR R4 (ElementDefinition, ValueSet, CapabilityStatement).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TypedValue = tuple[str, Any]
"""A choice value of a definition: its type's name and its JSON, as in ("uri", "http://…") for `fixedUri`."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """ElementDefinition.type: `code` is a type name; `profiles` and `targets` are canonical URLs (as written, version included)."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()
    versioning: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """ElementDefinition.binding: canonical URLs, a version after `|` where the guide wrote one.

    `additional` are pairs of strength (required or extensible) and value set: the further bindings that newer guides add.
    """

    strength: str
    value_set: str | None = None
    max_value_set: str | None = None
    additional: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Slicing:
    """ElementDefinition.slicing; `discriminators` are pairs of kind (value, pattern, type, profile, exists) and path."""

    discriminators: tuple[tuple[str, str], ...]
    rules: str
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Constraint:
    """ElementDefinition.constraint: an invariant in FHIRPath; `expression` is None where the guide gave prose only."""

    key: str
    severity: str
    expression: str | None
    source: str | None = None
    best_practice: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a snapshot. `max` is None for `*`; `path` is `id` without its slice names."""

    id: str
    path: str
    slice_name: str | None = None
    min: int = 0
    max: int | None = None
    types: tuple[TypeRef, ...] = ()
    fixed: TypedValue | None = None
    pattern: TypedValue | None = None
    binding: Binding | None = None
    min_value: TypedValue | None = None
    max_value: TypedValue | None = None
    max_length: int | None = None
    must_support: bool = False
    modifier: bool = False
    is_summary: bool = False
    slicing: Slicing | None = None
    content_reference: str | None = None
    constraints: tuple[Constraint, ...] = ()
    representation: tuple[str, ...] = ()
    base_path: str | None = None
    base_min: int | None = None
    base_max: int | None = None
    regex: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Where an extension may be used: `kind` is element, extension or fhirpath."""

    kind: str
    expression: str


@dataclass(frozen=True, slots=True)
class StructureHeader:
    """What a structure is, without its elements."""

    url: str
    version: str | None
    name: str
    type: str
    kind: str
    derivation: str | None
    base: str | None
    abstract: bool
    guide: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A StructureDefinition snapshot. `context_invariants` are the FHIRPath conditions on where an extension stands,
    `imposes` other profiles that whatever conforms to this one must conform to as well."""

    url: str
    version: str | None
    name: str
    type: str
    kind: str
    derivation: str | None
    base: str | None
    abstract: bool
    contexts: tuple[Context, ...]
    guide: str
    elements: tuple[Element, ...]
    context_invariants: tuple[str, ...] = ()
    imposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a value set holds a code: yes, no, or undecidable (`member` is None) for want of the `lacking` code systems."""

    member: bool | None
    lacking: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.member is True


MEMBER = Membership(True)
NOT_MEMBER = Membership(False)


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A SearchParameter; `base` are the resource types it is for, `components` pairs of definition and expression."""

    url: str
    code: str
    type: str
    base: tuple[str, ...]
    expression: str | None
    guide: str
    targets: tuple[str, ...] = ()
    multiple_or: bool | None = None
    multiple_and: bool | None = None
    comparators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()


Expected = tuple[str, str | None]
"""Something a CapabilityStatement names and its expectation: SHALL, SHOULD, MAY, SHALL NOT, or None where it states none."""


@dataclass(frozen=True, slots=True)
class CapabilitySearch:
    """A search parameter a CapabilityStatement names for a resource type."""

    name: str
    type: str | None
    definition: str | None
    expectation: str | None


@dataclass(frozen=True, slots=True)
class CapabilityOperation:
    name: str
    definition: str | None
    expectation: str | None


@dataclass(frozen=True, slots=True)
class CapabilityResource:
    """What a CapabilityStatement says of one resource type; each list holds (what, expectation)."""

    type: str
    expectation: str | None
    profile: str | None
    profiles: tuple[Expected, ...]
    interactions: tuple[Expected, ...]
    search_parameters: tuple[CapabilitySearch, ...]
    combinations: tuple[tuple[tuple[str, ...], str | None], ...]
    includes: tuple[Expected, ...]
    revincludes: tuple[Expected, ...]
    operations: tuple[CapabilityOperation, ...]
    reference_policies: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Capability:
    """A CapabilityStatement of a guide: `mode` is server or client."""

    url: str
    guide: str
    mode: str
    formats: tuple[Expected, ...]
    resources: Mapping[str, CapabilityResource]
    interactions: tuple[Expected, ...]
    operations: tuple[CapabilityOperation, ...]
