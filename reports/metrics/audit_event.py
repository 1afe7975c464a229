"""FHIR R4 AuditEvent as a row of an access log.

at           recorded
member       entity with role 1 (Patient): the last part of its reference, or its identifier
app          the requesting agent's who.identifier.value, else the last part of who.reference
app_kind     an agent type coded "own" or "test" where the payer codes its own and test apps so
channel      purposeOfEvent or the agent's purposeOfUse: PATRQT, PWATRNY or none is the member's own request;
             TREAT is Provider Access; HPAYMT, COVERAGE or ETREAT is another channel
status       outcome 0 is 200; 4 is 400; 8 and 12 are 500
resources    entities with role 4 (domain resource), each counting its detail "count" or one
interaction  subtype code (read, search-type, …)
unit         the detail "reporting-unit" of any entity, else source.site
"""

from __future__ import annotations

from typing import Any

COLUMNS = {
    name: name
    for name in ("row", "at", "member", "app", "app_kind", "channel", "status", "resources", "interaction", "unit")
}
STATUS = {"0": 200, "4": 400, "8": 500, "12": 500}
PATIENT_PURPOSES = frozenset({"PATRQT", "FAMRQT", "PWATRNY"})


def row(event: Any, where: str) -> dict[str, Any]:
    """One AuditEvent as a row; ValueError when it is something else."""
    if not isinstance(event, dict) or event.get("resourceType") != "AuditEvent":
        raise ValueError(
            f"resourceType is {event.get('resourceType')!r}" if isinstance(event, dict) else "not an object"
        )
    agents = event.get("agent", [])
    requester = next((agent for agent in agents if agent.get("requestor")), agents[0] if agents else {})
    entities = event.get("entity", [])
    details = {
        detail.get("type"): detail.get("valueString") for entity in entities for detail in entity.get("detail", [])
    }
    kinds = {coding.get("code") for coding in requester.get("type", {}).get("coding", [])}
    return {
        "row": event.get("id") or where,
        "at": event.get("recorded"),
        "member": next((_named(entity.get("what", {})) for entity in entities if _role(entity) == "1"), None),
        "app": _named(requester.get("who", {})),
        "app_kind": next((kind for kind in ("own", "test") if kind in kinds), "third-party"),
        "channel": _channel(event, requester),
        "status": STATUS.get(str(event.get("outcome", ""))),
        "resources": sum(_count(entity) for entity in entities if _role(entity) == "4"),
        "interaction": next((subtype.get("code") for subtype in event.get("subtype", [])), None),
        "unit": details.get("reporting-unit") or event.get("source", {}).get("site"),
    }


def _role(entity: dict[str, Any]) -> str:
    return str(entity.get("role", {}).get("code", ""))


def _named(reference: dict[str, Any]) -> str | None:
    """Who a Reference names: its identifier's value, or the id its reference ends in."""
    value = reference.get("identifier", {}).get("value")
    return value or (reference["reference"].rpartition("/")[2] if reference.get("reference") else None)


def _count(entity: dict[str, Any]) -> int:
    told = [detail.get("valueString", "") for detail in entity.get("detail", []) if detail.get("type") == "count"]
    return int(told[0]) if told else 1


def _channel(event: dict[str, Any], agent: dict[str, Any]) -> str:
    concepts = [*event.get("purposeOfEvent", []), *agent.get("purposeOfUse", [])]
    codes = {coding.get("code") for concept in concepts for coding in concept.get("coding", [])}
    if not codes or codes & PATIENT_PURPOSES:
        return "patient-access"
    return "provider-access" if "TREAT" in codes else "other"
