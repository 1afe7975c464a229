"""What one request may see: the patient compartment of its token, its scopes, sensitive labels, and time (FHIR R4 compartments).

`Reach` is asked before anything leaves the store: reads, searches, includes, chains, totals and pages see the same world, so that
nothing outside it can be told from nothing at all. Leaves to others: whether a token is good (authorization/access.py), which
labels a member's consent opens (privacy.py), when a resource arrives (freshness.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.payer.context import Grant
from simulators.payer.errors import FhirError, Forbidden
from simulators.payer.fhir.bases import Base
from simulators.payer.fhir.freshness import is_available
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate, Stored

Filter = Callable[[Candidate], bool]


@rule
def record_may_be_read(patient: str, record: str) -> bool:
    """A read by id finds the token's own record, and what is in nobody's record."""
    return record in ("", patient)


@record_may_be_read.fault("another-members-record-returned", violates="FHIR-COMPARTMENT-01")
def any_record(patient: str, record: str) -> bool:
    """A read by id returns another member's resource."""
    return True


def record_may_be_included(patient: str, record: str) -> bool:
    """_include, _revinclude and chains stay within the token's own record.

    No fault: in a conforming dataset no resource refers to another member's, so getting this wrong would show to nobody.
    """
    return record in ("", patient)


@rule
def searched_record(patient: str, asked: str) -> str:
    """The record a search by `patient=` looks into: the token's own, whatever was asked; another one is refused."""
    if asked != patient:
        raise Forbidden("this token does not reach the patient asked for")
    return patient


@searched_record.fault("search-by-patient-opens-other-records", violates="FHIR-COMPARTMENT-01")
def record_asked_for(patient: str, asked: str) -> str:
    """A search with another member's id in `patient` answers from that member's record."""
    return asked


@rule
def type_permitted(permissions: frozenset[str], interaction: str) -> bool:
    """Whether the scopes for a type allow to read (r) or to search (s) it."""
    return interaction in permissions


@type_permitted.fault(
    "scopes-do-not-limit-types",
    violates="SMART-STANDALONE-14",
    also=["SMART-STANDALONE-25", "SMART-STANDALONE-15", "SMART2-SCOPES-01", "HEALTHSHARE-2.1.3-RS-VALIDATE"],
)
def any_type(permissions: frozenset[str], interaction: str) -> bool:
    """A token for one resource type reads and searches every type."""
    return True


@type_permitted.fault(
    "scopes-limit-searches-only",
    violates="SMART-STANDALONE-25",
    also=["HEALTHSHARE-2.1.3-RS-VALIDATE", "SMART2-SCOPES-01"],
)
def any_read(permissions: frozenset[str], interaction: str) -> bool:
    """A type outside the scope is refused to searches and read by id."""
    return interaction == "r" or type_permitted.function(permissions, interaction)


@dataclass(slots=True)
class Reach:
    """The world one request sees: whose record, which types, at which moment."""

    base: Base
    grant: Grant | None  # None on the open bases
    now: int  # milliseconds, the payer's clock, or the moment the first page was taken
    active: frozenset[str]
    newest: int | None = None  # arrivals after this number are not in (later pages)
    opened: frozenset[str] = frozenset()  # labels this grant may see
    permissions: dict[str, tuple[frozenset[str], Filter | None]] = field(default_factory=dict)
    records: frozenset[str] = frozenset()  # records a search was let into besides the token's own

    @property
    def patient(self) -> str:
        """The id of the token's Patient; empty where the base is open or the token is for no one member."""
        return (self.grant.patient or "") if self.grant is not None else ""

    @property
    def everybody(self) -> bool:
        """Whether the token reaches all records (a backend service)."""
        return self.grant is not None and self.grant.patient is None

    def permits(self, type_name: str, interaction: str) -> bool:
        """Whether a type may be read (r) or searched (s)."""
        if self.base.is_open:
            return type_name in self.base.types
        permissions = self.permissions.get(type_name, self.permissions.get("*"))
        letters = permissions[0] if permissions is not None else frozenset[str]()
        return type_name in self.base.types and type_permitted(self.active, letters, interaction)

    def require(self, type_name: str, interaction: str) -> None:
        """Refuse what the scopes do not allow."""
        if not self.permits(type_name, interaction):
            raise Forbidden(
                f"the scopes of this token do not allow to {'read' if interaction == 'r' else 'search'} {type_name}"
            )

    def exists(self, resource: Candidate | Stored) -> bool:
        """Whether a resource is there at all for this request, whoever's record it is in."""
        if not resource.apis & self.base.bit or not is_available(self.active, resource, self.now):
            return False
        if self.newest is not None and resource.rid > self.newest:
            return False
        return not resource.labels or (not self.base.is_open and self.opened.issuperset(resource.labels.split()))

    def sees(self, resource: Candidate | Stored) -> bool:
        """Whether a resource is there and in a record this request searches."""
        own = resource.patient in ("", self.patient) or self.everybody or resource.patient in self.records
        return (own or self.base.is_open) and self.exists(resource)

    def reads(self, resource: Stored) -> bool:
        """Whether a resource is there for a read by its id."""
        own = self.everybody or self.base.is_open or record_may_be_read(self.active, self.patient, resource.patient)
        return own and self.exists(resource)

    def includes(self, resource: Candidate) -> bool:
        """Whether a resource may come along with matches."""
        own = self.everybody or self.base.is_open or record_may_be_included(self.patient, resource.patient)
        return (own or resource.patient in self.records) and self.exists(resource)

    def narrowed(self, type_name: str) -> Filter | None:
        """The test a v2 scope such as `patient/Observation.rs?category=laboratory` puts on a type."""
        permissions = self.permissions.get(type_name, self.permissions.get("*"))
        return permissions[1] if permissions is not None else None


def unknown(type_name: str, id: str) -> FhirError:
    """The one answer for what does not exist and for what is out of reach."""
    return FhirError(404, "not-found", f"{type_name}/{id} is not known")
