"""Prior authorizations that are wrong: what CMS-0057-F asks for is missing or another thing."""

from __future__ import annotations

from datetime import datetime, timedelta

from simulators.payer.fhir.data_faults.altering import (
    Resource,
    altered,
    elements,
    has_code,
    is_authorization,
)
from simulators.payer.fhir.served import as_stored


@as_stored.fault("authorizations-lack-their-status", violates="CMS0057-PA-DATA-02")
def no_review_action(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations do not tell how they were decided."""

    def change(resource: Resource) -> None:
        if is_authorization(resource):
            for holder in list(elements(resource, "adjudication")):
                for one in holder["adjudication"]:
                    kept = [
                        entry
                        for entry in one.get("extension", ())
                        if not entry["url"].endswith("extension-reviewAction")
                    ]
                    one["extension"] = kept
            resource.pop("disposition", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("authorizations-lack-the-decision-date", violates="CMS0057-PA-DATA-03")
def no_decision_date(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations do not tell when they were decided."""

    def change(resource: Resource) -> None:
        for item in resource.get("item", ()) if is_authorization(resource) else ():
            item["extension"] = [
                one for one in item.get("extension", ()) if not one["url"].endswith("itemPreAuthIssueDate")
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("authorizations-lack-their-end", violates="CMS0057-PA-DATA-04")
def no_end(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations do not tell until when they are good."""

    def change(resource: Resource) -> None:
        if is_authorization(resource):
            resource.pop("preAuthRefPeriod", None)
            for item in resource.get("item", ()):
                item["extension"] = [
                    one for one in item.get("extension", ()) if not one["url"].endswith("itemAuthorizedDate")
                ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault(
    "authorizations-lack-their-items",
    violates="CMS0057-PA-DATA-05",
    also=("CMS0057-PA-DATA-03", "CMS0057-PA-DATA-04"),  # the days of a decision stand in its items
)
def no_items(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations do not tell which items and services they are for."""

    def change(resource: Resource) -> None:
        if is_authorization(resource):
            resource.pop("item", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("denied-authorizations-give-no-reason", violates="CMS0057-PA-DATA-06", also=("CMS0057-DENIAL-01",))
def no_reason(bodies: list[bytes]) -> list[bytes]:
    """Denied prior authorizations do not tell why."""

    def change(resource: Resource) -> None:
        for holder in list(elements(resource, "adjudication")) if is_authorization(resource) else ():
            for one in holder["adjudication"]:
                one.pop("reason", None)
                for entry in one.get("extension", ()):
                    parts = entry.get("extension", ())
                    entry["extension"] = [
                        part for part in parts if not part["url"].endswith(("reasonCode", "ReasonCode"))
                    ]
            holder["adjudication"] = [
                one for one in holder["adjudication"] if not has_code(one.get("category"), "denialreason")
            ]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("authorizations-used-less-than-nothing", violates="CMS0057-PA-DATA-12")
def negative_use(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations say that less than nothing was used."""

    def change(resource: Resource) -> None:
        for holder in list(elements(resource, "adjudication")) if is_authorization(resource) else ():
            for one in holder["adjudication"]:
                if has_code(one.get("category"), "consumedunits"):
                    one["value"] = -1

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault(
    "authorizations-pass-for-claims",
    violates="PDEX-PA-03",
    also=("PDEX-PA-01", "CMS0057-PA-DATA-01", "CMS0057-PA-DATA-10"),
)
def as_claims(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations say that they are claims."""

    def change(resource: Resource) -> None:
        if is_authorization(resource):
            resource["use"] = "claim"

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("authorizations-lack-their-number", violates="PDEX-PA-01")
def no_number(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations carry no number."""

    def change(resource: Resource) -> None:
        if is_authorization(resource):
            resource.pop("preAuthRef", None)
            resource.pop("identifier", None)

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("documentation-of-authorizations-cannot-be-read", violates="CMS0057-PA-DATA-07")
def no_documentation(bodies: list[bytes]) -> list[bytes]:
    """What a provider sent with a request for authorization is referred to, and is nowhere."""

    def change(resource: Resource) -> None:
        for one in resource.get("supportingInfo", ()) if is_authorization(resource) else ():
            if "reference" in one.get("valueReference", {}):
                one["valueReference"]["reference"] += "-gone"

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault(
    "authorizations-change-weeks-after-their-decision", violates="CMS0057-PA-DATA-09", also=("CMS0057-PA-DATA-08",)
)
def late_changes(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations show a decision weeks after it was made, and nothing else that could have changed them since."""

    def change(resource: Resource) -> None:
        if not is_authorization(resource):
            return
        updated = datetime.fromisoformat(resource["meta"]["lastUpdated"]) + timedelta(days=21)
        resource["meta"]["lastUpdated"] = updated.isoformat()
        resource.pop("supportingInfo", None)
        for holder in list(elements(resource, "adjudication")):
            used = [one for one in holder["adjudication"] if has_code(one.get("category"), "consumedunits")]
            holder["adjudication"] = [one for one in holder["adjudication"] if one not in used]

    return altered(bodies, "ExplanationOfBenefit", change)


@as_stored.fault("drugs-are-mixed-into-authorizations", violates="CMS0057-PA-DATA-11")
def drugs_mixed_in(bodies: list[bytes]) -> list[bytes]:
    """Prior authorizations of items and services are for drugs."""

    def change(resource: Resource) -> None:
        for item in resource.get("item", ()) if is_authorization(resource) else ():
            item["productOrService"] = {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "00000000000"}]}

    return altered(bodies, "ExplanationOfBenefit", change)
