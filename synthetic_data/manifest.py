"""What the manifest says of a member: how to log in, what it is for, what its compartment holds."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from synthetic_data.records import Member, World

CODE_LISTS = {
    "icd-10-cm": "2026",
    "hcpcs-level-ii": "2026",
    "loinc": "2.80",
    "snomed-ct-us": "2025-09",
    "rxnorm": "2026",
    "cvx": "2026",
    "cdc-race-ethnicity": "1.0",
}


def member_entry(member: Member, resources: list[dict[str, Any]], world: World) -> dict[str, Any]:
    """The member's entry; totals count what is visible at the dataset's day, `arrives` lists what comes later."""
    totals: Counter[str] = Counter()
    arrives = []
    for resource in resources:
        received = resource["meta"]["lastUpdated"]
        if datetime.fromisoformat(received) > world.as_of:
            arrives.append({"reference": f"{resource['resourceType']}/{resource['id']}", "at": received})
        else:
            totals[resource["resourceType"]] += 1
    person = member.person
    return {
        "patient": member.id,
        "name": " ".join((*person.name.given, person.name.family)),
        "username": member.credentials.username,
        "password": member.credentials.password,
        "totp_seed": member.credentials.totp_seed,
        "answers": dict(member.credentials.answers),
        "unique_client_identifier": member.unique_client_identifier,
        "birth_date": person.birth_date.isoformat(),
        "line_of_business": member.line_of_business,
        "planted_for": list(member.planted_for),
        "totals": dict(sorted(totals.items())),
        "acts_for": [
            {
                "patient": one.patient,
                "relationship": one.relationship,
                "until": one.until.isoformat() if one.until else None,
                "related_person": one.related_person,
                "rights": list(one.rights),
            }
            for one in member.acts_for
        ],
        "withheld": list(member.withheld),
        "arrives": arrives,
        "consents": {
            "substance_use_disclosure": member.consents_to_substance_use_disclosure,
            "revoked": member.consent_revoked.isoformat() if member.consent_revoked else None,
        },
        "care_of": f"m{member.care_of:05d}" if member.care_of else None,
        "merged_identifiers": list(member.merged),
    }
