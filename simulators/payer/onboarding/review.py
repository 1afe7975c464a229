"""An app's way from request to access: published criteria, decisions with their reasons, suspension and what ends it (42 CFR 431.60(e)).

States: requested -> active | denied; active <-> suspended; active, suspended -> revoked. Every step is recorded with who, when, which
criteria and why. Leaves to others: the pages (portals/administrator.py), what a state means for tokens (authorization/clients.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulators.payer.authorization.records import Client, digest, fresh
from simulators.payer.authorization.server import of
from simulators.payer.context import Payer
from simulators.payer.deployment import Criterion
from simulators.payer.portals import people
from simulators.payer.protection import journal
from simulators.payer.rules import rule

STEPS = {
    "approve": ({"requested"}, "active"),
    "deny": ({"requested"}, "denied"),
    "suspend": ({"active"}, "suspended"),
    "reinstate": ({"suspended"}, "active"),
    "revoke": ({"active", "suspended"}, "revoked"),
}


class BadDecision(Exception):
    """A decision that the published rules do not allow; the message is a text key."""


@dataclass(frozen=True)
class Decision:
    """What an administrator decides."""

    step: str
    reason: str
    met: frozenset[str]  # criteria ticked as met


@rule
def decision_trouble(decision: Decision, criteria: Sequence[str]) -> str:
    """42 CFR 431.60(e): approved when all published criteria are met, denied only for one that is not, always with the reason."""
    missing = [one for one in criteria if one not in decision.met]
    if decision.step == "approve" and missing:
        return "review_missing"
    if decision.step == "deny" and not missing:
        return "review_nothing_missing"
    if decision.step != "approve" and not decision.reason.strip():
        return "review_reason"
    return ""


@decision_trouble.fault("app-approved-without-criteria", violates="CMS9115-431.60-e2")
def approve_anything(decision: Decision, criteria: Sequence[str]) -> str:
    """An app is approved although no published criterion was ticked."""
    return "" if decision.step == "approve" else decision_trouble.function(decision, criteria)


@decision_trouble.fault("app-denied-without-criterion", violates="CONNEX-V.A.5.a-DENY")
def deny_anything(decision: Decision, criteria: Sequence[str]) -> str:
    """An app that meets every published criterion is denied, without a reason on record."""
    return "" if decision.step == "deny" else decision_trouble.function(decision, criteria)


@rule
def step_allowed(step: str, status: str) -> bool:
    """Each step has the states it may begin from; revoked and denied are final."""
    return status in STEPS[step][0]


@step_allowed.fault("revoked-app-reinstated", violates="CONNEX-V.A.5.a-OUTCOME")
def any_step(step: str, status: str) -> bool:
    """An app whose access was fully revoked is reinstated with a click."""
    return status in STEPS[step][0] or (step == "reinstate" and status == "revoked")


@rule
def criteria_of(criteria: Sequence[Criterion], client: Client) -> list[Criterion]:
    """The same published criteria for every app and developer."""
    return list(criteria)


@criteria_of.fault("criteria-differ-between-apps", violates="CMS9115-431.60-e2")
def by_company(criteria: Sequence[Criterion], client: Client) -> list[Criterion]:
    """A small developer is asked for more than the published criteria."""
    extra = Criterion(
        "volume",
        "The app has more than 10,000 people using it",
        "La app tiene más de 10,000 usuarios",
        "a statement",
        "business",
    )
    return [*criteria, extra] if len(client.company) < 12 else list(criteria)


def decide(payer: Payer, client: Client, decision: Decision, who: str) -> Client:
    """Take a decision: state, history, audit, mail to the contact; tokens follow at the next request. BadDecision otherwise."""
    if decision.step not in STEPS or not step_allowed(payer.faults, decision.step, client.status):
        raise BadDecision("review_state")
    criteria = [one.id for one in criteria_of(payer.faults, payer.deployment.onboarding.criteria, client)]
    if decision.step in ("approve", "deny") and (trouble := decision_trouble(payer.faults, decision, criteria)):
        raise BadDecision(trouble)
    if decision.step not in ("approve", "deny") and not decision.reason.strip():
        raise BadDecision("review_reason")
    now, server = payer.clock.timestamp(), of(payer)
    entry = {
        "at": now, "who": who, "step": decision.step, "reason": decision.reason.strip()[:2000],
        "met": sorted(decision.met & set(criteria)), "not_met": sorted(set(criteria) - decision.met) if decision.step in ("approve", "deny") else [],
    }  # fmt: skip
    changed = replace(client, status=STEPS[decision.step][1], history=(*client.history, entry))
    server.ledger.save_client(changed)
    if decision.step == "revoke":
        for consent in server.ledger.consents_for(client.client_id):
            server.ledger.revoke_consent(consent.id, "payer", now)
    journal.of(payer).audit(
        who, decision.step, client_id=client.client_id, outcome=changed.status, reason=entry["reason"], met=entry["met"]
    )
    _tell(payer, changed, decision)
    return changed


def _tell(payer: Payer, client: Client, decision: Decision) -> None:
    if not client.contact:
        return
    lines = [f"{client.name}: {client.status}."]
    if decision.reason.strip():
        lines.append(f"Reason: {decision.reason.strip()}")
    if decision.step == "approve" and payer.deployment.onboarding.by_email:
        lines += [f"{name}: {value}" for name, value in settings(payer, client).items()]
        if client.type == "confidential-symmetric":
            lines.append(f"client_secret: {new_secret(payer, client)}")
    people.send_mail(payer, client.contact, f"Your app {client.name}", "\n".join(lines))


def new_secret(payer: Payer, client: Client) -> str:
    """A new secret; the one before stops working at once. Shown once, kept as a digest."""
    server, secret = of(payer), fresh()
    current = server.ledger.client(client.client_id) or client
    server.ledger.save_client(replace(current, secret_digest=digest(secret)))
    journal.of(payer).audit(client.owner or client.contact or "developer", "new secret", client_id=client.client_id)
    return secret


def settings(payer: Payer, client: Client) -> Mapping[str, Any]:
    """What registration hands over: the settings a client needs to begin."""
    server = of(payer)
    known = {
        "fhir_base": server.fhir_base,
        "issuer": server.issuer,
        "client_name": client.name,
        "client_id": client.client_id,
        "audience": server.fhir_base,
    }
    return {name: known[name] for name in payer.deployment.onboarding.hands_over if name in known}
