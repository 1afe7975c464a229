"""What the consent page offers and what the member chose: the person, the kinds of data, how long.

Records of substance-use treatment (42 CFR Part 2) are shared only when the member ticks them. Leaves to others: the page
(portals/templates/consent.html), the scopes' grammar (scopes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulators.payer.authorization import scopes
from simulators.payer.authorization.answers import Asked
from simulators.payer.authorization.disclosure import SUBSTANCE_USE
from simulators.payer.authorization.parameters import Parameters
from simulators.payer.context import Payer
from simulators.payer.portals import people
from simulators.payer.portals.people import Member
from simulators.payer.rules import rule


@dataclass(frozen=True)
class Choice:
    """The member's decision."""

    patient: str | None
    relationship: str
    scopes: tuple[str, ...]
    sensitive: frozenset[str]
    days: int


@rule
def sensitive_shared(ticked: frozenset[str], kinds: frozenset[str]) -> frozenset[str]:
    """42 CFR 2.31: records under Part 2 are disclosed only by consent that names them."""
    return ticked & kinds


@sensitive_shared.fault("substance-use-shared-unasked", violates="PART2-2.31-CONSENT")
def all_shared(ticked: frozenset[str], kinds: frozenset[str]) -> frozenset[str]:
    """Substance-use records are shared although the member left them unticked."""
    return kinds


@rule
def ticked_beforehand(categories: tuple[str, ...]) -> frozenset[str]:
    """Ordinary kinds are ticked when the page opens; sensitive ones never."""
    return frozenset(categories) - {SUBSTANCE_USE}


@ticked_beforehand.fault(
    "substance-use-ticked-beforehand",
    violates="PART2-2.31-CONSENT-TICK",
    also=("HEALTHSHARE-2.1.1-SCOPES-SENSITIVE", "PART2-2.31-CONSENT", "PART2-SEGMENT"),
)
def all_ticked(categories: tuple[str, ...]) -> frozenset[str]:
    """The box for substance-use records is already ticked when the page opens."""
    return frozenset(categories)


@rule
def redisclosure_notice(categories: tuple[str, ...]) -> bool:
    """42 CFR 2.32: a notice on redisclosure goes with records under Part 2."""
    return SUBSTANCE_USE in categories


@redisclosure_notice.fault("redisclosure-notice-missing", violates="PART2-2.32-NOTICE")
def no_notice(categories: tuple[str, ...]) -> bool:
    """Substance-use records can be shared, the notice on redisclosure is nowhere."""
    return False


@rule
def consent_names_the_app(name: str) -> str:
    """The consent page says which app asks."""
    return name


@consent_names_the_app.fault("consent-page-does-not-name-the-app", violates="HEALTHSHARE-2.1-USER-AUTHORIZES")
def anonymous(name: str) -> str:
    """The consent page speaks of an app without naming it."""
    return "An app"


def categories_of(payer: Payer, asked: Asked) -> tuple[str, ...]:
    """The kinds of data that the scopes asked for would reach."""
    reached = scopes.parsed(asked.scope)
    types = {scope.resource for scope in reached if scope.level != "system"}
    behind = {one.category: one.scope for one in payer.deployment.authorization.sensitive_scopes}
    found = []
    for category in payer.deployment.consent.categories:
        members = scopes.CATEGORY_TYPES.get(category)
        if category in behind and behind[category] not in scopes.split(asked.scope):
            continue  # where a kind has a scope of its own, only an app that asks for it is offered it
        if types and (members is None or "*" in types or types & members):
            found.append(category)
    return tuple(found)


def lines_of(asked: Asked) -> list[tuple[str, str, str]]:
    """What the app asks: a text key, the detail it needs, and the scope the member may untick (empty when there is no choice)."""
    lines: list[tuple[str, str, str]] = []
    held = scopes.split(asked.scope)
    if "openid" in held or "fhirUser" in held or "profile" in held:
        lines.append(("asks_identity", "", ""))
    for scope in scopes.parsed(asked.scope):
        detail = "" if scope.resource == "*" else scope.resource
        narrowed = ", ".join(f"{name} {value.rpartition('|')[2]}" for name, value in scope.constraints)
        key = "asks_everything" if not detail else "asks_narrow" if narrowed else "asks_type"
        line = (key, f"{detail} ({narrowed})" if narrowed else detail, scope.text)
        if line not in lines:
            lines.append(line)
    if "offline_access" in held:
        lines.append(("asks_offline", "", "offline_access"))
    return lines


def persons_for(payer: Payer, asked: Asked, member: Member) -> list[tuple[str, str, str]]:
    """Whom the grant may be about; nobody when no scope is about a person; one when the app was opened for one."""
    if asked.launch:
        return [one for one in people.persons(payer, member) if one[0] == asked.launch]
    return (
        people.persons(payer, member)
        if scopes.about_one_person(scopes.split(asked.scope)) or scopes.parsed(asked.scope)
        else []
    )


def offer(payer: Payer, asked: Asked, member: Member) -> dict[str, Any]:
    """What the consent page shows."""
    categories = categories_of(payer, asked)
    spanish = {one.scope: (one.title, one.title_es) for one in payer.deployment.authorization.sensitive_scopes}
    return {
        "app_name": consent_names_the_app(payer.faults, asked.client.name),
        "member": member,
        "persons": persons_for(payer, asked, member),
        "lines": lines_of(asked),
        "sensitive_titles": [spanish[one] for one in scopes.split(asked.scope) if one in spanish],
        "categories": categories,
        "ticked": ticked_beforehand(payer.faults, categories),
        "notice": redisclosure_notice(payer.faults, categories),
        "durations": payer.deployment.consent.durations_days if "offline_access" in scopes.split(asked.scope) else (),
        "intermediary": payer.deployment.payer.intermediary,
    }


def chosen(
    payer: Payer, asked: Asked, member: Member, form: Parameters, ticked: frozenset[str], wanted: frozenset[str]
) -> Choice | None:
    """The decision a form carries; None when it names a person the member may not choose."""
    offered = {patient: relationship for patient, _, relationship in persons_for(payer, asked, member)}
    patient: str | None = None
    if offered:
        patient = form.get("person") or next(iter(offered))
        if not people.person_is_offered(payer.faults, patient, frozenset(offered)):
            return None
    categories = categories_of(payer, asked)
    refused = frozenset(categories) - ticked - {SUBSTANCE_USE}
    optional = frozenset(scope for _, _, scope in lines_of(asked) if scope)
    left = [
        one for one in scopes.split(asked.scope) if one not in optional or scopes.scope_kept(payer.faults, one, wanted)
    ]
    kept = scopes.scopes_after_choice(payer.faults, left, refused, payer.deployment.fhir.resource_types)
    shared = sensitive_shared(payer.faults, ticked, frozenset({SUBSTANCE_USE} & set(categories)))
    behind = {one.scope: one.category for one in payer.deployment.authorization.sensitive_scopes}
    kept = [one for one in kept if one not in behind or behind[one] in shared]
    days = payer.deployment.consent.durations_days
    asked_days = form.get("days") or ""
    number = int(asked_days) if asked_days.isascii() and asked_days.isdigit() and len(asked_days) < 6 else days[0]
    return Choice(
        patient, offered.get(patient or "", "self"), tuple(kept),
        shared, number if number in days else days[0],
    )  # fmt: skip


def everything(payer: Payer, asked: Asked, member: Member) -> Choice:
    """What a server grants that asks nobody."""
    offered = persons_for(payer, asked, member)
    return Choice(
        offered[0][0] if offered else None,
        "self",
        tuple(scopes.split(asked.scope)),
        frozenset(),
        payer.deployment.consent.durations_days[0],
    )
