"""A dataset small enough to know by heart: three members, their care and claims, a directory and a formulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC, CATEGORY = "http://loinc.org", "http://terminology.hl7.org/CodeSystem/observation-category"
PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"
FORMULARY = "http://hl7.org/fhir/us/davinci-drug-formulary/StructureDefinition/"
AS_OF = "2026-07-01T00:00:00-07:00"


def concept(system: str, code: str, display: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def meta(updated: str = "2026-06-01T08:00:00Z", profile: str = "", *labels: str) -> Resource:
    found: Resource = {"lastUpdated": updated}
    if profile:
        found["profile"] = [profile]
    if labels:
        found["security"] = [{"system": ACT_CODE, "code": label} for label in labels]
    return found


def member(number: int, family: str, given: str, born: str, gender: str) -> list[Resource]:
    patient = f"m{number}"
    subject = {"reference": f"Patient/{patient}"}
    found: list[Resource] = [
        {
            "resourceType": "Patient", "id": patient, "meta": meta(),
            "identifier": [{"system": "http://payer.example/member", "value": f"MEM-{number}", "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "MB")}],
            "name": [{"family": family, "given": [given, "Q."]}], "birthDate": born, "gender": gender,
            "address": [{"city": "Santa Rosa", "state": "CA", "postalCode": "95401"}],
            "telecom": [{"system": "phone", "value": f"555-010{number}"}],
        },
        {
            "resourceType": "Coverage", "id": f"{patient}-cov", "meta": meta(), "status": "active", "beneficiary": subject,
            "subscriber": {"reference": "Patient/m1"}, "payor": [{"reference": "Organization/org-payer"}],
            "period": {"start": "2024-01-01"},
        },
    ]  # fmt: skip
    for visit in range(1, 6):
        day = f"2026-0{visit}-1{number}"
        found += [
            {
                "resourceType": "Encounter", "id": f"{patient}-enc-{visit}", "meta": meta(f"{day}T20:00:00Z"), "status": "finished",
                "class": {"system": ACT_CODE, "code": "AMB"}, "type": [concept("http://snomed.info/sct", "185349003", "Encounter for check up")],
                "subject": subject, "period": {"start": f"{day}T09:00:00-08:00", "end": f"{day}T10:00:00-08:00"},
                "participant": [{"individual": {"reference": "Practitioner/prac-1"}}],
            },
            {
                "resourceType": "Observation", "id": f"{patient}-obs-{visit}", "meta": meta(f"{day}T20:00:00Z"), "status": "final",
                "category": [concept(CATEGORY, "survey" if visit % 2 else "laboratory")],
                "code": concept(LOINC, "44261-6" if visit % 2 else "2345-7", "PHQ-9 total score" if visit % 2 else "Glucose"),
                "subject": subject, "encounter": {"reference": f"Encounter/{patient}-enc-{visit}"},
                "effectiveDateTime": f"{day}T09:30:00-08:00",
                "valueQuantity": {"value": 4.5 + visit, "unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"},
                "performer": [{"reference": "Practitioner/prac-1"}],
            },
            {
                "resourceType": "ExplanationOfBenefit", "id": f"{patient}-eob-{visit}", "meta": meta(f"{day}T22:00:00Z", "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician|2.0.0"),
                "status": "active", "use": "claim", "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
                "patient": subject, "billablePeriod": {"start": day, "end": day}, "created": day, "outcome": "complete",
                "identifier": [{"system": "http://payer.example/claim", "value": f"CLM-{number}-{visit}"}],
                "insurer": {"reference": "Organization/org-payer"}, "provider": {"reference": "Organization/org-clinic"},
                "careTeam": [{"sequence": 1, "provider": {"reference": "Practitioner/prac-1"}}],
                "insurance": [{"focal": True, "coverage": {"reference": f"Coverage/{patient}-cov"}}],
                "item": [{"sequence": 1, "servicedDate": day}],
                "total": [{"category": concept("http://terminology.hl7.org/CodeSystem/adjudication", "submitted"), "amount": {"value": 100.0, "currency": "USD"}}],
            },
        ]  # fmt: skip
    found += [
        {
            "resourceType": "Condition", "id": f"{patient}-cond-1", "meta": meta(), "subject": subject,
            "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")],
            "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "F32.1", "Major depressive disorder"), "onsetDateTime": "2025-03",
        },
        {
            "resourceType": "Condition", "id": f"{patient}-cond-2", "meta": meta("2026-06-01T08:00:00Z", "", "42CFRPart2", "SUD"), "subject": subject,
            "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "F11.20", "Opioid dependence"), "onsetDateTime": "2025-09-09",
        },
        {
            "resourceType": "DocumentReference", "id": f"{patient}-doc-1", "meta": meta("2026-06-01T08:00:00Z", "", "PSYTHPN"),
            "status": "current", "subject": subject, "type": concept(LOINC, "11488-4"),
            "content": [{"attachment": {"contentType": "text/plain", "data": "bm90ZQ=="}}],
        },
        {
            "resourceType": "Encounter", "id": f"{patient}-enc-late", "meta": meta("2026-07-05T20:00:00Z"), "status": "finished",
            "class": {"system": ACT_CODE, "code": "AMB"}, "subject": subject, "period": {"start": "2026-07-03", "end": "2026-07-03"},
        },
        {
            "resourceType": "Provenance", "id": f"{patient}-prov-1", "meta": meta(), "recorded": "2026-06-01T08:00:00Z",
            "target": [{"reference": f"Condition/{patient}-cond-1"}, {"reference": f"Observation/{patient}-obs-1"}],
            "agent": [{"who": {"reference": "Organization/org-payer"}}],
        },
    ]  # fmt: skip
    return found


def shared() -> list[Resource]:
    return [
        {"resourceType": "Organization", "id": "org-payer", "meta": meta(), "active": True, "name": "Reference Plan"},
        {
            "resourceType": "Organization", "id": "org-clinic", "meta": meta("2026-06-01T08:00:00Z", PLAN_NET + "plannet-Organization"), "active": True,
            "name": "Clínica Ñandú", "address": [{"city": "Sonoma", "state": "CA", "postalCode": "95476"}],
        },
        {
            "resourceType": "Practitioner", "id": "prac-1", "meta": meta("2026-06-01T08:00:00Z", PLAN_NET + "plannet-Practitioner"),
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999992"}], "name": [{"family": "Okafor", "given": ["Ada"]}],
        },
        {
            "resourceType": "PractitionerRole", "id": "role-1", "meta": meta("2026-06-01T08:00:00Z", PLAN_NET + "plannet-PractitionerRole"),
            "practitioner": {"reference": "Practitioner/prac-1"}, "organization": {"reference": "Organization/org-clinic"},
            "specialty": [concept("http://nucc.org/provider-taxonomy", "101YM0800X")], "location": [{"reference": "Location/loc-1"}],
        },
        {
            "resourceType": "Location", "id": "loc-1", "meta": meta("2026-06-01T08:00:00Z", PLAN_NET + "plannet-Location"), "status": "active",
            "name": "Plaza site", "managingOrganization": {"reference": "Organization/org-clinic"},
            "address": {"line": ["1 Plaza"], "city": "Sonoma", "state": "CA", "postalCode": "95476"},
        },
        {
            "resourceType": "InsurancePlan", "id": "plan-drugs", "meta": meta("2026-06-01T08:00:00Z", FORMULARY + "usdf-Formulary"), "status": "active",
            "type": [concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "DRUGPOL")], "name": "Drug list 2026",
        },
        {
            "resourceType": "MedicationKnowledge", "id": "drug-1", "meta": meta("2026-06-01T08:00:00Z", FORMULARY + "usdf-FormularyDrug"), "status": "active",
            "code": concept("http://www.nlm.nih.gov/research/umls/rxnorm", "312938", "sertraline 50 MG Oral Tablet"),
        },
        {
            "resourceType": "Basic", "id": "item-1", "meta": meta("2026-06-01T08:00:00Z", FORMULARY + "usdf-FormularyItem"),
            "code": concept("http://hl7.org/fhir/us/davinci-drug-formulary/CodeSystem/usdf-InsuranceItemTypeCS", "formulary-item"),
            "subject": {"reference": "MedicationKnowledge/drug-1"},
            "extension": [
                {"url": FORMULARY + "usdf-FormularyReference-extension", "valueReference": {"reference": "InsurancePlan/plan-drugs"}},
                {"url": FORMULARY + "usdf-PriorAuthorization-extension", "valueBoolean": True},
                {"url": FORMULARY + "usdf-DrugTierID-extension", "valueCodeableConcept": concept("http://payer.example/tier", "generic")},
            ],
        },
    ]  # fmt: skip


def resources() -> list[Resource]:
    people = [
        ("Ångström", "Elin", "1980-02-29", "female"),
        ("Baker", "Sam", "1975-07-01", "male"),
        ("Chen", "Li", "2012-11-30", "female"),
    ]
    members = [
        one
        for number, (family, given, born, gender) in enumerate(people, 1)
        for one in member(number, family, given, born, gender)
    ]
    return members + shared()


def write(folder: Path) -> Path:
    """The dataset in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    by_type: dict[str, list[Resource]] = {}
    for resource in resources():
        by_type.setdefault(resource["resourceType"], []).append(resource)
    for name, found in by_type.items():
        lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in found]
        (folder / f"{name}.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    manifest = {
        "format": 1, "generator": "0.1.0", "seed": 7, "family": "legacy", "members_requested": 3, "shard": [1, 1], "as_of": AS_OF,
        "counts": {name: len(found) for name, found in by_type.items()}, "code_lists": {},
        "payer": {"organization": "org-payer", "name": "Reference Plan", "npi": "1999999984"},
        "members": [
            {
                "patient": f"m{number}", "username": f"member{number}", "password": "correct horse battery staple", "totp_seed": "JBSWY3DPEHPK3PXP",
                "answers": {}, "unique_client_identifier": f"UCI-{number}", "birth_date": "1980-02-29", "line_of_business": "bh",
                "planted_for": ["basic"], "totals": {}, "acts_for": [], "withheld": [],
            }
            for number in (1, 2, 3)
        ],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder
