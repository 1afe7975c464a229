"""What differs between CARIN Blue Button 1.0.0, 1.1.0 and 2.0.0, as constants built once a version (CARIN IG, profiles of C4BB).

Licensed code lists (AMA, NUBC, NCPDP, ADA, X12) are used with the codes alone, and only with codes that the official examples
show; where an example prints the placeholder `Dummy` for a list, so do we. Remittance advice remark codes and the indicator of
presence on admission are published by CMS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from synthetic_data.payer.adjudication import Amounts
from synthetic_data.payer.fhir import CARIN, Json, coding, concept

C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"
CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
DIAGNOSIS_TYPE = "http://terminology.hl7.org/CodeSystem/ex-diagnosistype"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
NDC = "http://hl7.org/fhir/sid/ndc"
CDT = "http://www.ada.org/cdt"
NUCC = "http://nucc.org/provider-taxonomy"
PLACE_OF_SERVICE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
MS_DRG = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software"
REMARK = "https://x12.org/codes/remittance-advice-remark-codes"
NUBC = "https://www.nubc.org/CodeSystem/"
TOOTH = "http://terminology.hl7.org/CodeSystem/ADAUniversalToothDesignationSystem"
ORAL_AREA = "http://terminology.hl7.org/CodeSystem/ADAAreaOralCavitySystem"
AMBULANCE_REASON = "https://x12.org/codesystem.x12.org/ambulance-transport-reason-codes"
DUMMY = "Dummy"

PROFILE_OF_KIND = {
    "professional": "C4BB-ExplanationOfBenefit-Professional-NonClinician",
    "inpatient": "C4BB-ExplanationOfBenefit-Inpatient-Institutional",
    "outpatient": "C4BB-ExplanationOfBenefit-Outpatient-Institutional",
    "pharmacy": "C4BB-ExplanationOfBenefit-Pharmacy",
    "oral": "C4BB-ExplanationOfBenefit-Oral",
}

# Categories of amounts in the order they are printed: the field of `Amounts`, the category, whether it is printed when it is zero.
AMOUNT_CATEGORIES: tuple[tuple[str, str, str, str, bool], ...] = (
    ("submitted", ADJUDICATION, "submitted", "Submitted Amount", True),
    ("noncovered", C4BB + "C4BBAdjudication", "noncovered", "Noncovered", True),
    ("eligible", ADJUDICATION, "eligible", "Eligible Amount", True),
    ("discount", C4BB + "C4BBAdjudication", "discount", "Discount", True),
    ("deductible", ADJUDICATION, "deductible", "Deductible", True),
    ("copay", ADJUDICATION, "copay", "CoPay", True),
    ("coinsurance", C4BB + "C4BBAdjudication", "coinsurance", "Co-insurance", True),
    ("benefit", ADJUDICATION, "benefit", "Benefit Amount", True),
    ("prior_payer_paid", C4BB + "C4BBAdjudication", "priorpayerpaid", "Prior payer paid", False),
    ("paid_to_provider", C4BB + "C4BBAdjudication", "paidtoprovider", "Paid to provider", True),
    ("paid_to_patient", C4BB + "C4BBAdjudication", "paidtopatient", "Paid to patient", False),
    ("paid_by_patient", C4BB + "C4BBAdjudication", "paidbypatient", "Paid by patient", False),
    ("member_liability", C4BB + "C4BBAdjudication", "memberliability", "Member liability", True),
    ("drug_cost", C4BB + "C4BBAdjudication", "drugcost", "Drug cost", False),
)
CATEGORIES: tuple[tuple[int, Json, bool], ...] = tuple(
    (Amounts._fields.index(name), concept(system, code, display), always)
    for name, system, code, display, always in AMOUNT_CATEGORIES
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the guide: codes and shapes that are not the same in all three."""

    number: str
    second: bool
    profiles: dict[str, list[str]]
    hcpcs: str
    ncpdp: dict[str, str]
    rendering: str
    discriminator: dict[str, Json]
    status: dict[str, Json]
    line_status: dict[bool, Json]
    info: dict[str, Json]
    identifier_type: Json
    reason_of_line: Json
    reason_of_fill: Json
    brand: str


@lru_cache(maxsize=4)
def version(number: str) -> Version:
    """The constants of a version."""
    if number not in {"1.0.0", "1.1.0", "2.0.0"}:
        raise ValueError(f"CARIN Blue Button {number} is not rendered: take 1.0.0, 1.1.0 or 2.0.0")
    first, second = number == "1.0.0", number == "2.0.0"
    bar = "" if first else f"|{number}"
    prefix = "http://terminology.hl7.org/CodeSystem/NCPDP" + ("/" if first else "")
    names = {
        "daw": "DispensedAsWrittenOrProductSelectionCode",
        "brand": "BrandGenericIndicator",
        "origin": "PrescriptionOriginCode",
        "compound": "CompoundCode",
        "reject": "RejectCode",
    }
    discriminators = {
        code: concept(C4BB + "C4BBAdjudicationDiscriminator", code)
        for code in ("allowedunits", "adjustmentreason", "rejectreason", "denialreason", "billingnetworkstatus", "renderingnetworkstatus", "benefitpaymentstatus")
    }  # fmt: skip
    statuses = {
        code: concept(C4BB + "C4BBPayerAdjudicationStatus", code, display)
        for code, display in (
            ("innetwork", "In Network"),
            ("outofnetwork", "Out Of Network"),
            ("other", "Other"),
            ("contracted", "Contracted"),
            ("noncontracted", "Non-Contracted"),
            ("paid", "Paid"),
            ("denied", "Denied"),
            ("partiallypaid", "Partially Paid"),
        )
    }
    line_statuses = {
        network: statuses["innetwork" if network else "outofnetwork"]
        if not first
        # 1.0.0 binds the category of a line to one value set and that of its slice inoutnetwork to another: both are met.
        else {
            "coding": [
                coding(C4BB + "C4BBAdjudicationDiscriminator", "inoutnetwork"),
                *statuses["innetwork" if network else "outofnetwork"]["coding"],
            ]
        }
        for network in (True, False)
    }
    infos = {
        code: concept(C4BB + "C4BBSupportingInfoType", code)
        for code in (
            "admissionperiod", "pointoforigin", "admtype", "brandgenericindicator", "brandgenericcode", "clmrecvddate",
            "compoundcode", "dawcode", "dayssupply", "discharge-status", "drg", "refillnum", "refillsauthorized",
            "rxorigincode", "servicefacility", "typeofbill", "medicalrecordnumber", "patientaccountnumber", "orthodontics",
            "prosthesis", "additionalbodysite", "missingtoothnumber", "patientweight", "ambulancetransportreason",
            "transportationdistance", "roudtrippurpose", "stretcherpurpose", "pickuplocation", "dropofflocation",
            "billingnetworkcontractingstatus", "performingnetworkcontractingstatus",
        )
    }  # fmt: skip
    return Version(
        number=number,
        second=second,
        profiles={kind: [f"{CARIN}{name}{bar}"] for kind, name in PROFILE_OF_KIND.items() if second or kind != "oral"},
        hcpcs=("https" if second else "http") + "://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        ncpdp={key: prefix + name for key, name in names.items()},
        rendering="rendering" if second else "performing",
        discriminator=discriminators,
        status=statuses,
        line_status=line_statuses,
        info=infos,
        identifier_type=concept(C4BB + "C4BBIdentifierType", "uc", "Unique Claim ID"),
        reason_of_line=discriminators["adjustmentreason" if second else "denialreason"],
        reason_of_fill=discriminators["rejectreason" if second else "denialreason"],
        brand="brandgenericcode" if first else "brandgenericindicator",
    )


@lru_cache(maxsize=65_536)
def money(cents: int) -> Json:
    """Money in US dollars; shared, because the same few thousand amounts come again and again."""
    return {"value": cents / 100 if cents % 100 else cents // 100, "currency": "USD"}


@lru_cache(maxsize=16_384)
def amounts(found: Amounts) -> tuple[Json, ...]:
    """Adjudications or totals of a line or claim, shared: zeros of rare categories are left out."""
    return tuple(
        {"category": category, "amount": money(found[index])}
        for index, category, always in CATEGORIES
        if always or found[index]
    )


@lru_cache(maxsize=4_096)
def code_concept(system: str, code: str, display: str = "") -> Json:
    """A CodeableConcept, shared; of the code alone where its list is licensed."""
    return concept(system, code, display)


ROLE_SYSTEMS = {
    "primary": "http://terminology.hl7.org/CodeSystem/claimcareteamrole",
    "supervisor": "http://terminology.hl7.org/CodeSystem/claimcareteamrole",
}


@lru_cache(maxsize=32)
def role_concept(role: str) -> Json:
    """A care team role."""
    return concept(ROLE_SYSTEMS.get(role, C4BB + "C4BBClaimCareTeamRole"), role)


@lru_cache(maxsize=16)
def diagnosis_type(kind: str) -> Json:
    """A type of diagnosis."""
    system = DIAGNOSIS_TYPE if kind in {"principal", "admitting"} else C4BB + "C4BBClaimDiagnosisType"
    return concept(system, kind)


RELATED = {
    "prior": concept("http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "prior", "Prior Claim"),
    "replacedby": concept(C4BB + "C4BBRelatedClaimRelationshipCodes", "replacedby", "Replaced by claim number"),
}
PAYEE = {
    "provider": concept("http://terminology.hl7.org/CodeSystem/payeetype", "provider", "Provider"),
    "beneficiary": concept(C4BB + "C4BBPayeeType", "beneficiary", "Beneficiary"),
    "subscriber": concept("http://terminology.hl7.org/CodeSystem/payeetype", "subscriber", "Subscriber"),
}
SUBTYPE = {
    kind: concept(C4BB + "C4BBInstitutionalClaimSubType", kind, kind.capitalize())
    for kind in ("inpatient", "outpatient")
}
TYPE = {
    "professional": concept(CLAIM_TYPE, "professional", "Professional"),
    "inpatient": concept(CLAIM_TYPE, "institutional", "Institutional"),
    "outpatient": concept(CLAIM_TYPE, "institutional", "Institutional"),
    "pharmacy": concept(CLAIM_TYPE, "pharmacy", "Pharmacy"),
    "oral": concept(CLAIM_TYPE, "oral", "Oral"),
}
POUNDS = {"unit": "[lb_av]", "system": "http://unitsofmeasure.org", "code": "[lb_av]"}
MILES = {"unit": "[mi_i]", "system": "http://unitsofmeasure.org", "code": "[mi_i]"}
AMBULANCE_FOR_CARE = coding(AMBULANCE_REASON, "B")
