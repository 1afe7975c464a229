"""A mapping file: how someone's access log tells what the usage metric asks. TOML; unknown keys are an error.

Without one, a log has the columns of `DEFAULT`, which are those of the simulator's usage log.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.metrics import BadInput

FORMATS = ("ndjson", "csv", "parquet", "audit-event", "database")
ROLES = ("row", "at", "member", "app", "app_kind", "channel", "unit", "status", "resources", "interaction", "path")
NEEDED = ("at", "member", "app", "status", "resources", "unit")


@dataclass(frozen=True)
class Mapping:
    """Where to find each role of a log row, and which values never count."""

    format: str = ""  # one of FORMATS; empty: by the file's name
    files: str = ""  # pattern inside an input folder
    table: str = ""  # of a database, "schema.table" or "table"
    time_zone: str = "America/Los_Angeles"  # the payer's: whose midnights bound the year
    drawn_at: datetime | None = None  # when the log was taken out; a later time is a wrong clock. Without it: now
    log_time_zone: str = ""  # of times written without an offset; without it they are refused
    columns: dict[str, str] = field(default_factory=lambda: {role: role for role in ROLES})
    constants: dict[str, Any] = field(default_factory=dict)  # role = value, for what a log does not say
    # Only deliveries over these channels are the member's own designation; Provider Access and Payer-to-Payer are not.
    patient_channels: tuple[str, ...] = ("patient-access",)
    other_channels: tuple[str, ...] = ("provider-access", "payer-to-payer", "prior-authorization", "other")
    third_party_kinds: tuple[str, ...] = ("third-party",)
    backend_kinds: tuple[str, ...] = ("backend",)  # services that no member designated
    test_apps: tuple[str, ...] = ()
    test_kinds: tuple[str, ...] = ("test",)
    own_apps: tuple[str, ...] = ()
    own_kinds: tuple[str, ...] = ("own",)
    synthetic_members: tuple[str, ...] = ()
    never_interactions: tuple[str, ...] = (
        "metadata", "capabilities", "discovery", "smart-configuration", "openid-configuration", "jwks", "authorize", "token", "revoke",
        "introspect", "userinfo", "registration", "directory", "formulary", "portal",
    )  # fmt: skip
    never_paths: tuple[str, ...] = (
        "/metadata", "/.well-known/", "/authorize", "/token", "/revoke", "/introspect", "/userinfo", "/register",
        "/directory/", "/formulary/",
    )  # fmt: skip
    identities: str = ""  # CSV: member,person; several member ids of one person
    units: str = ""  # CSV: member,unit,from,until (local days, until excluded); instead of a unit column
    folder: Path = Path()

    def path(self, name: str) -> Path:
        """A file the mapping names, relative to where it stands."""
        found = self.folder / name
        if not found.is_file():
            raise BadInput(f"{found}: named by the mapping, but there is no such file")
        return found

    def has(self, role: str) -> bool:
        """Whether rows say this, by a column or a constant."""
        return role in self.columns or role in self.constants


DEFAULT = Mapping()


def load(path: Path | None) -> Mapping:
    """Read a mapping file; without one, the default."""
    if path is None:
        return DEFAULT
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    known = {one.name for one in fields(Mapping)} - {"folder"}
    for name in told.keys() - known:
        raise BadInput(f"{path}: unknown key {name!r}{_near(name, known)}")
    for table in ("columns", "constants"):
        for name in told.get(table, {}).keys() - set(ROLES):
            raise BadInput(f"{path}: unknown role {name!r} in [{table}]{_near(name, set(ROLES))}")
    if told.get("format", "") not in ("", *FORMATS):
        raise BadInput(f"{path}: format {told['format']!r}; one of {', '.join(FORMATS)}")
    if "drawn_at" in told and not (isinstance(told["drawn_at"], datetime) and told["drawn_at"].tzinfo):
        raise BadInput(f"{path}: drawn_at is a time with an offset, such as 2027-01-15T00:00:00-08:00")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    mapping = replace(DEFAULT, **values, folder=path.parent)
    for role in NEEDED:
        if not mapping.has(role) and not (role == "unit" and mapping.units):
            raise BadInput(f"{path}: nothing says {role!r}; name its column in [columns] or a value in [constants]")
    return mapping


def _near(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
