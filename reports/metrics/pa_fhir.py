"""Prior authorizations in FHIR as rows: Da Vinci PDex ExplanationOfBenefit, and PAS Claim with ClaimResponse.

    received     EOB.created; Claim.created (the ClaimResponse's own `created` is the decision's)
    determined   EOB: the latest item preAuthIssueDate; ClaimResponse.created when decided
    class        expedited when priority is stat or urgent, or the level of service is urgent (U)
    outcome      review action codes over the items (X12 306, the code alone): A1 approved, A2 or A6 partial, A3 denied,
                 A4 pending, C or CT withdrawn; approved and denied items together are partial. Status cancelled is withdrawn
    drug         claim type pharmacy
    unit         the insurer's reference

Appeals, extensions and the hour of a decision are in neither guide. An EOB may carry them as supportingInfo whose category is of a code system
named …/prior-authorization-event: `request` (timingPeriod from receipt to determination, code the outcome), `extension`, `appeal` (timingPeriod from
filing to decision, code overturned or upheld) and `withdrawal`. They win over the item dates, because they hold the first determination.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reports.metrics import BadInput

ACTIONS = {
    "A1": "approved",
    "A2": "partial",
    "A6": "partial",
    "A3": "denied",
    "A4": "pending",
    "C": "withdrawn",
    "CT": "withdrawn",
}


def rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of an NDJSON file of EOBs, Claims, ClaimResponses or Bundles of them."""
    claims: dict[str, dict[str, Any]] = {}
    responses: list[tuple[str, dict[str, Any]]] = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{file.name}:{number}"
            with _named(where):
                for full_url, resource in _resources(line, where):
                    kind = resource.get("resourceType")
                    if resource.get("use") != "preauthorization":
                        continue
                    if kind == "ExplanationOfBenefit":
                        yield where, _of_eob(resource)
                    elif kind == "Claim":
                        claims[f"Claim/{resource.get('id')}"] = resource
                        claims[full_url] = resource
                    elif kind == "ClaimResponse":
                        responses.append((where, resource))
    for where, response in responses:
        with _named(where):
            reference = response.get("request", {}).get("reference", "")
            claim = claims.get(reference) or claims.get("/".join(reference.split("/")[-2:]))
            if claim is None:
                raise BadInput(
                    f"{where}: ClaimResponse {response.get('id')} answers {reference or 'no request'}, which is not in the file"
                )
            yield where, _of_response(claim, response)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """A resource of another shape than its type's is refused by its line."""
    try:
        yield
    except (AttributeError, TypeError, KeyError) as error:
        raise BadInput(f"{where}: not of the shape FHIR R4 gives it: {error}") from None


def _resources(line: bytes, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not line.strip():
        return
    try:
        value = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict) or "resourceType" not in value:
        raise BadInput(f"{where}: not a FHIR resource")
    if value["resourceType"] == "Bundle":
        for entry in value.get("entry", []):
            if isinstance(entry.get("resource"), dict):
                yield entry.get("fullUrl", ""), entry["resource"]
    else:
        yield "", value


def _of_eob(eob: dict[str, Any]) -> dict[str, Any]:
    issued = [
        extension["valueDate"]
        for item in eob.get("item", [])
        for extension in item.get("extension", [])
        if extension.get("url", "").endswith("extension-itemPreAuthIssueDate") and extension.get("valueDate")
    ]
    adjudications = [one for item in eob.get("item", []) for one in item.get("adjudication", [])]
    return {
        **_common(eob),
        "class": "expedited" if _urgent(eob) else "standard",
        "received": eob.get("created"),
        "determined": max(issued, default=None),
        "outcome": _outcome(eob, [*adjudications, *eob.get("adjudication", [])]),
        **_events(eob),
    }


def _events(eob: dict[str, Any]) -> dict[str, Any]:
    """What events among the supporting information say, by our roles."""
    told: dict[str, Any] = {}
    for info in eob.get("supportingInfo", []):
        kinds = {
            coding.get("code")
            for coding in info.get("category", {}).get("coding", [])
            if coding.get("system", "").endswith("/prior-authorization-event")
        }
        period, codes = info.get("timingPeriod", {}), sorted(_codes(info.get("code", {})))
        if "request" in kinds:
            told |= {
                "received": period.get("start"),
                "determined": period.get("end"),
                "outcome": codes[0] if codes else "pending",
            }
        elif "extension" in kinds:
            told["extended"] = "yes"
        elif "appeal" in kinds:
            decided = period.get("end")
            told |= {
                "appeal_filed": period.get("start"),
                "appeal_decided": decided,
                "appeal_outcome": codes[0] if codes else "pending",
            }
    if any(
        coding.get("code") == "withdrawal" and coding.get("system", "").endswith("/prior-authorization-event")
        for info in eob.get("supportingInfo", [])
        for coding in info.get("category", {}).get("coding", [])
    ):
        told |= {"outcome": "withdrawn", "determined": None}
    return told


def _of_response(claim: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    outcome = _outcome(response, [one for item in response.get("item", []) for one in item.get("adjudication", [])])
    return {
        **_common(response),
        "class": "expedited" if _urgent(claim) else "standard",
        "received": claim.get("created"),
        "determined": response.get("created") if outcome not in ("pending", "withdrawn") else None,
        "outcome": outcome,
        "drug": "yes" if "pharmacy" in _codes(claim.get("type", {})) else "no",
    }


def _common(resource: dict[str, Any]) -> dict[str, Any]:
    insurer = resource.get("insurer", {})
    return {
        "id": resource.get("id"),
        "unit": insurer.get("reference") or insurer.get("identifier", {}).get("value"),
        "drug": "yes" if "pharmacy" in _codes(resource.get("type", {})) else "no",
        "item": ", ".join(
            sorted({code for item in resource.get("item", []) for code in _codes(item.get("productOrService", {}))})
        ),
    }


def _codes(concept: dict[str, Any]) -> set[str]:
    return {coding["code"] for coding in concept.get("coding", []) if coding.get("code")}


def _urgent(resource: dict[str, Any]) -> bool:
    levels = [
        extension.get("valueCodeableConcept", {})
        for extension in resource.get("extension", [])
        if extension.get("url", "").endswith("extension-levelOfServiceCode")
    ]
    return bool(_codes(resource.get("priority", {})) & {"stat", "urgent"}) or any(
        "U" in _codes(level) for level in levels
    )


def _outcome(resource: dict[str, Any], adjudications: list[dict[str, Any]]) -> str:
    if resource.get("status") == "cancelled":
        return "withdrawn"
    found = {ACTIONS[code] for code in _review_actions(adjudications) if code in ACTIONS}
    if not found:
        return "pending" if resource.get("outcome") == "queued" else "undecided by any review action"
    if "pending" in found:
        return "pending"
    decided = found - {"withdrawn"}
    if not decided:
        return "withdrawn"
    return decided.pop() if len(decided) == 1 else "partial"


def _review_actions(adjudications: list[dict[str, Any]]) -> Iterator[str]:
    for adjudication in adjudications:
        for extension in adjudication.get("extension", []):
            if not extension.get("url", "").endswith("extension-reviewAction"):
                continue
            for part in extension.get("extension", []):
                yield from _codes(part.get("valueCodeableConcept", {}))
