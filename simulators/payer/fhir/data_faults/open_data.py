"""The provider directory and the formulary with parts missing or wrong."""

from __future__ import annotations

from simulators.payer.fhir.data_faults.altering import (
    Resource,
    altered,
    codings,
    dropping,
)
from simulators.payer.fhir.served import as_stored


@as_stored.fault("practitioners-lack-their-name", violates="PLANNET-PROFILE-02", also=("PLANNET-CONTENT-01",))
def no_name(bodies: list[bytes]) -> list[bytes]:
    """Practitioners of the directory have no name."""
    return altered(bodies, "Practitioner", dropping("name"))


@as_stored.fault("practitioners-lack-their-npi", violates="PLANNET-CONTENT-02")
def no_npi(bodies: list[bytes]) -> list[bytes]:
    """Practitioners of the directory have no NPI."""
    return altered(bodies, "Practitioner", dropping("identifier"))


@as_stored.fault("roles-lack-their-specialty", violates="PLANNET-CONTENT-01", also=("PLANNET-MUSTSUPPORT-01",))
def no_specialty(bodies: list[bytes]) -> list[bytes]:
    """The directory does not tell the specialty of practitioners."""
    return altered(bodies, "PractitionerRole", dropping("specialty"))


@as_stored.fault("roles-lack-their-location", violates="PLANNET-CONTENT-01")
def no_location(bodies: list[bytes]) -> list[bytes]:
    """The directory does not tell where practitioners work."""
    return altered(bodies, "PractitionerRole", dropping("location"))


@as_stored.fault("roles-lack-their-network", violates="PLANNET-CONTENT-02")
def no_network(bodies: list[bytes]) -> list[bytes]:
    """The directory does not tell which networks practitioners are in."""

    def change(resource: Resource) -> None:
        resource["extension"] = [
            one for one in resource.get("extension", ()) if not one["url"].endswith("network-reference")
        ]

    return altered(bodies, "PractitionerRole", change)


@as_stored.fault("roles-do-not-tell-who-takes-new-patients", violates="PLANNET-CONTENT-02")
def no_new_patients(bodies: list[bytes]) -> list[bytes]:
    """The directory does not tell whether new patients are taken."""

    def change(resource: Resource) -> None:
        resource["extension"] = [one for one in resource.get("extension", ()) if not one["url"].endswith("newpatients")]

    return altered(bodies, "PractitionerRole", change)


@as_stored.fault(
    "locations-lack-their-address", violates="PLANNET-CONTENT-01", also=("CMS9115-422.120-b", "CMS9115-438.242-b6")
)
def no_address(bodies: list[bytes]) -> list[bytes]:
    """Locations of the directory have no address."""
    return altered(bodies, "Location", dropping("address"))


@as_stored.fault(
    "locations-lack-their-telephone", violates="PLANNET-CONTENT-01", also=("CMS9115-422.120-b", "CMS9115-438.242-b6")
)
def no_telephone(bodies: list[bytes]) -> list[bytes]:
    """Locations of the directory have no telephone number."""
    return altered(bodies, "Location", dropping("telecom"))


@as_stored.fault("organizations-lack-their-name", violates="PLANNET-PROFILE-02", also=["PLANNET-CONTENT-01"])
def no_organization_name(bodies: list[bytes]) -> list[bytes]:
    """Organizations of the directory have no name."""
    return altered(bodies, "Organization", dropping("name"))


@as_stored.fault("directory-entries-are-years-old", violates="CMS9115-431.70-30DAYS")
def stale(bodies: list[bytes]) -> list[bytes]:
    """Directory entries were last changed years ago."""

    def change(resource: Resource) -> None:
        resource["meta"]["lastUpdated"] = "2019-01-01T00:00:00Z"

    return altered(bodies, "PractitionerRole", change)


@as_stored.fault("drugs-lack-their-code", violates="USDF-PROFILE-02", also=("USDF-CONTENT-02",))
def no_drug_code(bodies: list[bytes]) -> list[bytes]:
    """Drugs of the formulary have no code."""
    return altered(bodies, "MedicationKnowledge", dropping("code"))


@as_stored.fault("drug-codes-are-not-rxnorm", violates="USDF-CONTENT-02")
def local_drug_codes(bodies: list[bytes]) -> list[bytes]:
    """Drugs of the formulary are coded in a system of the payer's own instead of RxNorm."""

    def change(resource: Resource) -> None:
        for coding in codings(resource.get("code", {})):
            coding["system"] = "http://payer.example/drugs"

    return altered(bodies, "MedicationKnowledge", change)


@as_stored.fault(
    "formulary-items-lack-their-tier",
    violates="USDF-CONTENT-01",
    also=("CMS9115-422.119-b2", "CMS9115-431.60-b4", "USDF-MUSTSUPPORT-01", "USDF-PROFILE-02"),
)
def no_tier(bodies: list[bytes]) -> list[bytes]:
    """The formulary does not tell the tier of drugs."""

    def change(resource: Resource) -> None:
        resource["extension"] = [one for one in resource.get("extension", ()) if "DrugTierID" not in one["url"]]

    return altered(bodies, "Basic", change)


@as_stored.fault("formulary-items-hide-prior-authorization", violates="USDF-CONTENT-01", also=["USDF-MUSTSUPPORT-01"])
def no_prior_authorization(bodies: list[bytes]) -> list[bytes]:
    """The formulary does not tell which drugs need prior authorization."""

    def change(resource: Resource) -> None:
        resource["extension"] = [one for one in resource.get("extension", ()) if "PriorAuthorization" not in one["url"]]

    return altered(bodies, "Basic", change)


@as_stored.fault(
    "formulary-items-lead-to-no-drug", violates="USDF-PROFILE-02", also=["USDF-CONTENT-01", "USDF-MUSTSUPPORT-01"]
)
def no_subject(bodies: list[bytes]) -> list[bytes]:
    """Items of the formulary do not name their drug."""
    return altered(bodies, "Basic", dropping("subject"))
