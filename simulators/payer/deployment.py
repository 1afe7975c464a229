"""How one payer is set up: the typed form of `deployments/*.toml` and `variants/*.toml`, read strictly.

Every key has a default, and the defaults are the `reference` payer; a file states what differs. An unknown key, a value of the
wrong type or a word outside the allowed ones is refused with the place and the nearest name, never replaced by a default.
Leaves to others: what a setting does (the package that reads it), which settings are legal (docs/deployments.md).
"""

from __future__ import annotations

import difflib
import tomllib
import types
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

FOLDERS = (Path(__file__).parent / "deployments", Path(__file__).parent / "variants")

PayerType = Literal[
    "ma", "medicaid-ffs", "chip-ffs", "medicaid-managed-care", "chip-managed-care", "qhp"
]  # the six impacted payers of CMS-9115-F
ClientType = Literal["public", "confidential-symmetric", "confidential-asymmetric", "backend-service"]
Grant = Literal["authorization_code", "refresh_token", "client_credentials"]
SecondFactor = Literal["totp", "mail"]

RESOURCE_TYPES = (
    "AllergyIntolerance", "Binary", "CarePlan", "CareTeam", "Condition", "Consent", "Coverage", "Device", "DiagnosticReport", "DocumentReference",
    "Encounter", "Endpoint", "ExplanationOfBenefit", "Goal", "HealthcareService", "Immunization", "Location", "Media", "Medication", "MedicationDispense",
    "MedicationRequest", "Observation", "Organization", "Patient", "Practitioner", "PractitionerRole", "Procedure",
    "Provenance", "QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen",
)  # fmt: skip
DIRECTORY_TYPES = (
    "Endpoint", "HealthcareService", "InsurancePlan", "Location", "Organization", "OrganizationAffiliation", "Practitioner",
    "PractitionerRole",
)  # fmt: skip


class BadDeployment(ValueError):
    """A deployment that cannot be used; the message says where, what and the nearest name."""


@dataclass(frozen=True)
class PayerFacts:
    """Who the payer is and which rules apply to it."""

    name: str = "Reference Behavioral Health Plan"
    type: PayerType = "medicaid-managed-care"
    rating_period_start: date = date(2026, 7, 1)
    time_zone: str = "America/Los_Angeles"
    reporting_unit: str = "REF-PIHP-01"
    program: str = "medicaid"
    intermediary: str = ""  # who operates the platform for the payer; named on the consent page
    developer_email: str = "developers@payer.example"
    member_email: str = "members@payer.example"
    staff_email: str = ""  # for county staff only; members are never sent there


@dataclass(frozen=True)
class Endpoints:
    """Paths below the public address. An empty path means that this payer does not offer the endpoint."""

    fhir: str = "/fhir"
    directory: str = "/directory"
    formulary: str = "/formulary"
    issuer: str = ""
    authorize: str = "/oauth/authorize"
    token: str = "/oauth/token"
    introspect: str = "/oauth/introspect"
    revoke: str = "/oauth/revoke"
    userinfo: str = "/oauth/userinfo"
    register: str = "/oauth/register"
    jwks: str = "/oauth/jwks"
    documentation: str = "/developers"
    education: str = "/education"
    gallery: str = "/gallery"
    member: str = "/member"


@dataclass(frozen=True)
class Fhir:
    """What the FHIR APIs hold and how their answers look."""

    family: Literal["legacy", "current"] = "legacy"
    guides: tuple[str, ...] = ("us-core@3.1.1", "carin-bb@2.0.0", "pdex@2.0.0", "plan-net@1.1.0", "formulary@2.0.1")
    resource_types: tuple[str, ...] = RESOURCE_TYPES
    directory_types: tuple[str, ...] = DIRECTORY_TYPES
    formulary_types: tuple[str, ...] = ("InsurancePlan", "Basic", "MedicationKnowledge", "Location", "Organization")
    page_size: int = 20
    max_page_size: int = 200
    bundle_total: bool = True
    bulk: bool = True
    everything: bool = True
    capability: Literal["full", "minimal"] = "full"
    absolute_references: bool = False
    extra_elements: bool = False  # unknown extensions and must-ignore members in resources
    reorder_entries: bool = False  # searches without _sort answer in another order
    delay_milliseconds: int = 0


@dataclass(frozen=True)
class SensitiveScope:
    """A scope for a kind of sensitive data, with the per-category consent it stands for."""

    scope: str
    title: str
    title_es: str
    category: str


@dataclass(frozen=True)
class Authorization:
    """The authorization server."""

    smart: Literal["1.0.0", "2.0.0", "2.2.0"] = "2.0.0"
    grants: tuple[Grant, ...] = ("authorization_code", "refresh_token", "client_credentials")
    client_types: tuple[ClientType, ...] = (
        "public",
        "confidential-symmetric",
        "confidential-asymmetric",
        "backend-service",
    )
    secret_by: tuple[Literal["basic", "post"], ...] = ("basic", "post")
    pkce: Literal["required", "optional", "absent"] = "required"
    state: Literal["required", "optional"] = "required"
    aud: Literal["required", "optional"] = "required"  # a wrong one is refused either way
    authorize_by_post: bool = True
    issuer_parameter: bool = True  # RFC 9207 `iss` on the redirect
    redirect_status: Literal[302, 303] = 302
    scopes: tuple[str, ...] = (
        "openid",
        "fhirUser",
        "profile",
        "launch/patient",
        "offline_access",
        "online_access",
        "patient/*.read",
        "user/*.read",
        "system/*.read",
        "patient/*.rs",
        "user/*.rs",
        "system/*.rs",
    )
    scope_versions: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
    sensitive_scopes: tuple[SensitiveScope, ...] = ()
    access_token: Literal["opaque", "jwt"] = "opaque"
    refresh_token: Literal["opaque", "jwt"] = "opaque"
    access_minutes: int = 30
    refresh_days: int = 90
    code_seconds: int = 60
    rotate_refresh: bool = True
    optional_members: bool = True  # expires_in, need_patient_banner, smart_style_url in the token response
    ehr_launch: bool = False
    member_claims: bool = False  # patient and scope inside a JWT access token


@dataclass(frozen=True)
class Login:
    """How a member proves who they are."""

    second_factor: tuple[SecondFactor, ...] = ()
    challenge_questions: int = 0
    unique_client_identifier: bool = False  # asked after login, before any person's data can be chosen
    failures_before_lock: int = 5
    lock_minutes: int = 15
    session_minutes: int = 20


@dataclass(frozen=True)
class Consent:
    """What the consent page offers."""

    categories: tuple[str, ...] = ("claims", "clinical", "demographics", "substance-use")
    durations_days: tuple[int, ...] = (90, 365, 1)
    delegates: bool = True
    age_of_majority: int = 18


@dataclass(frozen=True)
class Criterion:
    """One published condition for an app: objective, verifiable, the same for all (42 CFR 431.60(e))."""

    id: str
    title: str
    title_es: str
    evidence: str
    ground: Literal["technical", "security-risk", "business"]


@dataclass(frozen=True)
class Onboarding:
    """How a developer gets an app registered."""

    form: bool = True
    dynamic: bool = True  # RFC 7591 and 7592
    approval: Literal["automatic", "review"] = "review"
    by_email: bool = False
    hands_over: tuple[str, ...] = ("fhir_base", "issuer", "client_name", "client_id", "audience")
    part2_acknowledgement: bool = True
    attestations: tuple[Literal["security", "public-policy", "no-sale"], ...] = ("security", "public-policy", "no-sale")
    criteria: tuple[Criterion, ...] = (
        Criterion(
            "redirect-secure", "Every callback address uses https, or loopback for an app on a device",
            "Cada dirección de retorno usa https, o loopback para una app en un dispositivo", "the callback addresses of the request", "security-risk",
        ),
        Criterion(
            "reachable-contact", "A security contact answers at the address given",
            "Un contacto de seguridad responde en la dirección indicada", "an answer to the mail sent at registration", "security-risk",
        ),
        Criterion(
            "standards", "The app uses FHIR R4 and the OAuth 2.0 authorization code flow",
            "La app usa FHIR R4 y el flujo de código de autorización de OAuth 2.0", "a test launch in the sandbox", "technical",
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Portals:
    """The pages people see."""

    languages: tuple[Literal["en", "es"], ...] = ("en", "es")
    gallery: bool = True
    education: bool = True
    member: bool = True


@dataclass(frozen=True)
class Limits:
    """What the payer declares a client may do before it is asked to wait (429 with Retry-After)."""

    requests: int = 600
    per_seconds: int = 10
    token_requests: int = 600  # at the token endpoint, a client
    token_per_seconds: int = 10
    registrations: int = 60  # at the registration endpoint and form, an address
    registrations_per_seconds: int = 60
    logins: int = 300  # sign-in attempts, an address
    logins_per_seconds: int = 60
    largest_body_bytes: int = 131_072


@dataclass(frozen=True)
class Deployment:
    """One payer, set up. The defaults are the reference payer."""

    name: str = "reference"
    title: str = "Reference payer"
    about: str = "Offers everything this project knows."
    payer: PayerFacts = field(default_factory=PayerFacts)
    endpoints: Endpoints = field(default_factory=Endpoints)
    fhir: Fhir = field(default_factory=Fhir)
    authorization: Authorization = field(default_factory=Authorization)
    login: Login = field(default_factory=Login)
    consent: Consent = field(default_factory=Consent)
    onboarding: Onboarding = field(default_factory=Onboarding)
    portals: Portals = field(default_factory=Portals)
    limits: Limits = field(default_factory=Limits)


T = TypeVar("T")


def names() -> list[str]:
    """The deployments and variants that ship, by name."""
    return sorted(path.stem for folder in FOLDERS for path in folder.glob("*.toml"))


def variants() -> list[str]:
    """The deployments that are odd but legal."""
    return sorted(path.stem for path in FOLDERS[1].glob("*.toml"))


def load(name_or_path: str | Path) -> Deployment:
    """The deployment of that name, or of that TOML file."""
    text = str(name_or_path)
    path = Path(text)
    if path.suffix != ".toml":
        found = [candidate for folder in FOLDERS if (candidate := folder / f"{text}.toml").is_file()]
        if not found:
            raise BadDeployment(f"no deployment {text!r}; {nearest(text, names())}")
        path = found[0]
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as trouble:
        raise BadDeployment(f"{path}: cannot be read: {trouble.strerror}") from trouble
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise BadDeployment(f"{path}: not TOML: {trouble}") from trouble
    return check(_build(Deployment, table, path.name), path.name)


def check(deployment: Deployment, where: str = "deployment") -> Deployment:
    """Refuse settings that contradict each other, each with the key to change."""
    server, endpoints = deployment.authorization, deployment.endpoints
    for item in fields(endpoints):
        path = getattr(endpoints, item.name)
        if path and (not path.startswith("/") or path.endswith("/")):
            raise BadDeployment(f"{where}: endpoints.{item.name}: {path!r} must start with / and not end with it")
    if not endpoints.authorize or not endpoints.token or not endpoints.fhir or not endpoints.jwks:
        raise BadDeployment(f"{where}: endpoints: fhir, authorize, token and jwks cannot be empty")
    if server.smart != "1.0.0" and server.pkce != "required":
        raise BadDeployment(f"{where}: authorization.pkce: SMART {server.smart} requires PKCE; say 'required'")
    if "public" in server.client_types and server.pkce == "absent":
        raise BadDeployment(f"{where}: authorization.pkce: public clients need PKCE (RFC 9700 section 2.1.1)")
    if "backend-service" in server.client_types and "client_credentials" not in server.grants:
        raise BadDeployment(f"{where}: authorization.grants: backend services need client_credentials")
    for group, numbers in (("limits", fields(deployment.limits)), ("login", fields(deployment.login))):
        for item in numbers:
            value = getattr(getattr(deployment, group), item.name)
            if (
                isinstance(value, int)
                and not isinstance(value, bool)
                and value < (0 if item.name == "challenge_questions" else 1)
            ):
                raise BadDeployment(f"{where}: {group}.{item.name}: {value} must be at least 1")
    return deployment


def nearest(word: str, known: list[str]) -> str:
    """'did you mean …' for a word nobody knows."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.0)
    return f"did you mean {close[0]!r}?" if close else "nothing is known here"


def _build(kind: type[T], table: object, where: str) -> T:
    if not isinstance(table, dict):
        raise BadDeployment(f"{where}: expected a table, found {_name(table)}")
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise BadDeployment(f"{where}: unknown key {key!r}; {nearest(key, known)}")
    for item in fields(kind):  # type: ignore[arg-type]
        if item.default is MISSING and item.default_factory is MISSING and item.name not in table:
            raise BadDeployment(f"{where}: {item.name!r} is missing")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()})


def _value(hint: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise BadDeployment(
                f"{where}: {value!r} is none of {', '.join(map(str, arguments))}; {nearest(str(value), [str(one) for one in arguments])}"
            )
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise BadDeployment(f"{where}: expected a list, found {_name(value)}")
        return tuple(_value(arguments[0], one, f"{where}[{place}]") for place, one in enumerate(value))
    if origin in (Union, types.UnionType):  # pragma: no cover - no setting is of two types
        raise TypeError(f"{where}: a setting has one type")
    if hint is date and type(value) is not date:
        raise BadDeployment(f"{where}: expected a date, found {_name(value)}")
    if type(value) is not hint:
        raise BadDeployment(f"{where}: expected {hint.__name__}, found {_name(value)}")
    return value


def _name(value: object) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
