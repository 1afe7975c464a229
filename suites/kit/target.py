"""The target file: what is under test and what is known of it (docs/architecture.md, Target). Read strictly.

An unknown key is an error with the nearest name; a secret may come from the environment; paths are relative to the file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from suites.kit.outcomes import BadTarget
from suites.kit.recipe import ACTIONS, Identity, Step
from suites.protocol import urls

PAYER_TYPES = ("ma", "medicaid-ffs", "chip-ffs", "medicaid-managed-care", "chip-managed-care", "qhp")
CLIENT_TYPES = ("public", "confidential-symmetric", "confidential-asymmetric")
SMART_VERSIONS = ("1.0.0", "2.0.0", "2.2.0")


@dataclass(frozen=True)
class Server:
    """Where the payer's interfaces are and what it claims."""

    fhir_base: str
    payer_type: str = "medicaid-managed-care"
    rating_period_start: date | None = None
    guides: tuple[str, ...] = ()
    smart: str = "2.0.0"
    directory_base: str = ""
    formulary_base: str = ""
    documentation_url: str = ""
    education_url: str = ""
    portal_url: str = ""
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Client:
    """One registration of this project's app with the payer."""

    name: str
    type: str
    client_id: str
    redirect_uri: str
    scopes: str
    client_secret: str = field(default="", repr=False)
    client_secret_env: str = ""
    private_key_file: Path | None = None
    key_id: str = ""
    title: str = ""  # the name members see, where it differs from `name`
    algorithm: str = "ES384"

    @property
    def public(self) -> bool:
        """Whether the client has no credentials."""
        return self.type == "public"


@dataclass(frozen=True)
class Member:
    """One member whose credentials are known."""

    label: str
    username: str
    password: str = field(default="", repr=False)
    password_env: str = ""
    totp_seed: str = field(default="", repr=False)
    answers: dict[str, str] = field(default_factory=dict, repr=False)
    patient: str = ""
    planted_for: tuple[str, ...] = ()

    def identity(self, one_time_code: str = "") -> Identity:
        """The member as a login recipe needs it."""
        return Identity(self.username, self.password, self.totp_seed, self.answers, self.patient, one_time_code)


@dataclass(frozen=True)
class Dataset:
    """Where the manifest of the data loaded into the target is."""

    manifest: Path | None = None


@dataclass(frozen=True)
class Category:
    """A kind of data the consent page lets a member keep back, with the resource types it stands for."""

    name: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Login:
    """The login recipe; see recipe.py. `plain_forms` says that the pages work without scripts, so that it can be replayed over HTTP."""

    step: tuple[Step, ...] = ()
    category: tuple[Category, ...] = ()
    plain_forms: bool = False
    hook: str = ""  # "file.py:function", called with (page, identity, choices) after the steps
    human: bool = False  # a person signs in, in a visible window


@dataclass(frozen=True)
class Portal:
    """How a signed-in member ends an app's access at portal_url: steps after login, {client_name} and {client_id} filled in."""

    step: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What the payer declares."""

    requests: int = 0
    per_seconds: int = 0


@dataclass(frozen=True)
class Permitted:
    """What the owner of the target allows the judges to do. Loopback targets allow load and negative logins by default."""

    load: bool = False
    writes: bool = False
    negative_logins: bool = False
    registration: bool = False  # dynamic registration of a throw-away client
    wait_seconds: int = 0  # how long a check may wait for something to expire


@dataclass(frozen=True)
class Network:
    """How to reach the target."""

    ca_file: Path | None = None
    proxy: str = ""
    client_certificate: Path | None = None
    client_key: Path | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    connect_seconds: float = 5.0
    answer_seconds: float = 20.0
    max_megabytes: int = 32


@dataclass(frozen=True)
class Evidence:
    """What recorded evidence may show. People's data are masked unless the target is our own simulator."""

    mask_people: bool | None = None


@dataclass(frozen=True)
class Control:
    """The control interface of our own simulator; proofs and demos only."""

    url: str = ""


@dataclass(frozen=True)
class Target:
    """A target file, read."""

    name: str
    server: Server
    client: tuple[Client, ...] = ()
    member: tuple[Member, ...] = ()
    dataset: Dataset = Dataset()
    login: Login = Login()
    portal: Portal = Portal()
    limits: Limits = Limits()
    permitted: Permitted = Permitted()
    network: Network = Network()
    evidence: Evidence = Evidence()
    control: Control = Control()

    @property
    def masks_people(self) -> bool:
        """Whether names, dates of birth, addresses and identifiers are masked in evidence."""
        return self.evidence.mask_people if self.evidence.mask_people is not None else not self.control.url

    def smart_at_least(self, version: str) -> bool:
        """Whether the target claims this SMART version or a later one."""
        return tuple(map(int, self.server.smart.split("."))) >= tuple(map(int, version.split(".")))

    def for_report(self) -> dict[str, Any]:
        """What the header of a run says of the target; no secrets."""
        server = self.server
        return {
            "name": self.name,
            "fhir_base": server.fhir_base,
            "directory_base": server.directory_base,
            "formulary_base": server.formulary_base,
            "payer_type": server.payer_type,
            "rating_period_start": server.rating_period_start.isoformat() if server.rating_period_start else "",
            "guides": list(server.guides),
            "smart": server.smart,
            "clients": [client.type for client in self.client],
            "members": len(self.member),
        }


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Target:
    """Read a target file; BadTarget says in one line what is wrong and where."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadTarget(f"{path}: no such target file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise BadTarget(f"{path}: {wrong}") from None
    target: Target = _build(Target, document, str(path), path.parent)
    _check(target, str(path))
    return _with_secrets(target, str(path), environment)


def _build(kind: Any, table: Mapping[str, Any], where: str, folder: Path) -> Any:
    known = {each.name: each for each in fields(kind)}
    hints = get_type_hints(kind)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            raise BadTarget(f"{where}: unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    for name, each in known.items():
        if each.default is MISSING and each.default_factory is MISSING and name not in table:
            raise BadTarget(f"{where}: {name!r} is missing")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}", folder) for key, value in table.items()})


def _value(kind: Any, value: Any, where: str, folder: Path) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return _value(next(one for one in arguments if one is not type(None)), value, where, folder)
    if origin is tuple:
        if not isinstance(value, list):
            raise BadTarget(f"{where} must be a list")
        return tuple(_value(arguments[0], one, f"{where}[{number}]", folder) for number, one in enumerate(value, 1))
    if origin is dict:
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise BadTarget(f"{where} must be a table of strings")
        return value
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        if not isinstance(value, dict):
            raise BadTarget(f"{where} must be a table")
        return _build(kind, value, where, folder)
    if kind is Path:
        if not isinstance(value, str):
            raise BadTarget(f"{where} must be a path")
        return (folder / value).resolve()
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadTarget(f"{where} must be a {kind.__name__}, not {value!r}")
    return value


def _check(target: Target, where: str) -> None:
    _one_of(target.server.payer_type, PAYER_TYPES, f"{where}: server.payer_type")
    _one_of(target.server.smart, SMART_VERSIONS, f"{where}: server.smart")
    for name in (
        "fhir_base",
        "directory_base",
        "formulary_base",
        "documentation_url",
        "education_url",
        "portal_url",
    ):
        url = getattr(target.server, name)
        if url and not urls.is_absolute(url):
            raise BadTarget(f"{where}: server.{name} is no absolute http(s) URL: {url!r}")
    for client in target.client:
        _one_of(client.type, CLIENT_TYPES, f"{where}: client {client.name!r} type")
    for number, step in enumerate((*target.login.step, *target.portal.step), 1):
        _one_of(step.do, ACTIONS, f"{where}: step {number} do")
    for kind, labels in (
        ("client", [client.name for client in target.client]),
        ("member", [member.label for member in target.member]),
    ):
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise BadTarget(f"{where}: two {kind}s are called {sorted(twice)[0]!r}")
    if not urls.is_loopback(target.server.fhir_base) and target.control.url:
        raise BadTarget(f"{where}: control.url is for our own simulator on this machine only")


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        near = difflib.get_close_matches(value, allowed, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it is one of {', '.join(allowed)}"
        raise BadTarget(f"{where}: {value!r} is not known{hint}")


def _with_secrets(target: Target, where: str, environment: Mapping[str, str]) -> Target:
    from dataclasses import replace

    def secret(given: str, name: str, owner: str) -> str:
        if not name:
            return given
        if name not in environment:
            raise BadTarget(f"{where}: {owner} takes its secret from the environment variable {name}, which is not set")
        return environment[name]

    return replace(
        target,
        client=tuple(
            replace(one, client_secret=secret(one.client_secret, one.client_secret_env, f"client {one.name!r}"))
            for one in target.client
        ),
        member=tuple(
            replace(one, password=secret(one.password, one.password_env, f"member {one.label!r}"))
            for one in target.member
        ),
    )
