"""SMART scopes, versions 1 and 2: read, compared, granted and narrowed by what the member chose.

`patient/Observation.rs?category=…` is SMART 2 (granular); `patient/*.read` is SMART 1 and means `rs`. A payer's API reads only, so
letters for writing are never granted. Leaves to others: what a scope lets one see (fhir/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from simulators.payer.context import Scope
from simulators.payer.deployment import Deployment
from simulators.payer.fhir.parameters import CORE, table
from simulators.payer.rules import rule

FORM = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?(\S+))?")
TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3
VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}

CATEGORY_TYPES = {
    "claims": frozenset({"ExplanationOfBenefit", "Coverage"}),
    "demographics": frozenset({"Patient", "RelatedPerson"}),
    "clinical": frozenset(
        {
            "AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Device", "DiagnosticReport", "DocumentReference", "Encounter",
            "Goal", "Immunization", "Medication", "MedicationDispense", "MedicationRequest", "MedicationStatement", "Observation",
            "Procedure", "Provenance", "QuestionnaireResponse", "ServiceRequest", "Specimen", "Media", "Binary", "Consent",
        }
    ),
}  # fmt: skip


@lru_cache(maxsize=4096)
def data_scope(text: str) -> Scope | None:
    """A data scope, or None when the text is another kind of scope."""
    found = FORM.fullmatch(text)
    if not found or not found[3]:
        return None
    level, resource, letters, query = found.groups()
    constraints = tuple(parse_qsl(query, keep_blank_values=True)) if query else ()
    if query and not constraints:
        return None
    return Scope(level, resource, frozenset(VERSION_1.get(letters, letters)), constraints, text)


def is_version_1(scope: Scope) -> bool:
    """Whether a data scope is written the SMART 1 way."""
    return scope.text.split("?")[0].rsplit(".", 1)[1] in VERSION_1


def covers(broad: Scope, narrow: Scope) -> bool:
    """Whether everything the narrow scope allows, the broad one allows too."""
    return (
        broad.level == narrow.level
        and broad.resource in ("*", narrow.resource)
        and narrow.permissions <= broad.permissions
        and set(broad.constraints) <= set(narrow.constraints)
    )


def split(text: str) -> list[str]:
    """The scope strings of a request, in order, once each."""
    return list(dict.fromkeys(text.split(" "))) if text.strip() else []


def well_formed(text: str) -> bool:
    """RFC 6749 section 3.3: printable scope tokens separated by single spaces."""
    return all(TOKEN.fullmatch(one) for one in text.split(" "))


@rule
def scope_offered(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """What this payer would grant of one requested scope, read letters only; None when nothing."""
    data = data_scope(scope)
    if data is None:
        return scope if scope in supported else None
    letters = data.permissions & frozenset("rs")
    if data.resource != "*" and data.resource not in table(CORE)["elements"]:  # a type no payer here could hold
        return None
    if not letters or ("v1" if is_version_1(data) else "v2") not in versions:
        return None
    offers = [offer for one in supported if (offer := data_scope(one))]
    if not any(covers(offer, Scope(data.level, data.resource, letters, data.constraints)) for offer in offers):
        return None
    return scope if letters == data.permissions else written(data, letters)


@scope_offered.fault("write-scope-granted", violates="SMART-STANDALONE-11")
def writes_too(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """A scope to write is granted by an API that only reads."""
    return scope if data_scope(scope) else (scope if scope in supported else None)


@scope_offered.fault("unknown-scope-granted", violates="SMART-STANDALONE-11", also=["RFC6749-ERROR-09"])
def anything(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """A scope nobody ever heard of comes back as granted."""
    return scope


@scope_offered.fault("v2-scopes-not-understood", violates="SMART2-SCOPES-01")
def only_version_1(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """A scope written `patient/Patient.rs` is dropped although permission-v2 is advertised."""
    data = data_scope(scope)
    return scope_offered.function(scope, supported, versions) if data is None or is_version_1(data) else None


@scope_offered.fault("v1-scopes-not-understood", violates="SMART2-SCOPES-01", also=["SHM-SCOPE-PATIENT-READ"])
def only_version_2(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """A scope written `patient/Patient.read` is dropped although permission-v1 is advertised."""
    data = data_scope(scope)
    return scope_offered.function(scope, supported, versions) if data is None or not is_version_1(data) else None


@scope_offered.fault("scopes-of-single-types-dropped", violates="SHM-SCOPE-PATIENT-READ", also=["SMART2-SCOPES-01"])
def only_wildcards(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """`patient/Condition.read` is dropped where `patient/*.read` would be granted."""
    data = data_scope(scope)
    return scope_offered.function(scope, supported, versions) if data is None or data.resource == "*" else None


@scope_offered.fault("granular-constraint-dropped", violates="SMART2-SCOPES-02")
def without_constraint(scope: str, supported: Sequence[str], versions: Sequence[str]) -> str | None:
    """`patient/Observation.rs?category=…` is granted as `patient/Observation.rs`."""
    return scope_offered.function(scope.split("?")[0], supported, versions)


def written(scope: Scope, letters: Iterable[str]) -> str:
    """A data scope with fewer letters, in the version it was asked in."""
    if is_version_1(scope):
        return f"{scope.level}/{scope.resource}.read"
    tail = scope.text.partition("?")[2]
    return f"{scope.level}/{scope.resource}.{''.join(one for one in 'cruds' if one in letters)}" + (
        f"?{tail}" if tail else ""
    )


@rule
def scope_registered(scope: str, registered: Sequence[str]) -> bool:
    """An app gets what it registered for, or less."""
    data = data_scope(scope)
    if data is None:
        return scope in registered
    return any(covers(held, data) for one in registered if (held := data_scope(one)))


@scope_registered.fault("unregistered-scope-granted", violates="RFC6749-SCOPE-01")
def registered_for_nothing(scope: str, registered: Sequence[str]) -> bool:
    """An app is granted a scope it never registered for."""
    return True


def grantable(faults: frozenset[str], requested: str, registered: Sequence[str], deployment: Deployment) -> list[str]:
    """Of a requested scope string, what this app may be granted here, in the order asked."""
    server = deployment.authorization
    supported = (*server.scopes, *(one.scope for one in server.sensitive_scopes))
    offered = (scope_offered(faults, one, supported, server.scope_versions) for one in split(requested))
    return list(dict.fromkeys(one for one in offered if one and scope_registered(faults, one, registered)))


@rule
def scopes_after_choice(scopes: Sequence[str], refused: frozenset[str], types: Sequence[str]) -> list[str]:
    """What remains when the member keeps whole categories back: wildcards become the types that are left."""
    hidden = frozenset[str]().union(*(CATEGORY_TYPES.get(category, frozenset()) for category in refused))
    if not hidden:
        return list(scopes)
    kept: list[str] = []
    for scope in scopes:
        data = data_scope(scope)
        if data is None or (data.resource != "*" and data.resource not in hidden):
            kept.append(scope)
        elif data.resource == "*":
            tail = data.text.split("/*.", 1)[1]
            kept += [f"{data.level}/{name}.{tail}" for name in types if name not in hidden]
    return kept


@scopes_after_choice.fault("category-choice-ignored", violates="SMART-STANDALONE-15")
def choice_ignored(scopes: Sequence[str], refused: frozenset[str], types: Sequence[str]) -> list[str]:
    """The member unticks a category on the consent page and the app is granted it all the same."""
    return list(scopes)


@rule
def scope_kept(scope: str, ticked: frozenset[str]) -> bool:
    """A scope the member unticked is not granted."""
    return scope in ticked


@scope_kept.fault("unticked-scope-granted", violates="SMART-STANDALONE-15", also=["HEALTHSHARE-2.1-SCOPE-LIMIT"])
def unticked_kept(scope: str, ticked: frozenset[str]) -> bool:
    """The member unticks one of the scopes on the consent page and the app is granted it all the same."""
    return True


@rule
def scope_reported(granted: str, requested: str) -> str:
    """RFC 6749 section 5.1: the token response says which scopes were granted."""
    return granted


@scope_reported.fault(
    "granted-scope-misreported", violates="SMART-STANDALONE-16", also=["RFC6749-SCOPE-01", "SMART-STANDALONE-11"]
)
def requested_scope_reported(granted: str, requested: str) -> str:
    """The token response repeats what was asked, not what was granted."""
    return requested


@scope_reported.fault(
    "granted-scope-separated-by-commas",
    violates="HEALTHSHARE-2.1.1-SCOPES",
    also=["SMART2-INTROSPECT-01", "SMART-STANDALONE-11", "CARIN-SCOPES-01", "SMART2-SCOPES-01"],
)
def with_commas(granted: str, requested: str) -> str:
    """The scopes of the token response are separated by commas."""
    return granted.replace(" ", ",")


@rule
def narrower_on_refresh(asked: Sequence[str], granted: Sequence[str]) -> bool:
    """RFC 6749 section 6: a refresh asks for what was granted, or less."""
    held = [scope for one in granted if (scope := data_scope(one))]
    for one in asked:
        data = data_scope(one)
        if one not in granted and not (data and any(covers(scope, data) for scope in held)):
            return False
    return True


@narrower_on_refresh.fault("scope-widened-on-refresh", violates="SMART-STANDALONE-13")
def wider_on_refresh(asked: Sequence[str], granted: Sequence[str]) -> bool:
    """A refresh that asks for more than was granted gets it."""
    return True


def parsed(text: str) -> tuple[Scope, ...]:
    """The data scopes of a granted scope string."""
    return tuple(scope for one in split(text) if (scope := data_scope(one)))


def about_one_person(scopes: Iterable[str]) -> bool:
    """Whether a grant is about one person's record, so that the person must be chosen."""
    return any(one in ("launch", "launch/patient") or one.startswith("patient/") for one in scopes)
