"""Prior authorizations in FHIR as rows: Da Vinci PDex ExplanationOfBenefit, and PAS Claim with its ClaimResponses.

    received     EOB.created; Claim.created (the ClaimResponse's own `created` is the decision's)
    determined   EOB: the latest item preAuthIssueDate, a day; else the first ClaimResponse's `created` that decides
    class        expedited when priority is stat or urgent, or the level of service is urgent (U)
    outcome      review action codes over the items (X12 306, the code alone): A1 approved, A2 or A6 partial, A3 denied,
                 A4 pending, C or CT withdrawn; approved and denied items together are partial. Status cancelled is withdrawn
    drug         claim type pharmacy
    unit         the insurer's reference

A Claim is one request however often it is answered, and one that nothing answers is pending. Responses are found by `request`, or by
the identifier they share with the Claim, in any file of the input.

Appeals, extensions and the hour of a decision are in neither guide. An EOB may carry them as supportingInfo whose category is of a code system
named …/prior-authorization-event: `request` (timingPeriod from receipt to determination, code the outcome), `extension`, `appeal` (timingPeriod from
filing to decision, code overturned or upheld) and `withdrawal`. They win over the item dates, because they hold the first determination.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.metrics import BadInput

Row = tuple[str, dict[str, Any]]
EVENT = "/prior-authorization-event"
DECIDED = ("approved", "denied", "partial")
ACTIONS = {
    "A1": "approved",
    "A2": "partial",
    "A6": "partial",
    "A3": "denied",
    "A4": "pending",
    "C": "withdrawn",
    "CT": "withdrawn",
}


@dataclass
class _Asked:
    """A Claim as a row, and the answers to it so far: (when, outcome)."""

    where: str
    row: dict[str, Any]
    cancelled: bool
    answers: list[tuple[str, str]] = field(default_factory=list)


def rows(files: Iterable[Path]) -> Iterator[Row]:
    """Rows of files (NDJSON, or one resource as JSON) of EOBs, Claims, ClaimResponses or Bundles of them."""
    claims: dict[str, _Asked] = {}  # by every name a response may use
    responses: list[tuple[str, dict[str, Any]]] = []
    for where, full_url, resource in _resources(files):
        kind = resource.get("resourceType")
        with _named(where):
            if resource.get("use") != "preauthorization":
                continue
            if kind == "ExplanationOfBenefit":
                yield where, _of_eob(resource)
            elif kind == "Claim":
                _asked(claims, where, full_url, resource)
            elif kind == "ClaimResponse":
                responses.append((where, resource))
    for where, response in responses:
        with _named(where):
            found = next((claims[name] for name in _answers_to(response) if name in claims), None)
            if found is None:
                said = response.get("request", {}).get("reference") or "no request"
                raise BadInput(f"{where}: ClaimResponse {response.get('id')} answers {said}, which is not in the input")
            items = [one for item in response.get("item", []) for one in item.get("adjudication", [])]
            outcome = _outcome(response, [*items, *response.get("adjudication", [])])
            found.answers.append((str(response.get("created") or ""), outcome))
            found.row["unit"] = found.row["unit"] or _common(response)["unit"]
    yield from ((asked.where, _of_claim(asked)) for asked in {id(one): one for one in claims.values()}.values())


@contextmanager
def _named(where: str) -> Iterator[None]:
    """A resource of another shape than its type's is refused by its line."""
    try:
        yield
    except (AttributeError, TypeError, KeyError) as error:
        raise BadInput(f"{where}: not of the shape FHIR R4 gives it: {error}") from None


def _resources(files: Iterable[Path]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource that may be a prior authorization, with where it stands and its fullUrl."""
    for file in files:
        if file.suffix == ".json":
            for full_url, resource in _unpacked(file.read_bytes(), file.name):
                yield file.name, full_url, resource
            continue
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                text, where = line.strip(), f"{file.name}:{number}"
                # A folder may hold a payer's whole record; what cannot be a prior authorization is not parsed.
                if text and not (text[:1] == b"{" and text[-1:] == b"}" and b'"preauthorization"' not in text):
                    for full_url, resource in _unpacked(text, where):
                        yield where, full_url, resource


def _unpacked(text: bytes, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resources of a text: itself, or those of its Bundle."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict) or "resourceType" not in value:
        raise BadInput(f"{where}: not a FHIR resource")
    if value["resourceType"] != "Bundle":
        yield "", value
        return
    with _named(where):
        for entry in value.get("entry", []):
            if isinstance(entry.get("resource"), dict):
                yield entry.get("fullUrl", ""), entry["resource"]


def _asked(claims: dict[str, _Asked], where: str, full_url: str, claim: dict[str, Any]) -> None:
    names = [f"Claim/{claim.get('id')}", *([full_url] if full_url else []), *_identifiers(claim)]
    row = {**_common(claim), "class": "expedited" if _urgent(claim) else "standard", "received": claim.get("created")}
    # The same Claim may come with several Bundles; it stays one request.
    known = next((claims[name] for name in names[:1] if name in claims), None)
    asked = known or _Asked(where, row, claim.get("status") == "cancelled")
    for name in names:
        claims.setdefault(name, asked)


def _identifiers(resource: dict[str, Any]) -> list[str]:
    return [f"{one.get('system', '')}|{one['value']}" for one in resource.get("identifier", []) if one.get("value")]


def _answers_to(response: dict[str, Any]) -> Iterator[str]:
    """The names under which a response's Claim may be known, the surest first."""
    request = response.get("request", {})
    if reference := request.get("reference"):
        yield reference
        yield "/".join(reference.split("/")[-2:])
    if request.get("identifier"):
        yield from _identifiers({"identifier": [request["identifier"]]})
    yield from _identifiers(response)


def _of_claim(asked: _Asked) -> dict[str, Any]:
    """The first determination decides; until there is one the request is pending, unless it was withdrawn."""
    decided = sorted((when, outcome) for when, outcome in asked.answers if outcome in DECIDED)
    if decided:
        return {**asked.row, "determined": decided[0][0], "outcome": decided[0][1]}
    others = {outcome for _, outcome in asked.answers} - {"pending"}
    outcome = "withdrawn" if asked.cancelled or "withdrawn" in others else next(iter(sorted(others)), "pending")
    return {**asked.row, "determined": None, "outcome": outcome}


def _of_eob(eob: dict[str, Any]) -> dict[str, Any]:
    issued = [
        extension["valueDate"]
        for item in eob.get("item", [])
        for extension in item.get("extension", [])
        if extension.get("url", "").endswith("extension-itemPreAuthIssueDate") and extension.get("valueDate")
    ]
    adjudications = [one for item in eob.get("item", []) for one in item.get("adjudication", [])]
    outcome = _outcome(eob, [*adjudications, *eob.get("adjudication", [])])
    return {
        **_common(eob),
        "class": "expedited" if _urgent(eob) else "standard",
        "received": eob.get("created"),
        "determined": max(issued, default=None) if outcome in DECIDED else None,
        "outcome": outcome,
        **_events(eob),
    }


def _events(eob: dict[str, Any]) -> dict[str, Any]:
    """What events among the supporting information say, by our roles."""
    told: dict[str, Any] = {}
    withdrawn = False
    for info in eob.get("supportingInfo", []):
        codings = info.get("category", {}).get("coding", [])
        kinds = {coding.get("code") for coding in codings if coding.get("system", "").endswith(EVENT)}
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
            told |= {
                "appeal_filed": period.get("start"),
                "appeal_decided": period.get("end"),
                "appeal_outcome": codes[0] if codes else "pending",
            }
        withdrawn = withdrawn or "withdrawal" in kinds
    # Withdrawn after a determination, the request keeps what was determined.
    return {**told, "outcome": "withdrawn"} if withdrawn and not told.get("determined") else told


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
    """Review action codes; the reason codes beside them are of another list."""
    for adjudication in adjudications:
        for extension in adjudication.get("extension", []):
            if not extension.get("url", "").endswith("extension-reviewAction"):
                continue
            for part in extension.get("extension", []):
                if not part.get("url", "").endswith(("reasonCode", "ReasonCode")):
                    yield from _codes(part.get("valueCodeableConcept", {}))
