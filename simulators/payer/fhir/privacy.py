"""Sensitive records: which labels keep a resource back, and which of them a member's consent opens (42 CFR Part 2; 45 CFR 164.524).

A resource carries its labels in `meta.security`. Substance use records go to an app when the member said so on the consent page;
psychotherapy notes never do. Kept-back resources do not exist for the app: not in reads, searches, includes, chains or totals.
"""

from __future__ import annotations

from typing import Any

from simulators.payer.context import Grant
from simulators.payer.rules import rule

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SUBSTANCE_USE, PSYCHOTHERAPY = "substance-use", "psychotherapy-notes"
_KEPT_BACK = {
    (ACT_CODE, "42CFRPart2"): SUBSTANCE_USE,
    (ACT_CODE, "SUD"): SUBSTANCE_USE,
    (ACT_CODE, "ETH"): SUBSTANCE_USE,
    (ACT_CODE, "PSYTHPN"): PSYCHOTHERAPY,
}


def labels_of(resource: dict[str, Any]) -> str:
    """The kinds of sensitive record a resource is of, separated by spaces; empty for most."""
    labels = resource.get("meta", {}).get("security")
    if not labels:
        return ""
    kinds = {_KEPT_BACK.get((label.get("system", ""), label.get("code", "")), "") for label in labels}
    return " ".join(sorted(kinds - {""}))


@rule
def labels_opened(consented: frozenset[str]) -> frozenset[str]:
    """What the member agreed to share, psychotherapy notes never among it."""
    return consented - {PSYCHOTHERAPY}


@labels_opened.fault(
    "substance-use-records-without-consent", violates="PART2-2.31-CONSENT", also=("CONNEX-I-PRIVACY", "USCORE-SEC-03")
)
def substance_use_always(consented: frozenset[str]) -> frozenset[str]:
    """An app sees substance use records the member did not agree to share."""
    return consented | {SUBSTANCE_USE}


@labels_opened.fault("psychotherapy-notes-returned", violates="HIPAA-164.524-PSYCHNOTES")
def notes_too(consented: frozenset[str]) -> frozenset[str]:
    """An app sees psychotherapy notes."""
    return consented | {PSYCHOTHERAPY}


@labels_opened.fault("substance-use-records-never-returned", violates="PART2-2.23-PATIENT")
def substance_use_never(consented: frozenset[str]) -> frozenset[str]:
    """Substance use records stay hidden although the member agreed to share them."""
    return consented - {SUBSTANCE_USE, PSYCHOTHERAPY}


def opened_by(active: frozenset[str], grant: Grant | None) -> frozenset[str]:
    """The labels one grant may see."""
    return labels_opened(active, grant.sensitive) if grant is not None else frozenset()
