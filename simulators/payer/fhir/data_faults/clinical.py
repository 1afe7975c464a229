"""Clinical resources that are wrong: must-support parts missing, codes from another system, units lost."""

from __future__ import annotations

from simulators.payer.fhir.data_faults.altering import (
    Resource,
    altered,
    codings,
    dropping,
    elements,
    has_code,
)
from simulators.payer.fhir.served import as_stored


@as_stored.fault("observations-lack-their-code", violates="USCORE-PROFILE-01")
def no_code(bodies: list[bytes]) -> list[bytes]:
    """Observations do not tell what was observed."""
    return altered(bodies, "Observation", dropping("code"))


@as_stored.fault("observations-lack-their-category", violates="USCORE-PROFILE-01")
def no_category(bodies: list[bytes]) -> list[bytes]:
    """Observations have no category."""
    return altered(bodies, "Observation", dropping("category"))


@as_stored.fault("observation-codes-come-from-another-system", violates="USCORE-CONTENT-01")
def local_codes(bodies: list[bytes]) -> list[bytes]:
    """Observations are coded in a system of the payer's own instead of LOINC."""

    def change(resource: Resource) -> None:
        for coding in codings(resource.get("code", {})):
            coding["system"] = "http://payer.example/observations"

    return altered(bodies, "Observation", change)


@as_stored.fault("quantities-lack-ucum", violates="USCORE-CONTENT-02")
def no_units(bodies: list[bytes]) -> list[bytes]:
    """Quantities of observations have no UCUM unit."""

    def change(resource: Resource) -> None:
        for holder in list(elements(resource, "valueQuantity")):
            kept = {name: value for name, value in holder["valueQuantity"].items() if name in ("value", "unit")}
            holder["valueQuantity"] = kept

    return altered(bodies, "Observation", change)


@as_stored.fault("observation-status-is-made-up", violates="USCORE-PROFILE-01")
def odd_status(bodies: list[bytes]) -> list[bytes]:
    """Observations have a status that does not exist."""

    def change(resource: Resource) -> None:
        resource["status"] = "done"

    return altered(bodies, "Observation", change)


@as_stored.fault("conditions-lack-their-clinical-status", violates="USCORE-PROFILE-01")
def no_clinical_status(bodies: list[bytes]) -> list[bytes]:
    """Conditions do not tell whether they are active."""
    return altered(bodies, "Condition", dropping("clinicalStatus"))


@as_stored.fault("condition-codes-are-texts-only", violates="USCORE-CONTENT-01")
def text_only(bodies: list[bytes]) -> list[bytes]:
    """Conditions are named in words and have no code."""

    def change(resource: Resource) -> None:
        code = resource.get("code", {})
        displays = [coding["display"] for coding in codings(code) if coding.get("display")]
        resource["code"] = {"text": code.get("text") or (displays or ["condition"])[0]}

    return altered(bodies, "Condition", change)


@as_stored.fault("encounters-lack-their-type", violates="USCORE-PROFILE-01")
def no_type(bodies: list[bytes]) -> list[bytes]:
    """Encounters do not tell of what type they were."""
    return altered(bodies, "Encounter", dropping("type"))


@as_stored.fault("encounters-lack-their-period", violates="USCORE-MUSTSUPPORT-01")
def no_period(bodies: list[bytes]) -> list[bytes]:
    """Encounters do not tell when they were."""
    return altered(bodies, "Encounter", dropping("period"))


@as_stored.fault("medication-requests-lack-the-medication", violates="USCORE-PROFILE-01")
def no_medication(bodies: list[bytes]) -> list[bytes]:
    """Medication requests do not tell the medication."""
    return altered(bodies, "MedicationRequest", dropping("medicationCodeableConcept", "medicationReference"))


@as_stored.fault("medication-codes-are-not-rxnorm", violates="USCORE-CONTENT-01")
def no_rxnorm(bodies: list[bytes]) -> list[bytes]:
    """Medications are coded in a system of the payer's own instead of RxNorm."""

    def change(resource: Resource) -> None:
        for coding in codings(resource.get("medicationCodeableConcept", {})):
            coding["system"] = "http://payer.example/drugs"

    return altered(bodies, "MedicationRequest", change)


@as_stored.fault("documents-have-no-content", violates="USCORE-PROFILE-01")
def no_content(bodies: list[bytes]) -> list[bytes]:
    """Document references lead to no document."""
    return altered(bodies, "DocumentReference", dropping("content"))


@as_stored.fault("procedures-lack-their-date", violates="USCORE-MUSTSUPPORT-01")
def no_date(bodies: list[bytes]) -> list[bytes]:
    """Procedures do not tell when they were done."""
    return altered(bodies, "Procedure", dropping("performedDateTime", "performedPeriod"))


@as_stored.fault("goals-lack-their-target", violates="USCORE-MUSTSUPPORT-01")
def no_target(bodies: list[bytes]) -> list[bytes]:
    """Goals do not tell by when they should be reached."""
    return altered(bodies, "Goal", dropping("target", "startDate"))


@as_stored.fault("care-plans-lack-their-category", violates="USCORE-PROFILE-01", also=("USCORE-MUSTSUPPORT-01",))
def no_plan_category(bodies: list[bytes]) -> list[bytes]:
    """Care plans lack the category assess-plan."""
    return altered(bodies, "CarePlan", dropping("category"))


@as_stored.fault("provenance-names-no-transmitter", violates="PDEX-PROVENANCE-01")
def no_transmitter(bodies: list[bytes]) -> list[bytes]:
    """Provenance does not name the payer as transmitter."""

    def change(resource: Resource) -> None:
        agents = resource.get("agent", [])
        resource["agent"] = [one for one in agents if not has_code(one.get("type"), "transmitter")] or agents[:1]

    return altered(bodies, "Provenance", change)


@as_stored.fault("provenance-has-no-target", violates="USCORE-PROFILE-01", also=("USCORE-PROVENANCE-01",))
def no_provenance_target(bodies: list[bytes]) -> list[bytes]:
    """Provenance does not tell what it is about."""
    return altered(bodies, "Provenance", dropping("target"))


@as_stored.fault("smoking-status-drops-its-profile-and-issued", violates="USCORE-PROFILE-01")
def unclaimed_smoking_status(bodies: list[bytes]) -> list[bytes]:
    """A smoking status says neither when it was issued nor that it is one of US Core: what it lacks shows by its code alone."""

    def change(resource: Resource) -> None:
        if has_code(resource.get("code"), "72166-2"):
            resource["meta"].pop("profile", None)
            resource.pop("issued", None)

    return altered(bodies, "Observation", change)


@as_stored.fault(
    "every-problem-is-active",
    violates="BELITSOFT-STEP-2-PROBLEMS",
    also=("BELITSOFT-CONTENT-CLINICAL", "CONNEX-IV.A.d-USCDI-V1", "HEALTHSHARE-2.1-CONTENT", "SHM-STD-USCDI-V1"),
)
def all_active(bodies: list[bytes]) -> list[bytes]:
    """Problems that are resolved or inactive are told as active."""

    def change(resource: Resource) -> None:
        for coding in codings(resource.get("clinicalStatus", {})):
            coding["code"] = "active"
        resource.pop("abatementDateTime", None)

    return altered(bodies, "Condition", change)


@as_stored.fault(
    "smoking-status-is-told-as-something-else",
    violates="BELITSOFT-STEP-2-SOCIAL-VITALS",
    also=("BELITSOFT-CONTENT-CLINICAL", "CONNEX-IV.A.d-USCDI-V1", "HEALTHSHARE-2.1-CONTENT", "SHM-STD-USCDI-V1"),
)
def no_smoking_status(bodies: list[bytes]) -> list[bytes]:
    """The smoking status stands in the record under the code of another observation."""

    def change(resource: Resource) -> None:
        if has_code(resource.get("code"), "72166-2"):
            resource["meta"].pop("profile", None)
            for coding in codings(resource["code"]):
                coding["code"] = "76689-9"
                coding.pop("display", None)

    return altered(bodies, "Observation", change)


@as_stored.fault("dispenses-belong-to-nobody", violates="PDEX-PROFILE-01")
def nobodys_dispenses(bodies: list[bytes]) -> list[bytes]:
    """Dispensed medications do not tell for whom they were."""
    return altered(bodies, "MedicationDispense", dropping("subject"))


@as_stored.fault("dispenses-do-not-tell-of-substitution", violates="PDEX-MUSTSUPPORT-01")
def no_substitution(bodies: list[bytes]) -> list[bytes]:
    """Dispensed medications do not tell whether another one was prescribed."""
    return altered(bodies, "MedicationDispense", dropping("substitution"))
