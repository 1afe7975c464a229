"""Records with holes: whole kinds of resources, or every other one, that the payer holds and does not show."""

from __future__ import annotations

from zlib import crc32

from simulators.payer.fhir.freshness import Kept, is_authorization, is_available

MEMBERS_TYPES = frozenset(
    ("CarePlan", "Condition", "Coverage", "ExplanationOfBenefit", "Observation", "Patient", "Procedure")
)
CLINICAL = frozenset(("Condition", "DiagnosticReport", "DocumentReference", "Immunization", "Observation", "Procedure"))


def every_other(kept: Kept) -> bool:
    """Half of all resources, by their id, the same at every look."""
    return crc32(kept.id.encode()) % 2 == 0


@is_available.fault(
    "every-other-claim-is-missing",
    violates="BELITSOFT-CONTENT-CLAIMS",
    also=("CMS9115-431.60-a", "HEALTHSHARE-2.1-CONTENT", "SHM-PAA-CONTENT-01"),
)
def half_the_claims(kept: Kept, now: int) -> bool:
    """Of a member's claims every other one is not there."""
    hidden = kept.type == "ExplanationOfBenefit" and not is_authorization(kept) and every_other(kept)
    return not hidden and kept.visible <= now


@is_available.fault(
    "encounters-of-some-providers-are-missing",
    violates="CMS9115-438.242-b5-i",
    also=("CONNEX-II-SCOPE", "SHM-PAA-CONTENT-01"),
)
def half_the_encounters(kept: Kept, now: int) -> bool:
    """Encounters that some of the providers reported are not there."""
    return not (kept.type == "Encounter" and every_other(kept)) and kept.visible <= now


@is_available.fault(
    "clinical-data-are-half-there",
    violates="DEAN-CONTENT-ALL-01",
    also=("HEALTHSHARE-2.1-CONTENT", "SHM-PAA-CONTENT-01"),
)
def half_the_clinical_data(kept: Kept, now: int) -> bool:
    """Of a member's clinical data every other resource is not there."""
    return not (kept.type in CLINICAL and every_other(kept)) and kept.visible <= now


@is_available.fault(
    "care-plans-goals-and-teams-are-missing",
    violates="BELITSOFT-STEP-2-PLANNING",
    also=("BELITSOFT-CONTENT-CLINICAL", "CONNEX-IV.A.d-USCDI-V1", "HEALTHSHARE-2.1-CONTENT", "SHM-STD-USCDI-V1"),
)
def no_planning(kept: Kept, now: int) -> bool:
    """Care plans, goals and care teams are not there."""
    return kept.type not in ("CarePlan", "Goal", "CareTeam") and kept.visible <= now


@is_available.fault(
    "immunizations-are-missing",
    violates="BELITSOFT-STEP-2-MEDICATIONS",
    also=("BELITSOFT-CONTENT-CLINICAL", "CONNEX-IV.A.d-USCDI-V1", "HEALTHSHARE-2.1-CONTENT", "SHM-STD-USCDI-V1"),
)
def no_immunizations(kept: Kept, now: int) -> bool:
    """Immunizations are not there."""
    return kept.type != "Immunization" and kept.visible <= now


@is_available.fault(
    "devices-and-procedures-are-missing",
    violates="BELITSOFT-STEP-2-DEVICES-PROCEDURES",
    also=("BELITSOFT-CONTENT-CLINICAL", "CONNEX-IV.A.d-USCDI-V1", "HEALTHSHARE-2.1-CONTENT", "SHM-STD-USCDI-V1"),
)
def no_devices(kept: Kept, now: int) -> bool:
    """Implanted devices and procedures are not there."""
    return kept.type not in ("Device", "Procedure") and kept.visible <= now


@is_available.fault(
    "endpoints-of-members-are-empty",
    violates="SHM-ENDPOINT-PATIENT",
    also=(
        "SHM-ENDPOINT-CAREPLAN",
        "SHM-ENDPOINT-CONDITION",
        "SHM-ENDPOINT-COVERAGE",
        "SHM-ENDPOINT-EOB",
        "SHM-ENDPOINT-OBSERVATION",
        "SHM-ENDPOINT-PROCEDURE",
    ),
)
def empty_endpoints(kept: Kept, now: int) -> bool:
    """The endpoints of members' records answer, and have nothing of anybody."""
    return kept.type not in MEMBERS_TYPES and kept.visible <= now


@is_available.fault("coverage-plans-of-the-formulary-are-missing", violates="SHM-ENDPOINT-LIST", on="legacy")
def no_lists(kept: Kept, now: int) -> bool:
    """The formulary's endpoint for coverage plans has none."""
    return kept.type != "List" and kept.visible <= now
