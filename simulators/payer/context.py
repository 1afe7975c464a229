"""What every part of the payer is handed: its deployment, its clock, its stores, its active faults; and what a token grants.

`Payer` is made once a process by app.py. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.payer.clock import Clock
from simulators.payer.database import Database
from simulators.payer.errors import Unauthorized

if TYPE_CHECKING:
    from simulators.payer.deployment import Deployment
    from simulators.payer.store import Store

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Scope:
    """One SMART data scope, v1 (`patient/X.read` = r and s) or v2 (`patient/X.rs?category=…`)."""

    level: str  # patient | user | system
    resource: str  # a type, or *
    permissions: frozenset[str]  # letters of cruds
    constraints: tuple[tuple[str, str], ...] = ()  # search parameters that narrow a v2 scope
    text: str = ""  # as granted


@dataclass(frozen=True, slots=True)
class Grant:
    """What a verified access token lets its bearer do."""

    token_id: str
    client_id: str
    subject: str  # who logged in; empty for a backend client
    patient: str | None  # id of the Patient the token is about
    fhir_user: str | None  # reference, e.g. Patient/m00001 or RelatedPerson/r1
    scopes: tuple[Scope, ...]
    expires_at: float  # seconds since the epoch, on the payer's clock
    acts_for: str | None = None  # the member represented, when a delegate logged in
    relationship: str | None = None  # of the delegate to the member
    all_scopes: frozenset[str] = frozenset()  # every granted scope string, data or not
    consent_id: str = ""  # the member's consent the grant rests on
    sensitive: frozenset[str] = frozenset()  # kinds of sensitive data the member agreed to share


def nobody(headers: RawHeaders) -> Grant:
    """The authenticator of a payer that has no authorization server yet: every token is unknown."""
    raise Unauthorized("the access token is not known")


@dataclass
class Payer:
    """One running payer. `faults` is read per request, so that the control interface can change it at any moment."""

    deployment: Deployment
    clock: Clock
    database: Database
    store: Store
    manifest: dict[str, Any]
    public_url: str  # scheme://host[:port] the payer calls itself by, no trailing slash
    faults: frozenset[str] = frozenset()
    # Raises errors.Unauthorized; set by app.py from the authorization server.
    authenticate: Callable[[RawHeaders], Grant] = nobody
    # Called by the control interface: drop every cache, begin again from the dataset.
    on_reset: list[Callable[[], None]] = field(default_factory=list)
    # Rooms keep their own long-lived handles here under their own name (signing keys, mailboxes, limiters).
    parts: dict[str, Any] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """An absolute address of this payer for a path that begins with a slash."""
        return self.public_url + path
