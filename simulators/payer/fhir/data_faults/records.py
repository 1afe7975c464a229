"""Parts every resource has that are wrong: identity, dates, references, labels, the person."""

from __future__ import annotations

from simulators.payer.fhir.data_faults.altering import (
    Resource,
    altered,
    dropping,
    elements,
)
from simulators.payer.fhir.served import as_stored


@as_stored.fault("last-updated-is-missing", violates="FHIR-CONTENT-02", also=("CARIN-META-01",))
def no_last_updated(bodies: list[bytes]) -> list[bytes]:
    """Resources do not tell when they were last changed."""

    def change(resource: Resource) -> None:
        resource.get("meta", {}).pop("lastUpdated", None)

    return altered(bodies, "", change)


@as_stored.fault("last-updated-lies-in-the-future", violates="FHIR-CONTENT-02")
def future(bodies: list[bytes]) -> list[bytes]:
    """Resources say that they were changed in the year 2099."""

    def change(resource: Resource) -> None:
        resource.setdefault("meta", {})["lastUpdated"] = "2099-01-01T00:00:00Z"

    return altered(bodies, "", change)


@as_stored.fault("references-lead-nowhere", violates="FHIR-CONTENT-01")
def dangling(bodies: list[bytes]) -> list[bytes]:
    """References to encounters and practitioners lead to resources that do not exist."""

    def change(resource: Resource) -> None:
        for holder in elements(resource, "reference"):
            if isinstance(holder["reference"], str) and holder["reference"].startswith(("Encounter/", "Practitioner/")):
                holder["reference"] += "-gone"

    return altered(bodies, "", change)


@as_stored.fault("patients-lack-their-identifier", violates="USCORE-PROFILE-01")
def no_identifier(bodies: list[bytes]) -> list[bytes]:
    """A Patient has no identifier."""
    return altered(bodies, "Patient", dropping("identifier"))


@as_stored.fault("patients-lack-their-gender", violates="USCORE-PROFILE-01")
def no_gender(bodies: list[bytes]) -> list[bytes]:
    """A Patient has no gender."""
    return altered(bodies, "Patient", dropping("gender"))


@as_stored.fault("patients-lack-their-name", violates="USCORE-PROFILE-01")
def no_name(bodies: list[bytes]) -> list[bytes]:
    """A Patient has no name."""
    return altered(bodies, "Patient", dropping("name"))


@as_stored.fault(
    "patients-lack-race-and-ethnicity",
    violates="USCORE-MUSTSUPPORT-01",
    also=(
        "BELITSOFT-STEP-2-DEMOGRAPHICS",
        "BELITSOFT-CONTENT-CLINICAL",
        "CONNEX-IV.A.d-USCDI-V1",
        "HEALTHSHARE-2.1-CONTENT",
        "SHM-STD-USCDI-V1",
    ),
)
def no_race(bodies: list[bytes]) -> list[bytes]:
    """A Patient tells neither race nor ethnicity."""

    def change(resource: Resource) -> None:
        told = ("us-core-race", "us-core-ethnicity")
        resource["extension"] = [one for one in resource.get("extension", ()) if not one["url"].endswith(told)]
        if not resource["extension"]:
            del resource["extension"]

    return altered(bodies, "Patient", change)


@as_stored.fault("birth-dates-are-american", violates="USCORE-PROFILE-02")
def american_dates(bodies: list[bytes]) -> list[bytes]:
    """Birth dates are written month/day/year."""

    def change(resource: Resource) -> None:
        year, _, rest = resource.get("birthDate", "1980-01-01").partition("-")
        month, _, day = rest.partition("-")
        resource["birthDate"] = f"{month or '01'}/{day or '01'}/{year}"

    return altered(bodies, "Patient", change)


@as_stored.fault("elements-nobody-defined-appear", violates="USCORE-PROFILE-02")
def undefined_element(bodies: list[bytes]) -> list[bytes]:
    """Resources carry an element FHIR does not define."""

    def change(resource: Resource) -> None:
        resource["memberSince"] = "2019"

    return altered(bodies, "Patient", change)


@as_stored.fault("empty-arrays-are-sent", violates="USCORE-PROFILE-02")
def empty_array(bodies: list[bytes]) -> list[bytes]:
    """Resources carry an empty array, which FHIR forbids."""

    def change(resource: Resource) -> None:
        resource["contact"] = []

    return altered(bodies, "Patient", change)


@as_stored.fault("labels-are-taken-off-sensitive-records", violates="PART2-SEGMENT", also=["PART2-2.23-PATIENT"])
def no_labels(bodies: list[bytes]) -> list[bytes]:
    """Sensitive records are sent without their security labels."""

    def change(resource: Resource) -> None:
        resource.get("meta", {}).pop("security", None)

    return altered(bodies, "", change)


@as_stored.fault("encounters-end-before-they-begin", violates="CONNEX-V.B.4.q-SCREEN", also=("CONNEX-V.B.4.p",))
def backwards(bodies: list[bytes]) -> list[bytes]:
    """Encounters end a year before they begin."""

    def change(resource: Resource) -> None:
        period = resource.get("period", {})
        if "start" in period:
            period["end"] = f"{int(period['start'][:4]) - 1}-01-01"

    return altered(bodies, "Encounter", change)


@as_stored.fault("procedures-name-nobody-at-hand", violates="CONNEX-V.B.4.q-FORMAT", also=("CONNEX-V.B.4.q-SCREEN",))
def orphans(bodies: list[bytes]) -> list[bytes]:
    """Procedures name a member who is not the one they were found for."""

    def change(resource: Resource) -> None:
        resource["subject"] = {"reference": "Patient/nobody-at-hand"}

    return altered(bodies, "Procedure", change)


@as_stored.fault(
    "every-resource-carries-an-undefined-element",
    violates="HEALTHSHARE-2.1.5-PROFILE-C4BB-COVERAGE",
    also=(
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-INPATIENT",
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-PHARMACY",
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-EOB-PROFESSIONAL",
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-ORGANIZATION",
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-PATIENT",
        "HEALTHSHARE-2.1.5-PROFILE-C4BB-PRACTITIONER",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-ALLERGY",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-CONDITION",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-DIAGREPORT-LAB",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-DIAGREPORT-NOTE",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-DOCUMENTREFERENCE",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-ENCOUNTER",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-IMMUNIZATION",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-IMPLANTABLE-DEVICE",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-OBSERVATION-LAB",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-LOCATION",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-MEDICATION",
        "HEALTHSHARE-2.1.5-PROFILE-R4-MEDICATIONDISPENSE",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-PRACTITIONERROLE",
        "HEALTHSHARE-2.1.5-PROFILE-USCORE-PROCEDURE",
        "HEALTHSHARE-2.1.5-PROFILE-R4-VITALSIGNS",
    ),
    on="healthshare",
)
def undefined_everywhere(bodies: list[bytes]) -> list[bytes]:
    """Resources of every type carry an element FHIR does not define."""

    def change(resource: Resource) -> None:
        resource["memberSince"] = "2019"

    return altered(bodies, "", change)


@as_stored.fault(
    "stays-tell-nothing-of-their-end",
    violates="CONNEX-IV.A.d-USCDI-V3",
    also=("USCORE-6.1-DELTA", "USCORE-MUSTSUPPORT-01"),
    on="current",
)
def no_disposition(bodies: list[bytes]) -> list[bytes]:
    """Encounters do not tell where a member went from a stay in hospital, an element USCDI v3 added."""
    return altered(bodies, "Encounter", dropping("hospitalization"))
