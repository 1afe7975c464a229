"""What a prior authorization must show (42 CFR 431.60(b)(5)(i); Da Vinci PDex, PDex Prior Authorization). Pure functions over one resource.

Where the guides differ in where a thing is said, any of its places counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

Resource = dict[str, Any]
DENIED_CODES = ("A3",)
PENDING_OUTCOMES = ("queued",)
VAGUE = ("denied", "not approved", "not covered", "other", "unknown", "n/a", "see letter")
SHORTEST_REASON = 12  # letters: a text below this names no reason a member could act on
DRUGS = ("http://hl7.org/fhir/sid/ndc", "http://www.nlm.nih.gov/research/umls/rxnorm")
ISSUED = "extension-itemPreAuthIssueDate"
PERIOD = "extension-itemPreAuthPeriod"
AUTHORIZED = "extension-itemAuthorizedDate"
REVIEW_ACTION = "extension-reviewAction"


def objects(owner: object, name: str) -> list[Resource]:
    """The objects in a list element."""
    found = owner.get(name) if isinstance(owner, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def codes(concept: object) -> list[tuple[str, str]]:
    """(system, code) of a CodeableConcept."""
    return [(str(one.get("system", "")), str(one.get("code", ""))) for one in objects(concept, "coding")]


def extensions(owner: object, name: str) -> list[Resource]:
    """Extensions by the last part of their URL."""
    return [one for one in objects(owner, "extension") if str(one.get("url", "")).rpartition("/")[2] == name]


def items(authorization: Resource) -> list[Resource]:
    """The items asked for, and those the payer added."""
    return objects(authorization, "item") + objects(authorization, "addItem")


def slices(authorization: Resource) -> list[Resource]:
    """Every adjudication, of the request and of its items."""
    return objects(authorization, "adjudication") + [
        one for item in items(authorization) for one in objects(item, "adjudication")
    ]


def of_category(authorization: Resource, category: str) -> list[Resource]:
    """Adjudications of one category."""
    return [one for one in slices(authorization) if category in [code for _, code in codes(one.get("category"))]]


def is_pending(authorization: Resource) -> bool:
    """Whether no decision has been made."""
    return authorization.get("outcome") in PENDING_OUTCOMES


def looks_like_authorization(resource: Resource) -> bool:
    """Whether it has what claims never have: the profile of authorizations."""
    meta = resource.get("meta")
    named = (meta.get("profile") or []) if isinstance(meta, dict) else []
    return any("priorauthorization" in str(one).casefold() for one in named)


def is_withdrawn(authorization: Resource) -> bool:
    """Whether it ended without one."""
    return authorization.get("status") in ("cancelled", "entered-in-error")


def is_denied(authorization: Resource) -> bool:
    """Whether anything was denied: by review action, reason, or nothing allowed of what was asked."""
    acted = [
        code
        for one in slices(authorization)
        for action in extensions(one, REVIEW_ACTION)
        for part in extensions(action, "extension-reviewActionCode")
        for _, code in codes(part.get("valueCodeableConcept"))
    ]
    none_allowed = [one for one in of_category(authorization, "allowedunits") if one.get("value") == 0]
    return bool(set(acted) & set(DENIED_CODES) or of_category(authorization, "denialreason") or none_allowed)


def has_status(authorization: Resource) -> bool:
    """Status and outcome, and a decision that has a review action or a disposition."""
    told = authorization.get("disposition") or any(extensions(one, REVIEW_ACTION) for one in slices(authorization))
    return bool(authorization.get("status") and authorization.get("outcome") and told)


def decision_days(authorization: Resource) -> list[str]:
    """When it was approved or denied."""
    return [
        str(one["valueDate"])
        for item in items(authorization)
        for one in extensions(item, ISSUED)
        if one.get("valueDate")
    ]


def end_days(authorization: Resource) -> list[str]:
    """When it ends."""
    periods = list(objects(authorization, "preAuthRefPeriod"))
    for item in items(authorization):
        periods += [
            one["valuePeriod"]
            for name in (PERIOD, AUTHORIZED)
            for one in extensions(item, name)
            if isinstance(one.get("valuePeriod"), dict)
        ]
    return [str(one["end"]) for one in periods if one.get("end")]


def unnamed_items(authorization: Resource) -> Iterator[str]:
    """Items that say neither by code nor by text what was asked for."""
    found = items(authorization)
    if not found:
        yield "item"
    for index, item in enumerate(found):
        product = item.get("productOrService")
        if not codes(product) and not (isinstance(product, dict) and product.get("text")):
            yield f"item[{index}].productOrService"


def reasons(authorization: Resource) -> list[str]:
    """Every denial reason as text: what is written, or the code."""
    found: list[str] = []
    for one in of_category(authorization, "denialreason"):
        reason = one.get("reason")
        text = str(reason.get("text", "")) if isinstance(reason, dict) else ""
        shown = [str(part.get("display", "")) for part in objects(reason, "coding")]
        found.append(text or next((one for one in shown if one), "") or " ".join(code for _, code in codes(reason)))
    return found


def is_specific(reason: str, coded: bool) -> bool:
    """Whether a reason says more than that it is one; a code of a standard list is specific by its list."""
    words = reason.strip().casefold().rstrip(".")
    return bool(words) and words not in VAGUE and (coded or len(words) >= SHORTEST_REASON)


def quantities(authorization: Resource) -> Iterator[tuple[str, Any]]:
    """(path, allowed units) of each decided item, None where not told."""
    for index, item in enumerate(items(authorization)):
        allowed = [
            one.get("value")
            for one in objects(item, "adjudication")
            if "allowedunits" in [code for _, code in codes(one.get("category"))]
        ]
        quantity = item.get("quantity")
        yield f"item[{index}]", allowed[0] if allowed else quantity.get("value") if isinstance(quantity, dict) else None


def documents(authorization: Resource) -> list[str]:
    """References to what the provider sent with the request."""
    values = [one.get("valueReference") for one in objects(authorization, "supportingInfo")]
    return [str(one["reference"]) for one in values if isinstance(one, dict) and one.get("reference")]


def drugs(authorization: Resource) -> list[str]:
    """Items that are drugs by their code system."""
    return [
        code for item in items(authorization) for system, code in codes(item.get("productOrService")) if system in DRUGS
    ]


def earliest_removal(last_change: date, end: date | None) -> date:
    """The first day a record may leave the API: one year after the last status change, running out being one (42 CFR 431.60(b)(5)(ii))."""
    last = max(last_change, end) if end is not None else last_change
    try:
        return last.replace(year=last.year + 1)
    except ValueError:
        return date(last.year + 1, 3, 1)


def due_to_stay(authorization: Resource, on: date) -> bool:
    """Whether a day lies before the first on which the record may be gone, by what it says of its last change and its end."""
    updated = (authorization.get("meta") or {}).get("lastUpdated")
    if not isinstance(updated, str):
        return False
    ends = [day for day in end_days(authorization) if len(day) >= 10]
    end = date.fromisoformat(max(ends)[:10]) if ends else None
    return on < earliest_removal(date.fromisoformat(updated[:10]), end)
