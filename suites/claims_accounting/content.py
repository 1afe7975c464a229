"""What a claim must say and point to: dates, sequences, identifiers, code shapes, coverage and insurer (CARIN Blue Button, cross-cutting guidance).

Pure functions over an ExplanationOfBenefit; coverage is given by reference. Dates are compared as written, at the precision both have,
so that no time zone is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from suites.claims_accounting import amounts
from suites.claims_accounting.amounts import Breach, Judged, Resource, Ruling, by_category, codes, objects
from suites.protocol.check_digits import npi_is_valid

NPI = "http://hl7.org/fhir/sid/us-npi"
NDC = "http://hl7.org/fhir/sid/ndc"
REVENUE = "https://www.nubc.org/CodeSystem/RevenueCodes"
RIDE = re.compile(r"^(A0\d{3}|T2\d{3}|S02\d{2})$")  # HCPCS Level II, transport
CONCRETE = "StructureDefinition/C4BB-ExplanationOfBenefit-"
PLACEHOLDER = "Dummy"  # what the guide's own examples show for codes of licensed lists
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
DIAGNOSES = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://terminology.hl7.org/CodeSystem/icd9cm",
)
REASONS = ("adjustmentreason", "rejectreason", "denialreason")
NETWORK = re.compile(r"network", re.IGNORECASE)


def before(one: str, other: str) -> bool:
    """Whether a date is earlier than another, as far as both say."""
    size = min(len(one[:10]), len(other[:10]))
    return one[:size] < other[:size]


def npis_have_check_digits(resource: Resource) -> Ruling:
    """Each NPI, wherever in the resource, has ten digits and its check digit."""
    for path, identifier in _identifiers(resource):
        yield Judged()
        value = str(identifier.get("value", ""))
        if not npi_is_valid(value):
            yield Breach(
                "an NPI has ten digits, the last of them its check digit", "a valid NPI", value or "none", path
            )


def _identifiers(part: object, path: str = "") -> Iterator[tuple[str, Resource]]:
    if isinstance(part, list):
        for one in part:
            yield from _identifiers(one, path)
    elif isinstance(part, dict):
        if part.get("system") == NPI:
            yield path, part
        for name, one in part.items():
            yield from _identifiers(one, f"{path}.{name}" if path else name)


def period(owner: object, name: str) -> tuple[str, str]:
    """Start and end of a Period, empty where open."""
    found = owner.get(name) if isinstance(owner, dict) else None
    return (str(found.get("start", "")), str(found.get("end", ""))) if isinstance(found, dict) else ("", "")


def services(claim: Resource) -> Iterator[tuple[str, str, str]]:
    """(path, first day, last day) of each line that has a date of service."""
    for index, line in enumerate(objects(claim, "item")):
        day = line.get("servicedDate")
        start, end = (day, day) if isinstance(day, str) else period(line, "servicedPeriod")
        if start:
            yield f"item[{index}]", start, end or start


def billable_period_covers_lines(claim: Resource) -> Ruling:
    """Every line was served within the billable period."""
    start, end = period(claim, "billablePeriod")
    for path, first, last in services(claim):
        if not start:
            yield Breach(
                "a claim with dated lines has the start of its billable period", "a date", "none", "billablePeriod"
            )
            return
        yield Judged()
        if before(first, start) or (end and before(end, last)):
            yield Breach(
                "a line was served within the billable period", f"{start} to {end}", f"{first} to {last}", path
            )


POINTERS = {
    "careTeamSequence": "careTeam",
    "diagnosisSequence": "diagnosis",
    "procedureSequence": "procedure",
    "informationSequence": "supportingInfo",
}


def pointers_lead_somewhere(claim: Resource) -> Ruling:
    """Sequences are used once, and what lines point to is there."""
    known = {name: [one.get("sequence") for one in objects(claim, name)] for name in (*POINTERS.values(), "item")}
    for name, sequences in known.items():
        yield Judged(len(sequences))
        if len(set(map(str, sequences))) != len(sequences):
            yield Breach("each sequence number is used once", "different numbers", str(sequences), name)
    for index, line in enumerate(objects(claim, "item")):
        for pointer, target in POINTERS.items():
            held = line.get(pointer)
            for sequence in held if isinstance(held, list) else []:
                yield Judged()
                if sequence not in known[target]:
                    yield Breach(
                        f"{pointer} points to a {target} of the claim",
                        str(known[target]),
                        str(sequence),
                        f"item[{index}].{pointer}",
                    )


def national_drug_codes_have_eleven_digits(claim: Resource) -> Ruling:
    """NDCs of claims are eleven digits without dashes (45 CFR 162.1002)."""
    for path, system, code in line_codes(claim):
        if system == NDC:
            yield Judged()
            if not re.fullmatch(r"\d{11}", code):
                yield Breach("an NDC on a claim has eleven digits", "eleven digits", code, path)


def revenue_codes_have_four_digits(claim: Resource) -> Ruling:
    """Revenue codes have four digits; the guide's placeholder is not judged."""
    for index, line in enumerate(objects(claim, "item")):
        for system, code in codes(line.get("revenue")):
            if system == REVENUE and code != PLACEHOLDER:
                yield Judged()
                if not re.fullmatch(r"\d{4}", code):
                    yield Breach("a revenue code has four digits", "four digits", code, f"item[{index}].revenue")


def line_codes(claim: Resource) -> Iterator[tuple[str, str, str]]:
    """(path, system, code) of what each line is for, parts of compounds too."""
    for index, line in enumerate(objects(claim, "item")):
        for path, owner in (
            (f"item[{index}]", line),
            *((f"item[{index}].detail", one) for one in objects(line, "detail")),
        ):
            for system, code in codes(owner.get("productOrService")):
                yield f"{path}.productOrService", system, code


def type_is_known(claim: Resource) -> Ruling:
    """A claim says what kind it is; a reason for its absence is no kind."""
    yield Judged()
    found = codes(claim.get("type"))
    if not found or any(system == ABSENT for system, _ in found):
        yield Breach("type is a claim type", "a claim type", str(found or "none"), "type")


def outcome_is_complete(claim: Resource) -> Ruling:
    """What a member is shown was adjudicated."""
    yield Judged()
    if claim.get("outcome") != "complete":
        yield Breach(
            "the outcome of an adjudicated claim is complete", "complete", str(claim.get("outcome")), "outcome"
        )


def meta_is_there(claim: Resource) -> Ruling:
    """meta says when the claim last changed and which profile it keeps to."""
    meta = claim.get("meta") if isinstance(claim.get("meta"), dict) else {}
    assert isinstance(meta, dict)
    yield Judged()
    if not meta.get("lastUpdated"):
        yield Breach("meta.lastUpdated is populated", "an instant", "none", "meta.lastUpdated")
    if not meta.get("profile"):
        yield Breach("meta.profile is populated", "a profile", "none", "meta.profile")


def diagnoses_are_of_the_code_systems(claim: Resource) -> Ruling:
    """Diagnoses are coded in ICD with a type each."""
    for index, one in enumerate(objects(claim, "diagnosis")):
        yield Judged()
        systems = [system for system, _ in codes(one.get("diagnosisCodeableConcept"))]
        if not set(systems) & set(DIAGNOSES):
            yield Breach(
                "a diagnosis is coded in ICD-10-CM or ICD-9-CM",
                "an ICD code",
                str(systems or "none"),
                f"diagnosis[{index}]",
            )
        if not objects(one, "type"):
            yield Breach("a diagnosis says its type", "a type", "none", f"diagnosis[{index}].type")


def supporting_info_is_there(claim: Resource) -> Ruling:
    """The date the claim was received is told, and of the care team who and in which role; a ride has none."""
    yield Judged()
    kinds = {code for one in objects(claim, "supportingInfo") for _, code in codes(one.get("category"))}
    if "clmrecvddate" not in kinds:
        yield Breach("a claim tells when it was received", "supportingInfo clmrecvddate", "none", "supportingInfo")
    billed = [code for line in objects(claim, "item") for _, code in codes(line.get("productOrService"))[:1]]
    ride = billed and all(RIDE.match(code) for code in billed)
    if not objects(claim, "careTeam") and not ride:
        yield Breach("a claim tells who gave the care", "careTeam", "none", "careTeam")
    for index, one in enumerate(objects(claim, "careTeam")):
        yield Judged()
        if not one.get("provider") or not codes(one.get("role")):
            yield Breach(
                "a care team tells who and in which role", "provider and role", "not both", f"careTeam[{index}]"
            )


def profile_is_concrete(claim: Resource) -> Ruling:
    """A claim that names a CARIN profile names the one of its kind; the abstract one is no claim's own."""
    meta = claim.get("meta")
    named = [str(one).partition("|")[0] for one in (meta.get("profile") or [])] if isinstance(meta, dict) else []
    if not any("carin-bb/StructureDefinition" in one for one in named):
        return
    yield Judged()
    if not any(CONCRETE in one for one in named):
        yield Breach("a claim names the concrete profile of its kind", f"{CONCRETE}…", ", ".join(named), "meta.profile")


def network_status_is_told(claim: Resource) -> Ruling:
    """Whether the provider was in the payer's network is told on the claim or its lines."""
    yield Judged()
    slices = [
        *objects(claim, "adjudication"),
        *(one for line in objects(claim, "item") for one in objects(line, "adjudication")),
        # Before CARIN 2.0.0 pharmacies tell it as a contract's status in supportingInfo.
        *(one for one in objects(claim, "supportingInfo") if list(codes(one.get("code")))),
    ]
    if not any(
        NETWORK.search(code) for one in slices for _, code in (*codes(one.get("category")), *codes(one.get("reason")))
    ):
        yield Breach(
            "a claim tells the network status of the provider", "in or out of network", "nothing", "adjudication"
        )


def denied_lines_say_why(claim: Resource) -> Ruling:
    """A line with an amount that is not covered carries a coded reason, on the line or on the claim."""
    whole = has_reason(objects(claim, "adjudication"))
    for index, line in enumerate(objects(claim, "item")):
        slices = objects(line, "adjudication")
        if by_category(slices).get("noncovered", 0) > 0:
            yield Judged()
            if not whole and not has_reason(slices):
                yield Breach(
                    "a denied line carries the reason", "a coded reason", "none", f"item[{index}].adjudication"
                )


def denied_claims_are_adjudicated(claim: Resource) -> Ruling:
    """A claim of which something was denied is shown as it was decided: complete, active, with its totals (42 CFR 431.60(b)(1))."""
    lines = [objects(line, "adjudication") for line in objects(claim, "item")]
    parts = [objects(claim, "adjudication"), *lines]
    if not any(has_reason(part) or by_category(part).get("noncovered", 0) > 0 for part in parts):
        return
    yield Judged()
    decided = claim.get("outcome") in ("complete", "partial", "error") and claim.get("status") in (
        "active",
        "cancelled",
    )
    if not decided or not objects(claim, "total"):
        told = f"{claim.get('status')}, {claim.get('outcome')}, {len(objects(claim, 'total'))} totals"
        yield Breach("a denied claim is shown as it was decided", "status, outcome and totals", told, "outcome")


def has_reason(slices: list[Resource]) -> bool:
    """Whether any slice gives a reason for a denial."""
    return any(
        codes(one.get("reason")) and any(code in REASONS for _, code in codes(one.get("category"))) for one in slices
    )


def remittance_is_told(claim: Resource) -> Ruling:
    """What was paid and what the member owes are told (42 CFR 431.60(b)(1))."""
    stated = {*by_category(objects(claim, "total")), *(name for line in amounts.line_amounts(claim) for name in line)}
    yield Judged()
    if not stated & {"benefit", "paidtoprovider", "paidtopatient"}:
        yield Breach(
            "a claim tells what the payer paid", "benefit or paid amount", ", ".join(sorted(stated)) or "none", "total"
        )
    if not stated & {"memberliability", "paidbypatient", *amounts.SHARES}:
        yield Breach(
            "a claim tells the member's share", "liability or shares", ", ".join(sorted(stated)) or "none", "total"
        )


def focal_coverage(claim: Resource) -> list[str]:
    """References of the coverage a claim was adjudicated under."""
    return [
        str(one["coverage"].get("reference", ""))
        for one in objects(claim, "insurance")
        if one.get("focal") is True and isinstance(one.get("coverage"), dict)
    ]


def coverage_was_in_force(claim: Resource, coverage: Mapping[str, Resource]) -> Ruling:
    """The focal coverage was in force on the days of service."""
    for reference in focal_coverage(claim):
        held = coverage.get(tail(reference))
        start, end = period(held, "period")
        if held is None or not start:
            continue
        for path, first, last in services(claim):
            yield Judged()
            if before(first, start) or (end and before(end, last)):
                yield Breach(
                    "the coverage was in force on the day of service",
                    f"{start} to {end or 'open'}",
                    f"{first} to {last}",
                    path,
                )


def focal_insurance_is_the_insurers(claim: Resource, coverage: Mapping[str, Resource]) -> Ruling:
    """Exactly one insurance is focal, and its coverage is paid by the insurer of the claim."""
    focal, insurer = focal_coverage(claim), claim.get("insurer")
    yield Judged()
    if len(focal) != 1:
        yield Breach("exactly one insurance of a claim is focal", "one", str(len(focal)), "insurance")
        return
    held = coverage.get(tail(focal[0]))
    if held is None:
        yield Breach("the focal coverage is in the member's record", focal[0], "not found", "insurance.coverage")
        return
    payors = [tail(str(one.get("reference", ""))) for one in objects(held, "payor")]
    named = tail(str(insurer.get("reference", ""))) if isinstance(insurer, dict) else ""
    if named not in payors:
        yield Breach(
            "the insurer of a claim is the payor of its focal coverage", str(payors), named or "none", "insurer"
        )


def tail(reference: str) -> str:
    """`Type/id` of a reference, whatever is around it."""
    return "/".join(reference.partition("/_history/")[0].rstrip("/").split("/")[-2:])


def coverage_is_the_members(coverage: Resource, patient: str) -> Ruling:
    """The beneficiary of a coverage in a member's record is that member."""
    beneficiary = coverage.get("beneficiary")
    named = str(beneficiary.get("reference", "")) if isinstance(beneficiary, dict) else ""
    if not named:
        return
    yield Judged()
    if named.partition("/_history/")[0].rpartition("/")[2] != patient:
        yield Breach("the beneficiary is the member", f"Patient/{patient}", named, "beneficiary")


def coverage_is_told(coverage: Resource) -> Ruling:
    """A coverage names its payor, beneficiary, relationship and period."""
    for name in ("payor", "beneficiary", "relationship", "period"):
        yield Judged()
        if not coverage.get(name):
            yield Breach(f"a coverage names its {name}", name, "none", name)


Rule = Callable[[Resource], Ruling]
CoverageRule = Callable[[Resource, Mapping[str, Any]], Ruling]
