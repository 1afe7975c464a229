"""When a resource is there: one business day after it was received or adjudicated at the latest (42 CFR 431.60(b); 438.242).

A dataset says by `meta.lastUpdated` when a resource arrives; the payer shows it from that moment of its clock on, whatever its
date of service since 2016-01-01. Leaves to others: who may see it (compartment.py).
"""

from __future__ import annotations

from typing import Any

import orjson

from simulators.payer.fhir.dates import DAY, range_of
from simulators.payer.rules import rule
from simulators.payer.stored import Candidate, Stored

Kept = Candidate | Stored
_CLINICAL = frozenset(
    [
        "AllergyIntolerance",
        "CarePlan",
        "CareTeam",
        "Condition",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Goal",
        "Immunization",
        "MedicationDispense",
        "MedicationRequest",
        "Observation",
        "Procedure",
        "QuestionnaireResponse",
        "ServiceRequest",
        "Specimen",
    ]
)
_WEEK = 7 * DAY


@rule
def is_available(kept: Kept, now: int) -> bool:
    """From the moment it arrived, and for good."""
    return kept.visible <= now


@is_available.fault("claims-appear-a-week-late", violates="CMS9115-431.60-b1", also=("CONNEX-IV.A.e-CLAIM",))
def late_claims(kept: Kept, now: int) -> bool:
    """An adjudicated claim appears a week after adjudication."""
    late = kept.type == "ExplanationOfBenefit" and not is_authorization(kept) and kept.visible
    return kept.visible + (_WEEK if late else 0) <= now


@is_available.fault("new-claims-disappear-after-a-month", violates="CMS9115-431.60-h-STAYS")
def claims_for_a_month(kept: Kept, now: int) -> bool:
    """A claim is taken away again a month after it appeared."""
    new = kept.type == "ExplanationOfBenefit" and not is_authorization(kept) and kept.visible
    return kept.visible <= now and not (new and kept.visible + 30 * DAY < now)


@is_available.fault("encounters-appear-a-week-late", violates="CMS9115-431.60-b2", also=("CONNEX-IV.A.e-ENCOUNTER",))
def late_encounters(kept: Kept, now: int) -> bool:
    """An encounter appears a week after the payer received it."""
    return kept.visible + (_WEEK if kept.type == "Encounter" and kept.visible else 0) <= now


@is_available.fault("clinical-data-appear-a-week-late", violates="CMS9115-431.60-b3", also=("CONNEX-IV.A.e-RECEIPT",))
def late_clinical(kept: Kept, now: int) -> bool:
    """Clinical data appear a week after the payer received them."""
    return kept.visible + (_WEEK if kept.type in _CLINICAL and kept.visible else 0) <= now


@is_available.fault("authorizations-appear-a-week-late", violates="CMS0057-PA-DATA-08")
def late_authorizations(kept: Kept, now: int) -> bool:
    """A prior authorization appears a week after it was requested."""
    late = kept.type == "ExplanationOfBenefit" and kept.visible and is_authorization(kept)
    return kept.visible + (_WEEK if late else 0) <= now


@is_available.fault(
    "authorizations-vanish-after-three-months", violates="CMS0057-PA-DATA-10", also=("CMS0057-PA-DATA-01",)
)
def vanishing_authorizations(kept: Kept, now: int) -> bool:
    """A prior authorization disappears three months after its last change."""
    gone = kept.type == "ExplanationOfBenefit" and is_authorization(kept) and kept.updated + 90 * DAY < now
    return not gone and kept.visible <= now


@is_available.fault(
    "authorizations-are-not-served",
    violates="CMS0057-PA-DATA-01",
    also=("BELITSOFT-CONTENT-PA", "CMS0057-PA-DATA-08", "CMS0057-PA-DATA-10"),
)
def no_authorizations(kept: Kept, now: int) -> bool:
    """No prior authorization is there at all."""
    return not (kept.type == "ExplanationOfBenefit" and is_authorization(kept)) and kept.visible <= now


@is_available.fault("services-before-2020-are-missing", violates="CONNEX-IV.A.e-2016", also=("CMS9115-431.60-h",))
def recent_only(kept: Kept, now: int) -> bool:
    """What was done before 2020 is not there."""
    day = _day_of_service(kept)
    return (day is None or day >= range_of("2020")[0]) and kept.visible <= now


@is_available.fault(
    "laboratory-results-are-missing",
    violates="CMS9115-431.60-b3-LAB",
    also=("BELITSOFT-STEP-2-LABS", "DEAN-CONTENT-ALL-01", "CONNEX-IV.A.d-USCDI-V1"),
)
def no_laboratory(kept: Kept, now: int) -> bool:
    """Laboratory results are not there."""
    hidden = kept.type in ("Observation", "DiagnosticReport") and _has_category(kept, ("laboratory", "LAB"))
    return not hidden and kept.visible <= now


@is_available.fault("claims-of-the-current-year-are-missing", violates="CMS9115-431.60-b1", also=["CMS9115-431.60-a"])
def old_claims_only(kept: Kept, now: int) -> bool:
    """Claims of the last twelve months are not there."""
    recent = kept.type == "ExplanationOfBenefit" and not is_authorization(kept) and kept.updated > now - 365 * DAY
    return not recent and kept.visible <= now


def _whole(kept: Kept) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(kept.body) if isinstance(kept, Stored) else {}
    return found


def is_authorization(kept: Kept) -> bool:
    """An EOB of a prior authorization."""
    if isinstance(kept, Stored):
        return _whole(kept).get("use") == "preauthorization"
    return any(code == "preauthorization" for _, code in kept.index.get("use", ()))


def _has_category(kept: Kept, codes: tuple[str, ...]) -> bool:
    if isinstance(kept, Stored):
        return any(
            coding.get("code") in codes for one in _whole(kept).get("category", ()) for coding in one.get("coding", ())
        )
    return any(code in codes for _, code in kept.index.get("category", ()))


def _day_of_service(kept: Kept) -> int | None:
    if isinstance(kept, Stored):
        whole = _whole(kept)
        period = whole.get("billablePeriod") or whole.get("period") or {}
        text = period.get("start") or whole.get("effectiveDateTime") or whole.get("performedDateTime")
        return range_of(text)[0] if text and kept.patient else None
    for name in ("service-date", "date"):
        lows = [low for low, _ in kept.index.get(name, ()) if low is not None]
        if lows and kept.patient:
            return int(min(lows))
    return None
